"""What is written to the log: each message follows from the seed and its number, and what all of them come to.

Whoever writes keys a message by the name under which it is written. So what is said of somebody under her own name is
in one partition and has an order. Visitors only look at things: where they become known, whatever the order is in which
two partitions are read, the same is known of the person in the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import msgspec

PEOPLE: Final = 24

EVENT_BYTES_MAX: Final = 1_000
"""The engine's bound in the harness; poison may be longer."""

POISON: Final = (
    b"{",
    b'{"type":"track","event":"Seen"}',
    b'{"type":"track","event":"Seen","userId":["u1"]}',
    b'{"type":"track","event":"Seen","userId":"u1","properties":{"long":"%b"}}' % (b"x" * EVENT_BYTES_MAX),
)
"""No JSON, nobody's, whose name is none, too long."""


def message(seed: int, number: int) -> tuple[str, bytes | None]:
    """Key and value of a message; None where it says that its key is gone."""
    chance = Random(f"{seed} {number}")
    who, kind = chance.randrange(PEOPLE), chance.random()
    user, visitor = f"u{who}", f"v{who}"
    if kind < 0.4:
        return user, _call("track", userId=user, event="Seen", properties={"n": number})
    if kind < 0.65:
        return visitor, _call("track", anonymousId=visitor, event="Seen", properties={"n": number})
    if kind < 0.7:
        return user, _call("identify", userId=user, anonymousId=visitor)
    if kind < 0.82:
        return user, _call("identify", userId=user, traits={"city": chance.choice(["Paris", "Paris", "Rome"])})
    if kind < 0.86:
        return user, _call("identify", userId=user, traits={"email": f"{user}.{chance.randrange(3)}@mail.example"})
    if kind < 0.96:
        granted = chance.random() < 0.8
        return user, _call("consent", userId=user, channel="email", purpose="ads", granted=granted)
    if kind < 0.98:
        return user, None
    return user, chance.choice(POISON)


def _call(kind: str, **more: Any) -> bytes:
    return msgspec.json.encode({"type": kind, **more})


@dataclass(frozen=True, slots=True)
class Written:
    """A message as the log has it."""

    partition: str
    offset: int
    value: bytes | None


@dataclass(slots=True)
class Meant:
    """What the log comes to, if each message is applied once.

    seen     where in the log each event is, by its number
    poison   places of what cannot be used
    silent   how many messages say only that a key is gone
    vips     whoever is in Paris
    agreed   their addresses, of those who agree
    buyers   whoever has seen something, under the name that she has in the end
    counts   how often, under that name
    """

    seen: dict[int, tuple[str, int]] = field(default_factory=dict)
    poison: set[tuple[str, int]] = field(default_factory=set)
    silent: int = 0
    vips: set[str] = field(default_factory=set)
    agreed: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def buyers(self) -> set[str]:
        return {*self.counts}


def meant(log: Sequence[Written]) -> Meant:
    """What these messages mean; those of a partition are in its order."""
    told, known = Meant(), _Known()
    for each in log:
        if each.value is None:
            told.silent += 1
        elif each.value in POISON:
            told.poison.add((each.partition, each.offset))
        else:
            call = msgspec.json.decode(each.value)
            if call["type"] == "track":
                told.seen[call["properties"]["n"]] = each.partition, each.offset
            known.hear(call)
    told.vips = {user for user, traits in known.traits.items() if traits.get("city") == "Paris"}
    told.agreed = {
        known.traits[user]["email"] for user in told.vips if known.agrees.get(user) and "email" in known.traits[user]
    }
    told.counts = known.counts()
    return told


@dataclass(slots=True)
class _Known:
    traits: defaultdict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    agrees: dict[str, bool] = field(default_factory=dict)
    linked: set[str] = field(default_factory=set)
    seen: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def hear(self, call: dict[str, Any]) -> None:
        match call["type"]:
            case "track":
                self.seen[call.get("userId") or call["anonymousId"]] += 1
            case "consent":
                self.agrees[call["userId"]] = call["granted"]
            case _:
                self.traits[call["userId"]] |= call.get("traits", {})
                if "anonymousId" in call:
                    self.linked.add(call["anonymousId"])

    def counts(self) -> dict[str, int]:
        found = defaultdict[str, int](int)
        for name, times in self.seen.items():
            if name.startswith("u"):
                found[name] += times
            else:
                found[f"u{name[1:]}" if name in self.linked else f"@anonymous/{name}"] += times
        return dict(found)
