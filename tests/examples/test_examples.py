"""The examples that come along are right, complete and green, and one of them gives the same bytes for ever."""

from __future__ import annotations

import re
import shlex
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from parcours.cli import build
from parcours.errors import CallerError
from parcours.examples import EXAMPLES, write_example

FOLDER = Path(str(files("parcours.examples")))
GOLDEN = Path(__file__).with_name("golden")

RENEW = (
    "parcours simulate engine/parcours/examples/abandoned-cart "
    "--events engine/parcours/examples/abandoned-cart/events.ndjson --out tests/examples/golden"
)
"""From the repository's root. What then differs is what has changed for everybody who upgrades."""


def run(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(build(), list(map(str, arguments)))


def test_every_folder_is_an_example_that_can_be_asked_for() -> None:
    assert {path.name for path in FOLDER.iterdir() if (path / "parcours.yaml").exists()} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_nothing_is_wrong_or_doubtful_in_an_example(name: str, tmp_path: Path) -> None:
    write_example(tmp_path / name, name)

    result = run("check", tmp_path / name)

    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / name}: nothing is wrong.\n")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_tests_of_an_example_pass(name: str) -> None:
    result = run("test", FOLDER / name)

    passed = re.search(r"^(\d+) passed, 0 failed\.$", result.stdout, re.MULTILINE)
    assert result.exit_code == 0, result.stdout
    assert passed is not None and int(passed[1]) >= 7


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_keeps_its_promises_for_made_up_people_who_reach_every_step(name: str) -> None:
    result = run("test", FOLDER / name, "--explore", "600", "--seed", "1")

    assert result.exit_code == 0, result.stdout
    assert "nobody reached" not in result.stdout
    assert "could not be used" not in result.stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_events_of_an_example_are_all_used(name: str) -> None:
    result = run("test", FOLDER / name, "--people", FOLDER / name / "events.ndjson", "--shorten", "10s")

    assert result.exit_code == 0
    assert "line " not in result.stdout  # a line that cannot be used would be named
    assert "sent" in result.stdout


def test_a_simulation_gives_the_bytes_that_it_always_gave(tmp_path: Path) -> None:
    # given the example's few people, among them a message told twice and an address that is none
    example = FOLDER / "abandoned-cart"

    result = run("simulate", example, "--events", example / "events.ndjson", "--out", tmp_path)

    assert result.exit_code == 0
    found, golden = ({path.name: path.read_bytes() for path in at.iterdir()} for at in (tmp_path, GOLDEN))
    assert found == golden, f"if that is meant, renew the files: {RENEW}"


def test_an_example_is_written_into_a_folder_of_its_own(tmp_path: Path) -> None:
    result = run("init", tmp_path / "shop", "--example", "checkout")

    assert (result.exit_code, result.stderr) == (0, "")
    written = {path.relative_to(tmp_path / "shop") for path in (tmp_path / "shop").rglob("*") if path.is_file()}
    assert written == {path.relative_to(FOLDER / "checkout") for path in (FOLDER / "checkout").rglob("*.*")}
    assert run("test", tmp_path / "shop").exit_code == 0


def test_an_example_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    result = run("init", tmp_path / "shop", "--example", "check-out")

    assert result.exit_code == 1
    assert "there is no example 'check-out', did you mean 'checkout'?" in result.stderr
    assert not (tmp_path / "shop").exists()


def test_what_lies_in_a_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")

    with pytest.raises(CallerError, match="is not empty"):
        write_example(tmp_path, "welcome")


def test_the_help_names_every_example() -> None:
    help_text = " ".join(run("init", "--help").stdout.split())

    assert ", ".join(EXAMPLES) in help_text.replace(" │ │ ", " ")


def test_the_page_of_the_examples_names_each_and_its_commands_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (FOLDER / "README.md").read_text()
    commands = re.findall(r"^\$ parcours (.*)$", page, re.MULTILINE)

    assert re.findall(r"^\| \[([a-z-]+)\]\(\1/(?:journeys|campaigns)/\1\.yaml\)", page, re.MULTILINE) == list(EXAMPLES)
    assert len(commands) >= 5
    for command in commands:
        result = run(*shlex.split(command))
        assert result.exit_code == 0, f"{command}: {result.stderr}"


def test_a_changed_example_fails_its_tests(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(FOLDER / "abandoned-cart", tmp_path / "cart"))
    journey = copy / "journeys" / "abandoned-cart.yaml"
    journey.write_text(journey.read_text().replace("timeout: 1d", "timeout: 2d"))

    result = run("test", copy)

    assert result.exit_code == 1
    assert "FAILED  tests/reminders.yaml:2  who opens nothing hears from us three times, a day apart" in result.stdout
