"""A recorded delivery is rendered by the channel's own model, or by none where the channel is not installed."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
from pydantic import BaseModel

from parcours.channel import Accepted, Finding, Refused
from parcours.core.effect import Outgoing
from parcours.core.input import ContentRefused
from parcours.core.remarks import RemarkCounter
from parcours.dispatch.recorded_rendering import AnyContent, RecordedRendering
from parcours.dispatch.registry import Registry
from parcours.journey.model.document import (
    EventDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.project import Project

NewEntry = Callable[..., Outgoing]


@pytest.fixture
def project() -> Project:
    start = {"journey": "j", "entry": {"event": "Started"}, "steps": [{"id": "s", "send": "hello"}]}
    return Project.of(
        ProjectDocument.model_validate({"project": "shop", "channels": {"note": {}}}),
        ProfileDocument.model_validate(
            {"traits": {"name": "string", "count": "integer"}, "addresses": {"note": "profile.name"}}
        ),
        EventsDocument(events={"Started": EventDocument()}),
        journeys=[JourneyDocument.model_validate(start)],
        messages=[
            MessageDocument.model_validate(
                {
                    "message": "hello",
                    "note": {"text": "Hi {{ profile.name }}", "size": "{{ 6 | divided_by: profile.count }}"},
                }
            )
        ],
    )


def test_the_message_of_a_channel_that_is_not_installed_is_rendered_as_it_stands(
    project: Project, new_entry: NewEntry
) -> None:
    rendering = RecordedRendering.of(project, registry=Registry(()))
    answer = rendering.answering(project.program)

    fine, broken = new_entry(1, name="Anna", count=3), new_entry(2, name="Berta", count=0)

    assert answer(fine, project.program) == Accepted("k1")
    refused = answer(broken, project.program)
    assert isinstance(refused, Refused)
    assert (refused.key, refused.code, refused.permanent) == ("k2", "render", False)
    assert rendering.collect() == {"k1": {"text": "Hi Anna", "size": "2"}}


def test_what_its_channel_s_check_refuses_is_refused_by_the_gate_content(project: Project, new_entry: NewEntry) -> None:
    rendering = RecordedRendering({"note": AnyContent}, {"note": short})
    for there in (rendering, pickle.loads(pickle.dumps(rendering))):
        answer = there.answering(project.program)

        assert answer(new_entry(1, name="Anna", count=3), project.program) == Accepted("k1")
        assert answer(new_entry(2, name="Bartholomew", count=3), project.program) == ContentRefused("k2", "it is long")
    assert rendering.collect().keys() == {"k1"}
    assert rendering.remarks() == {("hello", "note", "it is a text"): 1}
    assert rendering.remarks() == {}


def test_what_a_check_remarks_is_counted_by_its_kind_once_for_each_delivery_that_leaves(
    project: Project, new_entry: NewEntry
) -> None:
    rendering, remarks = RecordedRendering({"note": AnyContent}, {"note": personal}, keep=False), RemarkCounter(10)
    for there in (rendering, pickle.loads(pickle.dumps(rendering))):
        answer = there.answering(project.program, remarks)
        for number, name in enumerate(("Anna", "Bo", "Bartholomew")):
            answer(new_entry(number, name=name, count=3), project.program)

    here = new_entry(1, name="Anna", count=3)
    assert remarks.counts() == [
        ((here.journey, here.step, "note", "5"), 2),  # of a text that is none
        ((here.journey, here.step, "note", "it has letters"), 4),
    ]


def personal(content: BaseModel) -> list[Finding]:
    """A check whose words differ from person to person."""
    length = len(str(content.model_dump()["text"]))
    findings = [Finding(f"it has {length} letters", kind="it has letters"), Finding("again", kind="it has letters")]
    if length == len("Hi Bo"):
        findings.append(Finding(length))  # type: ignore[arg-type]
    return [*findings, *([Finding("it is long", refused=True)] if length > 10 else [])]


def short(content: BaseModel) -> list[Finding]:
    """A check that also tells what is no reason to refuse."""
    text = str(content.model_dump()["text"])
    return [Finding("it is a text"), *([Finding("it is long", refused=True)] if len(text) > 10 else [])]


def test_in_another_process_nothing_is_kept_and_the_answers_are_the_same(project: Project, new_entry: NewEntry) -> None:
    there = pickle.loads(pickle.dumps(RecordedRendering.of(project, registry=Registry(()))))
    answer = there.answering(project.program)

    assert answer(new_entry(1, name="Anna", count=3), project.program) == Accepted("k1")
    assert isinstance(answer(new_entry(2, count=0), project.program), Refused)
    assert there.collect() == {}
