"""Does each workload run, and is its answer checked? Small, and whatever it measures is not looked at."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import ClassVar

import door
import pytest
from measuring.command import kept_words, listed, run
from measuring.results import read
from measuring.shape import Answer, Figure, Measured
from rich.console import Console
from workloads import ABOUT
from workloads.peers import CASES, LIBRARIES

REPOSITORY = Path(__file__).parents[2]

INSTALLED = " ".join(case for case, (peer, _) in CASES.items() if find_spec(LIBRARIES[peer]))
"""Cases of other engines that these tests find; none of them is among their own libraries."""

SMALL = {
    "campaign": "--people 600 --sent 500",
    "decisions": "--offers 5 --people 20 --rate 20 --seconds 1 --events 200 --batch 10 --batches 2",
    "dispatch": "--runtime local --messages 60",
    "door": "--events 400 --mails 5",
    "growing": "--events 4000 --people 300 --rates kept --shards --routers 2 --doors 2",
    "ingest": "--runtime local --events 4000 --people 300 --singles 40",
    "latency": "--runtime local --seconds 0.5 --calls 300 --people 100",
    "memory": "--sizes 1000 2000 --events 2000 --before 1000",
    "peers": f"--runtime local --events 4000 --people 300 --patience 4 --settle 0 --cases {INSTALLED}",
    "recovery": "--people 5000",
    "simulate": "--people 50 --cases local",
    "source": "--runtime local --shards 1 --events 2000 --people 100 --settle 0",
    "timers": "--people 5000",
}


def test_every_workload_is_tried() -> None:
    assert ABOUT.keys() == SMALL.keys()


@pytest.mark.parametrize("name, options", SMALL.items())
def test_a_workload_checks_its_answers_and_keeps_what_it_measured(name: str, options: str, tmp_path: Path) -> None:
    outputs = ["--json", str(tmp_path / "run.json"), "--plot", str(tmp_path / "run.svg")]
    command = [sys.executable, "-m", "benchmarks", name, *options.split(), "--rounds", "0", *outputs]

    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    result = read(tmp_path / "run.json")
    assert result.command == [name, *options.split(), "--rounds", "0"]
    assert all(measured.answers and measured.figures for measured in result.rounds[0])
    assert all(figure in ended.stdout for figures in result.summary.values() for figure in figures)
    assert (tmp_path / "run.svg").read_text().startswith("<svg")


def test_a_door_that_is_open_already_is_measured(tmp_path: Path) -> None:
    with door.server("engine") as opened:
        where = ["--url", f"http://127.0.0.1:{opened.port}", "--json", str(tmp_path / "run.json")]
        command = [sys.executable, "-m", "benchmarks", "door", "--events", "400", "--rounds", "1", *where]

        ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    accepted = {each.case: each.answers[0].got for each in read(tmp_path / "run.json").rounds[0]}
    assert accepted == {"door, batches of 100": 400, "door, NDJSON of 1 MB": 400, "door, single events": 200}


class Forgetful:
    """A workload that loses a line in its second round."""

    name: ClassVar[str] = "forgetful"
    counted: ClassVar[str] = "line"
    figures: ClassVar[Mapping[str, Figure]] = {}

    def __init__(self, asked: Namespace) -> None:
        pass

    def run(self, number: int) -> Iterator[Measured]:
        yield Measured("all", {}, answers=[Answer("accepted", 9 if number == 2 else 10, 10)])


def test_nothing_is_told_of_a_run_with_a_wrong_answer() -> None:
    with pytest.raises(SystemExit, match="a wrong answer, so nothing is told of it: all: 9 accepted, not 10"):
        run(Namespace(what="forgetful", workload=Forgetful, rounds=3), ["forgetful"])


def test_the_list_names_every_workload() -> None:
    told = StringIO()

    listed(Console(file=told, width=200))

    assert all(f" {name} " in told.getvalue() for name in [*ABOUT, "compare"])


def test_no_result_keeps_a_password() -> None:
    words = ["ingest", "--store", "postgresql://shop:secret@db/luma", "--plot", "a.svg"]

    assert "secret" not in str(kept_words(words))
    assert "secret" not in str(kept_words(["ingest", "--store=postgresql://shop:secret@db/luma?sslmode=require"]))
    assert kept_words(["ingest", "--store", "sqlite:///here"]) == ["ingest", "--store", "sqlite:///here"]


def test_a_stored_command_says_nothing_of_where_its_result_went() -> None:
    words = ["ingest", "--json", "a.json", "--events", "5", "--plot=b.svg", "--rounds", "1"]

    assert kept_words(words) == ["ingest", "--events", "5", "--rounds", "1"]
