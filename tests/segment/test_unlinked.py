"""A call of a store's inputs links nothing any more, and is as it came otherwise; a merge has a line of its own."""

from __future__ import annotations

import json

import pytest

from parcours.instants import to_moment
from parcours.segment.line import Unusable, instant, read_details
from parcours.segment.told import merge_line, merged_name
from parcours.segment.unlinked import unlinked


@pytest.mark.parametrize(
    "line, left",
    [
        (b'{"type":"identify","userId":"u","anonymousId":"a","traits":{"x":1}}',
         b'{"type":"identify","userId":"u","traits":{"x":1}}'),
        (b'{"type":"identify","userId":"u","anonymou\\u0073Id":"a"}', b'{"type":"identify","userId":"u"}'),
        (b'{"type":"identify","userId":"u","context":{"ip":"::1","externalIds":[{"type":"loyalty","id":"7"}]},"n":2}',
         b'{"type":"identify","userId":"u","n":2,"context":{"ip":"::1"}}'),
        (b'{"type":"alias","userId":"u","previousId":"p","anonymousId":"a"}', b'{"type":"alias","userId":"u"}'),
    ],
)  # fmt: skip
def test_what_a_call_says_of_other_names_is_left_out(line: bytes, left: bytes) -> None:
    assert unlinked(line) == left


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"identify", "anonymousId":"a","traits":{"x":1}}',  # it is the visitor's own
        b'{"type":"identify","userId":"u","traits":{"previousId":1}, "context":null}',
        b'{"type":"track","event":"x","userId":"u","anonymousId":"a","properties":{"n":1e999}}',
        b'{"type":"consent","userId":"u","anonymousId":"a","channel":"email","granted":true}',
        b'{"type":"identify","userId":"u","traits":{"name":"\\ud83d"},"context":["externalIds"]}',
    ],
)
def test_a_line_that_links_nothing_is_as_it_came(line: bytes) -> None:
    assert unlinked(line) == line


@pytest.mark.parametrize("person, user_id", [("u1", "u1"), ("@user/@u", "@u")])
def test_a_merge_is_a_line_that_tells_whose_the_name_is_and_since_when(person: str, user_id: str) -> None:
    line = merge_line(person, "@anonymous/é", 1_500)

    call = read_details(line)
    assert (call.type, call.user_id, call.timestamp) == ("merge", user_id, to_moment(1_500))
    assert instant(call.timestamp) == 1_500
    assert json.loads(line)["name"] == merged_name(line) == "@anonymous/é"


def test_only_a_line_of_a_merge_merges() -> None:
    assert merged_name(b'{"type":"merge","type":"track","event":"x"}') is None
    assert merged_name(b'{"type":"track","event":"x"}') is None
    with pytest.raises(Unusable, match="not a line of kept inputs"):
        merged_name(b'{"type":"merge","userId":"u"}')
