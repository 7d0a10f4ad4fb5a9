"""Do the files of a range hold all that its records tell, and the same again after a crash?"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from tests.insight.failing_disk import FailingDisk

from parcours.config import DAY_MS
from parcours.core.fact import (
    Changed,
    CopyReached,
    Decided,
    DeliveryReached,
    Fact,
    LedgerChanged,
    LimitReached,
    Merged,
    Moved,
    NotMerged,
    OfferGiven,
    OfferMarked,
    Published,
    RunMerged,
    StrategyTried,
    Unmatched,
    Unmet,
    ZoneUnknown,
)
from parcours.core.fact_block import encode_facts
from parcours.core.input_block import KeptInputs, encode_inputs
from parcours.errors import StoreBroken
from parcours.insight.exporter import parquet_file, range_files
from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.range_files import ParquetRange
from parcours.insight.exporter.recall import recall_exported
from parcours.insight.exporter.rows import Telling
from parcours.journey.model.document import EventsDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.shard.messages import ExportRange, ExportRecord, ExportSlice

AT = 20_000 * DAY_MS
SARAH: list[Fact] = [
    Moved(AT, "sarah", "cart", 2, 1, "split", "entered", "Checkout Started"),
    Moved(AT, "sarah", "cart", 2, 1, "split", "split", "1", "wait"),
    Moved(AT + 1, "sarah", "cart", 2, None, None, "not_entered", "already_in"),
    DeliveryReached(
        AT + 2, "sarah", "cart", 2, 1, "mail", "email", "reminder", "s@shop.example", "sent", None, "k1", "fine", "250",
        3, "transactional", "news", 2, "https://shop.example",
    ),
    DeliveryReached(
        AT + 2, "sarah", "cart", 2, 1, "mail", "email", "reminder", "s@shop.example", "opened", None, "k1", None, None,
        3, "transactional", "news", 2, None, machine=True, offer_keys=("p1", "p2"),
    ),
    Unmet(AT + 3, "sarah", "launch", 1, "Order Completed", "total is missing"),
    Unmatched(AT + 4, "sarah", "opened", "no such delivery"),
    LimitReached(AT + 5, "sarah", "open_runs_max", "an entry"),
    LimitReached(AT + 5, "sarah", "kept_inputs_max", "a reaction", "cart"),
    ZoneUnknown(AT + 6, "sarah", "Mars/Olympus", "Europe/Paris"),
    NotMerged(AT + 7, "sarah", "identify", "anon-1"),
    NotMerged(AT + 7, "sarah", "alias", "mike", "two_known"),
    Merged(AT + 7, "sarah", "@anonymous/7f3a", "identify", (RunMerged("cart", 2, 1, 4, None, "rest"),)),
    Changed(AT + 8, "sarah", "trait", "city", '"Paris"'),
    Changed(AT + 8, "sarah", "trait", "email"),
    Changed(AT + 8, "sarah", "place", "studio", "entered", "fix"),
    Changed(AT + 9, "sarah", "place", "studio", "left", "silent", 3600),
    CopyReached(AT + 8, "sarah", "push", 2, 5, "mail", "email", "news", "m@luma.example", "failed", "k1", "no", "550"),
    Decided(
        AT + 8, "sarah", "best", "agent", "cart/1/pick/1",
        (OfferGiven("free", "k7", 4.5), OfferGiven("ten", "k8")), False,
        (
            StrategyTried(0, passed_over=True, unmet="profile.age is missing"),
            StrategyTried(1, False, (("free", "c", 4.5, ""), ("ten", "p", None, "3 of 3 shown")), 3),
        ),
    ),
    Decided(AT + 8, "sarah", "best", "agent", "cart/1/pick/2", (), False, ()),
    OfferMarked(AT + 8, "sarah", "k7", "free", "best", "agent", "clicked"),
    OfferMarked(AT + 8, "sarah", "k8", "ten", "best", "agent", "given_back"),
    LedgerChanged(AT + 9, "", "publish", "", 7, "care"),
    LedgerChanged(AT + 9, "", "pause", "cart", 8, ""),
    Published(AT + 9, "", "cart", 2, "journey: cart\n", "abc", "care"),
]  # fmt: skip
TELLING = Telling(3, frozenset({"Checkout Started"}), secret=b"salt")
CAMPAIGNS = Telling(3, frozenset(), campaigns=frozenset({"push"}))


def record(sequence: int, facts: list[Fact], *lines: bytes, at: int = AT, **kept: Any) -> ExportRecord:
    inputs = encode_inputs(KeptInputs(list(lines), **kept)) if lines else b""
    return ExportRecord(sequence, at, encode_facts(facts), inputs)


def line(event: str = "Checkout Started", properties: str = "{}", **more: str) -> bytes:
    call = {"type": "track", "event": event, "userId": "sarah", **more}
    return (json.dumps(call)[:-1] + f', "properties": {properties}}}').encode()


def write(store: Path, *records: ExportRecord, telling: Telling = TELLING, ahead: ExportRange | None = None) -> None:
    files = ParquetRange(store, telling, ahead or ExportRange(records[0].sequence, records[-1].sequence))
    files.add(ExportSlice(list(records)))
    files.finish()


def rows(store: Path, table: str) -> list[dict[str, Any]]:
    return [
        row
        for path in sorted((store / "facts" / table).rglob("*.parquet"))
        for row in pq.ParquetFile(path).read().to_pylist()
    ]


def contents(store: Path) -> dict[str, bytes]:
    whole = [path for path in store.rglob("*") if path.is_file() and path.suffix != ".unfinished"]
    return {str(path.relative_to(store)): path.read_bytes() for path in whole}


def without(fact: Fact) -> Fact:
    """The fact without what the export does not keep."""
    match fact:
        case Moved():
            return replace(fact, left=None)
        case DeliveryReached():
            return replace(fact, to=None)
        case CopyReached():
            return replace(fact, to="")
        case _:
            return fact


def test_facts_come_back_from_the_files_as_they_were_but_for_address_and_step_left(tmp_path: Path) -> None:
    write(tmp_path, record(7, SARAH[:6]), record(9, SARAH[6:]))

    told = recall_exported(tmp_path, "sarah")

    assert told.facts == [without(fact) for fact in SARAH if fact.person]
    assert told.through == {3: 9}
    assert recall_exported(tmp_path, "").facts == [fact for fact in SARAH if not fact.person]
    assert recall_exported(tmp_path, "paul").facts == []


def test_facts_of_which_the_least_is_known_come_back_too(tmp_path: Path) -> None:
    least: list[Fact] = [
        Moved(AT, "sarah", "cart", 2, None, None, "not_entered", None, None),
        DeliveryReached(
            AT, "sarah", "cart", 2, 1, "a", "email", "m", None, "refused", None, "k", None, None, 1, None, None, 0, None
        ),
        Changed(AT, "sarah", "trait", "city", None),
    ]
    write(tmp_path, record(7, least))

    assert recall_exported(tmp_path, "sarah").facts == least


def test_nothing_is_told_where_nothing_is_exported(tmp_path: Path) -> None:
    told = recall_exported(tmp_path, "sarah")

    assert (told.facts, told.through) == ([], {})


def test_an_address_is_hashed_with_the_secret_or_clear_or_left_out(tmp_path: Path) -> None:
    hashed = hmac.new(b"salt", b"s@shop.example", hashlib.sha256).hexdigest()
    tellings = [TELLING, Telling(3, frozenset()), Telling(3, frozenset(), clear=True)]
    for number, (telling, address) in enumerate(zip(tellings, [hashed, None, "s@shop.example"], strict=True)):
        write(tmp_path / str(number), record(1, SARAH), telling=telling)

        assert [row["address"] for row in rows(tmp_path / str(number), "deliveries")] == [address] * 2
    assert recall_exported(tmp_path / "2", "sarah").facts[3] == SARAH[3]


def test_the_way_that_was_taken_is_a_number_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, record(1, SARAH))

    assert [row["index"] for row in rows(tmp_path, "moves")] == [None, 1, None]


def test_a_kept_line_is_an_event_with_the_time_of_its_record(tmp_path: Path) -> None:
    given = line(
        properties='{"total": 12.50, "email": "s@shop.example"}', messageId="m1", timestamp="2020-01-01T00:00:00Z"
    )
    telling = Telling(3, frozenset({"Checkout Started"}), {"Checkout Started": [("email",)]})

    write(
        tmp_path,
        record(5, [], given, line("Seen"), names={1: "anon"}),
        telling=telling,
    )

    (checkout, seen) = rows(tmp_path, "events")
    assert list(checkout) == [
        "time", "person", "event", "declared", "message_id", "anonymous_id", "sent_at", "properties", "shard", "record",
        "n",
    ]  # fmt: skip
    assert checkout["time"].timestamp() * 1_000 == AT
    assert checkout["sent_at"].isoformat() == "2020-01-01T00:00:00+00:00"
    assert [checkout[name] for name in ("person", "event", "declared", "message_id", "properties")] == [
        "sarah", "Checkout Started", True, "m1", '{"total":12.5}',
    ]  # fmt: skip
    assert (seen["person"], seen["declared"], seen["shard"], seen["record"], seen["n"]) == ("anon", False, 3, 5, 1)


def test_properties_that_are_declared_private_are_left_out_wherever_they_stand(tmp_path: Path) -> None:
    events = EventsDocument.model_validate(
        {
            "events": {
                "Checkout Started": {"properties": {"email": {"type": "string", "pii": True}, "total": "number"}},
                "Large": {
                    "of": "Checkout Started", "rule": "event.total > 5",
                    "properties": {"to.street": {"type": "string", "pii": True}, "to.city": {"type": "string"}},
                },
                "Page Viewed": {"properties": {"name": {"type": "string", "pii": True}}},
            }
        }
    )  # fmt: skip
    program = Project.of(ProjectDocument.model_validate({"project": "shop"}), events=events).program
    large = line(properties='{"total": 9, "email": "s@shop.example", "to": {"street": "Rue 1", "city": "Paris"}}')
    page = b'{"type": "page", "userId": "sarah", "name": "Account of sarah", "properties": {"path": "/"}}'

    write(tmp_path, record(1, [], large, page, line("Seen")), telling=Telling.of(3, program, None))

    assert [(row["event"], row["declared"], row["properties"]) for row in rows(tmp_path, "events")] == [
        ("Checkout Started", True, '{"total":9,"to":{"city":"Paris"}}'), ("Page Viewed", True, '{"path":"/"}'),
        ("Seen", False, "{}"),
    ]  # fmt: skip


@pytest.mark.parametrize("properties", ["3", '{"a": 1e999}', '"text"'])
def test_properties_that_nothing_can_read_are_none(tmp_path: Path, properties: str) -> None:
    write(tmp_path, record(1, [], line(properties=properties)))

    assert [row["properties"] for row in rows(tmp_path, "events")] == [None]


def test_the_facts_of_a_record_are_numbered_after_its_lines(tmp_path: Path) -> None:
    write(tmp_path, record(1, SARAH[:2], line(), line()))

    assert [row["n"] for row in rows(tmp_path, "events") + rows(tmp_path, "moves")] == [0, 1, 2, 3]


def test_rows_lie_by_the_day_of_their_time(tmp_path: Path) -> None:
    late = Moved(AT - 1, "paul", "cart", 2, 1, "a", "reached")

    write(tmp_path, record(1, [*SARAH, late]))

    found = (tmp_path / "facts" / "moves").rglob("*.parquet")
    assert sorted(path.relative_to(tmp_path).as_posix() for path in found) == [
        "facts/moves/day=2024-10-03/3-000000000001-000000000001.parquet",
        "facts/moves/day=2024-10-04/3-000000000001-000000000001.parquet",
    ]  # fmt: skip
    done = json.loads((tmp_path / "facts/_done/3-000000000001-000000000001.json").read_text())
    assert (done["from"], done["to"], done["rows"]) == (1, 1, len(SARAH) + 1)
    assert (done["earliest_ms"], done["latest_ms"]) == (AT - 1, AT + 9)
    for file in done["files"]:
        assert (tmp_path / "facts" / file["name"]).stat().st_size == file["bytes"]


def test_a_range_that_tells_nothing_is_done_as_well(tmp_path: Path) -> None:
    files = ParquetRange(tmp_path, TELLING, ExportRange(1, 2000))
    files.finish()

    assert recall_exported(tmp_path, "sarah").through == {3: 2000}


def test_a_range_in_other_slices_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_files, "PENDING_ROWS", 7)
    monkeypatch.setattr(parquet_file, "GROUP_ROWS", 10)
    records = [record(number, SARAH[:4], line(), line()) for number in range(1, 20)]
    write(tmp_path / "one", *records)
    files = ParquetRange(tmp_path / "two", TELLING, ExportRange(1, 19))
    for each in records:
        files.add(ExportSlice([each]))
    files.finish()

    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    (path,) = (tmp_path / "one" / "facts" / "moves").rglob("*.parquet")
    meta = pq.ParquetFile(path).metadata
    assert [meta.row_group(number).num_rows for number in range(meta.num_row_groups)] == [10, 10, 10, 10, 10, 7]


def test_files_are_compressed_and_say_which_times_and_people_are_in_each_row_group(tmp_path: Path) -> None:
    write(tmp_path, record(1, SARAH))

    (path,) = (tmp_path / "facts" / "moves").rglob("*.parquet")
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = {group.column(number).path_in_schema: group.column(number) for number in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert [name for name, column in columns.items() if column.is_stats_set] == ["time", "person"]
    assert (columns["person"].statistics.min, columns["person"].statistics.max) == ("sarah", "sarah")


def test_a_range_that_fails_anywhere_is_not_done_and_gives_the_same_bytes_when_it_comes_again(tmp_path: Path) -> None:
    records = [record(1, SARAH, line()), record(2, [Moved(AT - 1, "paul", "cart", 2, 1, "a", "reached")])]
    write(tmp_path / "whole", *records)
    expected = contents(tmp_path / "whole")
    for fails_at in range(count_of_operations(tmp_path / "counted", records)):
        store = tmp_path / str(fails_at)
        files = ParquetRange(store, TELLING, ExportRange(1, 2), FailingDisk(fails_at))
        with pytest.raises(StoreBroken, match="facts cannot be written: No space left on device"):
            give(files, records)
        files.abandon()
        del files
        is_done = (store / "facts/_done/3-000000000001-000000000002.json").exists()
        assert bool(recall_exported(store, "sarah").facts) == is_done

        write(store, *records)

        assert contents(store) == expected, fails_at


def count_of_operations(store: Path, records: list[ExportRecord]) -> int:
    disk = FailingDisk(1_000)
    give(ParquetRange(store, TELLING, ExportRange(1, 2), disk), records)
    assert disk.done > 25
    return disk.done


def give(files: ParquetRange, records: list[ExportRecord]) -> None:
    files.add(ExportSlice(records))
    files.finish()


class CopyMeanwhile(Disk):
    """A disk on which a copy of the exporter writes the whole range in the middle of each file."""

    def __init__(self, write_range: Callable[[], None]) -> None:
        super().__init__()
        self._write_range = write_range

    def extend(self, path: Path, data: bytes | memoryview) -> None:
        super().extend(path, bytes(data)[:10])
        self._write_range()
        super().extend(path, bytes(data)[10:])


def test_two_copies_of_an_exporter_that_write_the_same_range_at_a_time_harm_nothing(tmp_path: Path) -> None:
    records = [record(1, SARAH, line())]
    write(tmp_path / "whole", *records)
    store = tmp_path / "store"

    give(ParquetRange(store, TELLING, ExportRange(1, 1), CopyMeanwhile(lambda: write(store, *records))), records)

    assert contents(store) == contents(tmp_path / "whole")


def test_rows_that_wait_for_their_row_group_take_only_so_much_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(range_files, "PENDING_ROWS", 5)
    monkeypatch.setattr(range_files, "HELD_BYTES", 2_000)
    write(tmp_path, *(record(number, SARAH[:3]) for number in range(1, 31)))

    (path,) = (tmp_path / "facts" / "moves").rglob("*.parquet")
    metadata = pq.ParquetFile(path).metadata
    assert metadata.num_rows == 90 and metadata.num_row_groups > 3


def test_a_person_who_was_in_another_shard_before_is_told_in_the_order_of_her_records(tmp_path: Path) -> None:
    first, second = Moved(AT + 9, "sarah", "a", 1, 1, "x", "reached"), Moved(AT, "sarah", "b", 1, 1, "x", "reached")
    write(tmp_path, record(5, [first]), telling=Telling(7, frozenset()))
    write(tmp_path, record(6, [second]), telling=Telling(0, frozenset()))

    told = recall_exported(tmp_path, "sarah")

    assert (told.facts, told.through) == ([first, second], {7: 5, 0: 6})


def test_a_row_says_whether_a_run_is_of_a_campaign(tmp_path: Path) -> None:
    mailed = replace(SARAH[3], journey="push")
    write(tmp_path, record(7, [*SARAH[:1], replace(SARAH[0], journey="push"), SARAH[3], mailed]), telling=CAMPAIGNS)

    for table in ("moves", "deliveries"):
        assert [(row["journey"], row["kind"]) for row in rows(tmp_path, table)] == [
            ("cart", "journey"),
            ("push", "campaign"),
        ]
