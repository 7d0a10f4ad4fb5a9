"""What does a type checker say to a caller's code? Nothing here runs: mypy reads it, as strictly as it can.

A line that has to be refused carries an ignore with the code of its error. An ignore that nothing needs is an error
too, so this file fails as soon as one of these lines passes.
"""

from __future__ import annotations

from typing import assert_type

import parcours
from parcours import (
    Acknowledgement,
    DeliveryStory,
    Engine,
    Explanation,
    Fact,
    Finding,
    Ingested,
    JourneyState,
    Person,
    Project,
    PublishRefused,
    Reached,
    Result,
    Settings,
    Summary,
    explanation_text,
    simulate,
)


def a_project(folder: str) -> None:
    assert_type(Project.load(folder), Project)
    assert_type(Project.check(folder), list[Finding])
    Project.load(7)  # type: ignore[arg-type]  # a folder is a path
    Project.load(folder).name = "other"  # type: ignore[misc]  # a project does not change


def a_simulation(project: Project) -> None:
    result = simulate(project, [b"{}"], settings=Settings(claim_max=10))
    assert_type(result, Result)
    assert_type(result.summary, Summary)
    for fact in result.facts:
        assert_type(fact, Fact)
    simulate(project, "{}")  # type: ignore[arg-type]  # lines are bytes
    simulate(project, [b"{}"], until=5)  # type: ignore[call-arg]  # times carry their unit: until_ms
    simulate(project, [b"{}"], runtime="thread")  # type: ignore[arg-type]  # there is none of this name
    result.summary = Summary()  # type: ignore[misc]  # results do not change
    result.summary.gates["caps"] = 0  # type: ignore[index]  # nor does what they hold
    result.summary.events.read = 0  # type: ignore[misc]
    result.facts.append(result.facts[0])  # type: ignore[attr-defined]


async def an_engine(project: Project) -> None:
    with Engine.open(project, "memory:", records=["email"]) as engine:
        assert_type(engine, Engine)
        assert_type(engine.track("sarah", "Seen", {"page": "/"}), Acknowledgement)
        assert_type(engine.identify("sarah", {"city": "Rome"}).result(), Ingested)
        assert_type(await engine.ingest([{"type": "track"}]), Ingested)
        assert_type(engine.journeys(), list[JourneyState])
        assert_type(engine.troubles(), list[str])
        assert_type(engine.profile("sarah"), Person | None)
        engine.track("sarah")  # type: ignore[call-arg]  # the event is missing
        assert_type(engine.track(7, "Seen"), Acknowledgement)  # a whole number is taken for its text
        engine.track(7.5, "Seen")  # type: ignore[arg-type]  # an id is a text or a whole number
        engine.track("sarah", "Seen", {1: "/"})  # type: ignore[dict-item]  # names of properties are texts
        engine.ingest("{}")  # type: ignore[arg-type]  # NDJSON is bytes
        engine.publish("shop")  # type: ignore[arg-type]  # a project is loaded first
        engine.trakc("sarah", "Seen")  # type: ignore[attr-defined]
    Engine.open("shop", "memory:")  # type: ignore[arg-type]  # a project is loaded first
    Engine.open(project)  # type: ignore[call-arg]  # there is no store that goes without saying


def an_explanation(engine: Engine, delivery: DeliveryStory) -> None:
    explanation = engine.explain("sarah")
    assert_type(explanation, Explanation)
    assert_type(explanation_text(explanation), str)
    assert_type(delivery.states, tuple[Reached, ...])
    explanation.journeys = ()  # type: ignore[misc]  # explanations do not change
    explanation_text("sarah")  # type: ignore[arg-type]  # the name of a person is not yet an explanation


def settings_and_errors(settings: Settings, error: PublishRefused) -> None:
    assert_type(error.reasons, tuple[str, ...])
    settings.claim_max = 5  # type: ignore[misc]  # settings do not change
    Settings(claim_max="many")  # type: ignore[arg-type]
    Settings(claims_max=5)  # type: ignore[call-arg]  # misspelt


def a_misspelt_import() -> None:
    from parcours import Enigne  # type: ignore[attr-defined]  # noqa: F401


def an_import_of_what_is_not_meant_for_callers() -> None:
    from parcours import import_module  # type: ignore[attr-defined]  # noqa: F401


def a_misspelt_name() -> None:
    parcours.PublishRefuse  # type: ignore[attr-defined]  # noqa: B018
