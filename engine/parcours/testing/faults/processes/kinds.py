"""Which faults there are, and in which order they strike: from a seed, every kind before any comes again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from parcours.testing.faults.processes.driver import RuntimeName
from parcours.testing.faults.processes.mail_server import FAULTS

Strike = Literal[
    "kill driver", "kill shard", "kill dispatcher", "freeze driver", "freeze shard", "freeze dispatcher", "full disk"
]

KILLS: Final = frozenset({"kill driver", "kill shard", "kill dispatcher"})

OFTEN: Final[dict[RuntimeName, dict[Strike, int]]] = {
    "local": {"kill driver": 18, "freeze driver": 1, "full disk": 1},
    "ray": {
        "kill shard": 12,
        "kill dispatcher": 6,
        "kill driver": 1,
        "freeze shard": 1,
        "freeze dispatcher": 1,
        "full disk": 1,
    },
}
"""How often each strikes in a round, by what it costs: a driver on Ray takes its cluster along, and 8 s to come back."""

PROVIDER: Final = tuple(f"provider: {name}" for name in FAULTS)


@dataclass(frozen=True, slots=True)
class Blow:
    """One strike.

    pause_s  how long after the one before
    chance   who of several is the victim: a number below 1
    """

    strike: Strike
    pause_s: float
    chance: float


def blows(seed: int, runtime: RuntimeName, kills: int) -> Iterator[Blow]:
    """Blows with at least so many kills among them, and every kind of the runtime once."""
    random = Random(seed)
    often = OFTEN[runtime]
    if kills < sum(many for strike, many in often.items() if strike in KILLS):
        often = dict.fromkeys(often, 1) | {next(iter(often)): max(1, kills - len(KILLS & often.keys()) + 1)}
    while kills > 0:
        rounds: list[Strike] = [strike for strike, many in often.items() for _ in range(many)]
        random.shuffle(rounds)
        for strike in rounds:
            yield Blow(strike, random.choice((0.02, 0.1, 0.4, 1.0)) * random.random(), random.random())
            kills -= strike in KILLS


def kinds_of(runtime: RuntimeName) -> list[str]:
    """Every kind that has to happen for a run on this runtime to be valid."""
    return [*OFTEN[runtime], *PROVIDER]
