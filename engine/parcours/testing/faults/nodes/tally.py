"""The tally of a season that goes on from run to run: what each storm of it came to, a line each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from parcours.testing.faults.processes.storm import StormOutcome


class _Line(msgspec.Struct, frozen=True):
    """season: the seed of all its storms."""

    season: int
    outcome: StormOutcome


def read_tally(path: Path, season: int) -> list[StormOutcome]:
    """What storms of the season of this seed have come to, the first one first. Raises ValueError for another's."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    tally = [msgspec.json.decode(line, type=_Line, dec_hook=_counter) for line in lines]
    others = {line.season for line in tally} - {season}
    if others:
        raise ValueError(f"{path} is the tally of the season of seed {others.pop()}, not of {season}")
    return [line.outcome for line in tally]


def write_down(path: Path, season: int, outcome: StormOutcome) -> None:
    """One more."""
    with path.open("ab") as file:
        file.write(msgspec.json.encode(_Line(season, outcome)) + b"\n")


def _counter(kind: type, value: Any) -> Counter[str]:
    del kind  # all else msgspec knows
    return Counter(value)
