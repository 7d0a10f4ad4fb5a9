"""Where somebody is, as an engine tells it: in her profile, over HTTP, by `explain`, and not after she was erased."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from dataclasses import replace
from pathlib import Path

import httpx
from tests.engine.canaries import SETTINGS, done, found
from tests.model.walks import START
from tests.simulation.test_places import STUDIO, project_of

from parcours import Engine, PersonPlace, PersonPosition, PersonWhereabouts, Project, Service, explanation_text
from parcours.clock import ManualClock
from parcours.ingress.application import Application, door_of
from parcours.ingress.settings import ServeSettings
from parcours.journey.read.documents_json import json_of

MINUTE = 60_000
HOUR = 60 * MINUTE

SLOW = replace(STUDIO, enter_after=5 * MINUTE, leave_after=2 * MINUTE)

LATITUDE = 33.74912345678
"""Inside of the studio, and in nobody's file by chance."""

TEXT, BINARY = str(LATITUDE).encode(), struct.pack(">d", LATITUDE)
"""How lines and profiles have it."""


def position(latitude: float, accuracy: float = 5) -> dict[str, float]:
    return {"lat": latitude, "lon": -84.388, "accuracy": accuracy}


async def entered(service: Service, person: str, place: str) -> bool:
    """Whether it is told that she has entered."""
    profile = await service.profile(person)
    assert profile is not None
    return any(each.is_told for each in profile.whereabouts.places if each.place == place)


def test_a_person_shows_where_she_is_and_what_is_still_to_be_told(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with Engine.open(project_of([SLOW]), f"sqlite:///{tmp_path}", runtime="local", shards=2, clock=clock) as engine:

        def seen(at: int, **told: float) -> PersonWhereabouts:
            clock.move_to(at)
            engine.track("sarah", "Location Updated", told).result()
            found = engine.profile("sarah")
            assert found is not None
            return found.whereabouts

        came = seen(START, **position(LATITUDE))
        assert came.position == PersonPosition(START, START, LATITUDE, -84.388)
        (place,) = came.places
        assert place == PersonPlace(
            "studio", START, False, START + 5 * MINUTE, None, None, START + SLOW.silent_after, "fix"
        )
        assert f"will have entered at {_clock(START + 5 * MINUTE)}" in explanation_text(engine.explain("sarah"))

        left = seen(START + 10 * MINUTE, **position(33.76))
        (place,) = left.places
        assert (place.is_told, place.enters, place.since) == (True, None, START)
        assert (place.away_since, place.leaves) == (START + 10 * MINUTE, START + 12 * MINUTE)

        gone = seen(START + 20 * MINUTE, **position(33.76, accuracy=900))
        assert (gone.places, gone.unheard) == ((), {"vague": 1})
        text = explanation_text(engine.explain("sarah"))

    assert f"{_clock(START + 5 * MINUTE)}  entered the place 'studio', by a position" in text
    assert f"{_clock(START + 12 * MINUTE)}  left the place 'studio' after 10m, by a position" in text
    assert "nothing was told once, for it was vaguer than accuracy_max of every place" in text
    assert "33.7" not in text


def _clock(at: int) -> str:
    from parcours.core.time_text import time_text

    return time_text(at)


def test_nobody_has_whereabouts_where_no_place_is_told() -> None:
    with Engine.open(project_of([SLOW]), "memory:", runtime="local") as engine:
        engine.identify("sarah", {"name": "Sarah"}).result()
        found = engine.profile("sarah")
        assert found is not None
        assert found.whereabouts == PersonWhereabouts()
        assert engine.explain("sarah").places == ()


def test_whoever_may_see_people_sees_where_they_are() -> None:
    async def scenario() -> None:
        clock = ManualClock(START)
        async with Service.open(project_of([SLOW]), "memory:", runtime="local", clock=clock) as service:
            await service.track("sarah", "Location Updated", position(LATITUDE))
            transport = httpx.ASGITransport(Application(door_of(service, ServeSettings())))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                told = (await http.get("/people/sarah")).json()
                why = (await http.get("/people/sarah/explain")).json()

        assert told["position"] == {
            "at": _clock(START),
            "told_at": _clock(START),
            "latitude": LATITUDE,
            "longitude": -84.388,
        }
        (place,) = told["places"]
        assert place == {
            "place": "studio",
            "since": _clock(START),
            "told": False,
            "enters": _clock(START + 5 * MINUTE),
            "away_since": None,
            "leaves": None,
            "silent": _clock(START + SLOW.silent_after),
        }
        assert told["unheard"] == {}
        assert [line.partition(":")[0] for line in why["places"]] == [f"inside of 'studio' since {_clock(START)[:13]}"]

    asyncio.run(scenario())


def test_the_table_of_people_has_the_places_that_they_have_entered_and_not_where_they_are() -> None:
    async def scenario() -> None:
        quick = replace(STUDIO, name="lobby")
        async with Service.open(project_of([SLOW, quick]), "memory:", runtime="local") as service:
            await service.track("sarah", "Location Updated", position(LATITUDE))
            await service.identify("tom", {})
            while not await entered(service, "sarah", "lobby"):  # noqa: ASYNC110  # a timer tells it, a moment later
                await asyncio.sleep(0.001)
            rows = {row.person: row async for slice_ in service.everybody() for row in slice_}

        assert {name: row.places for name, row in rows.items()} == {"sarah": ["lobby"], "tom": []}
        assert "33.7" not in repr(rows)

    asyncio.run(scenario())


def kept_inputs(project: Project) -> Project:
    """The project, whose engine keeps its inputs as they came."""
    insight = project.documents.settings.insight.model_copy(update={"inputs": True})
    settings = project.documents.settings.model_copy(update={"insight": insight})
    return Project.from_json(json_of(replace(project.documents, settings=settings)))


def document_of(engine: Engine, person: str) -> bytes:
    record = engine.record(person)
    assert record is not None
    return b"".join(record.document())


def entries_in(document: bytes) -> list[str]:
    """The places whose entering or leaving facts of a record tell."""
    return [fact["name"] for fact in json.loads(document)["facts"] if fact["fact"] == "changed"]


def test_all_of_it_is_in_her_record_and_no_byte_of_it_is_left_once_she_is_erased(tmp_path: Path) -> None:
    project, folder = kept_inputs(project_of([STUDIO])), tmp_path / "store"

    def opened() -> Engine:
        return Engine.open(project, f"sqlite:///{folder}", shards=2, runtime="local", settings=SETTINGS)

    with opened() as engine:
        engine.track("canary-name", "Location Updated", position(LATITUDE)).result()
        engine.drain(30)
        while not entries_in(document := document_of(engine, "canary-name")):
            time.sleep(0.01)  # a timer tells it, a moment later
        here = json.loads(document)["profile"]["whereabouts"]
        assert (here["position"]["latitude"], [*here["visits"]]) == (LATITUDE, ["studio"])
        assert entries_in(document) == ["studio"]
        assert TEXT not in json.dumps(json.loads(document)["facts"]).encode()
        assert TEXT in json.dumps(json.loads(document)["lines"]).encode()
    assert {canary for _, canary in found(folder, {TEXT, BINARY})} == {TEXT, BINARY}, "they were planted"

    with opened() as engine:
        done(engine, folder, engine.erase("canary-name"))
        assert engine.profile("canary-name") is None
    assert found(folder, {TEXT, BINARY, b"canary-name"}) == set()
