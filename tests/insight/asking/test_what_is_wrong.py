"""Is whoever asks facts something that cannot be answered told why, in one sentence that says what to do?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.projects import write_texts
from typer.testing import CliRunner, Result

from parcours.cli import build

SHOP = {
    "parcours.yaml": "{project: shop, insight: {events: all}}",
    "events.yaml": "events: {Seen: {}, Bought: {properties: {total: number}}}",
    "journeys/visit.yaml": "{journey: visit, entry: {event: Seen}, steps: [{id: done, end: true}]}",
    "events.ndjson": """\
        {"type": "track", "event": "Seen", "userId": "ada", "timestamp": "2026-03-02T09:00:00Z"}
        {"type": "track", "event": "Bought", "userId": "ada", "timestamp": "2026-03-02T10:00:00Z"}
        """,
}
LONG = "x" * 10_000
ANSWER_MAX = 1_000
"""Characters in which everything can be said."""


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project `shop` and the facts of a simulation, `out`."""
    folder = tmp_path_factory.mktemp("simulated")
    write_texts(folder / "shop", SHOP)
    shop, out = str(folder / "shop"), str(folder / "out")
    done = ran("simulate", shop, "--events", f"{shop}/events.ndjson", "--out", out, "--facts")
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(autouse=True)
def out(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The facts, in the folder in which commands are given."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(simulated, tmp_path, dirs_exist_ok=True)
    return tmp_path / "out"


def ran(*command: str) -> Result:
    return CliRunner().invoke(build(), command)


def refused(*command: str) -> str:
    """What is said of a command that fails."""
    done = ran(*command)
    assert isinstance(done.exception, SystemExit) and done.exit_code in (1, 2), (command, done.output)
    assert not done.stdout and len(done.stderr) <= ANSWER_MAX
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "command, told",
    [
        (["funnel", "out", " > ".join(["Seen"] * 21)], "steps: 20 at most, and not 21"),
        (["funnel", "out", f"{LONG}["], "']' behind the condition is expected"),
        (["funnel", "out", "Seen > Bought", "--step-within", LONG], "the number of a step and a duration"),
        (["funnel", "out", "Seen > Bought", "--value", LONG], "longer than 4096 characters"),
        (["cohort", "out", f"{LONG} > {LONG} > {LONG}"], "a cohort has two events"),
        (["metric", "out", ""], "people EVENT"),
        (["metric", "out", "sum event.total of"], "sum NUMBER of EVENT"),
        (["metric", "out", f"({LONG}"], "1000 characters at most"),
        (["report", "out", "journey", LONG], "There are: visit."),
        (["experiment", "out", "visit"], "visit.STEP"),
        (["insight", "sql", LONG, "out"], "The query cannot be read"),
        # nothing to be asked is told before anything else
        (["funnel", "shop", "Seen > Bought"], "shop/facts holds no exported facts"),
        (["funnel", "Seen > Bought", "--facts", "shop"], "shop holds no exported facts"),
        (["funnel", "Seen > Bought", "--store", "sqlite:///none"], "there is no store sqlite:///none"),
        (["funnel", "Seen > Bought", "--store", "none"], "use sqlite:///FOLDER"),
        (["funnel", "", "Seen > Bought"], "there is no folder ''"),
        (["funnel", LONG, "Seen > Bought"], "there is no folder 'xxx"),
        (["metric", "out", "people Seen", "--out", "none/answer"], "there is no folder 'none'"),
        (["insight", "sql", "select 1", "out", "--out", "none/answer"], "there is no folder 'none'"),
        (["report", "out", "journey", "--out", "none/answer"], "there is no folder 'none'"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_sentence(command: list[str], told: str) -> None:
    assert told in refused(*command)


@pytest.mark.parametrize("name", ["../ada", "-", LONG])
def test_what_is_no_name_is_not_said_to_be_one_that_may_be_declared(name: str) -> None:
    told = refused("funnel", "out", "Seen > Bought", f"--save-audience={name}", "--who", "lost:1")

    assert "no saved audience" in told and "audiences.yaml" not in told


def test_a_name_may_be_declared() -> None:
    told = refused("funnel", "out", "Seen > Bought", "--save-audience", "almost", "--who", "lost:1")

    assert "add 'almost: {saved: true}' to audiences.yaml" in told


def overwritten(file: Path) -> None:
    file.write_bytes(b"no Parquet at all")


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def removed(file: Path) -> None:
    file.unlink()


def damaged_inside(file: Path) -> None:
    """Both ends say that it is Parquet, and a page is none."""
    data = file.read_bytes()
    file.write_bytes(data[:10] + b"\xf7" * 200 + data[210:])


@pytest.mark.parametrize("damage", [overwritten, cut, emptied, removed, damaged_inside])
def test_a_file_that_cannot_be_read_is_told_with_where_it_lies(damage: Callable[[Path], None], out: Path) -> None:
    (file,) = (out / "facts" / "events").rglob("*.parquet")
    damage(file)

    for command in (
        ["funnel", "out", "Seen > Bought"],
        ["cohort", "out", "Seen"],
        ["report", "out", "event"],
        ["insight", "sql", "select person, event, time, properties from events order by all", "out"],
    ):
        told = refused(*command)
        assert "out/facts" in told and ("cannot be read: " in told or "Failed to read file" in told), command
