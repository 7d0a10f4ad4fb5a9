"""The documents of a folder: what they hold once they are read, and what they refuse."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from parcours.journey.model.document import (
    EventEntryDocument,
    GoalDocument,
    JourneyDocument,
    MessageDocument,
    ProjectDocument,
    ReadEntryDocument,
    ReentryAfterDocument,
)
from parcours.journey.model.kinds import DOCUMENTS
from parcours.journey.model.steps import (
    BranchStep,
    EndStep,
    EventListenerDocument,
    OtherwiseArm,
    ReactionListenerDocument,
    SendStep,
    SplitStep,
    UntilInstant,
    UntilLocalTime,
    UpdateStep,
    WaitForStep,
    WaitStep,
    WhenArm,
)
from parcours.journey.read.finding import Finding
from parcours.journey.read.source import read_text

STEPS = [
    ("{id: a, send: m}", SendStep(id="a", send="m")),
    (
        "{id: a, send: m, channels: [sms], to: {sms: profile.phone}, on_refused: b, next: c}",
        SendStep(id="a", send="m", channels=("sms",), to={"sms": "profile.phone"}, on_refused="b", next="c"),
    ),
    ("{id: a, wait: 3d}", WaitStep(id="a", wait="3d")),
    (
        "{id: a, wait: {until: profile.born, offset: -3d}}",
        WaitStep(id="a", wait=UntilInstant(until="profile.born", offset="-3d")),
    ),
    (
        "{id: a, wait: {time: 09:00, days: [mon, fri]}}",
        WaitStep(id="a", wait=UntilLocalTime(time="09:00", days=("mon", "fri"))),
    ),
    (
        "{id: a, wait_for: [{event: E, when: true}, {reaction: clicked, of: b, link: x}], timeout: 20s}",
        WaitForStep(
            id="a",
            wait_for=(
                EventListenerDocument(event="E", when="true"),
                ReactionListenerDocument(reaction="clicked", of="b", link="x"),
            ),
            timeout="20s",
        ),
    ),
    (
        "{id: a, branch: [{when: profile.loyal, next: b}, {otherwise: c}]}",
        BranchStep(id="a", branch=(WhenArm(when="profile.loyal", next="b"), OtherwiseArm(otherwise="c"))),
    ),
    (
        "{id: a, split: [{percent: 33.34, next: b}, {percent: 66.66%, next: c}]}",
        SplitStep.model_validate(
            {"id": "a", "split": [{"percent": 33.34, "next": "b"}, {"percent": 66.66, "next": "c"}]}
        ),
    ),
    ("{id: a, update: {score: 5}}", UpdateStep(id="a", update={"score": "5"})),
    ("{id: a, end: true}", EndStep(id="a", end=True)),
]


def read(kind: str, text: str) -> Any:
    return DOCUMENTS[kind].model_validate(read_text(text, kind, "x.yaml", []).data)


@pytest.mark.parametrize("text,step", STEPS, ids=[text for text, _ in STEPS])
def test_a_step_is_what_its_keyword_says(text: str, step: object) -> None:
    journey = read("journey", f"{{journey: j, entry: {{event: E}}, steps: [{text}]}}")
    assert journey.steps == (step,)
    assert JourneyDocument.model_validate(journey.model_dump(mode="json", by_alias=True)) == journey


def test_yaml_means_what_it_says_and_dates_are_dates_only_where_they_belong() -> None:
    journey = read(
        "journey",
        """
        journey: "on"
        description: 2026-11-01
        tags: [no, 22:00]
        entry: {read: west, at: 2026-03-02T09:00:00Z, rate: 500/s}
        reentry: {after: 5m}
        goal: {event: E, within: 7d, target: 50%}
        starts: 2026-11-01
        ends: 2026-12-31
        steps: [{id: a, end: true}]
        """,
    )
    assert journey.journey == "on" and journey.description == "2026-11-01" and journey.tags == ("no", "22:00")
    assert journey.entry == ReadEntryDocument(read="west", at=datetime(2026, 3, 2, 9, tzinfo=UTC), rate="500/s")
    assert journey.entry.people_per_second == 500
    assert journey.reentry == ReentryAfterDocument(after="5m")
    assert journey.goal == GoalDocument(event="E", within="7d", target=50)
    assert (journey.starts, journey.ends) == (date(2026, 11, 1), date(2026, 12, 31))


def test_what_a_journey_leaves_out_has_a_default() -> None:
    journey = read("journey", "{journey: j, entry: {event: E}, steps: [{id: a, end: true}]}")
    assert journey.entry == EventEntryDocument(event="E")
    assert (journey.reentry, journey.priority, journey.timezone, journey.exit) == ("always", 50, "profile", ())


def test_a_message_has_a_content_for_every_key_that_is_not_its_own() -> None:
    message = read("message", "{message: m, class: transactional, sms: {text: hi}, carrier-pigeon: {size: 3}}")
    assert message == MessageDocument.model_validate(
        {"message": "m", "class": "transactional", "sms": {"text": "hi"}, "carrier-pigeon": {"size": 3}}
    )
    assert message.contents == {"sms": {"text": "hi"}, "carrier-pigeon": {"size": 3}}
    assert (message.status, message.purpose, message.expires) == ("ready", None, None)


def test_the_history_of_anonymous_people_is_used_or_not() -> None:
    told = [ProjectDocument.model_validate({"project": "p", "anonymous_history": each}) for each in ("used", "unused")]

    assert [each.anonymous_history for each in (*told, ProjectDocument(project="p"))] == ["used", "unused", "unused"]
    with pytest.raises(ValidationError, match="'used' or 'unused'"):
        ProjectDocument.model_validate({"project": "p", "anonymous_history": "always"})


def test_documents_cannot_be_changed() -> None:
    step = SendStep(id="a", send="m")
    with pytest.raises(ValidationError, match="frozen"):
        step.send = "other"  # type: ignore[misc]  # it is frozen, which is what this shows


def test_a_finding_is_one_line_with_its_place() -> None:
    finding = Finding("journeys/cart.yaml", 12, "steps[1].send", "unknown message", "'x'")
    assert str(finding) == "journeys/cart.yaml:12: steps[1].send: unknown message (found 'x')"
    assert str(Finding("parcours.yaml", 0, "", "the file is missing")) == "parcours.yaml: the file is missing"
