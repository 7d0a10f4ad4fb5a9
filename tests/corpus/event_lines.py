"""Lines that senders of events have been reported to write, in other words, and what becomes of each.

Columns: the line, what is said of it (`None` where it is used), and where such a thing is met.
"""

from __future__ import annotations

TIME = b'"timestamp":"2026-03-02T09:00:00Z"'
EVENT = b'"type":"track","event":"Checkout Started"'


def track(rest: bytes) -> bytes:
    """A track call of u1 with this besides."""
    return b'{%b,"userId":"u1",%b,%b}' % (EVENT, rest, TIME)


def sent_by(ids: bytes) -> bytes:
    """A track call with these ids."""
    return b"{%b,%b,%b}" % (EVENT, ids, TIME)


def at(timestamp: bytes) -> bytes:
    """A track call of u1 with this timestamp."""
    return b'{%b,"userId":"u1","timestamp":%b}' % (EVENT, timestamp)


def nested(levels: int) -> bytes:
    """A value so many levels deep."""
    return b'{"a":' * levels + b"1" + b"}" * levels


EVENT_LINES: tuple[tuple[bytes, str | None, str], ...] = (
    (track(b'"properties":{"cart":{"total":NaN}}'), "not a call: JSON is malformed", "Python's json.dumps of a mean"),
    (track(b'"properties":{"cart":{"total":Infinity}}'), "not a call: JSON is malformed", "the same of a ratio"),
    (track(b'"properties":{"cart":{"total":1e999}}'), "properties: a number is out of range", "a typed-in amount"),
    (track(b'"properties":{"id":' + b"9" * 30 + b"}"), "more than 64 bits", "numeric ids of a ledger"),
    (track(b'"properties":null'), None, "a form without fields"),
    (
        track(b'"properties":[]'),
        "properties is not an object",
        "an array of PHP, which is its empty object",
    ),
    (track(b'"properties":"{}"'), "properties is not an object", "JSON that was encoded twice"),
    (track(b'"properties":{"x":"\\ud83d"}'), None, "a text cut in the middle of an emoji"),
    (track(b'"properties":' + nested(64)), None, "as deep as may be"),
    (track(b'"properties":' + nested(200)), "more than 64 levels", "a tree of categories"),
    (track(b'"properties":' + b"[" * 5_000 + b"]" * 5_000), "not a call", "an attempt to end the process"),
    (track(b'"channel":{"id":1}'), None, "a sender's own field of a name that other calls use"),
    (track(b'"context":{"app":{"version":1}},"integrations":{"All":true}'), None, "what Segment's libraries add"),
    (track(b'"messageId":7'), "messageId", "a database's row number"),
    (track(b'"messageId":null'), None, "a sender that leaves it to others"),
    (sent_by(b'"userId":4711'), "userId", "a customer number that was not quoted"),
    (sent_by(b'"userId":true'), "userId", "a flag in the wrong column"),
    (sent_by(b'"userId":""'), "names nobody", "a visitor who has not logged in"),
    (sent_by(b'"userId":"","anonymousId":"a1"'), None, "the same, from a library that knows the browser"),
    (sent_by(b'"userId":null,"anonymousId":"a1"'), None, "the same"),
    (sent_by(b'"userId":"u1\\u0000"'), "NUL", "a fixed-width field of a mainframe"),
    (sent_by(b'"userId":"u1\\ud800"'), "half of a surrogate pair", "a cut name used as an id"),
    (sent_by(b'"userId":"\xff\xfe"'), "utf-8", "a file in UTF-16 or Latin-1"),
    (sent_by(b'"userId":"@home"'), None, "a handle of a social network"),
    (sent_by(b'"userId":"[id1,id2,id3]"'), None, "a list that was printed: a name like any other"),
    (sent_by(b'"userId":["id1","id2"]'), "userId", "a list of ids"),
    (sent_by(b'"userId":{"$oid":"65e2f0"}'), "userId", "an id of MongoDB in extended JSON"),
    (sent_by(b'"userId":"undefined"'), None, "a variable of JavaScript that was not set: nobody can tell"),
    (sent_by(b'"user_id":"u1"'), "names nobody", "snake case"),
    (sent_by(b'"userid":"u1"'), "names nobody", "lower case"),
    (sent_by(b'"userId":" "'), None, "a blank cell: a name like any other"),
    (sent_by(b'"userId":"%b"' % (b"u" * 5_000)), "id_bytes_max", "a token in place of an id"),
    (sent_by(b'"userId":"u1","userId":"u2"'), None, "two tools that both add the id: the last one counts"),
    (at(b'"2026-03-02T09:00:00"'), "timezone", "datetime.utcnow().isoformat()"),
    (at(b'"2026-03-02 09:00:00Z"'), None, "a column of a database, with its blank"),
    (at(b'"2026-03-02T10:00:00+0100"'), None, "strftime, which writes no colon"),
    (at(b'"2026-03-02T09:00:00.123456789Z"'), None, "Go and Java write nanoseconds"),
    (at(b"1772442000000"), "timestamp", "Date.now()"),
    (at(b"1772442000"), "timestamp", "time() of PHP"),
    (at(b'"1772442000000"'), "timestamp", "the same as a text"),
    (at(b'"2026-03-02T09:00:00+00:00[Europe/London]"'), "timestamp", "ZonedDateTime of Java, which names the zone"),
    (at(b'"Mon, 02 Mar 2026 09:00:00 GMT"'), "timestamp", "toUTCString(), and headers of HTTP"),
    (at(b'"2026-03-02T09:00:60Z"'), "timestamp", "a leap second"),
    (at(b'"2026-03-02T24:00:00Z"'), "timestamp", "midnight at the end of a day"),
    (at(b'"2026-W10-1T09:00:00Z"'), "timestamp", "a week of ISO 8601"),
    (at(b'"2036-03-02T09:00:00Z"'), None, "a phone whose clock is years ahead"),
    (at(b'"2026-02-30T09:00:00Z"'), "timestamp", "a form that does not look at the month"),
    (at(b'"0001-01-01T00:00:00Z"'), "not of the years", "the zero time of Go and .NET"),
    (at(b'"02/03/2026 09:00"'), "timestamp", "a spreadsheet"),
    (at(b'""'), "timestamp", "an empty cell"),
    (b"\xef\xbb\xbf" + track(b'"properties":{}'), None, "a file that went through an editor of Windows"),
    (track(b'"properties":{}') + b"\r", None, "line ends of Windows"),
    (track(b'"properties":{}')[:-1] + b",}", "trailing comma", "a template that writes JSON"),
    (b"[" + track(b'"properties":{}') + b"]", "not a call", "an array instead of a line for each"),
    (b"{'type':'track'}", "not a call", "print() of a dict"),
    (b"userId,event,timestamp", "not a call", "the head of a CSV file"),
    (b"null", "not a call", "an export of a table with empty rows"),
    (b"{}", "no timestamp", "an export without its data"),
    (b'{"type":"Track","userId":"u1",%b}' % TIME, "unknown type 'Track'", "a name written with a capital"),
    (b'{"type":"track","userId":"u1",%b}' % TIME, "without an event", "an event that was renamed away"),
    (b'{"type":"identify","userId":"u1","traits":null,%b}' % TIME, None, "a profile without fields"),
    (b'{"type":"identify","userId":"u1","traits":{"email":null},%b}' % TIME, None, "a column that is empty"),
)
