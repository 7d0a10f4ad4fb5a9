"""A season: storms over both runtimes side by side, counted together, and judged as a whole.

A season is invalid in which a kind of fault never happened, that had fewer kills than were asked for, or in which no
kill of a runtime came while somebody moved from one shard to another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from parcours.testing.faults.processes.driver import RuntimeName
from parcours.testing.faults.processes.kinds import kinds_of
from parcours.testing.faults.processes.storm import RuntimeOutcome, storm

KILLS_OF_A_STORM: Final[dict[RuntimeName, int]] = {"local": 50, "ray": 25}
"""After so many a storm is over: what it leaves behind has to be judged in memory."""

RAY_PERCENT: Final = 10
"""Share of the kills on Ray, where a process takes ten times as long to come back."""


MEETS_AT: Final = 10
"""From so many kills on a runtime one of them at least has to come while somebody moves: every third or so does."""


@dataclass(slots=True)
class Season:
    """What a season came to. `failed` has the violations of each storm that has some."""

    asked: Mapping[RuntimeName, int]
    outcomes: list[RuntimeOutcome] = field(default_factory=list)

    @property
    def failed(self) -> dict[str, tuple[str, ...]]:
        return {f"{each.runtime} {each.seed}": each.violations for each in self.outcomes if each.violations}

    def kills(self, runtime: RuntimeName) -> int:
        return sum(each.kills for each in self.outcomes if each.runtime == runtime)

    def injected(self, runtime: RuntimeName) -> Counter[str]:
        return sum((each.injected for each in self.outcomes if each.runtime == runtime), Counter[str]())

    def _met_moving(self, runtime: RuntimeName) -> int:
        return sum(each.verdict.met_moving for each in self.outcomes if each.runtime == runtime)

    @property
    def checked(self) -> Counter[str]:
        return sum((each.verdict.checked for each in self.outcomes), Counter[str]())

    @property
    def missing(self) -> list[str]:
        """What makes it invalid."""
        missing = [
            f"{kind!r} never happened on {runtime}"
            for runtime, asked in self.asked.items()
            for kind in kinds_of(runtime)
            if asked and not self.injected(runtime)[kind]
        ]
        few = [
            f"{self.kills(runtime)} kills on {runtime}, {asked} were asked for"
            for runtime, asked in self.asked.items()
            if self.kills(runtime) < asked
        ]
        unmoved = [
            f"nobody was moving when a process was killed on {runtime}"
            for runtime, asked in self.asked.items()
            if asked >= MEETS_AT and not self._met_moving(runtime)
        ]
        return missing + few + unmoved


def share(kills: int) -> dict[RuntimeName, int]:
    """How many of the kills each runtime has to endure."""
    on_ray = max(1, kills * RAY_PERCENT // 100)
    return {"local": kills - on_ray, "ray": on_ray}


def run_season(
    seed: int,
    asked: Mapping[RuntimeName, int],
    progress: Callable[[RuntimeOutcome], None] | None = None,
    keep: Path | None = None,
) -> Season:
    """Let storms blow until each runtime has had so many kills; `progress` is called after each.

    keep  a folder for what storms leave behind that break a promise
    """
    season = Season(asked)

    def endure(runtime: RuntimeName) -> None:
        for storm_seed, kills in _storms(seed, runtime, asked[runtime]):
            outcome = storm(storm_seed, runtime, kills, keep)
            season.outcomes.append(outcome)
            if progress is not None:
                progress(outcome)

    with ThreadPoolExecutor(max_workers=2) as lanes:
        for lane in [lanes.submit(endure, runtime) for runtime, kills in asked.items() if kills]:
            lane.result()
    return season


def _storms(seed: int, runtime: RuntimeName, kills: int) -> Iterator[tuple[int, int]]:
    """(seed, kills) of each storm."""
    random = Random(f"{seed} {runtime}")
    most = KILLS_OF_A_STORM[runtime]
    while kills > 0:
        yield random.getrandbits(31), min(kills, most)
        kills -= most
