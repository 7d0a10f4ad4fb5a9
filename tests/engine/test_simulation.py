"""The same events give the same bytes, for any number of shards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from parcours.journey.project import Project
from parcours.simulation.result_files import write_results
from parcours.simulation.simulation import simulate

NAMES = ("deliveries.ndjson", "transitions.ndjson", "summary.json")


def traffic() -> Iterator[bytes]:
    """40 people: some buy in time, some at the limit, some late, some never, some without an address."""
    for number in range(40):
        person, base_ms = f"u{number}", number * 37
        if number % 5:
            yield line("identify", person, base_ms, traits={"email": f"{person}@mail.example", "city": "Oslo"})
        yield line("track", person, base_ms + 1, event="Started", properties={"cart": "c1"})
        yield line("track", person, base_ms + 2, event="Seen", properties={"page": "p"})
        if number % 4:
            bought_ms = base_ms + 1 + (99, 100, 101)[number % 4 - 1]
            yield line("track", person, bought_ms, event="Bought", properties={"cart": "c1"})
    yield b"rubbish"


def line(kind: str, person: str, after_ms: int, **fields: object) -> bytes:
    timestamp = f"2026-01-01T10:00:{after_ms // 1000:02d}.{after_ms % 1000:03d}Z"
    return msgspec.json.encode({"type": kind, "userId": person, "timestamp": timestamp, **fields})


@pytest.mark.parametrize("shards", [2, 7])
def test_the_number_of_shards_does_not_show_in_the_files(
    shards: int, tmp_path: Path, new_shop: Callable[..., Project]
) -> None:
    project, lines = new_shop(), list(traffic())

    for number in (1, shards):
        result = simulate(project, lines, shards=number)
        write_results(tmp_path / str(number), result.facts, result.summary)

    for name in NAMES:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / str(shards) / name).read_bytes()
    outcomes = [msgspec.json.decode(each)["outcome"] for each in (tmp_path / "1" / NAMES[0]).read_bytes().splitlines()]
    assert {"sent", "refused"} <= set(outcomes)
