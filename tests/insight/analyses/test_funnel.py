"""What a funnel counts of made-up units, case by case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.insight.analyses.made_up import person, triggers

from parcours.errors import CallerError
from parcours.expression.expression import compile_expression
from parcours.insight.analyses.funnel import funnel, matches
from parcours.insight.analyses.funnel_any import AnyOrder
from parcours.insight.analyses.funnel_chain import OrderedChains
from parcours.insight.analyses.funnel_groups import by_person
from parcours.insight.analyses.funnel_people import funnel_people
from parcours.insight.analyses.triggers import Sighting, Triggers
from parcours.journey.analyses import ByProperty, ByTrait, Funnel, FunnelOrder


def asked(*steps: str, **more: Any) -> Funnel:
    return Funnel(name="f", steps=triggers(*steps), **more)


AB, ABC = ("A", "B"), ("A", "B", "C")


@pytest.mark.parametrize(
    "funnel_asked, events, chain",
    [
        (asked(*ABC), "A0 X1 B2 X3 C4", (0, 2, 4)),  # anything may lie between
        (asked(*ABC), "B0 C1 A2", (2,)),  # only in this order
        (asked(*ABC), "B0 C1", ()),
        (asked(*AB), "A0 A1 B2", (0, 2)),  # the earliest start
        (asked(*AB, within_ms=10), "A0 A1 B11", (1, 2)),  # ... that gets as far
        (asked(*AB, within_ms=10), "A0 B10", (0, 1)),  # the end of the window is in it
        (asked(*AB, within_ms=10), "A0 B11", (0,)),  # a millisecond later is not
        (asked(*AB), "A5 B5", (0, 1)),  # at one instant in the order of happening
        (asked(*AB), "B5 A5", (1,)),
        (asked(*AB), "A0 B1 B2", (0, 1)),  # the earliest event at each step
        (asked("A", "A", "B"), "A0 B1", (0,)),  # no event serves two steps
        (asked("A", "A", "B"), "A0 A1 B2", (0, 1, 2)),
        (asked("A", "A event.n > 1", "A"), "A0:2 A1:2 A2", (0, 1, 2)),  # one event fits all of them
        (asked("A event.n > 1", "B"), "A0:1 B1 A2:2", (2,)),  # a condition
        (asked("A event.n > 1", "B"), "A0 B1", ()),  # a property that is missing
        (asked(*AB, exclude=triggers("X")), "A0 X1 B2", (0,)),
        (asked(*AB, exclude=triggers("X")), "X0 A1 B2 X3", (1, 2)),  # before and behind it breaks nothing
        (asked(*AB, exclude=triggers("X")), "A0 X1 A2 B3", (2, 3)),  # another match begins after it
        (asked(*AB, exclude=triggers("X event.n > 1")), "A0 X1:1 B2", (0, 2)),
        (asked(*ABC, exclude=triggers("B")), "A0 B1 C2", (0, 1)),  # the step itself is reached, but no other after it
        (asked(*AB, exclude=triggers("A")), "A0 A1 B2", (1, 2)),
        (asked(*ABC, step_within_ms={3: 2}), "A0 B1 B5 C7", (0, 2, 3)),  # the later B gets on, the earlier does not
        (asked(*ABC, step_within_ms={2: 2, 3: 9}), "A0 B2 C11", (0, 1, 2)),
        (asked(*ABC, step_within_ms={2: 2}), "A0 B3 C4", (0,)),
        (asked(*ABC, order="next"), "A0 B1 C2", (0, 1, 2)),
        (asked(*ABC, order="next"), "A0 X1 B2", (0,)),
        (asked(*ABC, order="next"), "A0 A1 B2 B3 C4", (0, 2, 4)),  # repeats are passed over
        (asked(*ABC, order="next"), "A0 B1 A2 C3", (0, 1)),
        (asked(*AB, order="next", within_ms=3), "A0 A2 B4", (1, 2)),
        (asked(*ABC, order="any"), "C0 X1 A2 B3", (0, 2, 3)),
        (asked(*ABC, order="any", within_ms=5), "C0 A1 C6 B6", (1, 2, 3)),
        (asked(*ABC, order="any", within_ms=5), "C0 A1 B6", (0, 1)),  # two windows of two steps: the earlier
        (asked("A", "A event.n > 1", order="any"), "A0:2 A1", (0, 1)),  # the second event makes room for both
        (asked("A", "A event.n > 1", order="any"), "A0 A1", (0,)),
        (asked(*AB, order="any", exclude=triggers("X")), "A0 X1 B2 A3", (2, 3)),
    ],
)
def test_the_best_chain_counts(funnel_asked: Funnel, events: str, chain: tuple[int, ...]) -> None:
    found = [match.chain for match in matches(funnel_asked, [person(events)])]

    assert found == ([chain] if chain else [])


def test_steps_tell_who_was_lost_to_what_and_how_long_it_took() -> None:
    units = [
        person("A0 B5 C6", "ana"),
        person("A0 X1 B10 Y11", "ben"),  # lost to Y
        person("A0 X3", "cem"),
        person("A0", "dag"),
        person("A0 X101", "eva"),  # after the window: to nothing
        person("X0", "fay"),  # in no step
    ]

    result = funnel(asked(*ABC, within_ms=100), units)

    assert msgspec.json.encode(result).decode() == (
        '{"steps":['
        '{"step":"A","reached":5,"median_ms":null,"lost":3,"lost_to":{"X":1,"(nothing)":2}},'
        '{"step":"B","reached":2,"median_ms":5,"lost":1,"lost_to":{"Y":1}},'
        '{"step":"C","reached":1,"median_ms":1,"lost":0,"lost_to":{}}]}'
    )


def test_ten_events_are_named_to_which_units_are_lost_and_the_others_add_up_to_them() -> None:
    units = [person(f"A0 {name}1") for name in "KLMNOPQRSTUV"] + [person("A0 V1"), person("A0")]

    step = funnel(asked(*AB), units).steps[0]

    named = [("V", 2), *((name, 1) for name in "KLMNOPQRS")]
    assert list(step.lost_to.items()) == [*named, ("(other)", 2), ("(nothing)", 1)]
    assert sum(step.lost_to.values()) == step.lost


def test_worth_is_by_the_last_event_of_each_match() -> None:
    units = [person("A0:1 B1:20"), person("A0:4 X1:9"), person("A0 X1"), person("A0:5 B2:30 B3:99")]

    steps = funnel(asked(*AB, value=compile_expression("event.n")), units).steps

    assert [(step.worth, step.lost_worth) for step in steps] == [(54, 4), (50, 0)]


def test_groups_go_by_the_first_event_of_the_match_and_those_who_lack_it_come_last() -> None:
    units = [person("A0:2 B1:3"), person("A0"), person("A0:1 A9:2"), person("B0:7")]

    groups = funnel(asked(*AB, split=ByProperty("n")), units).groups

    assert isinstance(groups, dict)
    assert [(name, [step.reached for step in group.steps]) for name, group in groups.items()] == [
        ("1", [1, 0]),
        ("2", [1, 1]),
        ("(missing)", [1, 0]),
    ]


def test_a_unit_may_be_in_several_groups_or_in_none() -> None:
    segments = {"ana": ("west", "mobile"), "ben": ("west",), "cem": ()}
    units = [person("A0 B1", "ana"), person("A0", "ben"), person("A0", "cem")]

    result = funnel(asked(*AB), units, lambda unit, first: segments[unit.person])

    assert isinstance(result.groups, dict)
    assert result.steps[0].reached == 3
    assert {name: [step.reached for step in group.steps] for name, group in result.groups.items()} == {
        "mobile": [1, 1],
        "west": [2, 1],
    }


@pytest.mark.parametrize(
    "who, people",
    [
        ("reached:1", ["ana", "ben", "cem"]),
        ("reached:2", ["ana", "cem"]),
        ("lost:1", ["ana", "ben"]),  # ana in her other visit
        ("lost:2", ["cem"]),
        ("group:west", ["ana", "ben"]),
        ("group:(missing)", ["cem"]),
        ("group:east", []),
    ],
)
def test_people_are_those_with_such_a_unit(who: str, people: list[str]) -> None:
    units = [person("A0 B1", "cem"), person("A0 B1 C2", "ana", 1), person("A9", "ana", 2), person("A0", "ben")]
    by_city = by_person({"ana": "west", "ben": "west"})

    assert funnel_people(asked(*ABC, by="visit", split=ByTrait("city")), units, who, by_city) == people


@pytest.mark.parametrize(
    "who", ["reached:0", "reached:4", "reached:", "reached:²", "lost:3", "found:1", "group:west", ""]
)
def test_other_words_are_refused(who: str) -> None:
    with pytest.raises(CallerError, match=r"a step from 1 to|has no groups|reached:STEP, lost:STEP"):
        funnel_people(asked(*ABC), [], who)


def test_a_step_in_any_order_cannot_be_bounded_from_the_one_before() -> None:
    with pytest.raises(AssertionError, match="has none before it"):
        funnel(asked(*AB, order="any", step_within_ms={2: 5}), [])


class Watched(list[Sighting]):
    """Counts how often one of its sightings is read."""

    reads = 0

    def __getitem__(self, place: Any) -> Any:
        self.reads += 1
        return super().__getitem__(place)

    def __iter__(self) -> Iterator[Sighting]:
        self.reads += len(self)
        return super().__iter__()


@pytest.mark.parametrize("order", ["strict", "next", "any"])
@pytest.mark.parametrize("names", ["A", "AB", "ABX", "AAAAAAAAB", "AAAABBBB", "BBBBA", "ABC"])
def test_a_long_unit_is_read_a_few_times_only(order: FunnelOrder, names: str) -> None:
    funnel_asked = asked("A", "B", "A event.n > 1", "D", order=order, within_ms=15_000, exclude=triggers("X"))
    find = (AnyOrder if order == "any" else OrderedChains)(funnel_asked).find
    events = person(" ".join(f"{names[at % len(names)]}{at}:{at % 3}" for at in range(20_000)))
    sightings = Watched(Triggers([*funnel_asked.steps, *funnel_asked.exclude]).sightings(events.happenings))

    chain = find(sightings)

    assert chain
    assert sightings.reads <= 10 * len(sightings)
