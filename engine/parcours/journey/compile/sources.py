"""What messages of sources mean: the expressions of sources.yaml, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.expression.expression import Expression, Names, Scope
from parcours.expression.kinds import IS_OF, ExpectedKind
from parcours.expression.trees import Trees
from parcours.journey.compile.declarations import value
from parcours.journey.model.sources import SourceDocument
from parcours.journey.read.finding import Margin
from parcours.wording import nearest, quoted

MESSAGE: Final[Mapping[str, str]] = {
    "value": "any",
    "key": "string",
    "headers": "object",
    "partition": "string",
    "offset": "number",
    "timestamp": "timestamp",
}
"""What an expression sees of a message, each with its kind."""

_ID: Final = ExpectedKind("an id is a string or a whole number", ("string", "number"))

FIELDS: Final[Mapping[str, ExpectedKind]] = {
    "type": ExpectedKind("the type of a call is a string", ("string",)),
    "event": ExpectedKind("the name of an event is a string", ("string",)),
    "userId": _ID,
    "anonymousId": _ID,
    "messageId": _ID,
    "timestamp": ExpectedKind("a time is a timestamp, or a string that is one", ("timestamp", "string")),
    "properties": ExpectedKind("properties are an object", ("object",)),
    "traits": ExpectedKind("traits are an object", ("object",)),
    "channel": ExpectedKind("the name of a channel is a string", ("string",)),
    "purpose": ExpectedKind("a purpose is a string", ("string",)),
    "granted": ExpectedKind("a consent is given or not, true or false", ("boolean",)),
}
"""What each field of a line takes."""

TYPES: Final = ("track", "identify", "page", "screen", "group", "alias", "consent")
"""The types of calls of which a map can say all that they need."""

OF_CONSENT: Final = ("channel", "purpose", "granted")


def compiled_map(source: SourceDocument, margin: Margin, trees: Trees) -> Mapping[str, Expression]:
    """The expression of each field of a line; none where messages are lines of the event format."""
    if source.map is None:
        return {}
    names = Names(None, now=False, message=MESSAGE, trees=trees)
    return {name: value(margin, text, names, FIELDS[name], "map", name) for name, text in source.map.fields.items()}


def check_map(fields: Mapping[str, Expression], margin: Margin, *, keyed: bool) -> None:
    """Note why no message can become a line that is of use; `keyed`: events may name their person without an id."""
    if not {"type", "event", "traits"} & fields.keys():
        margin.error("a map says what a message is: by 'event', by 'traits' or by 'type'", runs=True)
        return
    if not {"userId", "anonymousId"} & fields.keys() and not (keyed and {"type", "event"} & fields.keys()):
        margin.error("a map says whose a message is: by 'userId' or by 'anonymousId'", runs=True)
    said = _said(fields, "type")
    kind = said if isinstance(said, str) else None
    if kind is not None and kind not in TYPES:
        hint = nearest(kind, TYPES) or f"; it may be {', '.join(TYPES)}"
        margin.error(f"a map makes no call of the type {quoted(kind)}{hint}", "type", runs=True)
    if kind == "track" and "event" not in fields:
        margin.error("a track call has an 'event'", runs=True)
    if kind == "consent" and (missing := [name for name in ("channel", "granted") if name not in fields]):
        margin.error(f"a consent call has {' and '.join(map(quoted, missing))}", runs=True)
    if (kind in TYPES and kind != "consent") or "type" not in fields:
        for name in OF_CONSENT:
            if name in fields:
                margin.error("it is of a consent: give the map `type: '\"consent\"'`", name, runs=True)
    time = _said(fields, "timestamp")
    if isinstance(time, str) and not IS_OF["timestamp"](time):
        margin.error("a time such as 2026-03-02T09:00:00Z is expected", "timestamp", value=time, runs=True)


def _said(fields: Mapping[str, Expression], name: str) -> object:
    """What a field is whatever the message is; None where messages say it."""
    there = fields.get(name)
    return there.value(Scope()) if there is not None and there.literal else None
