"""Do files stand for sources, so that their messages mean in a simulation what they mean while it is served?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.projects import write_texts
from tests.sources.conftest import until_taken
from typer.testing import CliRunner, Result

from parcours.cli import build
from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.service.service import Service
from parcours.simulation.result_files import write_results
from parcours.simulation.simulation import simulate
from parcours.simulation.source_files import Place, SourceFiles
from parcours.source import Line
from parcours.sources import file_kinds
from parcours.sources.messages import message_of
from parcours.sources.opening import maker_of, source_of

SHOP = {
    "parcours.yaml": "{project: shop, timezone: UTC}",
    "profile.yaml": "traits: {email: string, spent: number}",
    "events.yaml": "events: {Bought: {properties: {total: number, at: string}}, Seen: {}}",
    "audiences.yaml": 'audiences:\n  buyers: count("Bought", "90d") >= 1\n',
    "destinations.yaml": "destinations: {crm: {audience: buyers, to: {file: out/buyers.ndjson}}}",
    "journeys/carts.yaml": "{journey: carts, entry: {event: Bought}, steps: [{id: done, end: true}]}",
    "sources.yaml": """
sources:
  stream: {log: {topic: events}}
  shop:
    log: {topic: orders}
    map:
      event: '"Bought"'
      userId: key
      properties: '{"total": value.total, "at": partition + "/" + string(offset) + " " + headers.from}'
  folder:
    files: "in/*"
    map: {event: '"Bought"', userId: value.customer, timestamp: value.at, properties: '{"total": double(value.total)}'}
""",
}  # fmt: skip

RESULTS = ("transitions.ndjson", "destinations.ndjson", "summary.json")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    write_texts(folder, SHOP)
    (folder / "in").mkdir()
    return folder


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in lines))
    return path


def order(number: int, **more: object) -> dict[str, Any]:
    at = {"timestamp": f"2026-03-01T09:{number:02}:00Z"}
    return {"key": f"u{number % 3}", "value": {"total": number}, "headers": {"from": "till"}, **at, **more}


def transitions(out: Path) -> list[tuple[str, str, str]]:
    lines = [json.loads(line) for line in (out / "transitions.ndjson").read_text().splitlines()]
    return [(line["at"][11:16], line["profile"], line["what"]) for line in lines if line["what"] == "entered"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(build(), ["simulate", *map(str, arguments)])


def simulated(shop: Path, given: Mapping[str, Path], out: Path, events: Sequence[bytes] = (), **options: Any) -> Path:
    project = Project.load(shop)
    files = SourceFiles(project, {name: str(path) for name, path in given.items()})
    found = simulate(project, events, sources=files, **options)
    write_results(out, found.facts, found.summary)
    return out


MESSAGES: dict[str, tuple[str, Line, str]] = {
    # what a line of the file says, the message, and its partition
    "all of it": (
        '{"value": {"a": [1, 2.50]}, "key": "k", "headers": {"h": "1"}, "partition": 3, "offset": 7, "timestamp": 5}',
        Line(7, b'{"a": [1, 2.50]}', b"k", (("h", b"1"),), 5),
        "3",
    ),
    "an instant with a zone": (
        '{"value": {}, "timestamp": "1970-01-01T02:00:01+02:00"}',
        Line(9, b"{}", timestamp_ms=1_000),
        "0",
    ),
    "a text is the whole of the message": ('{"value": "{\\"a\\":1}"}', Line(9, b'{"a":1}'), "0"),
    "its key is gone": ('{"key": 12}', Line(9, None, b"12"), "0"),
    "the same, said": ('{"value": null}', Line(9, None), "0"),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_a_line_tells_a_message(case: str) -> None:
    written_line, message, partition = MESSAGES[case]

    assert message_of(Line(9, written_line.encode())) == (message, partition)


@pytest.mark.parametrize(
    "line, why",
    [
        ("no json", "no message of a log: JSON is malformed"),
        ("[1]", "no message of a log: Expected `object`, got `array`"),
        ('{"vale": 1}', "contains unknown field `vale`"),
        ('{"value": 1, "timestamp": "2026-03-01T09:00:00"}', "with a timezone component"),
    ],
)
def test_a_line_that_tells_no_message_says_why(line: str, why: str) -> None:
    told, _ = message_of(Line(9, line.encode()))

    assert why in str(told.unusable)
    assert told.value == line.encode()


def test_messages_go_through_the_map_of_their_source_and_come_in_order_of_time(shop: Path, tmp_path: Path) -> None:
    orders = written(tmp_path / "orders.ndjson", order(4), {"key": "u1"}, order(2, partition=7, offset=99))
    seen = b'{"type":"track","userId":"u9","event":"Bought","timestamp":"2026-03-01T09:03:00Z"}'
    files = SourceFiles(Project.load(shop), {"shop": str(orders)})
    facts: list[bytes] = []

    found = simulate(
        Project.load(shop), [seen], sources=files, accepted=lambda events: facts.extend(each.line for each in events)
    )

    assert [json.loads(line)["userId"] for line in facts] == ["u2", "u9", "u1"]
    assert json.loads(facts[0])["properties"] == {"total": 2, "at": "7/99 till"}
    assert found.summary.events.read == 3, "a message that says nothing is no line"
    assert found.summary.events.used == 3


def test_a_message_of_segments_shape_needs_no_map(shop: Path, tmp_path: Path) -> None:
    value = {"type": "track", "userId": "u1", "event": "Bought"}
    stream = written(tmp_path / "a.ndjson", {"value": value, "timestamp": "2026-03-01T09:05:00Z"})

    out = simulated(shop, {"stream": stream}, tmp_path / "out")

    assert transitions(out) == [("09:05", "u1", "entered")]


def test_a_cloud_event_is_one_here_too_and_recognised_by_its_id(shop: Path, tmp_path: Path) -> None:
    headers = {"ce_specversion": "1.0", "ce_id": "e-1", "ce_source": "/shop", "ce_type": "Bought", "ce_subject": "u1"}
    message = {"value": {"total": 3}, "headers": headers, "timestamp": "2026-03-01T09:05:00Z"}
    stream = written(tmp_path / "a.ndjson", message, message)

    out = simulated(shop, {"stream": stream}, tmp_path / "out")

    assert transitions(out) == [("09:05", "u1", "entered")]


def test_the_results_are_the_same_to_the_byte_for_any_number_of_shards(shop: Path, tmp_path: Path) -> None:
    orders = written(tmp_path / "orders.ndjson", *(order(number * 7 % 60) for number in range(60)))
    table = {"customer": [f"u{number}" for number in range(40)], "at": ["2026-03-01T09:30:00Z"] * 40, "total": [1] * 40}
    pq.write_table(pa.table(table), shop / "in" / "more.parquet")
    given = {"shop": orders, "folder": shop / "in" / "*.parquet"}

    outs = [simulated(shop, given, tmp_path / f"{shards}", shards=shards) for shards in (1, 2, 5)]

    assert len(transitions(outs[0])) == 100
    for name in RESULTS:
        assert len({(out / name).read_bytes() for out in outs}) == 1, name


def test_it_is_what_the_same_project_does_while_it_is_served(shop: Path) -> None:
    rows = [f"u{number % 5},2026-03-01T09:{number:02}:00Z,{number}" for number in range(20)]
    written(shop / "in" / "a.csv", "customer,at,total", *rows, ",2026-03-01T09:30:00Z,1")
    project = Project.load(shop)
    document = project.documents.sources.sources["folder"]

    async def served() -> dict[str, int]:
        async with Service.open(project, "memory:", shards=2, runtime="local", records=["@crm"]) as service:
            await service.read_source("folder", source_of("folder", document, project, {}), maker_of(document, project))
            await until_taken(service, 21)
            return dict((await service.sources())[0].outcomes)

    found = simulate(project, [], sources=SourceFiles(project, {}, {}))

    outcomes = asyncio.run(served())
    assert outcomes["accepted"] == found.summary.events.used == 20
    assert outcomes["set_aside"] == found.summary.events.rejected == 1


def test_what_cannot_be_used_is_told_with_its_source_and_kept_beside_the_results(shop: Path, tmp_path: Path) -> None:
    events = written(tmp_path / "events.ndjson", {"type": "track", "event": "Bought"})
    bad = order(3, value="no json")
    orders = written(tmp_path / "orders.ndjson", order(1), bad, "{}}", order(4, key=None))

    done = run(shop, "--events", events, "--source", f"shop={orders}", "--out", tmp_path / "out")

    assert done.exit_code == 0, done.output
    rejected = [json.loads(line) for line in (tmp_path / "out" / "rejected.ndjson").read_text().splitlines()]
    assert [{name: value for name, value in each.items() if name != "reason"} for each in rejected] == [
        {"line": 1},
        *({"source": "shop", "file": str(orders), "message": number} for number in (2, 3, 4)),
    ]
    assert rejected[1]["reason"].startswith("the value is no JSON: ")
    assert rejected[2]["reason"].startswith("no message of a log: ")
    assert f"message 2 of shop, in {orders} is left out: the value is no JSON" in done.stderr
    assert "line 1 is left out: no timestamp" in done.stderr


def test_a_line_is_placed_in_its_file(shop: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path / f"{name}.ndjson", order(1), order(2, key=name))
    files = SourceFiles(Project.load(shop), {"shop": f"{tmp_path}/*.ndjson"})

    lines = list(files.after([b"1", b"2"]))

    assert len(lines) == 6
    assert [files.place(number) for number in range(1, 7)] == [
        None,
        None,
        *(Place("shop", f"{tmp_path}/{name}.ndjson", number) for name in ("a", "b") for number in (1, 2)),
    ]


def test_sources_of_files_are_read_where_they_are_configured_and_the_others_are_named(
    shop: Path, tmp_path: Path
) -> None:
    written(shop / "in" / "a.csv", "customer,at,total", "u1,2026-03-01T09:01:00Z,3")
    (shop / "in" / "again.csv").write_bytes((shop / "in" / "a.csv").read_bytes())

    done = run(shop, "--sources", "--out", tmp_path / "out")

    assert done.exit_code == 0, done.output
    assert transitions(tmp_path / "out") == [("09:01", "u1", "entered")], "what is there twice counts once"
    assert "Nothing stands for the source stream: --source stream=FILE does.\n" in done.stderr
    assert "folder" not in done.stderr


@pytest.mark.parametrize(
    "arguments, says",
    [
        ([], "name what has happened: --events FILE, --source NAME=FILE, or --sources."),
        (["--source", "shop"], "'shop' is not NAME=FILE."),
        (["--source", "shop=x", "--source", "shop=y"], "'shop' is given twice"),
        (["--source", "shp=x"], "sources.yaml names no source 'shp', did you mean 'shop'?"),
        (["--source", "shop=nowhere.ndjson"], "the source 'shop': there is no file nowhere.ndjson"),
        (["--source", "shop=nowhere/*.ndjson"], "the source 'shop': there is no folder nowhere"),
        (["--sources", "--unsorted", "refuse"], "what comes from sources is put in order of time"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_told(
    arguments: list[str], says: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    done = run(shop, *arguments, "--out", tmp_path / "out")

    assert done.exit_code != 0
    assert says in " ".join(done.output.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_a_library_that_is_missing_is_told(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.parquet").write_bytes(b"")
    monkeypatch.setattr(file_kinds, "find_spec", lambda name: None)

    with pytest.raises(CallerError, match="the source 'shop': a file of .parquet needs the library pyarrow"):
        simulated(shop, {"shop": tmp_path / "a.parquet"}, tmp_path / "out")


def test_a_file_that_is_damaged_ends_the_simulation_in_words(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson.gz").write_bytes(b"this is no gzip")

    with pytest.raises(CallerError, match=r"the source 'shop': .*a\.ndjson\.gz cannot be read"):
        simulated(shop, {"shop": tmp_path / "a.ndjson.gz"}, tmp_path / "out")


def test_the_inputs_of_a_store_have_what_came_from_sources(shop: Path, tmp_path: Path) -> None:
    orders = written(tmp_path / "orders.ndjson", order(1))
    inputs = [
        b'{"type":"tick","until":"2026-03-01T09:00:00.000Z","records":[],"effectiveAt":"2026-03-01T09:00:00.000Z"}'
    ]

    with pytest.raises(CallerError, match="the inputs of a store have what came from sources"):
        simulated(shop, {"shop": orders}, tmp_path / "out", inputs)
