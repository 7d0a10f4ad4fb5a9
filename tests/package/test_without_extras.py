"""Whoever installs Parcours without extras, or with those of the demo alone, has no library of the others."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Final

import pytest

PROJECT: Final = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]

HIDDEN: Final = """
import sys

class Visible:
    def __init__(self, finders):
        self.finders = finders

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            return None
        found = (each.find_spec(name, path, target) for each in self.finders)
        return next((each for each in found if each is not None), None)

    def find_distributions(self, *wanted):
        for each in self.finders:
            if hasattr(each, "find_distributions"):
                yield from each.find_distributions(*wanted)

sys.meta_path[:] = [Visible(sys.meta_path[:])]
"""
"""Lets an import of these modules fail, as it does where they are not installed."""

COMMANDS: Final = (
    "init shop",
    "check shop",
    "test shop",
    "simulate shop --events shop/events.ndjson --out result",
    "report result",
    "explain shop --events shop/events.ndjson sarah",
)

QUESTIONS: Final = (
    "report out journey",
    "report --facts out/facts --format html",
    "funnel out Seen",
    "funnel --facts out/facts Seen",
    "funnel --store sqlite:///store Seen",
    "funnel out Seen --save-audience best --who reached:1",
    "experiment out cart.test",
    "offers evaluate studio next-best --ranking uniform --facts out/facts",
    "score check studio buy-yoga --facts out/facts",
    "insight sql events --facts out/facts",
    "insight check --facts out/facts",
    "demo insight --out demo",
    "demo decisions --out studio",
)

ASK: Final = """
from parcours.cli.app import build
from typer.testing import CliRunner

for command in {questions!r}:
    done = CliRunner().invoke(build(), command.split())
    print(f"{{command}}: {{done.exit_code}} {{done.output.strip() or done.exception!r}}")
"""

SHOWN: Final = """
import parcours.insight.asking.tables, parcours.insight.gathering.answers, parcours.insight.reports.forms
"""

CAMPAIGNS: Final = (
    "campaign preview wish wishlist --events wish/events.ndjson",
    "campaign proof wish wishlist --step mail --as u1 --to a@example.com --events wish/events.ndjson",
    "simulate wish --events wish/events.ndjson --out out",
    "test wish",
)

ENGINE: Final = """
from parcours import Engine, Project

shop = Project.load("shop")
with Engine.open(shop, "sqlite:///store", runtime="local", shards=1, records=["email", "sms"]) as engine:
    engine.track("sarah", "Checkout Started", {"cart": {"total": 80}}).result()
    print([each.journey for each in engine.explain("sarah").journeys], engine.record("sarah").lines)
"""

ON_DAFT: Final = ("doctor --config serve.yaml", "check wish --config serve.yaml")

OPENED_ON_DAFT: Final = """
from parcours import Engine, Project
from parcours.config import Settings
from parcours.errors import ExtraMissing
from parcours.simulation.simulation import simulate

wish, settings = Project.load("wish"), Settings(sets={"engine": "daft"})
for open_it in (
    lambda: Engine.open(wish, "memory:", runtime="local", records=["email", "push", "sms"], settings=settings),
    lambda: simulate(wish, [], settings=settings),
):
    try:
        open_it()
    except ExtraMissing as error:
        print(error)
"""

DEMO: Final = "import parcours.demo.run, parcours.demo.wishes"


def test_projects_are_checked_simulated_and_served_without_any_extra(tmp_path: Path) -> None:
    hidden = HIDDEN.format(hidden=modules_of_others(()))
    for command in COMMANDS:
        run(f"{hidden}\nfrom parcours.cli.app import build\nbuild()({command.split()!r})", tmp_path)

    assert run(hidden + ENGINE, tmp_path) == "['abandoned-cart'] []\n"


def test_questions_about_facts_say_which_extra_they_need(tmp_path: Path) -> None:
    run("from parcours.cli.app import build\nbuild()('init studio --example studio'.split())", tmp_path)
    (tmp_path / "out" / "facts" / "_done").mkdir(parents=True)

    said = run(HIDDEN.format(hidden=modules_of_others(())) + ASK.format(questions=QUESTIONS), tmp_path).splitlines()

    assert len(said) == len(QUESTIONS)
    for question, line in zip(QUESTIONS, said, strict=True):
        assert re.fullmatch(rf"{re.escape(question)}: 1 .* needs the extra \[insight\]: .*", line), line


def test_a_look_at_a_campaign_says_which_extra_it_needs(tmp_path: Path) -> None:
    hidden = HIDDEN.format(hidden=modules_of_others(("email",)))
    run("from parcours.cli.app import build\nbuild()('init wish --example wishlist'.split())", tmp_path)

    said = run(hidden + ASK.format(questions=CAMPAIGNS), tmp_path).splitlines()

    told = [line for line in said if "needs the extra [campaigns]: " in line]
    assert len(told) == len(CAMPAIGNS), said


def test_whoever_wants_sets_on_a_cluster_hears_which_extra_they_need(tmp_path: Path) -> None:
    hidden = HIDDEN.format(hidden=modules_of_others(("email", "http", "campaigns", "insight")))
    run("from parcours.cli.app import build\nbuild()('init wish --example wishlist'.split())", tmp_path)
    (tmp_path / "serve.yaml").write_text("settings: {sets: {engine: daft}}\n")
    needed = "sets: {engine: daft} needs the extra [sets-cluster]: pip install 'parcours[sets-cluster]'"

    said = run(hidden + ASK.format(questions=ON_DAFT), tmp_path)

    assert f"wrong settings: {needed}" in said and f"parcours.yaml: {needed}" in said
    assert run(hidden + OPENED_ON_DAFT, tmp_path) == f"{needed}\n" * 2


def test_doctor_says_what_a_door_lacks(tmp_path: Path) -> None:
    said = run(HIDDEN.format(hidden=modules_of_others(())) + ASK.format(questions=("doctor",)), tmp_path)

    assert "wrong door: it (library cryptography) needs the extra [http]: " in said
    assert "note  unsubscribe" in said


def test_what_a_door_has_answered_is_shown_without_any_extra(tmp_path: Path) -> None:
    run(HIDDEN.format(hidden=modules_of_others(())) + SHOWN, tmp_path)


def test_the_demo_needs_no_library_of_another_extra(tmp_path: Path) -> None:
    run(HIDDEN.format(hidden=modules_of_others(("demo",))) + DEMO, tmp_path)


@pytest.mark.parametrize(
    "extra, command", [("insight", "demo insight --runtime local"), ("campaigns", "demo campaign --runtime local")]
)
def test_a_demo_needs_no_library_but_those_of_its_extra(extra: str, command: str, tmp_path: Path) -> None:
    hidden = HIDDEN.format(hidden=modules_of_others(("demo", extra)))

    (told,) = run(hidden + ASK.format(questions=(command,)), tmp_path).split("\n", maxsplit=1)[:1]

    assert told.startswith(f"{command}: 0 ")


@pytest.mark.parametrize(
    "library", ["daft", "duckdb", "numpy", "pyarrow", "psycopg", "sklearn", "starlette", "zstandard"]
)
def test_libraries_of_extras_are_hidden_indeed(library: str, tmp_path: Path) -> None:
    assert library in modules_of_others(())
    with pytest.raises(AssertionError, match=f"No module named '{library}'"):
        run(HIDDEN.format(hidden=modules_of_others(())) + f"import {library}", tmp_path)


def run(code: str, folder: Path) -> str:
    """What the code prints, in a process of its own, which has to end well."""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules_of_others(kept: tuple[str, ...]) -> list[str]:
    """The top modules of the libraries of all extras, and of what these need, that these extras do not bring."""
    extras = PROJECT["optional-dependencies"]
    brought = {*with_theirs(PROJECT["dependencies"])}
    for each in kept:
        brought |= {*with_theirs(libraries_of(each, extras))}
    named = (name for extra in extras if extra not in ("all", "test") for name in libraries_of(extra, extras))
    others = {*with_theirs(named)} - brought
    return sorted(module for module, of in packages_distributions().items() if {*map(canonical, of)} <= others)


def libraries_of(extra: str, extras: dict[str, list[str]]) -> Iterator[str]:
    """The distributions of an extra, and of those that it is made of."""
    for each in extras[extra]:
        if each.startswith("parcours["):
            for inner in each.removeprefix("parcours[").removesuffix("]").split(","):
                yield from libraries_of(inner, extras)
        else:
            yield canonical(each)


def with_theirs(libraries: list[str] | Iterator[str]) -> Iterator[str]:
    """These distributions, and all that they need, but for extras of theirs."""
    waiting, seen = [canonical(each) for each in libraries], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        yield name
        waiting += [canonical(each) for each in needed(name) if "extra ==" not in each]


def needed(name: str) -> list[str]:
    try:
        return requires(name) or []
    except ModuleNotFoundError:  # for another platform
        return []


def canonical(requirement: str) -> str:
    """The name of a distribution as indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()
