"""What a call links: which names to whom, in order, and why some never are. What is no id harms no call."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.config import Settings
from parcours.core.input import Link
from parcours.journey.model.document import EventsDocument, ProfileDocument, ProjectDocument
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.segment.inputs import check_call
from parcours.segment.line import Unusable, read_call
from parcours.segment.links import NO_LINKS, Links, links_of

SETTINGS = Settings(id_bytes_max=256)

PERSON = {"type": "identify", "userId": "u1"}
ALIAS = {"type": "alias", "userId": "u1"}


def program_of(identities: object) -> Program:
    visit = {"properties": {"card": "string"}, "key": {"namespace": "card", "value": "event.card"}}
    return Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument.model_validate({"identities": identities}),
        EventsDocument.model_validate({"events": {"Visit": visit}}),
    ).program


PROGRAM = program_of({"loyalty": {"caseless": True}, "device": {"link": "never"}})
KIOSK = program_of({"anonymous": {"link": "never"}})


def links(call: Mapping[str, object], program: Program = PROGRAM) -> Links:
    return links_of(read_call(json.dumps(call).encode()), program, SETTINGS)


def external(*ids: object, **more: object) -> dict[str, object]:
    return {**PERSON, "context": {"externalIds": list(ids)}, **more}


@pytest.mark.parametrize("kind", ["track", "page", "screen", "consent", "group"])
def test_only_identify_and_alias_link_whatever_ids_another_call_has(kind: str) -> None:
    call = external({"type": "loyalty", "id": "1"}, type=kind, anonymousId="7f3a", previousId="p")

    assert links(call) == NO_LINKS


def test_an_identify_links_its_anonymous_id_to_its_user() -> None:
    assert links({**PERSON, "anonymousId": "7f3a"}) == Links("u1", (Link("@anonymous/7f3a", "identify"),))
    assert links({**PERSON, "userId": "@x", "anonymousId": "@x"}).person == "@user/@x"
    assert links({**PERSON, "anonymousId": "u1"}).links == (Link("@anonymous/u1", "identify"),)  # two names


@pytest.mark.parametrize("ids", [{}, {"anonymousId": "7f3a"}, {"userId": None, "anonymousId": "7f3a"}])
def test_whoever_has_no_user_id_takes_nobody_in(ids: dict[str, object]) -> None:
    assert links({**external({"type": "loyalty", "id": "1"}), "userId": None, **ids}) == NO_LINKS


def test_external_ids_of_declared_namespaces_follow_in_their_order_and_the_others_are_told() -> None:
    found = links(
        external(
            {"type": "loyalty", "id": "AB-1", "collection": "users"},
            {"type": "ios.idfa", "id": "x"},
            {"type": "card", "id": 4711},  # that a key of an event uses it is enough
            {"type": "loyalty", "id": "ab-1"},  # the same name
            {"type": "user", "id": "u2"},
            {"type": "anonymous", "id": "7f3a"},  # said by the anonymous id already
            anonymousId="7f3a",
        )
    )

    assert found == Links(
        "u1",
        (Link("@anonymous/7f3a", "identify"), Link("@loyalty/ab-1", "external"), Link("@card/4711", "external")),
        undeclared=("ios.idfa", "user"),
    )


@pytest.mark.parametrize(
    "item",
    [
        5, None, [], {}, {"type": "loyalty"}, {"type": 5, "id": "x"}, {"type": "loyalty", "id": None},
        {"type": "loyalty", "id": ""}, {"type": "loyalty", "id": True}, {"type": "loyalty", "id": 1.5},
        {"type": "loyalty", "id": "x" * 256}, {"type": "loyalty", "id": "x\0"}, {"type": "loyalty", "id": "x\ufffd"},
    ],
)  # fmt: skip
def test_an_external_id_that_is_none_is_counted_and_the_others_are_linked(item: object) -> None:
    found = links(external(item, {"type": "loyalty", "id": "a"}))

    assert found == Links("u1", (Link("@loyalty/a", "external"),), unusable=1)


@pytest.mark.parametrize("context", [None, 5, "x", [], {}, {"externalIds": None}, {"traits": {"a": 1}}])
def test_a_context_without_external_ids_links_nobody(context: object) -> None:
    assert links({**PERSON, "context": context}).links == ()


@pytest.mark.parametrize("given", [5, "x", {"type": "loyalty", "id": "a"}])
def test_external_ids_that_are_no_list_are_none_and_counted(given: object) -> None:
    assert links({**PERSON, "context": {"externalIds": given}}) == Links("u1", unusable=1)


def test_what_is_known_from_the_call_alone_is_told() -> None:
    assert links({**PERSON, "anonymousId": " Null"}).links == (Link("@anonymous/ Null", "identify", None, "no_id"),)
    assert links({**PERSON, "userId": "guest", "anonymousId": "a"}).links == (
        Link("@anonymous/a", "identify", None, "no_id"),
    )
    assert links(external({"type": "device", "id": "d"})).links == (Link("@device/d", "external", None, "never"),)
    assert links({**PERSON, "anonymousId": "a"}, KIOSK).links == (Link("@anonymous/a", "identify", None, "never"),)


@pytest.mark.parametrize(
    "call, expected",
    [
        ({"previousId": "p"}, Link("@anonymous/p", "alias", "p")),
        ({"previousId": 12}, Link("@anonymous/12", "alias", "12")),
        ({"previousId": "@p"}, Link("@anonymous/@p", "alias", "@user/@p")),
        ({"previousId": "p", "anonymousId": "a"}, Link("@anonymous/p", "alias", "p")),
        ({"previousId": "u1"}, Link("@anonymous/u1", "alias")),  # nobody is herself another
        ({"anonymousId": "a"}, Link("@anonymous/a", "alias")),  # which is no user id
        ({"previousId": "", "anonymousId": "a"}, Link("@anonymous/a", "alias")),
        ({"previousId": "undefined"}, Link("@anonymous/undefined", "alias", "undefined", "no_id")),
    ],
)
def test_an_alias_links_an_anonymous_id_or_a_user_whichever_there_is(call: dict[str, object], expected: Link) -> None:
    assert links({**ALIAS, **call}) == Links("u1", (expected,))


def test_where_anonymous_ids_are_never_linked_an_alias_may_still_mean_a_user() -> None:
    assert links({**ALIAS, "previousId": "p"}, KIOSK).links == (Link("@anonymous/p", "alias", "p", "never"),)


@pytest.mark.parametrize("previous", [{"a": 1}, [1], True, 1.5, "x" * 256, "x\0"])
def test_a_previous_id_that_nobody_can_have_links_nobody(previous: object) -> None:
    assert links({**ALIAS, "previousId": previous}) == Links("u1", unusable=1)


def test_a_merge_line_links_one_name_to_a_user_and_no_caller_makes_one() -> None:
    line = {"type": "merge", "userId": "u1", "name": "@anonymous/7f3a", "timestamp": "2026-03-02T10:20:00.000Z"}

    assert links(line) == Links("u1", (Link("@anonymous/7f3a", "merge"),))
    with pytest.raises(Unusable, match="merge line is for simulations"):
        check_call(json.dumps(line).encode(), PROGRAM, SETTINGS)


@pytest.mark.parametrize("changed", [{"userId": None}, {"name": None}, {"name": ""}, {"name": 5}, {"name": "x\0"}])
def test_a_merge_line_without_its_names_is_unusable(changed: dict[str, object]) -> None:
    with pytest.raises(Unusable):
        links({"type": "merge", "userId": "u1", "name": "@anonymous/7f3a", **changed})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "id", "x"]), inner),
    max_leaves=8,
)


@given(values, values, st.sampled_from(["identify", "alias"]))
def test_whatever_stands_in_the_place_of_other_ids_the_call_itself_is_taken(
    ids: object, previous: object, kind: str
) -> None:
    found = links({**PERSON, "type": kind, "previousId": previous, "context": {"externalIds": ids}})

    assert found.person == "u1"
    assert len({each.name for each in found.links}) == len(found.links)
