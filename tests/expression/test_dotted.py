"""Dotted paths: keys that have a dot in them stand in quotes."""

from __future__ import annotations

import pytest

from parcours.expression.dotted import joined_path, split_path
from parcours.expression.expression import ExpressionError, Names, Scope, compile_expression
from parcours.journey.compile.templates import read_template


@pytest.mark.parametrize(
    "path, keys",
    [
        ("cart", ["cart"]),
        ("cart.total", ["cart", "total"]),
        ('"utm.source"', ["utm.source"]),
        ('cart."price.net".eur', ["cart", "price.net", "eur"]),
        ('size 7"', ['size 7"']),
    ],
)
def test_a_path_is_split_and_joined_by_its_keys(path: str, keys: list[str]) -> None:
    assert split_path(path) == keys
    assert joined_path(keys) == path


def test_an_expression_reads_a_key_with_a_dot_that_is_declared_in_quotes() -> None:
    names = Names(event={'"utm.source"': "string", "utm": "object"})

    condition = compile_expression('event["utm.source"] == "ad"', names)

    assert condition.paths == {'event."utm.source"'}
    assert condition.holds(Scope(event={"utm.source": "ad"}))
    assert condition.unmet(Scope(event={"utm": {"source": "ad"}})) == 'event."utm.source" is missing'


def test_a_key_with_a_dot_that_is_not_declared_is_unknown() -> None:
    with pytest.raises(ExpressionError, match=r'unknown name event\."utm\.sorce", did you mean'):
        compile_expression('event["utm.sorce"] == "ad"', Names(event={'"utm.source"': "string"}))


def test_a_template_reads_such_a_key_too() -> None:
    assert read_template('{{ event["utm.source"] }}').paths == {'event."utm.source"'}
