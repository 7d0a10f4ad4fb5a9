"""Values of `context` are of the kinds that decisions declare for them."""

from __future__ import annotations

import pytest

from parcours.core.offers.asking import objection
from parcours.journey.model.traits import Kind
from parcours.journey.offers import Decision, Offers


def declaring(kind: str) -> Offers:
    return Offers(decisions={"best": Decision("best", (), 1, True, None, {"value": kind})})


TAKEN: dict[Kind, list[object]] = {
    "string": ["", "a"],
    "number": [1, 1.5, 0],
    "integer": [1, -2, 3.0],
    "boolean": [True, False],
    "timestamp": ["2026-03-01T10:00:00Z", "2026-03-01"],
    "date": ["2026-03-01", "2026-03-01T10:00:00Z"],
    "object": [{}, {"a": 1}],
    "list": [[], ["a"]],
}
REFUSED: dict[Kind, list[object]] = {
    "string": [1, True, {}, [], {"a"}],
    "number": ["1", True, {}],
    "integer": [1.5, "1", True],
    "boolean": [1, 0, "true"],
    "timestamp": ["soon", 1_772_442_000, {}],
    "date": ["soon", 20260301],
    "object": [[], "a"],
    "list": [{}, "a", {"a"}],
}


@pytest.mark.parametrize("kind", TAKEN)
def test_a_value_has_the_declared_kind(kind: Kind) -> None:
    for value in (*TAKEN[kind], None):
        assert objection(["best"], [], {"value": value}, declaring(kind)) is None
    for value in REFUSED[kind]:
        reason = objection(["best"], [], {"value": value}, declaring(kind))
        assert reason is not None and reason.startswith("context.value is a") and kind in reason


def test_what_two_decisions_declare_otherwise_suits_both() -> None:
    decisions = {**declaring("string").decisions, "other": Decision("other", (), 1, True, None, {"value": "number"})}
    offers = Offers(decisions=decisions)

    assert objection(["best"], [], {"value": "a"}, offers) is None
    assert objection(["best", "other"], [], {"value": "a"}, offers) == "context.value is a number, and not 'a'"
