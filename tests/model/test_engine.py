"""Does the engine mean what the model means? Random journeys and random traffic, lines compared one by one.

A case is a project and traffic of at most four people, drawn from a seed; every other one lies on a coarse grid of
times, where ties are everywhere. A failure names its seed: `generate.case(seed, features)` makes the case again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from tests.model import generate
from tests.model.reference import run
from tests.model.reference.people import Person
from tests.model.reference.simulation import lines_in_files, people_at_end
from tests.model.reference.times import to_text
from tests.model.reference.worlds import Limits
from tests.model.seeds import (
    FORGOTTEN_RUNS,
    GATES_AUDIENCES_HISTORY,
    INBOXES,
    INBOXES_BETWEEN_ZONES,
    INBOXES_OF_FORGOTTEN_RUNS,
    MOVES_BETWEEN_ZONES,
    WAYS_OF_RUNS,
    blocks,
    name_of,
)

from parcours import Project, Settings, simulate
from parcours.core.fact import DeliveryReached, Fact
from parcours.simulation.result_files import DELIVERIES, TRANSITIONS, write_results
from parcours.simulation.simulation import Result

SEEDS_PER_TEST = 50
WITH_INBOXES = generate.STAGE_2 | generate.INBOXES

Line = dict[str, Any]


def project_of(documents: Line) -> Project:
    """The project that an author would have written into a folder, without the folder."""
    whole = {"settings" if kind == "project" else kind: document for kind, document in documents.items()}
    return Project.from_json(json.dumps(whole).encode())


def engine_result(case: generate.Case, settings: Settings | None = None, shards: int = 2) -> Result:
    documents, events, until_ms = case
    lines = [json.dumps(event).encode() for event in events]
    return simulate(project_of(documents), lines, until_ms=until_ms, shards=shards, settings=settings)


def settings_of(limits: Limits) -> Settings:
    return Settings(**asdict(limits))


def lines_of(result: Result) -> tuple[list[Line], list[Line]]:
    """What the engine writes: transitions and deliveries."""
    with TemporaryDirectory() as folder:
        write_results(Path(folder), result.facts, result.summary)
        transitions, deliveries = (
            [json.loads(line) for line in (Path(folder) / name).read_bytes().splitlines()]
            for name in (TRANSITIONS, DELIVERIES)
        )
    return transitions, deliveries


def transitions_of(lines: list[Line]) -> list[Line]:
    """Lines without what each side words for itself: why a run was parked."""
    return [line | {"why": None} if line["what"] == "parked" else line for line in lines]


def deliveries_of(lines: list[Line]) -> list[Line]:
    """Lines without the key, which each side makes up for itself, and in one order for each instant of a run.

    To the model all that an input queued is sent when the input is over; to the engine each receipt is an input.
    """
    bare = [{name: value for name, value in line.items() if name != "key"} for line in lines]
    return sorted(
        bare, key=lambda line: (line["at"], line["profile"].encode(), line["journey"], line["run"], str(line))
    )


def compare(features: frozenset[str], seeds: range) -> None:
    compare_cases({seed: generate.case(seed, features) for seed in seeds})


def compare_cases(cases: dict[int, generate.Case], limits: Limits = Limits()) -> None:
    for seed, case in cases.items():
        people = people_at_end(*case, limits)
        transitions, deliveries = lines_in_files(people)

        result = engine_result(case, settings_of(limits))

        found = lines_of(result)
        assert transitions_of(found[0]) == transitions_of(transitions), f"seed {seed}: transitions"
        assert deliveries_of(found[1]) == deliveries_of(deliveries), f"seed {seed}: deliveries"
        assert withdrawals(result.facts) == withdrawn(people), f"seed {seed}: withdrawals"


def withdrawals(facts: Iterable[Fact]) -> Counter[tuple[Any, ...]]:
    """What was taken out of inboxes, and why: that stands in no file."""
    reached = [fact for fact in facts if isinstance(fact, DeliveryReached) and fact.outcome == "withdrawn"]
    return Counter(
        (to_text(fact.at), fact.person, fact.journey, fact.run, fact.step, fact.visit, fact.channel, fact.reason)
        for fact in reached
    )


def withdrawn(people: list[Person]) -> Counter[tuple[Any, ...]]:
    names = ("at", "profile", "journey", "run", "step", "visit", "channel", "withdrawn_by")
    lines = [line for person in people for line in person.delivery_lines if line["outcome"] == "withdrawn"]
    return Counter(tuple(line[name] for name in names) for line in lines)


@pytest.mark.parametrize("seeds", blocks(WAYS_OF_RUNS, SEEDS_PER_TEST), ids=name_of)
def test_the_engine_and_the_model_agree_on_the_ways_of_runs(seeds: range) -> None:
    compare(generate.STAGE_1, seeds)


@pytest.mark.parametrize("seeds", blocks(GATES_AUDIENCES_HISTORY, SEEDS_PER_TEST), ids=name_of)
def test_the_engine_and_the_model_agree_on_gates_audiences_and_history(seeds: range) -> None:
    compare(generate.STAGE_2, seeds)


@pytest.mark.parametrize("seeds", blocks(MOVES_BETWEEN_ZONES, SEEDS_PER_TEST), ids=name_of)
def test_the_engine_and_the_model_agree_on_people_who_move_between_zones(seeds: range) -> None:
    compare(generate.MOVES, seeds)


@pytest.mark.parametrize("seeds", blocks(INBOXES, SEEDS_PER_TEST), ids=name_of)
def test_the_engine_and_the_model_agree_on_what_lies_in_inboxes(seeds: range) -> None:
    for seed in seeds:
        compare_cases({seed: generate.case(seed, WITH_INBOXES)}, generate.narrow(seed))


@pytest.mark.parametrize("seeds", blocks(INBOXES_BETWEEN_ZONES, SEEDS_PER_TEST), ids=name_of)
def test_they_agree_on_inboxes_of_people_who_move_between_zones(seeds: range) -> None:
    for seed in seeds:
        compare_cases({seed: generate.case(seed, generate.MOVES | generate.INBOXES)}, generate.narrow(seed))


@pytest.mark.parametrize("seeds", blocks(INBOXES_OF_FORGOTTEN_RUNS, SEEDS_PER_TEST), ids=name_of)
def test_they_agree_on_what_lies_in_inboxes_of_runs_that_are_forgotten(seeds: range) -> None:
    for seed in seeds:
        limits = replace(generate.narrow(seed), ended_runs_max=1)
        compare_cases({seed: generate.eventful(seed, WITH_INBOXES)}, limits)


@pytest.mark.parametrize("seeds", blocks(FORGOTTEN_RUNS, SEEDS_PER_TEST), ids=name_of)
def test_the_engine_and_the_model_agree_on_what_is_known_of_ended_runs(seeds: range) -> None:
    compare_cases({seed: generate.eventful(seed, generate.STAGE_2) for seed in seeds}, Limits(ended_runs_max=1))


def test_it_shows_in_the_random_cases_that_runs_are_forgotten() -> None:
    cases = [generate.eventful(seed, generate.STAGE_2) for seed in FORGOTTEN_RUNS]

    differ = [run(*case, limits=Limits(ended_runs_max=1)) != run(*case) for case in cases]

    assert sum(differ) >= len(cases) // 20
