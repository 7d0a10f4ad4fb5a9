"""People who enter and leave places, in a simulation: what an independent program tells, on any number of shards."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from tests.model.reference.whereabouts import Heard, Spot, told_of
from tests.model.walks import START, spots, walk

from parcours.config import Settings
from parcours.core.fact import Changed, LimitReached, Moved
from parcours.core.time_text import time_text
from parcours.journey.model.document import AudiencesDocument, EventsDocument, JourneyDocument, ProjectDocument
from parcours.journey.model.places import PlacesDocument
from parcours.journey.project import Project
from parcours.journey.read.documents_json import json_of
from parcours.simulation.simulation import simulate

EVENTS: dict[str, Any] = {
    "Location Updated": {
        "properties": {"lat": "number", "lon": "number", "accuracy": "number"},
        "location": {"lat": "event.lat", "lon": "event.lon", "accuracy": "event.accuracy"},
    },
    "Region Crossed": {
        "properties": {"region": "string", "way": "string"},
        "crossing": {"place": "event.region", "way": "event.way"},
    },
    "Long Stay": {"of": "Place Left", "rule": "event.dwell >= 3600"},
}

ENTERING = {
    "journey": "entering",
    "entry": {"event": "Place Entered"},
    "correlation": "event.place",
    "exit": [{"event": "Place Left"}],
    "steps": [{"id": "there", "wait": "300d"}],
}
STAYING = {"journey": "staying", "entry": {"event": "Long Stay"}, "steps": [{"id": "done", "end": True}]}
AUDIENCES = {"visitors": 'count("Place Entered", "30d") > 2'}


def document_of(spot: Spot) -> dict[str, object]:
    rules = {
        "enter_after": f"{spot.enter_after}ms",
        "leave_after": f"{spot.leave_after}ms",
        "silent_after": f"{spot.silent_after}ms",
        "margin": f"{spot.margin}m",
        "accuracy_max": f"{spot.accuracy_max}m",
        "first": spot.first,
    }
    if spot.shape[0] == "circle":
        _, lat, lon, metres = spot.shape
        return {**rules, "circle": [lat, lon, f"{metres}m"]}
    return {**rules, "polygon": spot.shape[1][0], "holes": spot.shape[1][1:]}


def project_of(spots: list[Spot], **events: object) -> Project:
    return Project.of(
        ProjectDocument(project="walks"),
        events=EventsDocument.model_validate({"events": {**EVENTS, **events}}),
        audiences=AudiencesDocument(audiences=AUDIENCES),
        journeys=[JourneyDocument.model_validate(each) for each in (ENTERING, STAYING)],
        places=PlacesDocument.model_validate({"places": {spot.name: document_of(spot) for spot in spots}}),
    )


def line_of(person: str, heard: Heard) -> bytes:
    kind, *values = heard.what
    names = ("lat", "lon", "accuracy") if kind == "fix" else ("region", "way")
    event = "Location Updated" if kind == "fix" else "Region Crossed"
    call = {
        "type": "track",
        "userId": person,
        "event": event,
        "timestamp": time_text(heard.at),
        "properties": dict(zip(names, values, strict=True)),
    }
    return json.dumps(call).encode()


def walks_of(seed: int) -> tuple[list[Spot], dict[str, list[Heard]]]:
    """Places, and the walks of some people around them. A recording knows no time but that of the sender."""
    chance = Random(seed)
    places = [replace(spot, enter_after=0 if chance.random() < 0.5 else spot.enter_after) for spot in spots(chance)]
    walks = {f"u{number}": walk(chance, places) for number in range(4)}
    return places, {who: [replace(each, told_at=each.at) for each in heard] for who, heard in walks.items()}


@pytest.mark.parametrize("seed", range(6))
def test_each_entry_and_exit_is_told_to_the_millisecond_on_any_number_of_shards(seed: int) -> None:
    places, walks = walks_of(seed)
    lines = [line_of(who, each) for who, heard in walks.items() for each in heard]
    expected = {who: told_of(places, heard) for who, heard in walks.items()}
    assert sum(map(len, expected.values())) > 5

    results = [simulate(project_of(places), lines, shards=shards) for shards in (1, 2, 8)]

    for result in results:
        facts = list(result.facts)
        changed = [each for each in facts if isinstance(each, Changed) and each.what == "place"]
        moved = [each for each in facts if isinstance(each, Moved)]
        for who, told in expected.items():
            assert [(each.at, each.value, each.name) for each in changed if each.person == who] == [
                (each.at, each.way, each.place) for each in told
            ]
            entered = [
                each.at for each in moved if (each.person, each.journey, each.what) == (who, "entering", "entered")
            ]
            assert entered == [each.at for each in told if each.way == "entered"]
            stays = [each.at for each in moved if (each.person, each.journey, each.what) == (who, "staying", "entered")]
            assert stays == [each.at for each in told if each.way == "left" and (each.dwell_s or 0) >= 3600]
            assert sum(each.what == "exited" and each.person == who for each in moved) == len(told) - len(entered)
    keys = [sorted(map(repr, result.facts)) for result in results]
    assert keys[0] == keys[1] == keys[2]


STUDIO = Spot("studio", ("circle", 33.749, -84.388, 120.0), 0, 0, 50.0, 200.0, 3_600_000, "enters")


def fixes(person: str, *where: tuple[int, float]) -> list[bytes]:
    return [line_of(person, Heard(START + s * 1000, 0, ("fix", lat, -84.388, 5))) for s, lat in where]


def test_facts_have_the_place_and_the_time_and_never_the_position() -> None:
    result = simulate(project_of([STUDIO]), fixes("sarah", (0, 33.7491), (60, 33.7612)))

    told = repr(list(result.facts))
    assert "'studio', value='entered'" in told
    assert "33.7" not in told


def test_who_does_not_want_what_is_known_of_her_to_be_used_enters_no_place_and_leaves_none() -> None:
    word = {"type": "consent", "userId": "sarah", "channel": "personalisation"}
    refused, allowed = (
        json.dumps({**word, "granted": granted, "timestamp": time_text(START + s * 1000)}).encode()
        for granted, s in ((False, 30), (True, 90))
    )
    lines = [*fixes("sarah", (0, 33.7491), (60, 33.7612), (61, 33.7491), (120, 33.7491)), refused, allowed]

    facts = list(simulate(project_of([STUDIO]), lines).facts)

    told = [(each.at, each.value) for each in facts if isinstance(each, Changed) and each.what == "place"]
    assert told == [(START, "entered"), (START + 120_000, "entered"), (START + 120_000 + 3_600_000, "left")]


def test_beyond_as_many_places_as_there_is_room_for_she_enters_none_and_that_is_told_once() -> None:
    others = [replace(STUDIO, name=name) for name in ("annexe", "bar")]
    lines = fixes("sarah", (0, 33.7491), (1, 33.7491))

    facts = list(simulate(project_of([STUDIO, *others]), lines, settings=Settings(places_of_person_max=2)).facts)

    limits = [each for each in facts if isinstance(each, LimitReached)]
    assert [(each.setting, "'studio'" in each.why) for each in limits] == [("places_of_person_max", True)]
    assert {each.name for each in facts if isinstance(each, Changed) and each.what == "place"} == {"annexe", "bar"}


@pytest.mark.parametrize(("history", "left_by"), [("used", ["sarah"]), ("unused", [])])
def test_who_becomes_somebody_else_takes_her_newest_position_along(history: str, left_by: list[str]) -> None:
    project = project_of([STUDIO])
    settings = project.documents.settings.model_copy(update={"anonymous_history": history})
    documents = replace(project.documents, settings=settings)
    visitor = fixes("v", (0, 33.7491))[0].replace(b'"userId"', b'"anonymousId"')
    known = json.dumps(
        {"type": "identify", "userId": "sarah", "anonymousId": "v", "timestamp": time_text(START + 60_000)}
    ).encode()

    facts = list(simulate(Project.from_json(json_of(documents)), [visitor, known]).facts)

    assert [each.person for each in facts if isinstance(each, Changed) and each.value == "entered"] == ["@anonymous/v"]
    left = [each for each in facts if isinstance(each, Changed) and (each.what, each.value) == ("place", "left")]
    assert [each.person for each in left] == left_by
    assert [each.at for each in left] == [START + 3_600_000 for _ in left_by]
