"""A recorded delivery is rendered by the channel's own model, or by none where the channel is not installed."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest

from parcours.channel import Accepted, Refused
from parcours.core.effect import Outgoing
from parcours.dispatch.recorded_rendering import RecordedRendering
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


def test_in_another_process_nothing_is_kept_and_the_answers_are_the_same(project: Project, new_entry: NewEntry) -> None:
    there = pickle.loads(pickle.dumps(RecordedRendering.of(project, registry=Registry(()))))
    answer = there.answering(project.program)

    assert answer(new_entry(1, name="Anna", count=3), project.program) == Accepted("k1")
    assert isinstance(answer(new_entry(2, count=0), project.program), Refused)
    assert there.collect() == {}
