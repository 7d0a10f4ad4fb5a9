"""Which faults of machines there are, and in which order they strike: from a seed, every kind in each storm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, get_args

from parcours.testing.faults.nodes.wire import CUTS
from parcours.testing.faults.processes.mail_server import FAULTS

Strike = Literal[
    "kill machine", "kill head", "kill keeper", "kill shard", "kill dispatcher", "kill door", "freeze machine",
    "freeze keeper's machine", "freeze raylet", "kill server", "cut commits", "two keepers", "keeper wakes up",
]  # fmt: skip

STRIKES: Final[tuple[Strike, ...]] = get_args(Strike)

KILLS: Final = frozenset({"kill machine", "kill head", "kill keeper", "kill shard", "kill dispatcher", "kill door"})

Often = Mapping[Strike, int]
"""How often each strikes in a storm."""

SHORT: Final[Often] = {
    "kill machine": 1,
    "kill head": 1,
    "kill keeper": 1,
    "kill shard": 1,
    "kill dispatcher": 1,
    "kill door": 1,
    "freeze machine": 1,
    "kill server": 1,
    "cut commits": 1,
    "two keepers": 1,
    "keeper wakes up": 1,
}
"""Every kind once, and of machines that are frozen one without the keeper: without it shards come back sooner."""

LONG: Final[Often] = {
    **SHORT,
    "kill machine": 3,
    "freeze machine": 9,
    "freeze raylet": 1,
    "freeze keeper's machine": 1,
    "cut commits": 6,
}
"""More of what there has to be much of: about eight minutes, and then what is left behind is judged in memory."""


@dataclass(frozen=True, slots=True)
class Blow:
    """One strike.

    pause_s  how long after the engine is at work again
    chance   who of several is the victim: a number below 1
    """

    strike: Strike
    pause_s: float
    chance: float


def blows(seed: int, often: Often) -> Iterator[Blow]:
    """Each kind as often as that, in an order of the seed's."""
    random = Random(seed)
    strikes: list[Strike] = [strike for strike, many in often.items() for _ in range(many)]
    random.shuffle(strikes)
    for strike in strikes:
        yield Blow(strike, random.choice((0.1, 0.5, 1.5)) * random.random(), random.random())


def kinds(often: Often) -> list[str]:
    """Every kind that has to happen for a season to be valid."""
    return [
        *often,
        "zombie",
        "clock is wrong",
        *(f"commit cut {cut} the answer" for cut in CUTS),
        *(f"provider: {name}" for name in FAULTS),
    ]
