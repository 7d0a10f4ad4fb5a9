"""What has to hold in any project, whatever people do? Checked on the facts of one person at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from parcours.channel import CALL
from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.core.time_text import time_text
from parcours.insight.summary import EventCount, Tally
from parcours.journey.duration import parse_duration
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.testing.cases.document import DAYS
from parcours.testing.clocks import PersonClocks, in_window

CLOSING: Final = frozenset({"exited", "ended"})


@dataclass(frozen=True, slots=True)
class World:
    """What the properties are held against. policies are those of parcours.yaml, as plain data."""

    program: Program
    clocks: PersonClocks
    policies: Mapping[str, Any]


Property: TypeAlias = Callable[[World, Sequence[Fact]], Iterator[str]]
"""Yields each breach in words; the facts are one person's, in the order of happening."""


def policies_of(project: Project) -> Mapping[str, Any]:
    """The policies as parcours.yaml has them; empty where there are none."""
    settings = project.documents.settings.model_dump(mode="json", by_alias=True)
    return settings.get("policies") or {}


def sent_once(world: World, facts: Sequence[Fact]) -> Iterator[str]:
    """A key names one delivery, and that is sent at most once."""
    del world
    places: dict[str, tuple[object, ...]] = {}
    sent: set[str] = set()
    for fact in facts:
        if isinstance(fact, DeliveryReached):
            place = (fact.journey, fact.run, fact.step, fact.channel)
            if places.setdefault(fact.key, place) != place:
                yield f"{_time(fact)}: {fact.journey}.{fact.step} has the key of another delivery"
            if fact.outcome == "sent":
                if fact.key in sent:
                    yield f"{_time(fact)}: {fact.journey}.{fact.step} was sent twice on {fact.channel}"
                sent.add(fact.key)


def matched_or_timed_out(world: World, facts: Sequence[Fact]) -> Iterator[str]:
    """A run leaves a step once: by what it listened for, or by its time-out."""
    del world
    left: dict[tuple[str, int | None], str | None] = {}
    for fact in facts:
        if not isinstance(fact, Moved):
            continue
        run = (fact.journey, fact.run)
        if fact.what == "reached":
            left[run] = None
        elif fact.what in ("matched", "timed_out"):
            if left.get(run) is not None:
                yield f"{_time(fact)}: {fact.journey}.{fact.step} {fact.what} after it had {left[run]}"
            left[run] = fact.what


def runs_are_whole(world: World, facts: Sequence[Fact]) -> Iterator[str]:
    """A run begins by entering and is over when it has ended; only its goal may come later."""
    del world
    state: dict[tuple[str, int], str] = {}
    for fact in facts:
        if not isinstance(fact, Moved) or fact.run is None or fact.what == "goal":
            continue
        run = (fact.journey, fact.run)
        if (fact.what == "entered") == (run in state):
            yield f"{_time(fact)}: run {fact.run} of {fact.journey} {fact.what}, and was {state.get(run, 'not there')}"
        elif state.get(run) == "over":
            yield f"{_time(fact)}: run {fact.run} of {fact.journey} {fact.what} after its end"
        state[run] = "over" if fact.what in CLOSING else "open"


def everyone_is_accounted_for(world: World, facts: Sequence[Fact]) -> Iterator[str]:
    """At each step inflow = waiting + gone on + ended, and who entered waits somewhere or has ended."""
    tally = Tally(world.program.journeys)
    tally.add(facts)
    for name, journey in tally.summary(EventCount(), None).journeys.items():
        for step, count in journey.steps.items():
            if count.inflow != count.waiting + count.gone_on + count.ended:
                yield f"{name}.{step}: {count.inflow} came, {count.waiting + count.gone_on + count.ended} are known of"
        found = sum(count.waiting + count.ended for count in journey.steps.values())
        if journey.entered != found:
            yield f"{name}: {journey.entered} entered, {found} are known of"


def quiet_hours_are_kept(world: World, facts: Sequence[Fact]) -> Iterator[str]:
    """Nothing but transactional messages is sent in quiet hours, by the person's own clock."""
    for rule in world.policies.get("quiet_hours") or ():
        window = _minute(rule["from"]), _minute(rule["until"])
        days = [DAYS.index(day) for day in rule.get("days") or DAYS]
        for fact in _sent(world, facts, rule):
            local = world.clocks.local(fact.profile, fact.at)
            if in_window(local, *window, days):
                yield f"{_time(fact)}: {fact.journey}.{fact.step} was sent on {fact.channel} at {local:%a %H:%M}"


def caps_are_kept(world: World, facts: Sequence[Fact]) -> Iterator[str]:
    """No window (t - per, t] has more deliveries than its cap, each counted where it was queued."""
    queued: dict[str, int] = {}
    for fact in facts:
        if isinstance(fact, DeliveryReached) and fact.outcome == "queued":
            queued[fact.key] = fact.at
    for rule in world.policies.get("caps") or ():
        per_ms, most = parse_duration(rule["per"]), rule["max"]
        counted = sorted({queued.get(fact.key, fact.at): fact for fact in _sent(world, facts, rule)}.items())
        times = sorted(queued.get(fact.key, fact.at) for fact in _sent(world, facts, rule))
        for first, last in zip(times, times[most:], strict=False):
            if last - first < per_ms:
                fact = dict(counted)[last]
                yield f"{_time(fact)}: {fact.journey}.{fact.step} is more than {most} within {rule['per']}"


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
    for fact in facts:
        if not isinstance(fact, DeliveryReached) or fact.outcome != "sent" or fact.channel == CALL:
            continue
        message = world.program.messages[fact.message]
        concerned = (
            message.message_class != "transactional"
            and fact.channel in (rule.get("channels") or (fact.channel,))
            and rule.get("class") in (None, message.message_class)
            and rule.get("purpose") in (None, message.purpose)
        )
        if concerned:
            yield fact


def _minute(value: object) -> int:
    if isinstance(value, int):
        return value
    hour, _, minute = str(value).partition(":")
    return int(hour) * 60 + int(minute)


def _time(fact: Fact) -> str:
    return time_text(fact.at)
