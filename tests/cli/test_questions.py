"""The commands that read results: report, explain and diff."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.projects import write_texts

from parcours.core.fact import Fact
from parcours.core.fact_block import decode_facts
from parcours.insight.report import print_report
from parcours.insight.summary import EventCount, Tally
from parcours.journey.channels import channels_used
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.store.address import open_store


def test_a_report_is_made_from_what_a_simulation_left(ask: Any, luma_copy: Path, events: Path, tmp_path: Path) -> None:
    ask("simulate", luma_copy, "--events", events, "--out", tmp_path / "out")

    result = ask("report", tmp_path / "out")

    assert result.exit_code == 0
    assert "abandoned-cart  version 1" in result.stdout
    assert "Lines read: 2 · used 2" in result.stdout


@pytest.mark.parametrize("summary, complaint", [(None, "holds no summary.json"), ("{}x", "is no summary")])
def test_a_folder_without_a_result_is_said_to_be_one(
    summary: str | None, complaint: str, ask: Any, tmp_path: Path
) -> None:
    if summary is not None:
        (tmp_path / "summary.json").write_text(summary)

    result = ask("report", tmp_path)

    assert result.exit_code == 1
    assert complaint in result.stderr


def test_somebody_is_explained(ask: Any, luma_copy: Path, events: Path) -> None:
    told = ask("explain", luma_copy, "--events", events, "--until", "2026-03-02T10:30:00Z", "sarah")
    figures = json.loads(ask("explain", luma_copy, "sarah", "--events", events, "--json").stdout)

    assert told.exit_code == 0
    assert "now: at opened, waiting for opened of remind until 2026-03-03T10:00:00.000Z" in told.stdout
    assert figures["person"] == "sarah"
    assert [story["journey"] for story in figures["journeys"]] == ["checkout", "abandoned-cart", "west-coast-launch"]


@pytest.mark.parametrize("asked", ["@sarah", "@user/@sarah"])
def test_a_user_id_that_looks_like_a_name_is_explained(asked: str, ask: Any, luma_copy: Path, events: Path) -> None:
    events.write_text(events.read_text().replace('"sarah"', '"@sarah"'))
    address = f"sqlite:///{events.parent / 'store'}"
    with open_engine(luma_copy, address) as engine:
        engine.track("@sarah", "Product Added", {"cart": {"total": 80}}).result()
        live = engine.explain(asked), engine.profile(asked)

    told = ask("explain", luma_copy, "--events", events, asked)
    recalled = ask("explain", luma_copy, "--store", address, asked)

    assert (told.exit_code, recalled.exit_code) == (0, 0), told.stderr + recalled.stderr
    assert told.stdout.startswith("@user/@sarah\n")
    assert live[0].person == "@user/@sarah" and live[1] is not None


def test_a_person_of_whom_nothing_is_known_cannot_be_explained(ask: Any, luma_copy: Path, events: Path) -> None:
    result = ask("explain", luma_copy, "--events", events, "mike")

    assert result.exit_code == 1
    assert "Nothing happened to 'mike'" in result.stderr


def test_either_a_result_or_a_store_is_reported(ask: Any, tmp_path: Path) -> None:
    for arguments in ((), (tmp_path, "--store", "sqlite:///nowhere")):
        result = ask("report", *arguments)

        assert result.exit_code == 2
        assert "choose one of OUT, --store, --facts and --url" in result.stderr


def test_the_report_of_a_store_has_the_counts_of_all_its_facts(ask: Any, luma_copy: Path, store: str) -> None:
    reported = ask("report", "--store", store)

    facts, stamp_ms = journal(store)
    journeys = Project.load(luma_copy).program.journeys
    tally = Tally(journeys)
    tally.add(facts)
    counted = io.StringIO()
    summary = tally.summary(EventCount(read=52, used=52), stamp_ms)
    targets = {journey.name: journey.goal.target_percent for journey in journeys if journey.goal is not None}
    print_report(Console(file=counted, width=100), summary, targets=targets, reasons=tally.reasons())
    assert reported.exit_code == 0, reported.stderr
    assert reported.stdout == counted.getvalue()
    assert "abandoned-cart  version 1\n51 entered" in reported.stdout
    assert ask("report", "--store", store).stdout == reported.stdout, "nothing in the store has changed"


def test_ids_that_were_not_merged_are_explained_and_reported_of_a_store_and_of_events(
    ask: Any, luma_copy: Path, tmp_path: Path
) -> None:
    store, events = f"sqlite:///{tmp_path / 'store'}", tmp_path / "events.ndjson"
    call = {"type": "identify", "userId": "sarah", "anonymousId": "undefined", "traits": {}}
    events.write_text(json.dumps({**call, "timestamp": "2026-03-02T09:00:00Z"}) + "\n")
    with open_engine(luma_copy, store) as engine:
        engine.ingest([call]).result()

    explained = [ask("explain", luma_copy, *source, "sarah") for source in (("--store", store), ("--events", events))]
    reported = [
        ask("report", "--store", store),
        ask("simulate", luma_copy, "--events", events, "--out", tmp_path / "out"),
    ]

    assert all("identify with the anonymous id 'undefined': not merged" in each.stdout for each in explained)
    assert all("Ids that were not merged" in each.stdout for each in reported)


def journal(store: str) -> tuple[list[Fact], int]:
    """All facts of the shards' journals, and the newest time."""
    facts, stamp_ms = list[Fact](), 0
    for number in range(3):
        shard = open_store(store, number)
        for record in shard.records():
            facts += decode_facts(record.facts, "the journal")
            stamp_ms = max(stamp_ms, record.stamp_ms)
        shard.close()
    return facts, stamp_ms


def shop(folder: Path, awaited: str) -> Project:
    """Whoever orders waits for an event that this version alone knows."""
    documents = {
        "parcours.yaml": "project: shop",
        "events.yaml": f"events: {{Ordered: {{}}, {awaited}: {{}}}}",
        "journeys/order.yaml": f"""
            journey: order
            entry: {{event: Ordered}}
            steps:
              - id: way
                wait_for: [{{event: {awaited}, next: done}}]
                timeout: 9d
              - {{id: done, end: true}}
        """,
    }
    write_texts(folder, documents)
    return Project.load(folder)


@pytest.fixture
def twice_published(tmp_path: Path) -> tuple[Path, str]:
    """A folder as it was at first, and a store in which another version has been published since."""
    address = f"sqlite:///{tmp_path / 'store'}"
    first = shop(tmp_path / "first", "Packed")
    with Engine.open(first, address, runtime="local", records=(), shards=2) as engine:
        engine.track("anna", "Ordered").result()
        engine.publish(shop(tmp_path / "second", "Shipped"))
        engine.track("bert", "Ordered").result()
        engine.track("cleo", "Ordered").result()
        engine.track("cleo", "Shipped").result()
        engine.close_journey("order")
    return tmp_path / "first", address


def test_somebody_is_explained_by_the_version_in_which_she_is(ask: Any, twice_published: tuple[Path, str]) -> None:
    folder, store = twice_published
    anna, bert = (ask("explain", folder, "--store", store, person) for person in ("anna", "bert"))

    assert (anna.exit_code, bert.exit_code) == (0, 0), anna.stderr + bert.stderr
    assert "run 1, version 1" in anna.stdout
    assert "now: at way, waiting for Packed until" in anna.stdout
    assert "run 1, version 2" in bert.stdout
    assert "now: at way, waiting for Shipped until" in bert.stdout
    told = json.loads(ask("explain", folder, "--store", store, "--json", "bert").stdout)
    assert [(story["journey"], story["state"]) for story in told["journeys"]] == [("order", "closed")]


def test_each_version_is_reported_apart_the_newest_first(ask: Any, twice_published: tuple[Path, str]) -> None:
    _, store = twice_published

    lines = ask("report", "--store", store).stdout.splitlines()

    rows = [" ".join(line.split()) for line in lines if line.startswith(("order", " way", " done"))]
    assert rows == [
        "order version 2", "way 2 1 1 0", "done 1 0 0 1",
        "order version 1", "way 1 1 0 0", "done 0 0 0 0",
    ]  # fmt: skip
    assert "Lines read: 4 · used 4" in "\n".join(lines)


@pytest.fixture
def store(luma_copy: Path, tmp_path: Path) -> str:
    """A store in which Sarah and many others have filled a cart."""
    address = f"sqlite:///{tmp_path / 'store'}"
    with open_engine(luma_copy, address) as engine:
        engine.identify("sarah", {"email": "s@luma.example"}).result()
        for person in (f"p{number}" for number in range(50)):
            engine.track(person, "Product Added", {"cart": {"total": 60}}).result()
        engine.track("sarah", "Product Added", {"cart": {"total": 80}}).result()
    return address


def open_engine(folder: Path, address: str) -> Engine:
    project = Project.load(folder)
    return Engine.open(project, address, runtime="local", records=channels_used(project.program), shards=3)


def test_somebody_is_explained_from_a_store(ask: Any, luma_copy: Path, store: str) -> None:
    told = ask("explain", luma_copy, "--store", store, "sarah")
    again = ask("explain", luma_copy, "--store", store, "sarah")
    figures = json.loads(ask("explain", luma_copy, "--store", store, "sarah", "--json").stdout)

    assert told.exit_code == 0
    assert "abandoned-cart\n  run 1, version 1\n" in told.stdout
    assert "now: at leave-in-peace, waiting until" in told.stdout
    assert again.stdout == told.stdout
    assert figures["person"] == "sarah"
    with open_engine(luma_copy, store) as engine:  # and it goes on where it stood
        profile = engine.profile("sarah")
        assert profile is not None and profile.runs[0].step == "leave-in-peace"


def test_a_store_in_use_is_left_alone(ask: Any, luma_copy: Path, store: str) -> None:
    with open_engine(luma_copy, store) as engine:
        result = ask("explain", luma_copy, "--store", store, "sarah")

        assert result.exit_code == 1
        assert "is in use: close the engine that has it, then try again" in result.stderr
        assert "Traceback" not in result.stderr
        assert engine.track("sarah", "Product Added", {"cart": {"total": 80}}).result().accepted == 1


def test_a_store_cannot_explain_a_person_without_facts(ask: Any, luma_copy: Path, store: str) -> None:
    result = ask("explain", luma_copy, "--store", store, "mike")

    assert result.exit_code == 1
    assert "Nothing happened to 'mike': as far as the store's journal reaches back" in result.stderr


@pytest.mark.parametrize(
    "address, complaint",
    [
        ("memory:", "lies in the memory of the process that uses it"),
        ("sqlite:///nowhere", "there is no store sqlite:///nowhere"),
        ("mysql://x", "use sqlite:///FOLDER, postgresql://HOST/DATABASE or memory:"),
    ],
)
def test_a_store_that_is_not_there_is_not_made(
    address: str, complaint: str, ask: Any, luma_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = ask("explain", luma_copy, "--store", address, "sarah")

    assert result.exit_code == 1
    assert complaint in result.stderr
    assert not Path("nowhere").exists()


def test_a_store_of_another_project_is_not_opened(ask: Any, luma_copy: Path, store: str) -> None:
    settings = luma_copy / "parcours.yaml"
    settings.write_text(settings.read_text().replace("project: luma", "project: solar"))

    result = ask("explain", luma_copy, "--store", store, "sarah")

    assert result.exit_code == 1
    assert "belongs to project 'luma', not to 'solar'" in result.stderr


@pytest.mark.parametrize(
    "options, complaint",
    [
        ([], "choose one of --events, --store, --facts and --url"),
        (["--events", "e", "--store", "memory:"], "choose one of --events, --store, --facts and --url"),
        (["--store", "memory:", "--until", "2026-01-01T00:00:00Z"], "it goes with --events"),
    ],
)
def test_events_and_a_store_are_two_questions(options: list[str], complaint: str, ask: Any, luma_copy: Path) -> None:
    result = ask("explain", luma_copy, "sarah", *options)

    assert result.exit_code == 2
    assert complaint in result.stderr


@pytest.mark.parametrize("until, times", [(None, 1), ("2026-05-01T00:00:00Z", 0)])
def test_whoever_asks_about_a_journey_that_never_settles_is_told_where_it_is_cut_off(
    until: str | None, times: int, ask: Any, luma_copy: Path, events: Path
) -> None:
    loop = "{journey: loop, entry: {event: Product Added}, steps: [{id: sleep, wait: 30d, next: sleep}]}"
    (luma_copy / "journeys" / "loop.yaml").write_text(loop)
    options = ["--events", events, *(["--until", until] if until else [])]

    explained = ask("explain", luma_copy, "sarah", *options)
    compared = ask("diff", luma_copy, luma_copy, *options)

    said = "Not everything had settled 400 days after the last event"
    assert (explained.exit_code, compared.exit_code) == (0, 0)
    assert (explained.stderr.count(said), compared.stderr.count(said)) == (times, times)


@pytest.mark.parametrize("piped", [False, True])
def test_a_change_is_told_person_by_person(
    piped: bool, ask: Any, luma_copy: Path, events: Path, tmp_path: Path
) -> None:
    changed = Path(shutil.copytree(luma_copy, tmp_path / "changed"))
    journey = changed / "journeys" / "abandoned-cart.yaml"
    journey.write_text(journey.read_text().replace("wait: 1h", "wait: 2h"))

    source = "-" if piped else events
    result = ask("diff", luma_copy, changed, "--events", source, given=events.read_bytes() if piped else None)

    assert result.exit_code == 0
    assert "Deliveries: 3 move. People who notice: 1." in result.stdout
    assert (
        "  ~ 2026-03-02T10:00:00.000Z -> 2026-03-02T11:00:00.000Z  abandoned-cart.remind, run 1: email sent"
        in result.stdout.splitlines()
    )


def test_a_change_is_told_to_machines_as_well(ask: Any, luma_copy: Path, events: Path) -> None:
    figures = json.loads(ask("diff", luma_copy, luma_copy, "--events", events, "--json").stdout)

    assert figures["deliveries"] == {"appears": 0, "vanishes": 0, "moves": 0, "same": 3}
    assert (figures["changes"], figures["more"]) == ([], 0)
