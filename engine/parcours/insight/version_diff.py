"""What is otherwise in one version of a journey than in another? In words, by what both are compiled to.

A step is the same one where its id is. Where it leads to counts as changed only if it is not by a step that was put in
between, or taken out: those are told themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from parcours.expression.definition_keys import plain
from parcours.insight.version_parts import (
    NamedWay,
    Parts,
    action_parts,
    journey_parts,
    message_parts,
    secret_parts,
    step_parts,
    ways_of,
)
from parcours.journey.listening import audience_names, event_names, expressions_in, withdrawing_names
from parcours.journey.picture.words import WHOLE, step_words
from parcours.journey.program import CallAction, Journey, Send, Step

Sign: TypeAlias = Literal["+", "−", "~"]
"""Of a step: it is new, gone, or does something else."""

VALUE_MAX: Final = 120
"""Characters of a value that is told before and after; of a longer one it is told that it has changed."""


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """
    told   what is otherwise, a line each
    signs  of the steps that are, be it by what they send or call: gone ones are of the left version, all others of the
           right one
    """

    told: tuple[str, ...]
    signs: Mapping[str, Sign]


def version_difference(left: Journey, right: Journey, *, is_published: bool = True) -> VersionDifference:
    """What is otherwise in the right version than in the left one.

    is_published  whether both have their names from what is published, which says how often each was defined anew
    """
    comparison = _Comparison(left, right)
    signs: dict[str, Sign] = {}
    told = list(_changes("", journey_parts(left), journey_parts(right)))
    told += comparison.beginning()
    for name, step in right.steps.items():
        said = [*comparison.step(name, step)]
        if said:
            signs[name] = "~" if name in left.steps else "+"
        told += said
    for name in left.steps:
        if name not in right.steps:
            signs[name] = "−"
            told.append(f"step {name} is gone{comparison.place(left, name)}")
    for by_name, using in (_messages(left, right), _actions(left, right)):
        told += [line for lines in by_name.values() for line in lines]
        signs |= {name: "~" for name, used in using.items() if by_name.get(used) and name not in signs}
    if is_published:
        told += _meanings("audience", audience_names(left), audience_names(right))
        told += _meanings("event", _events(left), _events(right))
    return VersionDifference(tuple(told), signs)


class _Comparison:
    """Steps and ways of two versions."""

    def __init__(self, left: Journey, right: Journey) -> None:
        self._left = left
        self._right = right
        self._both = left.steps.keys() & right.steps.keys()
        self._before_left, self._before_right = _before(left), _before(right)

    def beginning(self) -> Iterator[str]:
        was, holds = self._kept(self._left, self._left.first), self._kept(self._right, self._right.first)
        if was != holds:
            yield f"begins at {_target(self._left.first)} → {_target(self._right.first)}"

    def step(self, name: str, step: Step) -> Iterator[str]:
        """What is otherwise at a step of the right version."""
        before = self._left.steps.get(name)
        if before is None:
            yield f"new step {name}{self.place(self._right, name)}: {step_words(step, WHOLE)}"
        elif type(before) is not type(step):
            yield f"{name}: another kind of step: {step_words(before, WHOLE)} → {step_words(step, WHOLE)}"
        else:
            yield from _changes(f"{name}: ", step_parts(before), step_parts(step))
            yield from self._ways(name, ways_of(before), ways_of(step))

    def place(self, journey: Journey, name: str) -> str:
        """Where a step is, by the first one that leads to it."""
        if name == journey.first:
            return " at the beginning"
        before = (self._before_right if journey is self._right else self._before_left).get(name)
        if before is None:
            return ""
        return f" after {before}" if journey is self._right else f", which came after {before}"

    def _ways(self, name: str, was: Sequence[NamedWay], holds: Sequence[NamedWay]) -> Iterator[str]:
        old, new = {each.name: each for each in was}, {each.name: each for each in holds}
        gone, added = [each for each in was if each.name not in new], [each for each in holds if each.name not in old]
        replaced = min(len(gone), len(added))
        for before, after in zip(gone, added, strict=False):
            yield f"{name}: {_way(before)} → {_way(after)}"
            yield from self._leads(name, before, after)
        yield from (f"{name}: {_way(each)} is gone" for each in gone[replaced:])
        yield from (f"{name}: new {_way(each)} to {_target(each.target)}" for each in added[replaced:])
        for each in holds:
            if each.name in old:
                yield from self._leads(name, old[each.name], each)
        if [each.name for each in was if each.name in new] != [each.name for each in holds if each.name in old]:
            yield f"{name}: its ways are looked at in another order"

    def _leads(self, name: str, before: NamedWay, after: NamedWay) -> Iterator[str]:
        if self._kept(self._left, before.target) != self._kept(self._right, after.target):
            yield f"{name}: {_way(after)} leads to {_target(before.target)} → {_target(after.target)}"

    def _kept(self, journey: Journey, target: str | None) -> str | None:
        """The step of both versions that this leads to, by the main way; itself where none follows."""
        step, passed = target, set[str]()
        while step is not None and step not in self._both:
            if step in passed:
                return target
            passed.add(step)
            ways = ways_of(journey.steps[step])
            step = ways[0].target if ways else None
            if not ways:
                return target
        return step


def _before(journey: Journey) -> Mapping[str | None, str]:
    """The first step that leads to each."""
    found: dict[str | None, str] = {}
    for name, step in journey.steps.items():
        for way in ways_of(step):
            found.setdefault(way.target, name)
    return found


def _way(way: NamedWay) -> str:
    return way.name if not way.words else f"way {way.name}"


def _target(step: str | None) -> str:
    return "the end" if step is None else step


def _changes(of: str, was: Parts, holds: Parts, secret: Collection[str] = ()) -> Iterator[str]:
    """The parts that are otherwise, before and after where both have room.

    secret  parts of which no value is told
    """
    for part in [*was, *(each for each in holds if each not in was)]:
        before, after = was.get(part, ""), holds.get(part, "")
        if before == after:
            continue
        if part in secret or max(len(before), len(after)) > VALUE_MAX or "\n" in before + after:
            yield f"{of}{part}"
        else:
            yield f"{of}{part} {before or 'none'} → {after or 'none'}"


Used: TypeAlias = tuple[Mapping[str, Sequence[str]], Mapping[str, str]]
"""What is told of each message, or call, that both versions use; and which one each step of the right version uses."""


def _messages(left: Journey, right: Journey) -> Used:
    using = {name: step.message for name, step in right.steps.items() if isinstance(step, Send)}
    names = {step.message for step in left.steps.values() if isinstance(step, Send)} & {*using.values()}
    return {
        name: [*_changes(f"message {name}: ", message_parts(left.messages[name]), message_parts(right.messages[name]))]
        for name in sorted(names & left.messages.keys() & right.messages.keys())
    }, using


def _actions(left: Journey, right: Journey) -> Used:
    using = {name: step.action for name, step in right.steps.items() if isinstance(step, CallAction)}
    names = {step.action for step in left.steps.values() if isinstance(step, CallAction)} & {*using.values()}
    found = {}
    for name in sorted(names & left.actions.keys() & right.actions.keys()):
        was, holds = left.actions[name], right.actions[name]
        secret = secret_parts(was) | secret_parts(holds)
        found[name] = [*_changes(f"action {name}: ", action_parts(was), action_parts(holds), secret)]
    return found, using


def _events(journey: Journey) -> set[str]:
    asked = {series.event for expression in expressions_in(journey) for series in expression.series}
    return event_names(journey) | withdrawing_names(journey) | asked


def _meanings(kind: str, was: set[str], holds: set[str]) -> Iterator[str]:
    """Of what both versions name, what means something else: the same name under another key."""
    before = {plain(key): key for key in was}
    for name, key in sorted((plain(key), key) for key in holds):
        if before.get(name, key) != key:
            yield f"{kind} {name}: another definition"
