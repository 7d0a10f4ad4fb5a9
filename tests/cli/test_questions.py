"""The commands that read results: report, explain and diff."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from parcours.journey.channels import channels_used
from parcours.journey.project import Project
from parcours.service.engine import Engine


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
        ("postgres://x", "use sqlite:///FOLDER or memory:"),
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
        ([], "choose one of --events and --store"),
        (["--events", "e", "--store", "memory:"], "choose one of --events and --store"),
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
