"""The properties that hold in any project, checked on the facts of one person at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

from parcours.channel import CALL
from parcours.core.fact import DeliveryReached, Fact, Merged, Moved
from parcours.core.time_text import time_text
from parcours.expression.duration import parse_duration
from parcours.insight.summary import EventCount, Tally
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.testing.cases.document import DAYS
from parcours.testing.clocks import PersonClocks, in_window

CLOSING: Final = frozenset({"exited", "ended"})


@dataclass(frozen=True, slots=True)
class World:
    """What the properties are checked against.

    policies  those of parcours.yaml, as plain data
    settled   whether time went on until nothing was due any more
    """

    program: Program
    clocks: PersonClocks
    policies: Mapping[str, Any]
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Breach:
    """A violation in words, and the fact at which it shows; None where something is missing."""

    text: str
    fact: Fact | None


Property: TypeAlias = Callable[[World, Sequence[Fact]], Iterator[Breach]]
"""Yields each breach; the facts are one person's, and of those merged into her, in the order of happening."""

RunKey: TypeAlias = tuple[str, str, int | None]
"""A run by the name under which it is told, its journey, and its number there."""

T = TypeVar("T")


def _rename(known: dict[RunKey, T], fact: Merged) -> None:
    """Let what is known of runs that go on as another person's be known of them under her name."""
    for run in fact.runs:
        was = (fact.name, run.journey, run.number)
        if run.to is not None and was in known:
            known[fact.person, run.journey, run.to] = known.pop(was)


def policies_of(project: Project) -> Mapping[str, Any]:
    """The policies as parcours.yaml has them; empty where there are none."""
    settings = project.documents.settings.model_dump(mode="json", by_alias=True)
    return settings.get("policies") or {}


def sent_once(world: World, facts: Sequence[Fact]) -> Iterator[Breach]:
    """A key names one delivery, which is sent at most once."""
    del world
    places: dict[str, tuple[object, ...]] = {}
    sent: set[str] = set()
    for fact in facts:
        if isinstance(fact, Merged):  # her runs have other numbers from now on
            places = {key: place for key, place in places.items() if place[0] != fact.name}
        elif isinstance(fact, DeliveryReached):
            place = (fact.person, fact.journey, fact.run, fact.step, fact.channel)
            if places.setdefault(fact.key, place) != place:
                yield Breach(f"{_time(fact)}: {fact.journey}.{fact.step} has the key of another delivery", fact)
            if fact.outcome == "sent":
                if fact.key in sent:
                    yield Breach(f"{_time(fact)}: {fact.journey}.{fact.step} was sent twice on {fact.channel}", fact)
                sent.add(fact.key)


def matched_or_timed_out(world: World, facts: Sequence[Fact]) -> Iterator[Breach]:
    """A run leaves a listening step once for each visit: by a match, or by its time-out."""
    del world
    left: dict[RunKey, dict[str | None, str]] = {}
    for fact in facts:
        if isinstance(fact, Merged):
            _rename(left, fact)
        elif isinstance(fact, Moved):
            steps = left.setdefault((fact.person, fact.journey, fact.run), {})
            if fact.what == "reached":
                steps.pop(fact.step, None)
            elif fact.what in ("matched", "timed_out"):
                if (was := steps.get(fact.step)) is not None:
                    yield Breach(f"{_time(fact)}: {fact.journey}.{fact.step} {fact.what} after it had {was}", fact)
                steps[fact.step] = fact.what


def runs_are_whole(world: World, facts: Sequence[Fact]) -> Iterator[Breach]:
    """A run begins by entering and does nothing after its end, but reach its goal."""
    del world
    state: dict[RunKey, str] = {}
    for fact in facts:
        if isinstance(fact, Merged):
            _rename(state, fact)
        if not isinstance(fact, Moved) or fact.run is None or fact.what == "goal":
            continue
        run = (fact.person, fact.journey, fact.run)
        if (fact.what == "entered") == (run in state):
            was = state.get(run, "not there")
            yield Breach(f"{_time(fact)}: run {fact.run} of {fact.journey} {fact.what}, and was {was}", fact)
        elif state.get(run) == "over":
            yield Breach(f"{_time(fact)}: run {fact.run} of {fact.journey} {fact.what} after its end", fact)
        state[run] = "over" if fact.what in CLOSING else "open"


def everyone_is_accounted_for(world: World, facts: Sequence[Fact]) -> Iterator[Breach]:
    """At each step inflow = waiting + gone on + ended, and each run waits somewhere or has ended."""
    tally = Tally(world.program.journeys)
    tally.add(facts)
    for name, journey in tally.summary(EventCount(), None).journeys.items():
        for step, count in journey.steps.items():
            if count.inflow != count.waiting + count.gone_on + count.ended:
                known = count.waiting + count.gone_on + count.ended
                yield Breach(f"{name}.{step}: {count.inflow} came, {known} are known of", None)
        found = sum(count.waiting + count.ended for count in journey.steps.values())
        if journey.entered != found:
            yield Breach(f"{name}: {journey.entered} entered, {found} are known of", None)
    yield from _led_astray(facts)
    yield from _lost(world, facts)


def _led_astray(facts: Sequence[Fact]) -> Iterator[Breach]:
    """Runs that are said to leave another step than the one where they were: totals would count them there."""
    places: dict[RunKey, str | None] = {}
    for fact in facts:
        if isinstance(fact, Merged):
            _rename(places, fact)
        if not isinstance(fact, Moved) or fact.run is None or fact.what not in ("reached", *CLOSING):
            continue
        was = places.get((fact.person, fact.journey, fact.run))
        said = fact.left if fact.what == "reached" else fact.step
        if said != was:
            yield Breach(f"{_time(fact)}: run {fact.run} of {fact.journey} was at {was} and left {said}", fact)
        places[fact.person, fact.journey, fact.run] = fact.step


def _lost(world: World, facts: Sequence[Fact]) -> Iterator[Breach]:
    """Runs that have not ended and wait for nothing, or for a time that is over."""
    newest: dict[RunKey, Moved] = {}
    for fact in facts:
        if isinstance(fact, Merged):
            _rename(newest, fact)
        elif isinstance(fact, Moved) and fact.run is not None and fact.what != "goal":
            newest[fact.person, fact.journey, fact.run] = fact
    for fact in newest.values():
        where = f"run {fact.run} of {fact.journey} is at {fact.step} since {_time(fact)}"
        if fact.what == "waiting":
            if world.settled and fact.why is not None:
                yield Breach(f"{where}, and nothing happened at {fact.why}", None)
        elif fact.what not in (*CLOSING, "parked"):
            yield Breach(f"{where}, and neither waits nor has ended", None)


def quiet_hours_are_kept(world: World, facts: Sequence[Fact]) -> Iterator[Breach]:
    """In a person's quiet hours only transactional messages are sent."""
    for rule in world.policies.get("quiet_hours") or ():
        window = _minute(rule["from"]), _minute(rule["until"])
        days = [DAYS.index(day) for day in rule.get("days") or DAYS]
        for fact, local in world.clocks.along(facts):
            if local is None or not _concerned(world, fact, rule):
                continue
            if in_window(local, *window, days) and not _is_over(local, window[1]):
                text = f"{_time(fact)}: {fact.journey}.{fact.step} was sent on {fact.channel} at {local:%a %H:%M}"
                yield Breach(text, fact)


def beyond_clocks(world: World, facts: Sequence[Fact]) -> bool:
    """Whether something that quiet hours concern was sent while the person's local time is unknown."""
    return any(
        local is None and _concerned(world, fact, rule)
        for rule in world.policies.get("quiet_hours") or ()
        for fact, local in world.clocks.along(facts)
    )


def caps_are_kept(world: World, facts: Sequence[Fact]) -> Iterator[Breach]:
    """Nothing is queued where its window (t - per, t] has as many as its cap already, each where it was queued.

    A merge may bring more together than a cap allows; whatever is queued after it has to wait until there is room.
    """
    queued: dict[str, tuple[int, str]] = {}
    merged: dict[str, tuple[int, str]] = {}
    for fact in facts:
        if isinstance(fact, DeliveryReached) and fact.outcome == "queued":
            queued[fact.key] = fact.at, fact.person
        elif isinstance(fact, Merged):
            merged[fact.name] = fact.at, fact.person
    for rule in world.policies.get("caps") or ():
        per_ms, most = parse_duration(rule["per"]), rule["max"]
        left = [(*queued.get(fact.key, (fact.at, fact.person)), fact) for fact in _sent(world, facts, rule)]
        left.sort(key=lambda each: each[0])
        for place, (at, person, fact) in enumerate(left):
            window = [each for each in left[: place + 1] if at - each[0] < per_ms]
            if sum(_who(name, at, merged) == person for _, name, _ in window) > most:
                text = f"{_time(fact)}: {fact.journey}.{fact.step} is more than {most} within {rule['per']}"
                yield Breach(text, fact)


def _who(name: str, at: int, merged: Mapping[str, tuple[int, str]]) -> str:
    """The name of a person at a later time."""
    since, person = merged.get(name, (at, name))
    return person if since <= at else name


def _is_over(local: datetime, until_minute: int) -> bool:
    """Whether the clock shows this hour for the second time, after the window ended in the first."""
    until = local.replace(hour=until_minute // 60 % 24, minute=until_minute % 60, fold=0)
    return local.fold == 1 and until.utcoffset() != until.replace(fold=1).utcoffset()


PROPERTIES: Final[Mapping[str, Property]] = {
    "one delivery per key": sent_once,
    "nobody both matched and timed out": matched_or_timed_out,
    "a run begins, and ends once": runs_are_whole,
    "everyone is accounted for": everyone_is_accounted_for,
    "no delivery in quiet hours": quiet_hours_are_kept,
    "no cap exceeded": caps_are_kept,
}


def _sent(world: World, facts: Sequence[Fact], rule: Mapping[str, Any]) -> Iterator[DeliveryReached]:
    """The deliveries that were sent and that a rule of the policies concerns."""
    return (fact for fact in facts if isinstance(fact, DeliveryReached) and _concerned(world, fact, rule))


def _concerned(world: World, fact: DeliveryReached, rule: Mapping[str, Any]) -> bool:
    if fact.outcome != "sent" or fact.channel == CALL:
        return False
    message = world.program.messages[fact.message]
    return (
        message.message_class != "transactional"
        and fact.channel in (rule.get("channels") or (fact.channel,))
        and rule.get("class") in (None, message.message_class)
        and rule.get("purpose") in (None, message.purpose)
    )


def _minute(value: object) -> int:
    if isinstance(value, int):
        return value
    hour, _, minute = str(value).partition(":")
    return int(hour) * 60 + int(minute)


def _time(fact: Fact) -> str:
    return time_text(fact.at)
