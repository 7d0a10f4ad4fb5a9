"""What a publication does to places: which it tells of, and which stay for those who are still on their way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.simulation.test_places import EVENTS, STUDIO, document_of

from parcours import Engine, Project, ProjectInvalid
from parcours.clock import ManualClock
from parcours.core.fact import Changed
from parcours.journey.model.document import AudiencesDocument, EventsDocument, JourneyDocument, ProjectDocument
from parcours.journey.model.places import PlacesDocument

START = 1_772_000_000_000
MINUTE = 60_000

HALL = document_of(replace(STUDIO, name="hall"))
CLASS = {
    "journey": "class",
    "entry": {"event": "Place Entered"},
    "exit": [{"event": "Place Left", "when": 'event.place == "studio"'}],
    "steps": [{"id": "there", "wait": "300d"}],
}
GUESTS = 'count("Place Left", "9d", "event.place == \'studio\'") > 0'


def project_of(
    places: dict[str, Any],
    *journeys: dict[str, Any],
    audiences: dict[str, str] | None = None,
    personalisation: str = "opt_out",
    **defaults: str,
) -> Project:
    return Project.of(
        ProjectDocument.model_validate({"project": "yoga", "policies": {"personalisation": personalisation}}),
        events=EventsDocument.model_validate({"events": EVENTS}),
        audiences=AudiencesDocument(audiences=audiences or {}),
        journeys=[JourneyDocument.model_validate(each) for each in journeys],
        places=PlacesDocument.model_validate({"places": places, "defaults": defaults}),
    )


def points(*codes: str) -> str:
    made = [
        {
            "type": "Feature",
            "properties": {"code": code},
            "geometry": {"type": "Point", "coordinates": [number, len(code)]},
        }
        for number, code in enumerate(sorted(codes))
    ]
    return json.dumps({"type": "FeatureCollection", "features": made})


def stores(*codes: str, radius: str = "80m") -> dict[str, str]:
    return {"file": "stores.geojson", "name": "properties.code", "radius": radius, "geojson": points(*codes)}


def changes_of(before: Project, after: Project) -> list[str]:
    with Engine.open(before, "memory:", runtime="local") as engine:
        return [*engine.publish(after, dry=True).changes]


def test_each_place_is_told_that_is_new_has_changed_or_is_gone() -> None:
    studio, wide = document_of(STUDIO), {**document_of(STUDIO), "tags": ["yoga"]}

    assert changes_of(
        project_of({"studio": studio, "hall": HALL}), project_of({"studio": wide, "annexe": HALL}, margin="80m")
    ) == [
        "the place 'annexe' is new",
        "the place 'hall' is gone",
        "the place 'studio' has changed",
        "places.yaml has changed: defaults",
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (stores("a", "b"), stores("b", "c"), ["1 new, 1 changed, 1 gone"]),  # b has moved
        (stores("a", "b"), {**stores("a", "b"), "enter_after": "1m"}, ["the rules, tags or attributes of all"]),
        (stores("a", "b"), stores("a", "b", radius="90m"), ["2 changed"]),
        (stores("a", "b"), stores("a", "b"), []),
        (None, stores("a", "b"), ["2 new"]),
        (stores("a"), None, ["1 gone"]),
    ],
)
def test_of_a_file_it_is_told_how_many(
    before: dict[str, Any] | None, after: dict[str, Any] | None, told: list[str]
) -> None:
    old, new = ({"hall": HALL, **({} if each is None else {"shops": each})} for each in (before, after))

    assert changes_of(project_of(old), project_of(new)) == [
        f"the places of 'shops' have changed: {each}" for each in told
    ]


def test_a_project_that_names_a_place_that_it_has_not_is_refused() -> None:
    with pytest.raises(ProjectInvalid, match="unknown place 'studio'"):
        project_of({"hall": HALL}, CLASS)


@pytest.mark.parametrize("by", ["journey", "audience"])
def test_a_place_stays_as_long_as_somebody_is_on_a_way_that_names_it(tmp_path: Path, by: str) -> None:
    audience = {**CLASS, "exit": [{"audience": "guests", "change": "entered"}]}
    journey, audiences = (CLASS, {}) if by == "journey" else (audience, {"guests": GUESTS})
    both = {"studio": document_of(STUDIO), "hall": document_of(replace(STUDIO, name="hall"))}
    clock = ManualClock(START)
    with Engine.open(
        project_of(both, journey, audiences=audiences), f"sqlite:///{tmp_path}", runtime="local", clock=clock
    ) as engine:

        def seen(at: int, latitude: float) -> None:
            clock.move_to(at)
            engine.track("sarah", "Location Updated", {"lat": latitude, "lon": -84.388, "accuracy": 5}).result()

        seen(START, 33.7491)
        engine.publish(project_of({"annexe": both["hall"]}))
        seen(START + 10 * MINUTE, 33.77)
        seen(START + 20 * MINUTE, 33.77)

        told = [(each.name, each.value) for each in engine.facts("sarah") if isinstance(each, Changed)]
        assert [each for each in told if each[0] in both] == [
            ("hall", "entered"),
            ("studio", "entered"),
            ("studio", "left"),
        ]
        found = engine.profile("sarah")
        assert found is not None and found.runs == ()


@pytest.mark.parametrize("last", ["event", "timer"])
def test_where_everybody_has_to_agree_from_now_on_it_is_forgotten_where_somebody_is(tmp_path: Path, last: str) -> None:
    places, clock = {"studio": document_of(STUDIO)}, ManualClock(START)
    with Engine.open(project_of(places), f"sqlite:///{tmp_path}", runtime="local", clock=clock) as engine:
        position = {"lat": 33.7491, "lon": -84.388, "accuracy": 5}
        engine.track("sarah", "Location Updated", position).result()
        clock.move_to(START + MINUTE)
        engine.drain(30)
        engine.publish(project_of(places, personalisation="opt_in"))
        clock.move_to(START + 300 * MINUTE)
        if last == "event":
            engine.track("sarah", "Location Updated", position).result()
        engine.drain(30)

        told = [each.value for each in engine.facts("sarah") if isinstance(each, Changed)]
        found = engine.profile("sarah")

    assert told == ["entered"]
    assert found is None or (found.whereabouts.places == () and found.whereabouts.position is None)
