"""Is whoever was erased in no answer to any question of facts, as if she had never been there?

Two stores have the same life, but that one knows somebody more, who is erased then. From then on all that can be asked
of facts has the same answer, whether she lies in files or in the journal, and whether an engine has the store open or
not.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.engine.behaviour import eventually
from tests.engine.canaries import SETTINGS
from tests.insight.warehouse.rows import asked
from tests.insight.warehouse.test_stores import IN_JOURNALS, address
from tests.projects import write_texts

from parcours.clock import ManualClock
from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.insight.asking.asking import Asking
from parcours.insight.experiments.asking import ask_experiment, ask_holdout, holdout_called
from parcours.insight.experiments.split_units import Asked as SplitsAsked
from parcours.insight.exporter.tables import TABLES
from parcours.insight.reports.asked import KINDS, Asked
from parcours.insight.reports.counting import report_of
from parcours.insight.warehouse.questions import Questions
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.insight.words import (
    attribution_in_words,
    cohort_in_words,
    flow_in_words,
    funnel_in_words,
    metric_in_words,
)
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.service.stored_facts import open_stored_facts
from parcours.store.exports import ERASED, FACTS

HER = "canary-b"
OTHERS = ("ada", "bob", "eve", "joe")
BEGIN = 20_000 * DAY_MS
KNOWN = BEGIN + 30 * DAY_MS

SHOP = {
    "parcours.yaml": (
        "{project: shop, timezone: Europe/Paris, anonymous_history: used, policies: {consent: {default: opt_out}},"
        " holdouts: {program: {percent: 25, salt: '1'}}, insight: {events: all, people: never, addresses: clear}}"
    ),
    "profile.yaml": "traits: {email: string, city: {type: string, insight: true}}",
    "events.yaml": "events: {Seen: {properties: {page: string}}, Bought: {properties: {total: number}}}",
    "audiences.yaml": "audiences: {northern: 'profile.city == \"Lille\"'}",
    "messages/hello.yaml": "{message: hello, email: {subject: Hello, text: Hello}}",
    "journeys/visit.yaml": """
        journey: visit
        entry: {event: Seen}
        steps:
          - {id: later, wait: 1h}
          - id: test
            split: [{name: control, percent: 50, next: done}, {name: mailed, percent: 50, next: mail}]
            experiment: {goal: {event: Bought, within: 7d, value: event.total}, control: control, cuped: 7d}
          - {id: mail, send: hello, channels: [email]}
          - {id: done, update: {city: '"Lille"'}}
        """,
    "insight/shop.yaml": """
        segments: {northern: 'profile.city == "Lille"', seen: {event: Seen}}
        metrics: {money: {sum: event.total, of: Bought, segment: northern}, sent: {count: deliveries.sent}}
        """,
}

SQL = [
    *(f"select * exclude (shard, record, n) from {table} order by all" for table in TABLES if table != "looks"),
    *(f"select count(*), count(distinct person) from {view}" for view in ("runs", "visits", "touches")),
]
"""A look is told of for longer than whom it was at, who has a hash for a name then."""

NOTHING_OF_HER = {
    "report campaign",
    "report offer",
    "report place",
    *(query for query in SQL if any(f" {each} " in query for each in ("unmet", "unmatched", "limits", "people"))),
    *(query for query in SQL if "campaign_steps" in query or "publications" in query),
}
"""What this life has nothing of."""

FUNNELS: list[Mapping[str, object]] = [
    *({"order": order} for order in ("strict", "next", "any")),
    *({"by": unit, "value": "event.total"} for unit in ("visit", "run")),
    *({"split": groups} for groups in ("profile.city", "event.page", "audience:northern", "experiment:visit.test")),
    {"split": "segments:northern,seen"},
]
FLOWS: list[Mapping[str, object]] = [{"which": "every"}, {"segment": "northern", "by": "visit"}]
ATTRIBUTIONS: list[Mapping[str, object]] = [
    {"touches": "deliveries:sent", "models": ["linear", "markov:1", "shapley"], "since_last": True},
    {"touches": "events:Seen", "key": "event.page", "value": "event.total", "models": ["same", "u", "decay:1d"]},
]
METRICS = ["money", "sent", "people Seen", "count Bought", "money / sent"]
OF_HOLDOUT = ["people Bought", "sum event.total of Bought"]


def live(folder: Path, *, with_her: bool, erased: bool = True) -> None:
    """Everybody comes as nobody known, logs in, sees pages and buys, one thing after the other, she when others do."""
    write_texts(folder / "shop", SHOP)
    clock = ManualClock(BEGIN)
    with opened(folder, clock) as engine:
        for number in range(3):
            for person in OTHERS:
                come(engine, clock, person, number)
                if with_her:
                    come(engine, clock, HER, number, pause_ms=0)
            engine.drain(30)
            clock.move_to(BEGIN + (number + 1) * 5 * HOUR_MS)
        engine.drain(30)  # what the last hours bring about has happened, whoever is erased then
        if with_her and erased:
            engine.erase(HER)


def come(engine: Engine, clock: ManualClock, person: str, number: int, pause_ms: int = 1000) -> None:
    anonymous = {"anonymousId": f"{person}-device{number}"}
    login = {"userId": person, "traits": {"email": f"{person}-mail@mail.example"}, **anonymous}
    calls = [("track", {"event": "Seen", "properties": {"page": f"{person}-page"}, **anonymous}), ("identify", login)]
    for times in range(number + 1):
        calls.append(("track", {"event": "Bought", "userId": person, "properties": {"total": times + 5}}))
    for kind, call in calls:
        clock.move_to(clock.now_ms() + pause_ms)
        engine.ingest([json.dumps({"type": kind, **call}).encode()]).result(30)


@contextmanager
def opened(folder: Path, clock: ManualClock, settings: Settings = IN_JOURNALS) -> Iterator[Engine]:
    project = Project.load(folder / "shop")
    with Engine.open(
        project, address(folder), shards=2, runtime="local", records=["email"], settings=settings, clock=clock
    ) as engine:
        yield engine


@contextmanager
def exporting(folder: Path) -> Iterator[Engine]:
    """The engine a day later, when all is exported."""
    everything = " union all ".join(f"select '{each}', count(*) from {each}" for each in TABLES if each != "people")
    with opened(folder, ManualClock(BEGIN + DAY_MS), SETTINGS) as engine:
        engine.drain(30)
        eventually(lambda: told_by(engine, everything) == told_by(engine, everything, exported=True), "the export")
        yield engine


def told_by(engine: Engine, query: str, *, exported: bool = False) -> list[Any]:
    return sorted(engine.insight().sql(query, exported=exported).rows)


def answers(folder: Path, *, exported: bool = False, of_her: bool = False) -> dict[str, Any]:
    """By what was asked, the answer; whatever there is to be asked of facts."""
    project = Project.load(folder / "shop")
    found = open_stored_facts(address(folder), project.program, folder, {}, exported=exported)
    with found.warehouse as warehouse:
        told: dict[str, Any] = {query: asked(warehouse, query) for query in SQL}
        for kind in KINDS.values():
            told[f"report {kind}"] = report_of(warehouse, Asked(kind)).sections
        asking = Asking(Questions(warehouse), project.program, known_until=KNOWN)
        for options in FUNNELS:
            funnel, _ = funnel_in_words(project, "Seen > Bought", options)
            told[f"funnel {options}"] = asking.funnel(funnel)
            told[f"its people {options}"] = asking.funnel_people(funnel, "reached:1")
        for options in FLOWS:
            told[f"flow {options}"] = asking.flow(flow_in_words(project, "Bought", options)[0])
        for options in ATTRIBUTIONS:
            told[f"attribution {options}"] = asking.attribution(attribution_in_words(project, "Bought", options)[0])
        told["cohort"] = asking.cohort(cohort_in_words(project, "Seen > Bought", {"unit": "day"})[0])
        for words in METRICS:
            told[f"metric {words}"] = asking.metric(metric_in_words(project, words)[0])
        told |= experiments(project, warehouse)
    assert (HER in repr(told)) == of_her
    return told


def experiments(project: Project, warehouse: Warehouse) -> dict[str, Any]:
    questions, splits = Questions(warehouse), SplitsAsked(known_ms=KNOWN)
    holdout = holdout_called("program", project.program)
    assert holdout is not None
    return {
        "experiment": ask_experiment("visit.test", project.program, questions, splits, so_far=True),
        **{
            f"hold-out {words}": ask_holdout(holdout, metric_in_words(project, words)[0], questions, splits)
            for words in OF_HOLDOUT
        },
    }


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One in which she was, and is erased, and one in which she never was."""
    hers, without = tmp_path_factory.mktemp("hers"), tmp_path_factory.mktemp("without")
    live(hers, with_her=True)
    live(without, with_her=False)
    return hers, without


def compare(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for what, answer in expected.items():
        assert found[what] == answer, what


def test_until_she_is_erased_she_is_in_every_answer(stores: tuple[Path, Path], tmp_path: Path) -> None:
    live(tmp_path, with_her=True, erased=False)

    found, expected = answers(tmp_path, of_her=True), answers(stores[1])

    assert {what for what, answer in expected.items() if found[what] == answer} == NOTHING_OF_HER


def test_nothing_in_the_journal_tells_that_she_was_there(stores: tuple[Path, Path]) -> None:
    hers, without = stores

    compare(answers(hers), answers(without))


def test_nor_do_files_while_the_engine_runs_and_when_it_is_closed(stores: tuple[Path, Path], tmp_path: Path) -> None:
    hers, without = (shutil.copytree(each, tmp_path / each.name) for each in stores)
    with exporting(hers), exporting(without):
        assert (hers / "store" / FACTS / ERASED).exists()
        compare(answers(hers, exported=True), answers(without, exported=True))

    compare(answers(hers), answers(without))
