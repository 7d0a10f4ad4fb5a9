"""Lives in which people log in: what visitors do, who says to be whom, and which shard ends meanwhile.

An id is what a browser has, and may be a user id as well: an alias asks for both. So ids are chosen of which either
name lives in a shard that is simulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, product
from random import Random
from typing import Any, Final

from parcours.core.identity import person_name
from parcours.testing.faults.layout import SHARDS, SLOT_MAP

LINES_FROM: Final = 3_000
"""Events of these lives are numbered from here."""

PAUSES_S: Final = (0.0, 0.002, 0.02, 0.3, 5.0, 1_200.0, 20_000.0)
"""Between two things that happen: mostly so short that a move is still under way."""


DIGITS: Final = (29, 31)
"""Of an id. With the fewer its two names live in one shard, with the more in both: so are the checksums of names."""


def _ids() -> Iterator[str]:
    """One for each pair of shards in which its two names may live."""
    for shard, digits in product(SHARDS, DIGITS):
        candidates = (f"v{number:0{digits}}" for number in count())
        yield next(
            each
            for each in candidates
            if SLOT_MAP.shard(f"@anonymous/{each}") == shard and SLOT_MAP.shard(each) in SHARDS
        )


IDS: Final = tuple(_ids())

Lines = tuple[dict[str, Any], ...]


def has_log_ins(seed: int) -> bool:
    """Whether people log in in the life of this seed: every fourth, with and without an exporter."""
    return seed % 8 in (2, 5)


def written_under(line: dict[str, Any]) -> str:
    """The name that a line is written under."""
    name = person_name(line.get("userId"), line.get("anonymousId"))
    assert name is not None, "each line has an id"
    return name


def links(line: dict[str, Any]) -> bool:
    """Whether the line may make one person of two."""
    return line["type"] == "alias" or (line["type"] == "identify" and {"userId", "anonymousId"} <= line.keys())


def log_ins(random: Random, people: tuple[str, ...], events: tuple[str, ...]) -> Iterator[tuple[float, Lines, bool]]:
    """What is handed in, when, and whether it waits for what its people handed in before."""
    life = _Life(random, people, events)
    at_s = 15.0
    for each in IDS:
        yield at_s + random.random(), (life.met(each),), True
    at_s = 20.0
    for _ in range(random.randint(8, 24)):
        at_s += random.choice(PAUSES_S) * random.random()
        yield at_s, tuple(life.happens() for _ in range(random.choice((1, 1, 2, 3, 6)))), random.random() < 0.3


class _Life:
    """Draws one line after the other. Most log in with a device of their own, some with that of another one."""

    def __init__(self, random: Random, people: tuple[str, ...], events: tuple[str, ...]) -> None:
        self._random = random
        self._people = people
        self._events = events
        self._numbers = count(LINES_FROM)

    def met(self, visitor: str) -> dict[str, Any]:
        """A visitor leaves an address before anybody knows her."""
        traits = {"email": f"{visitor}@visitors.example", "phone": f"+332{visitor[-8:]}"}
        return self._line({"type": "identify", "anonymousId": visitor, "traits": traits})

    def happens(self) -> dict[str, Any]:
        random = self._random
        chance, visitor = random.random(), random.choice(IDS)
        hers = self._people[IDS.index(visitor) % len(self._people)]
        user = hers if random.random() < 0.85 else random.choice(self._people)
        if chance < 0.22:
            return self._line({"type": "identify", "userId": user, "anonymousId": visitor, "traits": {}})
        if chance < 0.28:
            return self._line({"type": "alias", "userId": user, "previousId": visitor})
        whose = {"anonymousId": visitor} if chance < 0.7 else {"userId": user if chance < 0.95 else visitor}
        if random.random() < 0.1:
            granted = random.random() < 0.4
            return self._line({**whose, "type": "consent", "channel": "email", "granted": granted})
        properties = {"cart": random.choice("aabc"), "number": next(self._numbers)}
        event = random.choice((*self._events, "Started", "Ordered", "Ordered"))
        return self._line({**whose, "type": "track", "event": event, "properties": properties})

    def _line(self, line: dict[str, Any]) -> dict[str, Any]:
        return {**line, "messageId": f"w-{next(self._numbers)}"}
