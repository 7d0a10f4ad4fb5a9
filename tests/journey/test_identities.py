"""What a project says of names: each namespace has its rule, and a mistake in one is told by its place."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from parcours.core.identity import ANONYMOUS, id_of, is_no_id, namespace_of, person_in, person_name
from parcours.journey.identities import IdentityRule
from parcours.journey.model.document import EventsDocument, ProfileDocument, ProjectDocument
from parcours.journey.project import Project

VISIT = {"properties": {"card": "string"}, "key": {"namespace": "card", "value": "event.card"}}


def rules(identities: object, events: object = None) -> dict[str, IdentityRule]:
    project = Project.of(
        ProjectDocument(project="p"),
        ProfileDocument.model_validate({"identities": identities}),
        EventsDocument.model_validate({"events": events or {}}),
    )
    return dict(project.program.identities)


def test_every_namespace_has_its_rule_whether_it_is_declared_used_by_a_key_or_that_of_anonymous_ids() -> None:
    assert rules({}) == {ANONYMOUS: IdentityRule("once", caseless=False)}
    assert rules({"loyalty": {"caseless": True}, "anonymous": {"link": "never"}}, {"Visit": VISIT}) == {
        "anonymous": IdentityRule("never", caseless=False),
        "card": IdentityRule("once", caseless=False),
        "loyalty": IdentityRule("once", caseless=True),
    }


def test_user_ids_are_no_namespace_that_is_linked() -> None:
    by_user = {"properties": {"who": "string"}, "key": {"namespace": "user", "value": "event.who"}}

    assert "user" not in rules({"user": {}}, {"Visit": by_user})


@pytest.mark.parametrize(
    "identities, reason",
    [
        ({"user": {"link": "never"}}, "'user' takes no link"),
        ({"user": {"link": "once"}}, "'user' takes no link"),
        ({"user": {"caseless": True}}, "cannot be caseless"),
        ({"anonymous": {"caseless": True}}, "cannot be caseless"),
        ({"loyalty": {"link": "always"}}, "'once' or 'never'"),
        ({"loyalty": {"lnk": "never"}}, "Extra inputs"),
    ],
)
def test_a_rule_that_means_nothing_is_a_mistake(identities: object, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        ProfileDocument.model_validate({"identities": identities})


@pytest.mark.parametrize("text", ["", " ", "0", "NULL", " Undefined\n", "[object Object]", "Guest", "distinct_id"])
def test_what_programs_send_in_place_of_an_id_is_none(text: str) -> None:
    assert is_no_id(text)


@pytest.mark.parametrize("text", ["u1", "00", "nobody", "users", "7f3a", "[object]"])
def test_any_other_text_is_an_id(text: str) -> None:
    assert not is_no_id(text)


@pytest.mark.parametrize(
    "name, namespace, id_",
    [
        ("u1", "user", "u1"),
        ("a/b", "user", "a/b"),  # only a name that begins with @ has its namespace in it
        (person_name("@x/y", None), "user", "@x/y"),
        (person_name(None, "7f/3a"), "anonymous", "7f/3a"),
        (person_in("loyalty", "AB", caseless=True), "loyalty", "ab"),
    ],
)
def test_a_name_is_taken_apart_as_it_was_made(name: str, namespace: str, id_: str) -> None:
    assert (namespace_of(name), id_of(name)) == (namespace, id_)
