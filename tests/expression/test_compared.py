"""Which texts an expression names, and of which of them its name has to be one."""

from __future__ import annotations

import pytest

from parcours.expression.expression import compile_expression


@pytest.mark.parametrize(
    ("text", "compared", "confined"),
    [
        ('event.place == "a"', "a", "a"),
        ('"a" == event.place', "a", "a"),
        ('event.place in ["a", "b"] && event.dwell > 3', "ab", "ab"),
        ('event.place in ["a", "b"] && event.place == "b"', "ab", "b"),
        ('event.place == "a" || event.place == "b"', "ab", None),  # as far as can be seen at a glance
        ('event.place == "a" || event.dwell > 3', "a", None),
        ('event.place != "a"', "a", None),
        ('!(event.place == "a")', "a", None),
        ('event.place in ["a", event.name]', None, None),
        ("event.place == 3", None, None),
        ('event.place.startsWith("a")', None, None),
    ],
)
def test_an_expression_tells_which_texts_it_names(text: str, compared: str | None, confined: str | None) -> None:
    expression = compile_expression(text)

    assert "".join(sorted(expression.compared.get("event.place", ()))) == (compared or "")
    found = expression.confined.get("event.place")
    assert (None if found is None else "".join(sorted(found))) == confined
