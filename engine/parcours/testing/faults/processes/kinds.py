"""Which faults there are, and in which order they strike: from a seed, every kind before any comes again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from parcours.testing.faults.processes.driver import RuntimeName
from parcours.testing.faults.processes.mail_server import FAULTS

Strike = Literal[
    "kill driver", "kill shard", "kill dispatcher", "freeze driver", "freeze shard", "freeze dispatcher", "full disk"
]

KILLS: Final = frozenset({"kill driver", "kill shard", "kill dispatcher"})

OFTEN: Final[Mapping[RuntimeName, dict[Strike, int]]] = {
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
"""How often each strikes in a round, by what it costs: a driver on Ray takes its cluster along."""

AT_WORK: Final[dict[RuntimeName, float]] = {"local": 0.8, "ray": 0.5}
"""Share of the blows that meet an engine at work. On Ray the others meet one part while another comes back."""

PROVIDER: Final = tuple(f"provider: {name}" for name in FAULTS)


@dataclass(frozen=True, slots=True)
class Blow:
    """One strike.

    at_work  whether it waits until the engine is at work again, or may strike while that comes back
    pause_s  how long after that, or after the blow before
    chance   who of several is the victim: a number below 1
    """

    strike: Strike
    at_work: bool
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
            at_work = random.random() < AT_WORK[runtime]
            yield Blow(strike, at_work, random.choice((0.02, 0.1, 0.4, 1.0)) * random.random(), random.random())
            kills -= strike in KILLS


def kinds_of(runtime: RuntimeName) -> list[str]:
    """Every kind that has to happen for a run on this runtime to be valid."""
    return [*OFTEN[runtime], *PROVIDER]
