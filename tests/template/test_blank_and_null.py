"""Does a template treat what has no value as Shopify's Liquid does?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.template.conftest import Filled

DATA: Mapping[str, object] = {
    "null": None,
    "list": [],
    "object": {},
    "spaces": " \n",
    "text": "a",
    "items": ["a"],
    "zero": 0,
}


@pytest.mark.parametrize(
    "value, blank, empty",
    [
        ("nil", True, False),
        ("null", True, False),
        ("missing", True, False),
        ("items[5]", True, False),
        ("text.nothing", True, False),
        ("false", True, False),
        ("true", False, False),
        ("''", True, True),
        ("spaces", True, False),
        ("list", True, True),
        ("object", True, True),
        ("text", False, False),
        ("items", False, False),
        ("zero", False, False),
        ("0", False, False),
        ("blank", True, False),
        ("empty", False, True),
    ],
)
def test_blank_is_what_says_nothing_and_empty_what_holds_nothing(
    value: str, blank: bool, empty: bool, filled: Filled
) -> None:
    template = "{% if A == B %}equal{% endif %},{% if A != B %}different{% endif %}"

    for word, equal in [("blank", blank), ("empty", empty)]:
        expected = "equal," if equal else ",different"
        for left, right in [(value, word), (word, value)]:
            assert filled(template.replace("A", left).replace("B", right), DATA) == expected, (left, right)


@pytest.mark.parametrize(
    "template, expected",
    [
        ("{% unless missing != blank %}x{% endunless %}", "x"),
        ("{% case missing %}{% when 'a' %}a{% when blank %}b{% else %}c{% endcase %}", "b"),
        ("{% case text %}{% when blank %}b{% when 'a', 'b' %}a{% endcase %}", "a"),
        ("{% if text == 'a' and missing == blank or zero == 1 %}x{% endif %}", "x"),
        ("{% assign none = blank %}{% if missing == none %}x{% endif %}", "x"),
        ("{% for i in items %}{% if i != blank %}{{ i }}{% endif %}{% endfor %}", "a"),
        ("{% if blank %}x{% endif %}{{ blank }}", "x"),
    ],
)
def test_blank_means_the_same_in_every_tag(template: str, expected: str, filled: Filled) -> None:
    assert filled(template, DATA) == expected


NULLS: Mapping[str, object] = {
    "null": None,
    "list": ["b", None, "a"],
    "products": [{"name": "Mat", "size": None}, {"name": None}, {"name": "Bag"}, {}],
}


@pytest.mark.parametrize(
    "template, expected",
    [
        ("{{ null }}", ""),
        ("{{ list }}", "ba"),
        ("{{ list | join: ', ' }}", "b, , a"),
        ("{{ products | map: 'name' | join: ', ' }}", "Mat, , Bag, "),
        ("{{ products[0].size | join: ', ' }}", ""),
        ("{{ products[0].size | date: '%d %B' }}", ""),
        ("{{ products[0].size | reverse | join: ',' }}", ""),
        ("{{ list | reverse | join: ',' }}", "a,,b"),
        ("{{ products[0].size | uniq | join: ',' }}", ""),
        ("{{ list | concat: list | uniq | join: ',' }}", "b,,a"),
        ("{{ products[0].size | concat: list | join: ',' }}", "b,,a"),
        ("{{ null | slice: 0, 2 }}", ""),
        ("{{ list | slice: 1, 2 | join: ',' }}", ",a"),
        ("{{ list | sort | join: ',' }}", "a,b,"),
        ("{{ list | sort_natural | join: ',' }}", "a,b,"),
        ("{{ products | sort: 'name' | map: 'name' | join: ',' }}", "Bag,Mat,,"),
        ("{{ products | sort_natural: 'name' | map: 'name' | join: ',' }}", "Bag,Mat,,"),
        ("{{ products | map: 'name' | sort | join: ',' }}", "Bag,Mat,,"),
        ("{{ products | map: 'name' | compact | join: ',' }}", "Mat,Bag"),
        ("{{ list | compact | size }}", "2"),
        ("{{ products | where: 'name' | size }}", "2"),
        ("{{ 'a' | append: null }}{{ 'b' | prepend: null }}", "ab"),
        ("{{ 'a b' | replace: ' ', null }}", "ab"),
        ("{{ list | join: null }}", "ba"),
        ("{{ null | default: 'x' }}{{ null | size }}{{ null | upcase }}", "x0"),
        ("{{ null | plus: 1 }}", "1"),
        ("{% for i in null %}x{% endfor %}{% for i in list %}<{{ i }}>{% endfor %}", "<b><><a>"),
        ("{{ list | first }}{{ list[1] }}{{ products[1].name.first }}", "b"),
        ("{{ products[0] | json }}", '{"name":"Mat","size":null}'),
        ("{{ missing | json }}", "null"),
    ],
)
def test_a_null_inside_of_data_renders_as_nothing_and_comes_last(template: str, expected: str, filled: Filled) -> None:
    assert filled(template, NULLS) == expected
    assert filled(template, NULLS, html=True) == expected.replace('"', "&#34;")


@pytest.mark.parametrize(
    "template, expected",
    [
        ("{{ a | sort | join: '#' }}", "1#2#30"),
        ("{{ 'BzA' | sort | join: '#' }}", "BzA"),
        ("{{ 123 | sort | join: '#' }}", "123"),
        ("{{ b | uniq | join: '#' }}", "1#true#a"),
        ("{{ c | uniq | size }}", "2"),
        ("{{ c | uniq: 'k' | size }}", "2"),
    ],
)
def test_lists_without_nulls_are_sorted_and_thinned_out_as_ever(template: str, expected: str, filled: Filled) -> None:
    data: Mapping[str, object] = {
        "a": [30, 1, 2],
        "b": [1, True, 1, "a", "a"],
        "c": [{"k": [1]}, {"k": [1]}, {"k": [2]}],
    }

    assert filled(template, data) == expected
