"""Is a template refused before it takes memory or time, and not afterwards?"""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest
from liquid.exceptions import LiquidError, LiquidSyntaxError

from parcours.journey.compile.templates import read_template
from parcours.template.rendering import OUTPUT_BYTES_MAX

if TYPE_CHECKING:
    from tests.template.conftest import Filled

BIO = 32_000
ENOUGH_BYTES = 40 * OUTPUT_BYTES_MAX
"""What rendering may take at worst: far less than what these templates ask for."""


@pytest.mark.parametrize(
    "template",
    [
        "{{ bio | replace: ' ', bio }}",
        "{{ bio | replace: '', bio }}",
        "{{ bio | replace: ' ', bio | size }}",  # what is never written counts, too
        "{{ bio | split: '' | join: bio }}",
        "{% assign x = (1..100000000) %}{{ x | join: ',' | size }}",
        "{% for i in (1..100000000) reversed %}{% break %}{% endfor %}",
        "{{ (1..100000000) | reverse | size }}",
        "{% tablerow i in (1..100000000) %}{% endtablerow %}",
        "{% assign x = bio %}{% for i in (1..30) %}{% assign x = x | append: x %}{% endfor %}",
        "{% assign x = items %}{% for i in (1..30) %}{% assign x = x | concat: x %}{% endfor %}",
        "{% assign x = 7 %}{% for i in (1..40) %}{% assign x = x | times: x %}{% endfor %}",
        "{{ 5 | round: -100000000 }}",
        "{% for i in (1..1000) %}{% assign n = bio | upcase | size %}{% endfor %}",
        "{% assign x = items %}{% for i in (1..9) %}{% assign x = x | concat: x %}{% endfor %}{{ x | json | size }}",
    ],
)
def test_what_would_take_too_much_is_refused_before_it_begins(template: str, filled: Filled) -> None:
    data = {"bio": " " * BIO, "items": [{"text": "x" * 1_000}] * 30}
    tracemalloc.start()
    try:
        with pytest.raises((LiquidError, ValueError), match="limit|digits"):
            filled(template, data)
        assert tracemalloc.get_traced_memory()[1] < ENOUGH_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "template",
    [
        "{{" * 500_000,
        "{{ a" * 500_000,
        "{% if" * 500_000,
        "{% raw %}" * 400_000,
        "{%    raw %}" * 400_000 + "endraw",
        "{%- doc -%}" * 400_000,
        "{{ a" + " " * 1_000_000 + "}}",
        "{% if a %}{%" + "\n" * 1_000_000 + "endif %}",
    ],
)
def test_what_would_take_hours_to_read_is_refused_before_it_is_read(template: str, filled: Filled) -> None:
    with pytest.raises(LiquidSyntaxError, match="never closed|blanks"):
        filled(template)
    (complaint,) = read_template(template).complaints  # nor does it take hours to say what may be meant
    assert "never closed" in complaint or "blanks" in complaint


@pytest.mark.parametrize(
    "template, expected",
    [
        ("{% raw %}" + "{{" * 100 + "{% endraw %}{{ 1 }}", "{{" * 100 + "1"),
        (" " * 2_000 + "{{ 1 }}" + "\n" * 2_000, " " * 2_000 + "1" + "\n" * 2_000),
        ("{{" + " " * 500 + "1" + "\n" * 500 + "}}", "1"),
    ],
)
def test_what_is_long_and_sound_is_read(template: str, expected: str, filled: Filled) -> None:
    assert filled(template) == expected


@pytest.mark.parametrize(
    "template, expected",
    [
        ("{{ bio | replace: ' ', 'x' | size }}", str(BIO)),
        ("{{ bio | split: ' ' | size }}", "0"),
        ("{% for i in (1..1000) %}{% assign s = word | upcase %}{% endfor %}{{ s }}", "WORD"),
        ("{{ many | uniq | join: ',' }}", "0"),  # sixteen thousand equal ones are no reason to fail
        ("{% for i in (1..100000) limit: 2 %}{{ i }}{% endfor %}", "12"),
        ("{{ 99999999999 | times: 99999999999 }}", "9999999999800000000001"),
    ],
)
def test_what_mail_needs_is_far_below_the_bounds(template: str, expected: str, filled: Filled) -> None:
    assert filled(template, {"bio": " " * BIO, "word": "word", "many": [0] * 16_000}) == expected
