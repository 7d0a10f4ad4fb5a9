"""Bodies of Segment's API as clients write them, and the lines that come of them."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.config import DAY_MS, Settings
from parcours.core.time_text import time_text
from parcours.ingress.call_lines import CallLines
from parcours.ingress.call_mending import Terms
from parcours.ingress.clock_skew import cut_ms, meant_ms
from parcours.ingress.exchange import Problem
from parcours.ingress.keys import ANYBODY, Key
from parcours.ingress.segment_http import batch, block, check_depth, single
from parcours.instants import EPOCH, ceil_ms
from parcours.segment.line import Call, Unusable, read_call

NOW = 1_767_261_600_000
"""2026-01-01T10:00Z."""

BROWSER = Key(name="page", sha256="", scopes=frozenset({"ingest"}), origins=frozenset({"https://a"}), public=True)
SECRET = "of the shop, and of nobody else"


def terms(**changed: Any) -> Terms:
    fresh = iter(range(1_000))
    usual = Terms(
        key=ANYBODY,
        received_ms=NOW,
        event_bytes_max=Settings().event_bytes_max,
        fresh_id=lambda: f"fresh-{next(fresh)}",
        push_trait="push_token",
        spoken_of=lambda kind: {"email", "sms"},
    )
    return replace(usual, **changed)


def body_of(*calls: object, **envelope: object) -> bytes:
    return json.dumps({"batch": calls, **envelope}).encode()


def read(*calls: object, given: Terms | None = None, **envelope: object) -> CallLines:
    return batch(body_of(*calls, **envelope)).read(given or terms())


def one(call: Mapping[str, object], given: Terms | None = None) -> dict[str, Any]:
    """The line that a call becomes."""
    lines = read(call, given=given)
    assert lines.refused == []
    told: dict[str, Any] = json.loads(lines.lines[0])
    return told


def why_not(call: Mapping[str, object] | bytes, given: Terms | None = None) -> str:
    """Why a call is refused."""
    written = call if isinstance(call, bytes) else json.dumps(call).encode()
    lines = batch(b'{"batch":[%b]}' % written).read(given or terms())
    ((place, _, reason),) = lines.refused
    assert (place, lines.lines) == (0, [])
    return reason


TRACK = {"type": "track", "event": "Seen", "userId": "u1", "messageId": "m1"}
IDENTIFY = {"type": "identify", "userId": "u1", "messageId": "m1"}


def test_a_call_that_lacks_nothing_stays_the_bytes_that_it_came_as() -> None:
    stamp = b'"timestamp":"2026-01-01T09:00:00+01:00"'
    call = b'{ "type":"track", "event":"S\\u00e9en","userId":"u1","messageId":"m1", %b}' % stamp

    lines = batch(b'{"sentAt":"2026-01-01T09:59:59Z", "batch" : [ %b , %b ]}' % (call, call)).read(terms())

    assert lines.lines == [call, call]
    assert (lines.skews_ms, lines.places, lines.ids) == ([1_000, 1_000], [0, 1], ["m1", "m1"])
    assert lines.user_ids == ["u1", "u1"], "whose each is has been read on the way"


MOMENTS = st.integers(0, 4 * 10**15).map(lambda microseconds: EPOCH + timedelta(microseconds=microseconds))
WRITTEN = st.sampled_from(["timestamp", "originalTimestamp", "both"])
FORMS = st.sampled_from([lambda at: at.isoformat(), lambda at: at.replace(tzinfo=None).isoformat(), str])


@given(MOMENTS, st.none() | MOMENTS, st.booleans(), WRITTEN, FORMS)
def test_a_shard_reads_the_time_that_a_client_means(
    original: datetime, sent: datetime | None, of_batch: bool, name: str, form: Any
) -> None:
    told = {"timestamp": "2020-05-05T05:05:05.5555Z", "originalTimestamp": form(original)}
    if name != "both":
        told = {name: form(original)}
    sent_at = {} if sent is None else {"sentAt": form(sent)}

    lines = read({**TRACK, **told, **({} if of_batch else sent_at)}, **(sent_at if of_batch else {}))

    call: Call = read_call(lines.lines[0])
    assert call.timestamp is not None
    expected = meant_ms(cut_ms(original), None if sent is None else cut_ms(sent), NOW)
    read_as = ceil_ms(call.timestamp) + lines.skews_ms[0]
    finer = sent is None and original != EPOCH + timedelta(milliseconds=cut_ms(original))
    assert expected <= read_as <= expected + finer, "a shard rounds what is finer than a millisecond up"


def test_a_call_says_itself_when_it_was_sent_else_its_batch_does_else_the_request() -> None:
    stamped = {**TRACK, "timestamp": time_text(NOW - 10_000)}
    given = terms(sent_ms=NOW - 1_000)

    lines = read(stamped, {**stamped, "sentAt": time_text(NOW - 3_000)}, sentAt=time_text(NOW - 2_000), given=given)
    without = read(stamped, {**stamped, "sentAt": "soon"}, given=given)

    assert lines.skews_ms == [2_000, 3_000]
    assert without.skews_ms == [1_000, 1_000]


@pytest.mark.parametrize("stamp", ["yesterday", 1_767_261_600, "", {"at": 1}, "0001-01-01T00:00:00Z"])
def test_a_time_that_is_none_is_refused(stamp: object) -> None:
    assert why_not({**TRACK, "timestamp": stamp}) == "timestamp is not a time"
    assert why_not({**TRACK, "originalTimestamp": stamp, "timestamp": time_text(NOW)}) == "timestamp is not a time"


def test_a_time_beyond_what_can_be_stored_is_when_the_call_came() -> None:
    assert one({**TRACK, "timestamp": "9999-12-31T00:00:00Z"})["timestamp"] == time_text(NOW)


@pytest.mark.parametrize("name", ["userId", "anonymousId", "messageId", "previousId"])
@pytest.mark.parametrize("number, text", [(42, "42"), (-7, "-7"), (4.5, "4.5"), (2**70, str(2**70))])
def test_an_id_may_be_a_number(name: str, number: float, text: str) -> None:
    assert one({**TRACK, "type": "alias", name: number})[name] == text


@pytest.mark.parametrize(
    "call, reason",
    [
        (b"7", "not a call: Expected `object`, got `int`"),
        (b"null", "not a call"),
        ({"event": "Seen", "userId": "u1"}, "a call without a type"),
        ({**TRACK, "type": 5}, "type is not a text"),
        ({**TRACK, "userId": True}, "userId is neither a text nor a number"),
        ({**TRACK, "messageId": ["m"]}, "messageId is neither a text nor a number"),
        ({**TRACK, "properties": []}, "properties is not an object"),
        ({**TRACK, "properties": "{}"}, "properties is not an object"),
        ({**IDENTIFY, "traits": [1]}, "traits is not an object"),
        ({**TRACK, "userId": "u\0"}, "userId with a NUL character"),
        ({**TRACK, "messageId": "\0"}, "messageId with a NUL character"),
        (b'{"type":"track","event":"Seen","userId":"u\\ud83d"}', "half of a surrogate pair in userId"),
        (b'{"type":"track","event":"Seen","anonymousId":"\\udc00"}', "half of a surrogate pair in anonymousId"),
        (b'{"type":"track","event":"Seen","userId":"u","properties":{"n":1e999}}', "a number is out of range"),
        (b'{"type":"track","event":"Seen","userId":"u","properties":{"n":[-1E+400]}}', "a number is out of range"),
        ({**TRACK, "properties": {"text": "x" * 40_000}}, "longer than event_bytes_max=32768"),
    ],
)
def test_what_is_refused_by_itself(call: Mapping[str, object] | bytes, reason: str) -> None:
    assert reason in why_not(call)


def test_what_is_odd_and_taken_all_the_same() -> None:
    for text in ("1e300", "1e-999", '"1e999"', "0.001e100", '"' + "9" * 400 + '"'):
        call = b'{"type":"track","event":"Seen","userId":"u","messageId":"m","properties":{"n":%b}}' % text.encode()
        assert batch(b'{"batch":[%b]}' % call).read(terms()).lines == [call], text


def test_nulls_count_as_absent_and_what_nobody_knows_is_ignored() -> None:
    null = dict.fromkeys(["anonymousId", "timestamp", "originalTimestamp", "sentAt", "context", "properties", "x"])

    lines = read({**TRACK, **null}, {**TRACK, "messageId": None, **null}, {**TRACK, "_metadata": {"nodeVersion": "1"}})

    assert lines.refused == []
    assert [read_call(line).user_id for line in lines.lines] == ["u1"] * 3
    assert lines.ids == ["m1", "fresh-0", "m1"]


def test_half_of_a_pair_becomes_a_character_of_its_own_where_it_names_nobody() -> None:
    properties = b'{"x":"\\ud83d","y":"\\\\ud83d"}'
    call = b'{"type":"track","event":"Seen","userId":"u\\ud83d\\ude00","messageId":"m","properties":%b}' % properties

    for lines in (batch(b'{"batch":[%b]}' % call).read(terms()), block(call).read(terms())):
        told = json.loads(lines.lines[0])
        assert (told["userId"], told["properties"]) == ("u\U0001f600", {"x": "\ufffd", "y": "\\ud83d"})


def test_a_call_without_an_id_is_known_again_by_its_time_and_its_key() -> None:
    stamped = {**TRACK, "messageId": "", "timestamp": time_text(NOW)}
    silent = {name: value for name, value in TRACK.items() if name != "messageId"}

    first, again = read(stamped, silent), read(stamped, silent, sentAt=time_text(NOW))
    other = read(stamped, given=terms(key=replace(BROWSER, public=False)))

    assert first.ids[0] == again.ids[0] == json.loads(first.lines[0])["messageId"]
    assert other.ids[0] != first.ids[0]
    assert (first.ids[1], first.without_id) == ("fresh-0", 1)


def test_the_path_names_the_type_of_a_call_that_names_none() -> None:
    given = terms(kind="page")
    for call, kind in (({"userId": "u1"}, "page"), ({"type": None, "userId": "u1"}, "page"), (TRACK, "track")):
        lines = single(b"\xef\xbb\xbf" + json.dumps(call).encode(), 1_000).read(given)
        assert json.loads(lines.lines[0])["type"] == kind


PHONE = {"type": "Android", "token": "t"}
PUSH = {"push_token": "t"}


@pytest.mark.parametrize(
    "call, envelope, traits",
    [
        ({"context": {"traits": {"city": "Oslo"}}}, {}, {"city": "Oslo"}),  # RudderStack
        ({"context": {"traits": {"city": "Oslo", "a": 1}}, "traits": {"city": None}}, {}, {"city": None, "a": 1}),
        ({"context": {"device": {"type": "iOS", "token": "t"}}}, {}, {"push_token": "t"}),
        ({"context": {"device": PHONE}, "traits": {"push_token": "o"}}, {}, {"push_token": "o"}),
        ({"context": {"device": {"type": "tv", "token": "t"}}, "traits": {"a": 1}}, {}, {"a": 1}),
        ({"context": {"device": "phone", "traits": "none"}, "traits": {"a": 1}}, {}, {"a": 1}),
        ({"context": {"traits": None}}, {"context": {"traits": {"a": 1}}}, {"a": 1}),
        ({"context": {"traits": {"b": 1}}}, {"context": {"traits": {"a": 1}, "device": PHONE}}, {**PUSH, "b": 1}),
        ({"traits": {"a": 1}}, {"context": 7}, {"a": 1}),
        ({"traits": None}, {}, None),
    ],
)  # fmt: skip
def test_traits_stand_in_several_places(
    call: dict[str, object], envelope: dict[str, Any], traits: dict[str, object] | None
) -> None:
    lines = read({**IDENTIFY, **call}, **envelope)

    assert json.loads(lines.lines[0]).get("traits") == traits


def test_the_context_of_other_calls_is_no_account_of_a_person() -> None:
    call = json.dumps({**TRACK, "context": {"traits": {"city": "Oslo"}}}).encode()

    assert block(call).read(terms()).lines == [call]


def test_consent_and_reactions_are_taken_though_events_are_not() -> None:
    consent = {"type": "consent", "channel": "email", "granted": True, "userId": "u1"}

    assert read(consent, {**consent, "type": "reaction"}).are_reports
    assert not read(consent, TRACK).are_reports and not read(IDENTIFY).are_reports


@pytest.mark.parametrize(
    "call, needed",
    [
        ({"type": "suppression", "userId": "u1", "channel": "email", "address": "a", "suppressed": False}, "people"),
        ({"type": "feedback", "person": "u1", "channel": "sms", "reaction": "unsubscribed"}, "feedback"),
    ],
)
def test_what_says_more_than_has_happened_needs_more_than_a_key_for_events(
    call: Mapping[str, object], needed: str
) -> None:
    events_only = Key(name="shop", sha256="", scopes=frozenset({"ingest"}))
    more = Key(name="shop", sha256="", scopes=frozenset({"ingest", needed}))

    refused = why_not(call, replace(terms(), key=events_only))
    assert refused == f"a {call['type']} call needs a key with the scope {needed}"
    assert read(call, given=replace(terms(), key=more)).refused == []


PUBLIC_REFUSALS = (
    ({"type": "alias", "userId": "u1", "previousId": "a"}, "makes no alias calls"),
    ({"type": "reaction", "userId": "u1", "reaction": "opened"}, "makes no reaction calls"),
    ({"type": "suppression", "userId": "u1"}, "makes no suppression calls"),
    ({"type": "feedback", "key": "k"}, "makes no feedback calls"),
    ({"type": "consent", "userId": "u1", "channel": "email", "granted": True}, "grants no consent"),
    ({"type": "consent", "userId": "u1", "channel": "email"}, "grants no consent"),
    ({**IDENTIFY, "userId": None, "person": "u1"}, "names nobody but by an id"),
    ({"type": "consent", "person": "u1", "channel": "email", "granted": False}, "names nobody but by an id"),
    ({**IDENTIFY, "traits": {"a": 1}}, "context.userHash"),
    ({**IDENTIFY, "context": {"userHash": "0" * 64}}, "context.userHash"),
    ({**IDENTIFY, "context": {"userHash": 7}}, "context.userHash"),
)


def test_a_browsers_key_has_little_power() -> None:
    given = terms(key=BROWSER, identity_secret=SECRET)
    proof = hmac.new(SECRET.encode(), b"u1", sha256).hexdigest()

    for call, reason in PUBLIC_REFUSALS:
        assert reason in why_not(call, given)
    assert read(TRACK, {**IDENTIFY, "userId": None, "anonymousId": "a"}, given=given).refused == []
    assert read({"type": "consent", "userId": "u1", "channel": "email", "granted": False}, given=given).refused == []
    assert read({**IDENTIFY, "context": {"userHash": proof}}, given=given).refused == []
    assert read({**IDENTIFY, "userId": "u2", "context": {"userHash": proof}}, given=given).refused != []
    assert read({**IDENTIFY, "traits": {"a": 1}}, given=terms(key=BROWSER)).refused == [], "where it need not be proved"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"{}",
        b'{"batch":{}}',
        b'{"batch":null}',
        b'{"batch":[]}',
        b'{"batch":[{"a":NaN}]}',
        b'{"batch":[{"a":"\xff"}]}',
        b'{"batch":[' + b"{}," * 2_500 + b"{}]}",
        b'{"batch":[' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"]}",
        b'{"batch":[{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
        b"[" * 100_000,
    ],
    ids=range(14),
)
def test_of_what_is_no_batch_nothing_is_taken(body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        batch(body)

    assert (refused.value.status, refused.value.code) == (400, "invalid")


def test_a_batch_may_have_as_many_calls_as_that() -> None:
    assert batch(b'{"batch":[' + b"{}," * 2_499 + b"{}]}").read(terms()).total == 2_500


def test_a_single_call_is_bounded_and_a_long_one_of_a_batch_goes_alone() -> None:
    long = {**TRACK, "properties": {"x": "x" * 33_000}}

    with pytest.raises(Problem) as refused:
        single(json.dumps(long).encode(), 32_768)
    lines = read(TRACK, long, TRACK)

    assert refused.value.status == 413
    assert (lines.places, [place for place, *_ in lines.refused]) == ([0, 2], [1])


def test_the_lines_of_a_block_stand_for_themselves() -> None:
    good = json.dumps(TRACK).encode()

    torn = b'{"type":"track","userId":"u1","timestamp":"\xff"}'
    lines = block(b"\xef\xbb\xbf" + b"\n".join([good, b"", b"{", b"  \r", good + b"\r", torn])).read(terms())

    assert lines.lines == [good, good + b"\r"]
    assert (lines.places, [place for place, *_ in lines.refused], lines.total) == ([0, 2], [1, 3], 4)


def test_the_key_may_stand_in_the_body() -> None:
    assert batch(body_of(TRACK, writeKey="k")).write_key == "k"
    assert single(b'{"writeKey":"k"}', 100).write_key == "k"
    assert batch(body_of(TRACK, writeKey=None)).write_key is None
    assert batch(body_of(TRACK, writeKey=7)).write_key == "", "a key of nobody"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["type", "event", "userId", "anonymousId", "messageId", "timestamp", "originalTimestamp", "sentAt", "properties",
     "traits", "context", "previousId", "granted"]
)  # fmt: skip


@given(st.lists(st.dictionaries(NAMES, VALUES | st.sampled_from(["track", "identify", time_text(NOW)])), max_size=6))
def test_whatever_a_call_is_it_becomes_a_line_or_a_reason(calls: list[dict[str, object]]) -> None:
    lines = read(TRACK, *calls)

    assert lines.total == len(calls) + 1
    assert sorted([*lines.places, *(place for place, *_ in lines.refused)]) == list(range(lines.total))
    assert len(lines.lines) == len(lines.skews_ms) == len(lines.ids) == len(lines.places)
    for line, message_id, user_id in zip(lines.lines, lines.ids, lines.user_ids, strict=True):
        told = json.loads(line)
        assert user_id in ("", told.get("userId")) and not user_id.startswith("@")
        assert told["messageId"] == message_id and isinstance(told["type"], str)
        with suppress(Unusable):
            read_call(line)


@given(VALUES, st.integers(0, 70))
def test_depth_is_what_is_nested_and_not_what_texts_say(value: object, levels: int) -> None:
    body = b"[" * levels + json.dumps({"x": value, "y": '"{[{'}).encode() + b"]" * levels

    depth = levels + max(depth_of({"x": value, "y": ""}), 1)
    if depth > 64:
        with pytest.raises(Problem):
            check_depth(body)
    else:
        check_depth(body)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


def test_a_call_that_lies_for_a_day_is_corrected_by_its_clock() -> None:
    call = {**TRACK, "timestamp": time_text(NOW - 3 * DAY_MS), "sentAt": time_text(NOW - 2 * DAY_MS)}

    assert read(call).skews_ms == [2 * DAY_MS]
    assert msgspec.json.decode(read(call).lines[0]) == call


LOYALTY = [{"type": "loyalty", "id": "4711"}]


@pytest.mark.parametrize(
    "call, envelope, found",
    [
        ({"context": {"externalIds": LOYALTY}}, {}, LOYALTY),
        ({"context": {"externalIds": LOYALTY, "traits": {"a": 1}}}, {}, LOYALTY),  # and the traits are taken out
        ({}, {"context": {"externalIds": LOYALTY}}, LOYALTY),
        ({"context": {"externalIds": []}}, {"context": {"externalIds": LOYALTY}}, []),
        ({"context": {"externalIds": None}}, {"context": {"externalIds": LOYALTY}}, LOYALTY),
    ],
)
def test_the_ids_in_a_context_stay_in_the_line(
    call: dict[str, object], envelope: dict[str, Any], found: object
) -> None:
    (line,) = read({"type": "identify", "userId": "u1", "messageId": "m", **call}, **envelope).lines

    assert json.loads(line)["context"]["externalIds"] == found


def test_a_browsers_key_makes_nobody_another_person_by_an_id_that_he_may_have_guessed() -> None:
    context = {"externalIds": LOYALTY, "locale": "fr"}
    identify = {"type": "identify", "userId": "u1", "messageId": "m"}

    taken = read({**identify, "context": context}, identify, given=terms(key=BROWSER), context=context)

    assert [json.loads(line).get("context") for line in taken.lines] == [{"locale": "fr"}, None]
