"""What several conditions ask of an event is looked at once, and comes to what each would find alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from parcours.expression.expression import Expression, Names, Scope, compile_expression
from parcours.expression.names import Past
from parcours.expression.trees import Trees

FEW = "(event.items > 7 || (event.total > 298 && event.items < 3))"
KINDS = {"items": "integer", "total": "number", "at": "timestamp"}


class Event(dict[str, object]):
    """Counts how often each property is read."""

    def __init__(self, properties: Mapping[str, object]) -> None:
        super().__init__(properties)
        self.reads: Counter[str] = Counter()

    def get(self, key: str, otherwise: Any = None) -> Any:
        self.reads[key] += 1
        return super().get(key, otherwise)


def compiled(*texts: str, **event: str) -> list[Expression]:
    past = Past({"*": {"*": "any"}}, frozenset("*"), frozenset("*"))
    names = Names({"*": "any"}, {**KINDS, **event}, past=past, trees=Trees())
    return [compile_expression(text, names) for text in texts]


def test_what_several_conditions_ask_of_an_event_is_looked_at_once() -> None:
    conditions = compiled(*(f"event.total > {bound} && {FEW}" for bound in (1, 2, 3, 4, 5, 6)))
    event = Event({"items": 5, "total": 100})
    scope = Scope(event=event, found={})
    assert [each.unmet(scope) for each in conditions[:2]] == [
        "event.items > 7 is false; event.total > 298 is false; event.items < 3 is false"
    ] * 2
    read = event.reads["items"]

    told = {each.unmet(scope) for each in conditions[2:]}

    assert told == {conditions[0].unmet(Scope(event={"items": 5, "total": 100}))}
    assert event.reads["items"] == read


@pytest.mark.parametrize("event", [{}, {"items": 9}, {"items": 2, "total": 299}, {"items": "many", "total": 5}])
def test_a_shared_part_comes_to_the_same(event: dict[str, object]) -> None:
    texts = [FEW, f"event.total > 1 && {FEW}", f"!({FEW})", f"{FEW} ? true : event.total > 5", f"profile.a || {FEW}"]
    scope = Scope(event=event, found={})

    shared = [(each.value(scope), each.unmet(scope)) for each in compiled(*texts)]

    alone = [each for text in texts for each in compiled(text)]
    assert shared == [(each.value(Scope(event=event)), each.unmet(Scope(event=event))) for each in alone]


def test_what_is_found_for_one_event_says_nothing_of_another() -> None:
    _, condition = compiled(FEW, FEW)

    assert [condition.holds(Scope(event={"items": items}, found={})) for items in (8, 7, 9)] == [True, False, True]


@pytest.mark.parametrize(
    "part",
    [
        "(event.total > 1 && profile.vip == true)",
        '(event.total > 1 && count("Bought", "1d") > 0)',
        "(event.total > 1 && now > event.at)",
        "(event.total > 1 && event.list.exists(each, each > 1))",
    ],
)
def test_a_part_that_asks_for_more_than_the_event_is_looked_at_each_time(part: str) -> None:
    _, condition = compiled(part, f"event.items > 1 || {part}", list="list")
    scope = Scope(event={"items": 1, "total": 5, "at": "2026-01-01T00:00:00Z", "list": [1, 2]}, found={})

    condition.holds(scope)

    assert scope.found == {}


def test_a_part_whose_names_are_of_other_kinds_is_another_one() -> None:
    trees = Trees()
    as_text, as_time = (
        compile_expression("event.at == '2026-01-01' || event.at == 'x'", Names({}, {"at": kind}, trees=trees))
        for kind in ("string", "timestamp")
    )
    scope = Scope(event={"at": "2026-01-01"}, found={})

    assert (as_text.holds(scope), as_time.holds(scope)) == (True, False)
