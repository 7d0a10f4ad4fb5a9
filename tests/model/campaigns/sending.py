"""When is each person of a send due, and what becomes of her deliveries then?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any

from tests.model.campaigns.people import Delivery, Document, Person, RunKey, address_of, gate_of
from tests.model.campaigns.sets import Lot, SetRow, part_sizes
from tests.model.campaigns.terms import Scope, Term
from tests.model.reference.times import (
    DAYS,
    at_time_of_day,
    next_time_of_day,
    parse_duration,
    to_datetime,
    zone_named,
)


def pause_ms(number: int, rate: str | None) -> int:
    """How long after the first one person number n comes."""
    return 0 if rate is None else number * 1_000 // int(rate.removesuffix("/s"))


def due_instants(
    step: Document, rows: Sequence[SetRow], people: Mapping[str, Person], now_ms: int, lot: Lot
) -> list[tuple[int, int]]:
    """When each person of the set is due by rate and waves, and then by the window, in the order of the set."""
    rate = step.get("rate")
    wave_of, number_in_wave = _waves(step, rows, lot)
    found = []
    for number, row in enumerate(rows):
        planned_ms = now_ms + pause_ms(number_in_wave[number], rate)
        if "waves" in step:
            planned_ms += wave_of[number] * parse_duration(step["waves"]["every"])
        due_ms = planned_ms
        if "window" in step:
            due_ms = in_window(step["window"], planned_ms, people[row.person], pause_ms(number, rate))
        found.append((planned_ms, due_ms))
    return found


def _waves(step: Document, rows: Sequence[SetRow], lot: Lot) -> tuple[list[int], list[int]]:
    """The wave of each person, and her number within it."""
    if "waves" not in step:
        return [0] * len(rows), list(range(len(rows)))
    waves = step["waves"]["parts"]
    at_random = sorted(range(len(rows)), key=lambda number: lot.drawn(rows[number].person))
    wave_of, start = [0] * len(rows), 0
    for wave, size in enumerate(part_sizes(len(rows), [Fraction(1, waves)] * waves)):
        for number in at_random[start : start + size]:
            wave_of[number] = wave
        start += size
    return wave_of, [wave_of[:number].count(wave) for number, wave in enumerate(wave_of)]


def in_window(window: Document, due_ms: int, person: Person, later_ms: int) -> int:
    """When she is due who would be at `due_ms`: then where it is open, by the clock of the zone that she has now."""
    named = window.get("zone", "profile")
    zone = person.zone if named == "profile" else zone_named(named, person.world.timezone)
    days = window.get("days", DAYS)
    if "time" in window:
        return next_time_of_day(due_ms, window["time"], days, zone)
    today = to_datetime(due_ms, zone).date()
    openings = []
    for offset in range(-2, 16):
        day = today + timedelta(days=offset)
        if DAYS[day.weekday()] in days:
            last_day = day if window["to"] > window["from"] else day + timedelta(days=1)
            openings.append((at_time_of_day(day, window["from"], zone), at_time_of_day(last_day, window["to"], zone)))
    if any(opens_ms <= due_ms < closes_ms for opens_ms, closes_ms in openings):
        return due_ms
    opens_ms, closes_ms = next(each for each in openings if each[0] >= due_ms)
    return opens_ms + later_ms % (closes_ms - opens_ms)


def ask(
    person: Person, now_ms: int, run: RunKey, step: Document, row: dict[str, Any] | None, later_ms: int
) -> list[Delivery]:
    """Her deliveries of a send step, one a channel, after the gates."""
    message = person.world.messages[step["send"]]
    to, window = step.get("to", {}), step.get("window")
    asked = [
        Delivery(run, step["id"], each, message, now_ms, to, row, window, pause_ms=later_ms)
        for each in channels_of(step, person.world.messages)
    ]
    if isinstance(step.get("channels"), dict):
        asked = [_first(person, now_ms, step, asked, Scope(now_ms, run[1], person=person, row=row))]
    person.asked += asked
    for each in asked:
        pass_gates(person, now_ms, each)
    return asked


def channels_of(step: Document, messages: Mapping[str, Document]) -> list[str]:
    """The channels of a send, in its order; all that the message has content for if it names none."""
    channels = step.get("channels") or [name for name in messages[step["send"]] if name in ("email", "sms", "push")]
    return list(channels["first"] if isinstance(channels, dict) else channels)


def _first(person: Person, now_ms: int, step: Document, asked: list[Delivery], scope: Scope) -> Delivery:
    """The first that no gate refuses, the preferred one before the others; the first of all if there is none."""
    prefer: Term | None = step["channels"].get("prefer")
    if prefer is not None:
        preferred = prefer.of(scope)
        asked = sorted(asked, key=lambda each: each.channel != preferred)
    for each in asked:
        each.address = address_of(person, now_ms, each)
        gate, until_ms = gate_of(person, now_ms, each)
        if gate is None or until_ms is not None:
            return each
    return asked[0]


def pass_gates(person: Person, now_ms: int, delivery: Delivery, *, anew: bool = False) -> None:
    """Sends, refuses or holds a delivery.

    anew  one that is held is judged before its release: it stays held, and nothing is told, if that is still the same
    """
    delivery.address = address_of(person, now_ms, delivery)
    gate, until_ms = _objection(person, now_ms, delivery)
    if gate is None:
        if delivery.message["class"] == "marketing":
            person.reserved.append((now_ms, delivery))
        person.tell(now_ms, delivery, "sent")
        return
    if until_ms is None:
        person.tell(now_ms, delivery, "refused", gate)
        return
    standing_ms = delivery.release_ms if anew else None
    if gate != "window":
        if delivery.first_release_ms in (None, standing_ms):
            until_ms += delivery.pause_ms
            delivery.first_release_ms = until_ms
        delivery.past_window = _opens_ms(person, until_ms, delivery) != until_ms
    if until_ms != standing_ms:
        delivery.release_ms = until_ms
        person.tell(now_ms, delivery, "held", gate)


def _objection(person: Person, now_ms: int, delivery: Delivery) -> tuple[str | None, int | None]:
    """The gate that refuses or holds, and until when; after all others the window of the step, where it binds still."""
    gate, until_ms = gate_of(person, now_ms, delivery)
    if gate is None and not delivery.past_window:
        opens_ms = _opens_ms(person, now_ms, delivery)
        if opens_ms != now_ms:
            return "window", opens_ms
    return gate, until_ms


def _opens_ms(person: Person, at_ms: int, delivery: Delivery) -> int:
    """When its window lets it go; a time of day has no end that could be missed."""
    if delivery.window is None or "time" in delivery.window:
        return at_ms
    return in_window(delivery.window, at_ms, person, delivery.pause_ms)


def judge_anew(person: Person, now_ms: int) -> None:
    """What is held passes all gates again, in the order in which it has been held: her time zone has changed."""
    for delivery in list(person.holds):
        delivery.past_window = False
        pass_gates(person, now_ms, delivery, anew=True)
