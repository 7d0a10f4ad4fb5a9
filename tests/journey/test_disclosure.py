"""What a project says of personal data in its traits and properties."""

from __future__ import annotations

from parcours.journey.disclosure import disclosure_of
from parcours.journey.model.document import EventsDocument, ProfileDocument, ProjectDocument
from parcours.journey.project import Project

PII = {"type": "string", "pii": True}


def project(**events: object) -> Project:
    profile = {"traits": {"email": "string", "work.phone": "string", "name": PII, "tier": "integer"}}
    addresses = {"sms": "profile.work.phone"}
    return Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument.model_validate({**profile, "addresses": addresses}),
        EventsDocument.model_validate({"events": events}),
    )


def test_traits_marked_as_personal_and_those_that_addresses_name_are_personal() -> None:
    assert project().program.disclosure.pii_traits == {"email", "work.phone", "name"}


def test_a_property_may_be_declared_as_personal_and_keeps_its_kind() -> None:
    declared = project(Bought={"properties": {"card": PII, "total": "number"}})

    assert declared.program.disclosure.pii_properties == {"Bought": {"card"}}
    assert declared.documents.events.events["Bought"].kinds == {"card": "string", "total": "number"}


def test_an_event_and_the_types_recognised_in_it_are_personal_together() -> None:
    big = {"of": "Bought", "rule": "event.total > 9", "properties": {"note": PII}}
    declared = project(Bought={"properties": {"card": PII, "total": "number"}}, Big=big)

    assert declared.program.disclosure.pii_properties == {"Bought": {"card", "note"}, "Big": {"card", "note"}}


def test_a_value_near_something_personal_is_not_told() -> None:
    traits = ProfileDocument.model_validate(
        {
            "traits": {
                "home": {"type": "object", "insight": True},
                "home.street": PII,
                "home.city": {"type": "string", "insight": True},
                "diary": {"type": "object", "pii": True},
                "diary.mood": {"type": "string", "insight": True},
            }
        }
    ).traits

    assert disclosure_of(traits, [], {}, {}).told_traits == {"home.city"}
