"""The plan of one run: what is handed in, and which faults there will be. Plain data, generated from a seed.

A fault is named by where it strikes: at the n-th operation of a kind, at the n-th call over a link, at the n-th
delivery that a provider gets, or at a time. One whose place is never reached does not happen, and does not count.
"""

from __future__ import annotations

from random import Random
from typing import Any, Final, TypeAlias

import msgspec

from parcours.journey.publish.ledger import Verb
from parcours.testing.faults.layout import PEOPLE, SHARDS
from parcours.testing.faults.project import EVENTS, IN_INBOXES, JOURNEYS
from parcours.testing.faults.visitors import has_log_ins, log_ins

CHANNELS: Final = ("email", "sms")

WORK_S: Final = 2 * 86_400
"""The time in which calls are handed in and faults strike."""

START_MS: Final = 1_790_000_000_000
"""What the wall clock shows at the beginning: a day of September 2026, at 13:33 UTC."""


class Call(msgspec.Struct, frozen=True):
    """Lines that a client hands in together, at a time in seconds.

    waits  whether it waits until everything that it handed in before for the same people is acknowledged
    """

    at_s: float
    lines: tuple[dict[str, Any], ...]
    waits: bool = True


class Change(msgspec.Struct, frozen=True):
    """Something that is published or changed at a time in seconds. `project` is that of a publication."""

    at_s: float
    verb: Verb
    journey: str = ""
    project: int = 0


class StoreFault(msgspec.Struct, frozen=True, tag="store"):
    """At the n-th operation of this name on the store of a shard."""

    how: str
    shard: int
    operation: str
    nth: int


class CallFault(msgspec.Struct, frozen=True, tag="call"):
    """At the n-th request of this kind to a shard."""

    how: str
    shard: int
    request: str
    nth: int


class ProviderFault(msgspec.Struct, frozen=True, tag="provider"):
    """At the n-th call of a channel's `send`."""

    how: str
    channel: str
    nth: int


class TimedFault(msgspec.Struct, frozen=True, tag="timed"):
    """At a time. `target` is the place of a shard or of a channel; `length` in seconds where there is one."""

    how: str
    at_s: float
    target: int = 0
    length_s: float = 0.0


Fault: TypeAlias = StoreFault | CallFault | ProviderFault | TimedFault


class Plan(msgspec.Struct, frozen=True):
    """A run: the seed gives the delays, everything else is written out."""

    seed: int
    calls: tuple[Call, ...]
    faults: tuple[Fault, ...]
    changes: tuple[Change, ...] = ()


FAULTY: Final = 5_000
"""Events of this number and above cannot be applied until the engine is mended (letters.py)."""

CARTS: Final = ("a", "a", "a", "b", "c")

STORE_FAULTS: Final = (
    "crash before", "crash after", "fails before", "fails after", "power cut before", "power cut after",
)  # fmt: skip
"""`fails after`: the operation reports a failure though it has succeeded. The other way round is no fault of ours. A
crash is one of the shard's process, a power cut of all of them.
"""

STORE_OPERATIONS: Final = {"append": 40, "change": 5, "acquire": 6, "save_image": 30, "trim": 40}
"""Each with the highest number at which a fault strikes: about as often as it is done. `change` is an append of a shard
that is told to hold, or what is published.
"""

CALL_FAULTS: Final = ("request lost", "answer lost", "late", "doubled", "repeated", "slow")
"""`late`: the caller is told that it failed, and it is carried out afterwards, behind what was sent later. `doubled`
and `repeated`: it is carried out twice, and the answer counts that comes first, or the second one.
"""

CHANGE_FAULTS: Final = (*CALL_FAULTS, "engine dies")
"""`engine dies`: all of it, before the shard has been told, or once it has, while others have not."""

FILES_FAULTS: Final = ("crash before", "crash after", "disk full", "freezes unread", "freezes unwritten")
"""A crash is one of the exporter's process; that is what freezes, too, before it has read a range or has written it."""

CHANGE_CALLS: Final = ("hold", "publish", "release")

CALLS: Final = [
    *(("take", how) for how in CALL_FAULTS),
    *(("exchange", how) for how in (*CALL_FAULTS, "caller dies")),
    *((request, how) for request in CHANGE_CALLS for how in CHANGE_FAULTS),
    ("tell", "fails"),
    *(("export", how) for how in CALL_FAULTS),
    *(("resend", how) for how in CALL_FAULTS),
    *(("files", how) for how in FILES_FAULTS),
]
"""The faults of calls, each with the kind of request. `caller dies`: the request is carried out even so, after the
shard has been told of the death. `tell` is no request to a shard: whoever has to know of a change first cannot be told,
so the shards are released from it. Nor is `files`: it is the files of a range that is exported.
"""

PROVIDER_FAULTS: Final = (
    "refused", "refused for good", "not sent", "not sent, later", "no connection", "ambiguous, arrived",
    "ambiguous, lost", "hangs, arrived", "hangs, lost", "raises", "no receipt", "crash, arrived", "crash, lost",
    "outlives its claim",
)  # fmt: skip

TIMED_FAULTS: Final = (
    "kill shard", "kill dispatcher", "kill exporter", "kill engine", "freeze shard", "freeze dispatcher",
    "freeze exporter", "second copy", "clock forward", "clock back", "disk full",
)  # fmt: skip

VERBS: Final[tuple[Verb, ...]] = ("publish", "close", "stop", "pause", "resume")

MOVES_MAX: Final = 16
"""The highest number at which a fault strikes a commit that sends messages to another shard, or takes them: `move`."""

PEER_CALLS: Final = ("peer", "hello")
"""The requests of shards to each other, with the faults of any call."""

KINDS: Final[tuple[str, ...]] = (
    "dead letter",
    *(f"change: {verb}" for verb in VERBS),
    *(f"{operation}: {how}" for operation in STORE_OPERATIONS for how in STORE_FAULTS),
    *(f"move: {how}" for how in STORE_FAULTS),
    *(f"{request}: {how}" for request, how in CALLS),
    *(f"{request}: {how}" for request in PEER_CALLS for how in CALL_FAULTS),
    *(f"provider: {how}" for how in PROVIDER_FAULTS),
    *TIMED_FAULTS,
)
"""Every kind of fault, and of change: a batch of runs is valid only if each has really happened."""


def plan_of(seed: int) -> Plan:
    """The plan of this seed."""
    random = Random(seed)
    calls, changes = _calls(random), _changes(random)
    faults = _faults(random, len(changes))
    changes += _changes_of_inboxes(Random(f"inboxes {seed}"))
    if has_log_ins(seed):
        faults += _log_in(Random(f"log-ins {seed}"), calls)
    return Plan(seed, tuple(calls), tuple(faults), tuple(sorted(changes, key=lambda change: change.at_s)))


def _calls(random: Random) -> list[Call]:
    people = PEOPLE[: random.randint(1, 4)]
    calls = [Call(1.0 + place, (_identify(person),)) for place, person in enumerate(people)]
    number = 0
    at_s = 10.0
    for _ in range(random.randint(4, 14)):
        at_s += random.choice((0.0, 0.002, 1.0, 60.0, 1_200.0, 7_200.0, 20_000.0)) * random.random()
        lines = []
        for _ in range(random.choice((1, 1, 1, 2, 4, 8))):
            number += 1
            lines.append(_line(random, random.choice(people), number))
        calls.append(Call(min(at_s, WORK_S), tuple(lines), waits=random.random() < 0.5))
    if random.random() < 0.5:
        burst = [_order(random.choice(people), 1_000 + place) for place in range(random.randint(8, 16))]
        calls.append(Call(at_s * random.random(), tuple(burst), waits=False))
    for place in range(random.choice((0, 1, 1, 3))):
        lines = [_line(random, random.choice(people), 2_000 + 10 * place + n) for n in range(random.randint(0, 2))]
        lines.append(_faulty(random, random.choice(people), FAULTY + place))
        calls.append(Call(at_s * random.random(), tuple(lines), waits=False))
    return calls


def _log_in(random: Random, calls: list[Call]) -> list[Fault]:
    """Let people log in, and the faults that are to strike meanwhile."""
    people = PEOPLE[: random.randint(1, 4)]
    known = [line["userId"] for call in calls for line in call.lines]
    calls += [Call(1.0, (_identify(person),)) for person in people if person not in known]
    times_s = []
    for at_s, lines, waits in log_ins(random, people, EVENTS):
        calls.append(Call(min(at_s, WORK_S), lines, waits))
        times_s.append(calls[-1].at_s)
    faults: list[Fault] = []
    for _ in range(random.choice((0, 2, 4, 8))):
        shard, how = random.randrange(len(SHARDS)), random.choice(STORE_FAULTS)
        faults.append(StoreFault(how, shard, "move", random.randint(1, MOVES_MAX)))
        how, request = random.choice(CALL_FAULTS), random.choice(("peer", *PEER_CALLS))
        faults.append(CallFault(how, shard, request, random.randint(1, 12)))
        strikes = ("kill shard", "kill shard", "freeze shard", "second copy", "kill dispatcher", "kill engine")
        at_s, length_s = random.choice(times_s) + 0.1 * random.random(), 60.0 * random.random()
        faults.append(TimedFault(random.choice(strikes), at_s, random.randrange(2), length_s))
    return faults


def _faulty(random: Random, person: str, number: int) -> dict[str, Any]:
    line = {**_order(person, number), "event": random.choice(EVENTS)}
    if random.random() < 0.5:
        del line["messageId"]
    return line


def _order(person: str, number: int) -> dict[str, Any]:
    properties = {"cart": f"cart {number}", "number": number}
    return {"userId": person, "type": "track", "event": "Ordered", "properties": properties, "messageId": f"m-{number}"}


def _identify(person: str) -> dict[str, Any]:
    traits = {"email": f"{person}@example.com", "phone": f"+331{person[1:]:0>8}"}
    return {"type": "identify", "userId": person, "traits": traits, "messageId": f"i-{person}"}


def _line(random: Random, person: str, number: int) -> dict[str, Any]:
    line: dict[str, Any] = {"userId": person}
    chosen = random.random()
    if chosen < 0.08:
        line |= {"type": "consent", "channel": "email", "granted": random.random() < 0.4}
    else:
        properties = {"cart": random.choice(CARTS), "number": number}
        event = random.choice((*EVENTS, "Started", "Ordered", "Ordered"))
        line |= {"type": "track", "event": event, "properties": properties}
    if random.random() < 0.9 or chosen < 0.08:
        line["messageId"] = f"m-{number}"
    return line


def _changes(random: Random) -> list[Change]:
    """None in every other run; in the others some, mostly while much is going on, and some close upon another."""
    changes = []
    for _ in range(random.choice((0, 0, 0, 1, 3, 6))):
        verb = random.choice(("pause", "resume", *VERBS))
        at_s = random.choice((60.0, 8_000.0, 40_000.0, float(WORK_S))) * random.random()
        journey = random.choice(JOURNEYS)
        if random.random() < 0.3:
            changes += [Change(at_s, "pause", journey), Change(at_s + random.random(), "resume", journey)]
        else:
            changes.append(Change(at_s, verb, journey if verb != "publish" else "", random.randrange(2)))
    return changes


def _changes_of_inboxes(random: Random) -> list[Change]:
    """One in every fifth run: drawn by itself, so that the plan is otherwise what it is without."""
    if random.random() < 0.8:
        return []
    at_s = random.choice((8_000.0, 40_000.0)) * random.random()
    return [Change(at_s, random.choice(("pause", "stop", "stop")), IN_INBOXES)]


def _faults(random: Random, changes: int) -> list[Fault]:
    faults: list[Fault] = []
    intensity = random.choice((0, 1, 1, 2, 4))
    if intensity and changes > 1:  # the end of a change comes to a shard that stands still for the next one
        nth = random.randint(1, changes - 1)
        faults.append(CallFault("late", 0, "publish", nth + 1))  # the first one settles
        faults.append(CallFault("slow", len(SHARDS) - 1, "hold", nth + 1))
    for _ in range(min(intensity, changes)):
        shard, nth = random.randrange(len(SHARDS)), random.randint(1, 4)
        request, how = random.choice(CHANGE_CALLS), random.choice(CHANGE_FAULTS)
        if request == "release":
            nth = 1
            faults.append(CallFault("fails", 0, "tell", random.randint(1, 2)))
        faults += [
            CallFault(how, shard, request, nth),
            StoreFault(random.choice(STORE_FAULTS), random.randrange(len(SHARDS)), "change", random.randint(1, 5)),
        ]
    for _ in range(2 * intensity):
        operation = random.choice(("append", "append", *STORE_OPERATIONS))
        most = STORE_OPERATIONS[operation]
        how = random.choice(STORE_FAULTS)
        faults.append(StoreFault(how, random.randrange(len(SHARDS)), operation, random.randint(1, most)))
    for _ in range(2 * intensity):
        request, how = random.choice(CALLS)
        shard, nth = random.randrange(len(SHARDS)), random.randint(1, 15)
        faults.append(CallFault(how, shard, request, nth))
        if random.random() < 0.3 and (request, "late") in CALLS:
            faults.append(CallFault("late", shard, request, nth + 1))  # which tells what an answer was lost of
    for _ in range(2 * intensity):
        request, how = random.choice([each for each in CALLS if each[0] in ("export", "files")])
        faults.append(CallFault(how, random.randrange(len(SHARDS)), request, random.randint(1, 8)))
    for _ in range(intensity):
        how, shard = random.choice(CALL_FAULTS), random.randrange(len(SHARDS))
        faults.append(CallFault(how, shard, "resend", random.randint(1, 3)))
    for _ in range(2 * intensity):
        channel = random.choice((*CHANNELS, "email"))
        faults.append(ProviderFault(random.choice(PROVIDER_FAULTS), channel, random.randint(1, 10)))
    for _ in range(intensity):
        how = random.choice(TIMED_FAULTS)
        at_s = random.choice((100.0, 10_000.0, float(WORK_S))) * random.random()
        length_s = random.choice((2.0, 60.0, 1_800.0, 7_200.0)) * random.random()
        faults.append(TimedFault(how, at_s, random.randrange(2), length_s))
    return faults
