"""Does the engine mean what the model means while journeys are published, paused and stopped around their people?

A case is a project, changed projects, and traffic between all that is done to the journeys; a failure names its seed:
`lives.case(seed, features)` makes the case again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.model import lives
from tests.model.chance import INBOXES, MOVES, STAGE_2
from tests.model.generate import narrow
from tests.model.reference import inboxes
from tests.model.reference.living import Happening, lines_told, people_at_end
from tests.model.reference.simulation import in_order
from tests.model.reference.times import parse_instant, to_datetime, to_text
from tests.model.reference.worlds import Limits
from tests.model.seeds import (
    FORGETFUL_LIVES,
    FORGETFUL_LIVES_OF_INBOXES,
    LIVES_BETWEEN_ZONES,
    LIVES_OF_INBOXES,
    LIVES_OF_JOURNEYS,
    blocks,
    name_of,
)
from tests.model.test_engine import settings_of

from parcours import Project, Settings
from parcours.core.counted import INTERNAL_OUTCOMES
from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.service.inbox import InboxItem
from parcours.simulation.result_files import INTERNAL_MOVES
from parcours.testing.virtual_project import VirtualProject

SEEDS_PER_TEST = 30

Line = dict[str, Any]
MOVE = ("at", "profile", "journey", "version", "run", "step", "what", "why")
REACHED = (
    "at", "profile", "journey", "version", "run", "step", "channel", "message", "to", "outcome", "gate", "visit",
    "class", "purpose", "reason",
)  # fmt: skip
FIELDS = {"profile": "person", "class": "message_class"}
"""Names of a fact's fields where a line of the results says it differently."""


def project_of(documents: Line) -> Project:
    whole = {"settings" if kind == "project" else kind: document for kind, document in documents.items()}
    return Project.from_json(json.dumps(whole).encode())


@contextmanager
def lived(documents: Line, happenings: list[Happening], settings: Settings) -> Iterator[VirtualProject]:
    """The engine's project after all that happened."""
    (_, first), *later = happenings
    now_ms = parse_instant(first)
    with VirtualProject(project_of(documents), start=to_datetime(now_ms), settings=settings) as project:
        for what, of in later:
            match what:
                case "pass":
                    project.advance(timedelta(milliseconds=parse_instant(of) - now_ms))
                    now_ms = parse_instant(of)
                case "line":
                    project.happen(of)
                case "publish":
                    project.publish(project_of(of))
                case verb:
                    getattr(project, f"{verb}_journey")(of)
        yield project


def told(facts: list[Fact]) -> tuple[list[Line], list[Line]]:
    """What the engine tells: transitions and deliveries."""
    moves = [fact for fact in facts if isinstance(fact, Moved) and fact.what not in INTERNAL_MOVES]
    reached = [fact for fact in facts if isinstance(fact, DeliveryReached) and fact.outcome not in INTERNAL_OUTCOMES]
    return lines_of(moves, MOVE), [told_why(line) for line in lines_of(reached, REACHED)]


def listed(items: list[InboxItem]) -> list[tuple[Any, ...]]:
    return [(one.channel, one.message, one.at, one.expires, one.pinned, one.seen) for one in items]


def told_why(line: Line) -> Line:
    """Only the reasons of withdrawals are the same for both; each side words for itself why anything else is so."""
    told = line["reason"] if line["outcome"] == "withdrawn" else None
    return {name: value for name, value in line.items() if name != "reason"} | {"withdrawn_by": told}


def lines_of(facts: list[Any], names: tuple[str, ...]) -> list[Line]:
    lines = [{name: getattr(fact, FIELDS.get(name, name)) for name in names} for fact in facts]
    return in_order([line | {"at": to_text(line["at"])} for line in lines])


def transitions_of(lines: list[Line]) -> list[Line]:
    """Lines without what each side words for itself: why a run was parked."""
    return [line | {"why": None} if line["what"] == "parked" else line for line in lines]


def deliveries_of(lines: list[Line]) -> list[Line]:
    """Lines without the key, and in one order for each instant of a run."""
    bare = [{name: value for name, value in line.items() if name != "key"} for line in lines]
    for line in bare:
        # How long a version is known that nothing goes by is not said, and the purpose stands nowhere else.
        if line["class"] == "transactional" and line["outcome"] not in ("sent", "held", "refused", "cancelled"):
            line["purpose"] = None
    return sorted(
        bare, key=lambda line: (line["at"], line["profile"].encode(), line["journey"], line["run"], str(line))
    )


@pytest.mark.parametrize("seeds", blocks(LIVES_OF_JOURNEYS, SEEDS_PER_TEST), ids=name_of)
def test_the_engine_and_the_model_agree_on_the_lives_of_journeys(seeds: range) -> None:
    compare(STAGE_2, seeds)


@pytest.mark.parametrize("seeds", blocks(LIVES_BETWEEN_ZONES, SEEDS_PER_TEST), ids=name_of)
def test_they_agree_on_the_lives_of_journeys_of_people_who_move_between_zones(seeds: range) -> None:
    compare(MOVES, seeds)


@pytest.mark.parametrize("seeds", blocks(FORGETFUL_LIVES, SEEDS_PER_TEST), ids=name_of)
def test_they_agree_on_what_is_known_of_runs_that_ended_in_the_life_of_a_journey(seeds: range) -> None:
    compare(STAGE_2, seeds, Limits(ended_runs_max=1))


@pytest.mark.parametrize("seeds", blocks(LIVES_OF_INBOXES, SEEDS_PER_TEST), ids=name_of)
def test_they_agree_on_what_lies_in_inboxes_in_the_life_of_a_journey(seeds: range) -> None:
    for seed in seeds:
        compare(STAGE_2 | INBOXES, range(seed, seed + 1), narrow(seed))


@pytest.mark.parametrize("seeds", blocks(FORGETFUL_LIVES_OF_INBOXES, SEEDS_PER_TEST), ids=name_of)
def test_they_agree_on_inboxes_of_people_on_the_move_whose_runs_are_forgotten(seeds: range) -> None:
    for seed in seeds:
        # A new cap does not find what forgotten runs have sent, and the model does not know that it does not.
        features = (MOVES | INBOXES) - {"caps"}
        compare(features, range(seed, seed + 1), replace(narrow(seed), ended_runs_max=1))


def compare(features: frozenset[str], seeds: range, limits: Limits = Limits()) -> None:
    for seed in seeds:
        documents, happenings = lives.case(seed, features)
        people = people_at_end(documents, happenings, limits)
        transitions, deliveries = lines_told(people)

        with lived(documents, happenings, settings_of(limits)) as project:
            found = told(project.facts())
            lying = {person.id: listed(project.inbox(person.id)) for person in people}

        assert transitions_of(found[0]) == transitions_of(transitions), f"seed {seed}: transitions"
        assert deliveries_of(found[1]) == deliveries_of(deliveries), f"seed {seed}: deliveries"
        assert lying == {person.id: inboxes.listed(person) for person in people}, f"seed {seed}: inboxes"
