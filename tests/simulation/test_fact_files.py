"""Are the facts of a simulation in files as they are in memory, with the events that led to them?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.dataset as ds
import pytest
from msgspec.structs import replace
from tests.simulation.fact_rows import rows

from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.errors import CallerError, ExtraMissing
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.opening import EXPORT, recall_exported
from parcours.insight.exporter.reading import reading, rows_of
from parcours.insight.exporter.tables import TABLES
from parcours.journey.project import Project
from parcours.simulation.fact_files import FactFiles
from parcours.simulation.simulation import Result, simulate

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording, Write

DAY_MS = 86_400_000

SHOP = """
# file parcours.yaml
project: shop
timezone: UTC
insight: {addresses: hashed, events: %s}
# file profile.yaml
traits: {email: string}
# file events.yaml
events:
  Seen: {properties: {page: string, card: {type: string, pii: true}}}
  Visited: {key: {namespace: loyalty, value: event.card}, properties: {card: string}}
"""


def crowd(recording: Recording) -> Recording:
    for number in range(30):
        who = f"person-{number}"
        recording.identify(number % 5, who, email=f"{who}@mail.example", timezone="Moon")
        recording.track(1_000 + number % 3, who, "Product Added", {"cart": {"total": 40 + number}, "cart_id": who})
        recording.track(1_000 + number % 3, who, "Page Seen")
        recording.track(DAY_MS // 2, who, "Order Completed", {"cart_id": who})
    return recording


def write_facts(project: Project, lines: list[bytes], out: Path, secret: str | None = None, **options: Any) -> Result:
    """Simulate, and write the facts; the result has none."""
    held_bytes_max = options.pop("held_bytes_max", 1_000_000)
    with FactFiles(out, project.program, secret, held_bytes_max=held_bytes_max) as files:
        result = simulate(project, lines, facts=files.add, accepted=files.add_events, **options)
        files.write()
    return result


def content(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def exportable(fact: Fact) -> Fact:
    """Without what no export has."""
    if isinstance(fact, Moved):
        return replace(fact, left=None)
    return replace(fact, to=None) if isinstance(fact, DeliveryReached) else fact


def test_what_is_recalled_from_the_files_of_everybody_is_what_happened(
    luma: Project, recording: Recording, tmp_path: Path
) -> None:
    write_facts(luma, crowd(recording).lines, tmp_path)

    facts = simulate(luma, recording.lines).facts
    people = {fact.person for fact in facts}
    assert len(people) == 31  # one of whom is nobody: of that name journeys are published
    for who in people:
        recalled = recall_exported(tmp_path, who).facts
        assert recalled == [exportable(fact) for fact in facts if fact.person == who], who


def test_the_files_are_the_same_bytes_for_any_number_of_shards(
    luma: Project, recording: Recording, tmp_path: Path
) -> None:
    crowd(recording)
    for name, shards, held_bytes_max in (("one", 1, 1_000_000), ("two", 2, 1), ("seven", 7, 20_000)):
        write_facts(luma, recording.lines, tmp_path / name, shards=shards, held_bytes_max=held_bytes_max)

    one = content(tmp_path / "one")
    assert one == content(tmp_path / "two") == content(tmp_path / "seven")
    assert {name.split("/")[1] for name in one} >= {"_done", "moves", "deliveries", "changes", "events", "publications"}


def test_what_is_written_into_the_same_folder_again_is_there_alone(
    luma: Project, recording: Recording, tmp_path: Path
) -> None:
    write_facts(luma, crowd(recording).lines, tmp_path / "again")
    write_facts(luma, recording.lines[:7], tmp_path / "again")
    write_facts(luma, recording.lines[:7], tmp_path / "once")

    assert content(tmp_path / "again") == content(tmp_path / "once")
    assert [path.name for path in (tmp_path / "again").iterdir()] == ["facts"]


def test_a_simulation_that_fails_leaves_what_was_there(luma: Project, recording: Recording, tmp_path: Path) -> None:
    write_facts(luma, crowd(recording).lines, tmp_path)
    before = content(tmp_path)

    with pytest.raises(CallerError), FactFiles(tmp_path, luma.program, None) as files:
        simulate(luma, [*recording.lines, 5], facts=files.add, accepted=files.add_events)  # type: ignore[list-item]

    assert content(tmp_path) == before


def test_where_nothing_happens_there_are_no_rows(luma: Project, tmp_path: Path) -> None:
    write_facts(luma, [], tmp_path)

    assert [rows(tmp_path, table) for table in TABLES] == [[]] * len(TABLES)


def test_events_that_were_accepted_are_kept_with_whose_they_are(
    shop: Project, recording: Recording, tmp_path: Path
) -> None:
    recording.call(3, type="track", userId="u1", event="Seen", messageId="m", properties={"page": "a", "card": "4711"})
    recording.call(4, type="track", userId="u1", event="Seen", messageId="m", properties={"page": "b"})
    recording.call(5, type="track", event="Visited", properties={"card": "77"})
    recording.call(6, type="track", anonymousId="7f3a", event="Seen", properties={"page": "c"})
    recording.call(7, type="track", userId="u1", event="Unheard Of", properties={})
    recording.call(8, type="track", event="Seen", properties={"page": "of nobody"})
    recording.call(2, type="track", userId="u2", event="Seen", properties={"page": "d"})

    write_facts(shop, recording.lines, tmp_path, shards=2)

    told = [(row["person"], row["event"], row["properties"]) for row in rows(tmp_path, "events")]
    assert told == [
        ("u2", "Seen", '{"page":"d"}'),
        ("u1", "Seen", '{"page":"a"}'),
        ("@loyalty/77", "Visited", '{"card":"77"}'),
        ("@anonymous/7f3a", "Seen", '{"page":"c"}'),
    ]
    assert all(row["time"] == row["sent_at"] for row in rows(tmp_path, "events"))


@pytest.fixture
def shop(request: pytest.FixtureRequest, write: Write) -> Project:
    return Project.load(write(SHOP % getattr(request, "param", "declared")))


@pytest.mark.parametrize(
    "shop, kept", [("none", []), ("all", ["Seen", "Other"]), ("[Other]", ["Other"])], indirect=["shop"]
)
def test_the_project_says_which_events_are_kept(
    shop: Project, kept: list[str], recording: Recording, tmp_path: Path
) -> None:
    recording.track(1, "u1", "Seen").track(2, "u1", "Other")

    write_facts(shop, recording.lines, tmp_path)

    assert [row["event"] for row in rows(tmp_path, "events")] == kept


def test_addresses_are_hashed_with_the_secret_or_left_out(luma: Project, recording: Recording, tmp_path: Path) -> None:
    write_facts(luma, crowd(recording).lines, tmp_path / "hashed", secret="salt")
    write_facts(luma, recording.lines, tmp_path / "without")

    hashed = {row["address"] for row in rows(tmp_path / "hashed", "deliveries")} - {None}
    assert len(hashed) > 5 and all(len(address) == 64 for address in hashed)
    assert {row["address"] for row in rows(tmp_path / "without", "deliveries")} == {None}


@pytest.mark.parametrize("name", ["layout.json", "manifest"])
def test_the_folder_of_a_store_is_refused(name: str, luma: Project, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")
    (tmp_path / "facts" / "_done").mkdir(parents=True)

    with pytest.raises(CallerError, match="is the folder of a store, which has facts of its own"):
        FactFiles(tmp_path, luma.program, None)


def test_a_folder_of_the_same_name_with_something_else_in_it_is_refused(luma: Project, tmp_path: Path) -> None:
    (tmp_path / "facts").mkdir()

    with pytest.raises(CallerError, match="holds no exported facts: move it away"):
        FactFiles(tmp_path, luma.program, None)


def test_without_the_extra_its_name_is_told_before_anything_runs(
    luma: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(ExtraMissing) as caught:
        FactFiles(tmp_path, luma.program, None)

    assert str(caught.value) == f"{EXPORT} needs the extra [insight]: pip install 'parcours[insight]'"


def test_any_tool_reads_the_folder(luma: Project, recording: Recording, tmp_path: Path) -> None:
    write_facts(luma, crowd(recording).lines, tmp_path)

    table = ds.dataset(facts_folder(tmp_path) / "moves", format="parquet", partitioning="hive").to_table()

    assert table.num_rows == len(rows(tmp_path, "moves"))


MERGING = """
# file parcours.yaml
project: shop
insight: {events: all}
# file events.yaml
events: {Seen: {}}
# file journeys/visit.yaml
{journey: visit, entry: {event: Seen}, reentry: always, steps: [{id: look, wait: 1m}]}
"""


@pytest.mark.parametrize("held_bytes_max", [1, 1_000_000])
def test_an_event_is_of_whoever_was_called_by_its_name_then(
    held_bytes_max: int, write: Write, recording: Recording, tmp_path: Path
) -> None:
    def seen(at: int) -> None:
        recording.call(at, type="track", event="Seen", anonymousId="a")

    def log_in(at: int, who: str) -> None:
        recording.call(at, type="identify", userId=who, anonymousId="a")

    seen(1)
    log_in(2, "2-sarah")
    seen(3)
    log_in(4, "joe")  # the id is shared, so it is somebody of its own again
    seen(5)
    write_facts(Project.load(write(MERGING)), recording.lines, tmp_path / "out", held_bytes_max=held_bytes_max)

    facts = tmp_path / "out" / "facts"
    rows = reading(facts, lambda listing: rows_of(facts, listing, "events")).sort_by([("record", "ascending")])

    assert rows["person"].to_pylist() == ["@anonymous/a", "2-sarah", "@anonymous/a"]
