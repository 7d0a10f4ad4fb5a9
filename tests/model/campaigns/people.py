"""What is known of a person, and may a message go to her now? Traits, history, consent, runs, and the gates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from tests.model.campaigns.terms import Scope, Term, Value
from tests.model.reference.times import parse_duration, quiet_windows, zone_named

Document = dict[str, Any]
RunKey = tuple[str, int]
"""A campaign, or a journey, and the number of the run."""

ADDRESSES = {"email": "email", "sms": "phone", "push": "push_token"}
WELL_FORMED = {"email": r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", "sms": r"\+336\d{8}", "push": r".+"}


@dataclass
class World:
    """What holds for everybody; `saved` has the members of each saved audience, `told` what became of deliveries."""

    timezone: str
    policies: Document
    holdouts: Document
    messages: dict[str, Document]
    conditions: dict[str, Term]
    saved: dict[str, set[str]]
    told: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass
class Visit:
    """A run of one person."""

    entered_ms: int
    is_open: bool = True
    has_left: bool = False
    has_goal: bool = False


@dataclass
class Delivery:
    """
    to, row           where its step finds her, and her row there
    window            the hours of its step; `past_window` where a gate holds it until they are over
    pause_ms          how long after a gate has opened it is released for the first time
    first_release_ms  when that is, or was
    """

    run: RunKey
    step: str
    channel: str
    message: Document
    asked_ms: int
    to: Mapping[str, Term] = field(default_factory=dict)
    row: Any = None
    window: Document | None = None
    past_window: bool = False
    address: Value = None
    pause_ms: int = 0
    first_release_ms: int | None = None
    release_ms: int | None = None
    state: str = ""
    marks: list[tuple[str, str | None, int]] = field(default_factory=list)


@dataclass
class Person:
    world: World
    name: str
    traits: dict[str, Value] = field(default_factory=dict)
    events: list[tuple[int, str, Mapping[str, Value]]] = field(default_factory=list)
    consented: dict[str, dict[str | None, bool]] = field(default_factory=dict)
    visits: dict[RunKey, Visit] = field(default_factory=dict)
    asked: list[Delivery] = field(default_factory=list)
    left: list[Delivery] = field(default_factory=list)  # the deliveries that were sent, in that order
    reserved: list[tuple[int, Delivery]] = field(default_factory=list)
    holds: list[Delivery] = field(default_factory=list)  # in the order in which a gate has held them

    def past(self, event: str, window_ms: int | None, now_ms: int) -> list[tuple[int, Mapping[str, Value]]]:
        """The events of a name in the window (now - w, now]."""
        return [
            (at_ms, properties)
            for at_ms, name, properties in self.events
            if name == event and (window_ms is None or now_ms - window_ms < at_ms)
        ]

    def consents(self, channel: str, purpose: str) -> bool:
        given, policy = self.consented.get(channel, {}), self.world.policies["consent"]
        if purpose in given or None in given:
            return given[purpose if purpose in given else None]
        return bool(policy.get("channels", {}).get(channel, policy["default"]) == "opt_out")

    def is_in(self, audience: str, now_ms: int) -> bool:
        if audience in self.world.saved:
            return self.name in self.world.saved[audience]
        return self.world.conditions[audience].holds(Scope(now_ms, person=self))

    @property
    def zone(self) -> ZoneInfo:
        return zone_named(self.traits.get("timezone"), self.world.timezone)

    def set_traits(self, traits: Mapping[str, Value]) -> None:
        for name, value in traits.items():
            if value is None:
                self.traits.pop(name, None)
            else:
                self.traits[name] = value

    def set_consent(self, channel: str, purpose: str | None, granted: bool) -> None:
        if purpose is None:
            self.consented[channel] = {None: granted}
        else:
            self.consented.setdefault(channel, {})[purpose] = granted

    def held(self, run: RunKey) -> list[Delivery]:
        return [each for each in self.asked if each.run == run and each.state == "held"]

    def tell(self, now_ms: int, delivery: Delivery, outcome: str, gate: str | None = None) -> None:
        delivery.state = outcome
        if outcome == "sent":
            self.left.append(delivery)
        self.holds = [each for each in self.holds if each is not delivery]
        if outcome == "held":
            self.holds.append(delivery)
        told = (now_ms, self.name, *delivery.run, delivery.step, delivery.channel, outcome, gate)
        self.world.told.append(told)


def address_of(person: Person, now_ms: int, delivery: Delivery) -> Value:
    """Where the channel finds her: `to` goes before what the profile says."""
    if delivery.channel in delivery.to:
        scope = Scope(now_ms, delivery.run[1], person=person, row=delivery.row)
        return delivery.to[delivery.channel].of(scope)
    return person.traits.get(ADDRESSES[delivery.channel])


def gate_of(person: Person, now_ms: int, delivery: Delivery) -> tuple[str | None, int | None]:
    """The gate that refuses or holds, and until when it holds."""
    message, channel, address = delivery.message, delivery.channel, delivery.address
    if message["class"] == "marketing" and any(_has(each, person) for each in person.world.holdouts.values()):
        return "holdout", None
    if not isinstance(address, str) or not re.fullmatch(WELL_FORMED[channel], address):
        return "address", None
    is_marketing = message["class"] == "marketing"
    if is_marketing and not person.consents(channel, message.get("purpose", "marketing")):
        return "consent", None
    if "expires" in message and now_ms > delivery.asked_ms + parse_duration(message["expires"]):
        return "expiry", None
    if not is_marketing:
        return None, None
    if any(_is_full(person, now_ms, delivery, cap) for cap in person.world.policies.get("caps", [])):
        return "cap", None
    return _quiet(person, now_ms, channel)


def _has(holdout: Document, person: Person) -> bool:
    digest = blake2b(holdout["salt"].encode() + b"\0" + person.name.encode(), digest_size=64).digest()
    return bool(int.from_bytes(digest[:8], "big") % 10_000 < holdout["percent"] * 100)


def _is_full(person: Person, now_ms: int, delivery: Delivery, cap: Document) -> bool:
    if delivery.channel not in cap["channels"]:
        return False
    since_ms = now_ms - parse_duration(cap["per"])
    counted = [each for at_ms, each in person.reserved if since_ms < at_ms and each.channel in cap["channels"]]
    return len(counted) >= int(cap["max"])


def _quiet(person: Person, now_ms: int, channel: str) -> tuple[str | None, int | None]:
    """Whether it is quiet in her zone, and until when where that holds."""
    windows = []
    for rule in person.world.policies.get("quiet_hours", []):
        if channel in rule.get("channels", ADDRESSES):
            found = quiet_windows(rule, now_ms, person.zone)
            windows += [(start, end, rule.get("then", "hold")) for start, end in found]
    inside = [window for window in windows if window[0] <= now_ms < window[1]]
    if not inside:
        return None, None
    if any(then == "drop" for _, _, then in inside):
        return "quiet_hours", None
    until_ms = max(end for _, end, _ in inside)
    # Windows that overlap or touch are one.
    while later := [end for start, end, _ in windows if start <= until_ms < end]:
        until_ms = max(later)
    return "quiet_hours", until_ms


def newest_sent(person: Person, of: str, step: str, channel: str) -> Delivery | None:
    """The delivery that a reaction is about: the one of that step and channel that left last."""
    found = [each for each in person.left if (each.run[0], each.step, each.channel) == (of, step, channel)]
    return found[-1] if found else None


def react(person: Person, now_ms: int, line: Document) -> None:
    delivery = newest_sent(person, line.get("campaign") or line["journey"], line["step"], line["channel"])
    if delivery is None:
        return
    reaction, link = line["reaction"], line.get("link")
    if reaction == "unsubscribed":
        person.set_consent(delivery.channel, None, False)
    for each in (reaction, *(["delivered"] if reaction in ("opened", "clicked") else [])):
        delivery.marks.append((each, link, now_ms))


def has_reacted(delivery: Delivery, reaction: str, link: str | None, since_ms: int | None, now_ms: int) -> bool:
    """Whether a delivery has the mark, of which the first time counts."""
    times = [at_ms for kind, of, at_ms in delivery.marks if kind == reaction and link in (None, of)]
    return bool(times) and min(times) <= now_ms and (since_ms is None or min(times) >= since_ms)
