"""A line is a call that can be used, or it is left out with a reason in words. No line does more harm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.channel import Feedback
from parcours.config import Settings
from parcours.core.delivery.delivery_key import key_of, place_in
from parcours.core.identity import SlotMap
from parcours.core.input import (
    ConsentChanged,
    EventHappened,
    FeedbackArrived,
    Input,
    ReactionArrived,
    TraitsChanged,
)
from parcours.core.profile import Profile, encode_profile
from parcours.instants import LATEST_MS
from parcours.journey.model.document import EventsDocument, ProfileDocument, ProjectDocument
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.segment.inputs import input_of
from parcours.segment.line import REASON_BYTES_MAX, Unusable, bounded_reason, instant, read_call, timestamp_of
from parcours.segment.person import person_of, route
from parcours.segment.reports import feedback_line

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS = Settings()
TRACK: Mapping[str, object] = {
    "type": "track",
    "event": "Bought",
    "userId": "u1",
    "timestamp": "2026-01-01T10:00:00.000Z",
}


def shop() -> Program:
    events = {
        "Bought": {"properties": {"total": "number"}},
        "Big": {"of": "Bought", "rule": "event.total > 100", "properties": {"total": "number"}},
        "Store Visit": {
            "properties": {"card": "string"},
            "key": {"namespace": "loyalty", "value": "event.card"},
        },
        "Thanked": {
            "of": "Notice Shown",
            "rule": 'event.text == "thank you"',
            "properties": {"text": "string", "email": "string"},
            "key": {"namespace": "email", "value": "event.email"},
        },
        "Page Viewed": {"properties": {"card": "string"}, "key": {"namespace": "loyalty", "value": "event.card"}},
    }
    return Project.of(ProjectDocument(project="shop"), events=EventsDocument.model_validate({"events": events})).program


PROGRAM = shop()


def take(line: bytes) -> tuple[str, int, Input | None]:
    """Everything that is done with a recorded line: (person, time, input)."""
    at = timestamp_of(line, SETTINGS)
    slot = route(line, PROGRAM, SETTINGS, SlotMap(1))
    call = read_call(line)
    if call.type == "feedback":
        return "", at, input_of(call, at, PROGRAM, SETTINGS)
    person = person_of(call, PROGRAM, SETTINGS)
    assert slot == SlotMap(1).slot(person)
    assert instant(call.timestamp) == at
    return person, at, input_of(call, at, PROGRAM, SETTINGS)


def line_of(**fields: object) -> bytes:
    return json.dumps({**TRACK, **fields}).encode()


def test_a_track_call_is_an_event_under_its_name_and_the_types_whose_rule_it_meets() -> None:
    at = 1_767_261_600_000

    assert take(line_of(properties={"total": 7})) == ("u1", at, EventHappened(at, ("Bought",), {"total": 7}, at))
    big = EventHappened(at, ("Bought", "Big"), {"total": 700}, at)
    assert take(line_of(properties={"total": 700})) == ("u1", at, big)


@pytest.mark.parametrize(
    "fields, names",
    [
        ({"type": "page", "event": None, "name": None}, ("Page Viewed",)),
        ({"type": "screen", "event": None}, ("Screen Viewed",)),
        ({"event": "Never Heard Of"}, ("Never Heard Of",)),
        ({"properties": None}, ("Bought",)),  # explicit nulls count as absent
        ({"anonymousId": None, "messageId": None, "context": {"deep": [1, {}]}, "whatever": 1e300}, ("Bought",)),
    ],
)
def test_calls_that_are_events(fields: dict[str, object], names: tuple[str, ...]) -> None:
    _, at, given = take(line_of(**fields))

    assert given == EventHappened(at, names, {}, at)


@pytest.mark.parametrize(
    "fields, properties",
    [
        ({"type": "page", "name": "Home", "category": "Docs"}, {"name": "Home", "category": "Docs"}),
        ({"type": "screen", "name": "Cart", "properties": {"card": "c"}}, {"name": "Cart", "card": "c"}),
        ({"type": "page", "name": "Home", "properties": {"name": "Start"}}, {"name": "Start"}),
        ({"type": "track", "name": 5, "category": "Docs", "properties": {"total": 1}}, {"total": 1}),
    ],
)
def test_a_page_or_screen_call_has_its_name_and_category_as_properties(
    fields: dict[str, object], properties: dict[str, object]
) -> None:
    _, _, given = take(line_of(**fields))

    assert isinstance(given, EventHappened)
    assert given.properties == properties


def test_a_page_whose_name_is_no_text_is_not_used() -> None:
    with pytest.raises(Unusable, match="name is not a text"):
        take(line_of(type="page", name=5))


def test_a_caseless_namespace_names_the_same_person_however_a_key_is_written() -> None:
    event = {"Visit": {"properties": {"mail": "string"}, "key": {"namespace": "email", "value": "event.mail"}}}
    project = Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument.model_validate({"identities": {"email": {"caseless": True}}}),
        events=EventsDocument.model_validate({"events": event}),
    )
    call = read_call(line_of(userId=None, event="Visit", properties={"mail": "Sarah@Mail.Example"}))

    assert person_of(call, project.program, SETTINGS) == "@email/sarah@mail.example"


def test_the_other_calls() -> None:
    _, at, given = take(line_of(type="identify", traits={"city": "Rome", "pet": None}))
    assert given == TraitsChanged(at, {"city": "Rome", "pet": None})

    _, at, given = take(line_of(type="reaction", reaction="clicked", journey="j", step="s", channel="sms", link="x"))
    assert given == ReactionArrived(at, "clicked", "j", "s", "sms", "x")

    _, at, given = take(line_of(type="consent", channel="email", purpose="cart", granted=False))
    assert given == ConsentChanged(at, "email", "cart", granted=False)

    _, at, given = take(line_of(type="identify", anonymousId="a1", traits={}))
    assert given == TraitsChanged(at, {})

    assert take(line_of(type="alias", previousId="a1"))[2] is None  # what it links is told in links.py
    assert take(line_of(type="alias"))[2] is None
    assert take(line_of(type="alias", previousId=None))[2] is None
    assert take(line_of(type="group", groupId="g"))[2] is None


@pytest.mark.parametrize("written", [b' "a1" ', b"42", b'{"a": 1}', b'{"a": "\xff"}'])
def test_whatever_the_previous_id_of_an_alias_is_the_call_is_accepted(written: bytes) -> None:
    assert take(line_of(type="alias", previousId="?").replace(b'"?"', written))[2] is None


@pytest.mark.parametrize(
    "ids, person",
    [
        ({"userId": "u1", "anonymousId": "a1"}, "u1"),
        ({"userId": "", "anonymousId": "a1"}, "@anonymous/a1"),
        ({"userId": None, "anonymousId": "u1"}, "@anonymous/u1"),  # never the known person of the same id
        ({"userId": "@anonymous/a1"}, "@user/@anonymous/a1"),
        ({"userId": "Zoë 日本"}, "Zoë 日本"),
        ({"event": "Store Visit", "userId": None, "properties": {"card": "4711"}}, "@loyalty/4711"),
        ({"event": "Store Visit", "userId": None, "properties": {"card": 4711}}, "@loyalty/4711"),
        ({"event": "Store Visit", "userId": "u1", "properties": {"card": "4711"}}, "u1"),
        ({"type": "page", "event": None, "userId": None, "properties": {"card": "4711"}}, "@loyalty/4711"),
        # A rule-based type names the person of what meets its rule.
        (
            {"event": "Notice Shown", "userId": None, "properties": {"text": "thank you", "email": "a@b.example"}},
            "@email/a@b.example",
        ),
    ],
)
def test_whom_a_call_is_about(ids: dict[str, object], person: str) -> None:
    assert take(line_of(**ids))[0] == person


KEY = key_of("sarah", ("shop", "sarah"))
REPORT = {"type": "feedback", "event": None, "userId": None, "key": KEY, "reaction": "bounced"}


def test_a_provider_s_report_goes_where_the_key_of_its_delivery_says() -> None:
    at = 1_767_261_600_000
    report = Feedback(key=KEY, reaction="clicked", at_ms=at, link="shop", code="7")

    line = feedback_line(report)

    assert route(line, PROGRAM, SETTINGS, SlotMap(1)) == place_in(KEY).slot == SlotMap(1).slot("sarah")
    assert route(line, PROGRAM, SETTINGS, SlotMap(1, {"sarah": 7, "tom": 8})) == 7  # where its person lives
    assert timestamp_of(line, SETTINGS) == at
    assert input_of(read_call(line), 7, PROGRAM, SETTINGS) == FeedbackArrived(7, KEY, "clicked", "shop", "7")


@pytest.mark.parametrize("machine, by_link", [(True, True), (True, False), (False, True)])
def test_a_report_says_whether_a_machine_did_it_and_whether_it_came_by_a_link(machine: bool, by_link: bool) -> None:
    line = feedback_line(Feedback(key=KEY, reaction="opened", machine=machine, by_link=by_link))

    assert input_of(read_call(line), 7, PROGRAM, SETTINGS) == FeedbackArrived(
        7, KEY, "opened", machine=machine, by_link=by_link
    )


def test_a_report_that_comes_again_is_the_same_message_and_any_other_is_not() -> None:
    report = Feedback(key=KEY, reaction="opened", at_ms=1)
    others = [
        report,
        Feedback(key=key_of("tom", ()), reaction="opened", at_ms=1),
        Feedback(key=KEY, reaction="clicked", at_ms=1),
        Feedback(key=KEY, reaction="opened", at_ms=2),
        Feedback(key=KEY, reaction="opened"),
        Feedback(key=KEY, reaction="opened", at_ms=1, link="shop"),
        Feedback(key=KEY, reaction="opened", at_ms=1, code="7"),
    ]

    assert feedback_line(report) == feedback_line(Feedback(key=KEY, reaction="opened", at_ms=1))
    assert len({read_call(feedback_line(each)).message_id for each in others}) == len(others)


@pytest.mark.parametrize("kind", ["consent", "identify", "suppression"])
@pytest.mark.parametrize("name", ["sarah", "@anonymous/7f3a", "@loyalty/4711"])
def test_what_changes_somebody_by_hand_may_name_her_as_results_do(name: str, kind: str) -> None:
    line = line_of(type=kind, event=None, userId=None, person=name, channel="email", granted=False)

    assert route(line, PROGRAM, SETTINGS, SlotMap(1)) == SlotMap(1).slot(name)
    assert person_of(read_call(line), PROGRAM, SETTINGS) == name


@pytest.mark.parametrize("at_ms", [None, -1, LATEST_MS, 10**30])
def test_a_report_of_no_possible_time_has_none(at_ms: int | None) -> None:
    assert read_call(feedback_line(Feedback(key=KEY, reaction="opened", at_ms=at_ms))).timestamp is None


NOBODY = "names nobody: neither userId nor anonymousId, and no key of its event type"
NOTICE = {"event": "Notice Shown", "userId": None}


@pytest.mark.parametrize(
    "line, reason",
    [
        (b"", "not a call: Input data was truncated"),
        (b"{", "not a call: Input data was truncated"),
        (b"not json", "not a call: JSON is malformed"),
        (b"[]", "not a call: Expected `object`, got `array`"),
        (b"null", "not a call: Expected `object`, got `null`"),
        (b'{"type":"track"}{}', "not a call: JSON is malformed"),
        (b"\xff\xfe{}", "not a call"),
        (line_of(userId="?").replace(b"?", b"\xed\xa0\x80"), "not a call"),  # half a character in UTF-8
        (line_of(userId="?").replace(b"?", b"\\ud800"), "not a call"),  # and as an escape
        (b'{"userId":"u","timestamp":' + b"[" * 20_000, "not a call"),
        (b'{"context":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "longer than event_bytes_max=32768"),
        (b'{"context":' + b"[" * 16_000 + b"]" * 16_000 + b"}", "not a call: maximum recursion depth exceeded"),
        (line_of(userId=7), "not a call: Expected `str | null`, got `int`"),
        (line_of(type=None), "not a call: Expected `str`, got `null`"),
        (line_of(timestamp=1767261600), "not a call"),
        (line_of(timestamp="yesterday"), "not a call: Invalid RFC3339"),
        (line_of(timestamp="2026-01-01T10:00:00"), "not a call: Expected `datetime` with a timezone component"),
        (line_of(timestamp=None), "no timestamp"),
        (line_of(timestamp="1969-12-31T23:59:59.999Z"), "is not of the years 1970 to 9997"),
        (line_of(timestamp="9998-01-01T00:00:00Z"), "is not of the years 1970 to 9997"),
        (line_of(userId=None), NOBODY),
        (line_of(userId="", anonymousId=""), NOBODY),
        (line_of(event="Store Visit", userId=None, properties={}), NOBODY),
        (line_of(event="Store Visit", userId=None, properties={"card": ""}), NOBODY),
        (line_of(event="Store Visit", userId=None, properties={"card": True}), NOBODY),
        (line_of(event="Store Visit", userId=None, properties={"card": ["4711"]}), NOBODY),
        (line_of(**NOTICE, properties={"text": "sorry", "email": "a@b.example"}), NOBODY),  # the rule is not met
        (line_of(userId="u" * 10_240), "an id of 10240 bytes, more than id_bytes_max=512"),
        (line_of(userId="é" * 257), "an id of 514 bytes, more than id_bytes_max=512"),
        (line_of(userId="a\0b"), "an id with a NUL character"),
        (line_of(type="teleport"), "unknown type 'teleport'"),
        (line_of(type="x" * 10_000), "unknown type 'xxx"),
        (line_of(event=None), "a track call without an event"),
        (line_of(event=""), "a track call without an event"),
        (line_of(properties=[1]), "properties is not an object"),
        (line_of(properties="text"), "properties is not an object"),
        (line_of(type="identify", traits=7), "traits is not an object"),
        (line_of(properties={"total": 10**30}), "properties with a whole number of more than 64 bits"),
        (line_of(type="identify", traits={"a": json.loads("[" * 70 + "]" * 70)}), "traits with nested more than 64"),
        (line_of(type="alias", previousId="a", userId=None, anonymousId="b"), "an alias needs a userId"),
        (line_of(type="consent", channel="email"), "a consent call needs channel and granted"),
        (line_of(type="consent", granted=True), "a consent call needs channel and granted"),
        (line_of(type="suppression", channel="email", suppressed=False), "needs channel, address and suppressed"),
        (line_of(type="suppression", channel="email", address="a@b.example"), "needs channel, address and suppressed"),
        (line_of(type="reaction", journey="j", step="s", channel="email"), "unknown reaction None; there are"),
        (line_of(type="reaction", reaction="yawned", journey="j", step="s", channel="c"), "unknown reaction 'yawned'"),
        (line_of(type="reaction", reaction="opened", journey="j", step="s"), "a reaction needs journey, step and"),
        (line_of(type="reaction", reaction="opened", step="s", channel="c"), "a reaction needs journey, step and"),
        (line_of(type="reaction", reaction="failed", journey="j", step="s"), "a reaction needs journey, step and"),
        (
            line_of(type="reaction", reaction="opened", journey="j", campaign="c", step="s", channel="c"),
            "a reaction is to a step of a journey, or of a campaign in its place",
        ),
        (line_of(type="reaction", reaction="opened", journey="j", step="s", channel="call"), "'opened' on 'call': an "),
        (line_of(type="reaction", reaction="answered", journey="j", step="s", channel="email"), "'answered' on 'emai"),
        (
            line_of(type="reaction", reaction="answered", journey="j", step="s", answer=["t"]),
            "answer is not an object",
        ),
        (
            line_of(type="consent", event=None, person="@loyalty/1", channel="email", granted=False),
            "a consent call names a person by an id, or as results name her, and not by both",
        ),
        (line_of(**{**REPORT, "machine": True}), "'bounced' by a machine: it can be opened or clicked only"),
        (line_of(**{**REPORT, "key": None}), "feedback for what has not left here: '' is not the key of a delivery"),
        (line_of(**{**REPORT, "key": "k1"}), "feedback for what has not left here: 'k1' is not the key of a delivery"),
        (line_of(**{**REPORT, "key": KEY * 100}), "is not the key of a delivery"),
        (line_of(**{**REPORT, "reaction": None}), "unknown reaction None; a provider reports delivered"),
        (line_of(**{**REPORT, "reaction": "answered"}), "unknown reaction 'answered'; a provider reports delivered"),
        (line_of(**{**REPORT, "userId": "sarah"}), "feedback names a delivery by its key, and nobody by an id"),
        (line_of(**{**REPORT, "anonymousId": "a"}), "feedback names a delivery by its key, and nobody by an id"),
    ],
)
def test_why_a_line_cannot_be_used(line: bytes, reason: str) -> None:
    with pytest.raises(Unusable) as refused:
        take(line)

    assert reason in str(refused.value)
    assert len(str(refused.value).encode()) <= REASON_BYTES_MAX


@pytest.mark.parametrize("character", ["x", "é", "\u2028", "\U000e0081", "\\"])  # some grow when they are escaped
@pytest.mark.parametrize("key", ["type", "reaction", "channel"])
def test_a_reason_does_not_repeat_a_long_line(key: str, character: str) -> None:
    with pytest.raises(Unusable) as refused:
        take(
            line_of(**{"type": "reaction", "reaction": "answered", "journey": "j", "step": "s", key: character * 2_000})
        )

    assert len(str(refused.value).encode()) <= REASON_BYTES_MAX
    if key == "reaction":
        assert "there are delivered" in str(refused.value), "what helps is not what is cut off"


@given(st.text())
def test_a_reason_that_is_too_long_is_cut_between_two_characters(reason: str) -> None:
    told = bounded_reason(reason * 20)

    assert len(told.encode()) <= REASON_BYTES_MAX
    assert told == reason * 20 or (told.endswith("…") and (reason * 20).startswith(told[:-1]))


def test_a_body_of_a_megabyte_is_not_even_read() -> None:
    with pytest.raises(Unusable, match="longer than event_bytes_max=32768"):
        timestamp_of(line_of(properties={"text": "x" * 1_048_576}), SETTINGS)


def test_an_id_of_exactly_the_allowed_length_is_fine() -> None:
    assert take(line_of(userId="u" * 512))[0] == "u" * 512


def test_a_time_is_rounded_up_to_whole_milliseconds() -> None:
    assert take(line_of(timestamp="2026-01-01T11:00:00.001999+01:00"))[1] == 1_767_261_600_002
    assert take(line_of(timestamp="9997-12-31T23:59:59.999Z"))[1] == LATEST_MS - 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
keys = ["type", "event", "userId", "anonymousId", "messageId", "timestamp", "properties", "traits", "reaction", "key"]
kinds = st.sampled_from(["track", "identify", "page", "screen", "group", "alias", "reaction", "consent", "feedback"])


def outcome(line: bytes) -> Input | None | str:
    """What the line does, or the reason why it cannot be used."""
    try:
        return take(line)[2]
    except Unusable as reason:
        return str(reason)


@given(st.dictionaries(st.sampled_from(keys), json_values), st.none() | kinds)
def test_any_object_is_taken_or_refused_in_words(fields: dict[str, object], kind: str | None) -> None:
    if kind is not None:
        fields |= {"type": kind, "timestamp": "2026-01-01T10:00:00Z", "userId": "u1"}

    taken = outcome(json.dumps(fields).encode())

    assert taken != ""
    assert not isinstance(taken, TraitsChanged) or encode_profile(Profile(traits=taken.traits))


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_in_words(line: bytes) -> None:
    reason = outcome(line)

    assert isinstance(reason, str)
    assert len(reason.split()) > 1


@pytest.mark.parametrize(
    "written, read",
    [
        (r"\ud83d", "\ufffd"),
        (r"\ude00x", "\ufffdx"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\\ud83d", r"\ud83d"),  # a backslash, and no escape
    ],
)
def test_half_of_a_surrogate_pair_in_a_value_becomes_the_replacement_character(written: str, read: str) -> None:
    line = line_of(properties={"total": "@"}).replace(b"@", written.encode())

    _, _, given = take(line)

    assert isinstance(given, EventHappened)
    assert given.properties == {"total": read}


@pytest.mark.parametrize("name", ["userId", "event", "messageId", "anonymousId", "previousId"])
def test_half_of_a_surrogate_pair_in_an_id_rejects_the_line(name: str) -> None:
    line = line_of(**{name: "@"}).replace(b"@", rb"\ud83d")

    with pytest.raises(Unusable, match="half of a surrogate pair in an id or a name"):
        take(line)
