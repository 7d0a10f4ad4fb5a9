"""What a simulation tells as it goes on is what it tells at the end, and the files are the same bytes."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parcours.core.fact import Fact
from parcours.errors import EventsUnsorted
from parcours.journey.project import Project
from parcours.simulation.result_files import ResultFiles
from parcours.simulation.simulation import simulate

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording

DAY_MS = 86_400_000


def crowded(recording: Recording) -> Recording:
    """Two hundred people fill carts at few different times; every third buys."""
    for number in range(200):
        who = f"person-{number}"
        recording.identify(number % 5, who, email=f"{who}@mail.example", phone="+33612345678", push_token="t")
        recording.track(1_000 + number % 5, who, "Product Added", {"cart": {"total": 80}, "cart_id": who})
        if number % 3 == 0:
            recording.track(DAY_MS // 2, who, "Order Completed", {"cart_id": who})
    return recording


@pytest.mark.parametrize("shards", [1, 2, 7])
@pytest.mark.parametrize("held_bytes_max", [1, 50_000])  # each row in a file of its own, and a few files
def test_facts_written_as_they_happen_make_the_files_that_they_make_together(
    shards: int, held_bytes_max: int, luma: Project, recording: Recording, tmp_path: Path
) -> None:
    expected = crowded(recording).play(luma).files(tmp_path / "together")

    with ResultFiles(tmp_path / "streamed", held_bytes_max) as files:
        result = simulate(luma, recording.lines, shards=shards, facts=files.add)
        files.write(result.summary)

    assert result.facts == []
    assert {path.name: path.read_bytes() for path in (tmp_path / "streamed").iterdir()} == expected
    assert all(len(content) > 500 for content in expected.values())


def test_whoever_is_handed_the_facts_gets_all_of_them_those_of_each_person_in_order(
    luma: Project, recording: Recording
) -> None:
    told: list[Fact] = []

    simulate(luma, crowded(recording).lines, shards=3, facts=told.extend)

    kept = simulate(luma, recording.lines).facts
    assert len(told) == len(kept)
    for who in ("person-0", "person-1", "person-199"):
        assert [fact for fact in told if fact.person == who] == [fact for fact in kept if fact.person == who]


def test_nothing_recorded_makes_empty_files(luma: Project, tmp_path: Path) -> None:
    with ResultFiles(tmp_path) as files:
        files.write(simulate(luma, [], facts=files.add).summary)

    assert [(tmp_path / f"{name}.ndjson").read_bytes() for name in ("deliveries", "transitions")] == [b"", b""]
    assert b'"clock":null' in (tmp_path / "summary.json").read_bytes()


def test_a_refused_recording_leaves_no_files_and_the_collector_as_it_was(
    luma: Project, recording: Recording, tmp_path: Path
) -> None:
    lines = crowded(recording).lines[::-1]
    before = gc.get_threshold()

    with pytest.raises(EventsUnsorted, match="is earlier than the line before it"):  # noqa: SIM117  # one error, one place
        with ResultFiles(tmp_path / "out", held_bytes_max=1) as files:
            simulate(luma, lines, sort=False, facts=files.add)

    assert not list(tmp_path.iterdir())
    assert gc.get_threshold() == before
