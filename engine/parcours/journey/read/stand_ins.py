"""What stands in for a faulty part of a document, so that the rest of it can be read.

A stand-in keeps whatever of the part can be told right or wrong by itself: the steps that it names, its condition, its
message. It is chosen so that no use of it is reported for the sake of a fault that has been told already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from parcours.expression.names import UNREAD_EVENT
from parcours.journey.model.analyses import FUNNEL_STEPS_MAX
from parcours.journey.model.offers import EVERY_OFFER
from parcours.journey.model.steps import STEP_KINDS
from parcours.journey.read.finding import Key, KeyPath

StandIn: TypeAlias = Callable[[object, KeyPath], tuple[object, KeyPath]]
"""Makes the stand-in of a part from what was written there and its path; with the path within it that is made up."""

UNREAD: Final = "unread"
"""Stands in for a name that has to be there."""

STEP_KIND: Final = "<kind>"
"""Stands in the path of a step for whichever key would say of what kind it is."""

_UNREAD_URL: Final = "https://unread.invalid/"

_NAME: Final = "*"
_PLACE: Final = "[]"
"""Stand in a pattern for any key, and for any place in a list."""


def stand_in_at(kind: str, path: KeyPath) -> StandIn | None:
    """The stand-in for the part at a path of a kind of document; None for a part that can be left out."""
    for pattern, found in _STAND_INS.get(kind, {}).items():
        if len(pattern) == len(path) and all(map(_matches, pattern, path)):
            return found
    return None


def _matches(pattern: Key, key: Key) -> bool:
    return pattern in (key, _PLACE if isinstance(key, int) else _NAME)


def _always(stand_in: object) -> StandIn:
    return lambda written, path: (stand_in, ())


def _kept(written: object, *keys: str) -> dict[str, Any]:
    """Those keys of a mapping that are given."""
    known = written if isinstance(written, dict) else {}
    return {key: known[key] for key in keys if known.get(key) is not None}


def _trigger(written: object, _path: KeyPath) -> tuple[object, KeyPath]:
    """An exit rule or listener, by an event of any name."""
    if isinstance(written, dict) and {"reaction", "link", "of"} <= written.keys():
        return {name: value for name, value in written.items() if name != "link"}, ("link",)
    return {"event": UNREAD_EVENT, **_kept(written, "when", "next")}, ("event",)


def _entry(written: object, path: KeyPath) -> tuple[object, KeyPath]:
    """An entry by the same events or audience, reduced to that."""
    if isinstance(written, list):
        return [_entry(each, path)[0] for each in written] or [{"event": UNREAD_EVENT}], ()
    kept = _kept(written, "event", "audience", "read")
    if isinstance(kept.get("event"), str):
        return {"event": kept["event"], **_kept(written, "when")}, ("change",)
    for name in ("audience", "read"):
        if isinstance(kept.get(name), str):
            return {"audience": kept[name]}, ("change",)
    return {"event": UNREAD_EVENT, **_kept(written, "when")}, ("event",)


def _step(written: object, path: KeyPath) -> tuple[object, KeyPath]:
    """A step of the same id, which goes on as the faulty one does. A send step stays one: reactions refer to it."""
    if isinstance(written, dict) and {"wait_for", "on_timeout"} <= written.keys() and "timeout" not in written:
        return {**written, "timeout": "1d"}, ("timeout",)
    kept = {"id": f"step-{path[1]}", **_kept(written, "id", "next")}
    kinds = [kind for kind in STEP_KINDS if kind in _kept(written, *STEP_KINDS)]
    if kinds[:1] == ["send"]:
        return {**kept, **_kept(written, "send")}, ("channels",)
    if "id" in _kept(written, "id") and not kinds:
        if sends := _kept(written, "channels", "to", "on_refused"):
            return {**kept, **sends, "send": UNREAD}, ("send",)
        if waits := _kept(written, "timeout", "on_timeout"):
            return {**kept, **waits, "wait_for": [{"event": UNREAD_EVENT}]}, ("wait_for",)
    return {**kept, "wait": "1d"}, (STEP_KIND,) if "id" in _kept(written, "id") else ()


def _arms(written: object, path: KeyPath) -> tuple[object, KeyPath]:
    """A branch with nothing but conditions: `otherwise` may stand where it must not."""
    arms = written if isinstance(written, list) else []
    return [each if "when" in _kept(each, "when") else _arm(each, path)[0] for each in arms] or [{"when": "false"}], ()


def _arm(written: object, _path: KeyPath) -> tuple[object, KeyPath]:
    return {"when": "false", **_kept(written, "next")}, ("when",)


def _shares(written: object, _path: KeyPath) -> tuple[object, KeyPath]:
    """A split with the same ways, and shares that sum up."""
    arms = written if isinstance(written, list) and written else [{}]
    return [{"percent": 0 if at else 100, **_kept(arm, "name", "next")} for at, arm in enumerate(arms)], ("percent",)


def _share(written: object, _path: KeyPath) -> tuple[object, KeyPath]:
    return {"percent": 0, **_kept(written, "name", "next")}, ("percent",)


def _event(written: object, _path: KeyPath) -> tuple[object, KeyPath]:
    """An event type; one with only half a rule gets the other half."""
    if not isinstance(written, dict):
        return {}, ()
    half = ("of", UNREAD_EVENT) if written.get("of") is None else ("rule", "true")
    return {**written, half[0]: half[1]}, (half[0],)


_JOURNEY: Final[Mapping[KeyPath, StandIn]] = {
    ("journey",): _always(UNREAD),
    ("entry",): _entry,
    ("entry", "event"): _always(UNREAD_EVENT),
    ("entry", _PLACE): _trigger,
    ("entry", _PLACE, "event"): _always(UNREAD_EVENT),
    ("exit", _PLACE): _trigger,
    ("exit", _PLACE, "event"): _always(UNREAD_EVENT),
    ("goal", "event"): _always(UNREAD_EVENT),
    ("steps",): _always([{"id": UNREAD, "wait": "1d"}]),
    ("steps", _PLACE): _step,
    ("steps", _PLACE, "id"): lambda written, path: (f"step-{path[1]}", ()),
    ("steps", _PLACE, "send"): _always(UNREAD),
    ("steps", _PLACE, "wait"): _always("1d"),
    ("steps", _PLACE, "wait", "days", _PLACE): _always("mon"),
    ("steps", _PLACE, "wait_for"): _always([{"event": UNREAD_EVENT}]),
    ("steps", _PLACE, "wait_for", _PLACE): _trigger,
    ("steps", _PLACE, "wait_for", _PLACE, "event"): _always(UNREAD_EVENT),
    ("steps", _PLACE, "wait_for", _PLACE, "reaction"): _always("failed"),
    ("steps", _PLACE, "timeout"): _always("1d"),
    ("steps", _PLACE, "branch"): _arms,
    ("steps", _PLACE, "branch", _PLACE): _arm,
    ("steps", _PLACE, "branch", _PLACE, "when"): _always("false"),
    ("steps", _PLACE, "split"): _shares,
    ("steps", _PLACE, "split", _PLACE): _share,
    ("steps", _PLACE, "split", _PLACE, "percent"): _always(0),
    ("steps", _PLACE, "channels", _PLACE): _always(UNREAD),
    ("steps", _PLACE, "channels", "first", _PLACE): _always(UNREAD),
    ("steps", _PLACE, "to", _NAME): _always('""'),
    ("steps", _PLACE, "update", _NAME): _always("null"),
}


def _campaign_step(written: object, path: KeyPath) -> tuple[object, KeyPath]:
    """A step of the same id. Whoever compiles it knows that it is none, and says nothing of what it gives."""
    kept = {"id": f"step-{path[1]}", **_kept(written, "id")}
    return {**kept, "read": UNREAD}, (STEP_KIND,) if "id" in _kept(written, "id") else ()


_CAMPAIGN: Final[Mapping[KeyPath, StandIn]] = {
    ("campaign",): _always(UNREAD),
    ("exit", _PLACE): _trigger,
    ("exit", _PLACE, "event"): _always(UNREAD_EVENT),
    ("goal", "event"): _always(UNREAD_EVENT),
    ("seeds", _PLACE): _always({"email": "unread@unread.invalid"}),
    ("steps",): _always([{"id": UNREAD, "read": UNREAD}]),
    ("steps", _PLACE): _campaign_step,
    ("steps", _PLACE, "id"): lambda written, path: (f"step-{path[1]}", ()),
}


def _events(written: object, _path: KeyPath) -> tuple[object, KeyPath]:
    """Steps of a funnel: as many, by events of any name."""
    most = len(written) if isinstance(written, list) else 0
    return [UNREAD_EVENT] * min(max(most, 2), FUNNEL_STEPS_MAX), ()


_INSIGHT: Final[Mapping[KeyPath, StandIn]] = {
    ("metrics", _NAME, "sum"): _always("null"),
    ("metrics", _NAME, "of"): _always(UNREAD_EVENT),
    ("metrics", _NAME, "people"): _always(UNREAD_EVENT),
    ("metrics", _NAME, "count"): _always(UNREAD_EVENT),
    ("metrics", _NAME, "formula"): _always("0"),
    ("segments", _NAME, "event"): _always(UNREAD_EVENT),
    ("funnels", _NAME, "steps"): _events,
    ("funnels", _NAME, "steps", _PLACE): _trigger,
    ("funnels", _NAME, "steps", _PLACE, "event"): _always(UNREAD_EVENT),
    ("funnels", _NAME, "exclude", _PLACE): _trigger,
    ("funnels", _NAME, "exclude", _PLACE, "event"): _always(UNREAD_EVENT),
    ("flows", _NAME, "anchor"): _trigger,
    ("flows", _NAME, "anchor", "event"): _always(UNREAD_EVENT),
    ("flows", _NAME, "ignore", _PLACE): _always(UNREAD_EVENT),
    ("attributions", _NAME, "conversion"): _trigger,
    ("attributions", _NAME, "conversion", "event"): _always(UNREAD_EVENT),
    ("attributions", _NAME, "touches"): _always({"events": [UNREAD_EVENT]}),
    ("attributions", _NAME, "touches", "events", _PLACE): _always(UNREAD_EVENT),
    ("cohorts", _NAME, "starts"): _trigger,
    ("cohorts", _NAME, "starts", "event"): _always(UNREAD_EVENT),
    ("cohorts", _NAME, "returns"): _trigger,
    ("cohorts", _NAME, "returns", "event"): _always(UNREAD_EVENT),
}

_STAND_INS: Final[Mapping[str, Mapping[KeyPath, StandIn]]] = {
    "journey": _JOURNEY,
    "campaign": _CAMPAIGN,
    "insight": _INSIGHT,
    "tables": {("tables", _NAME): _always({"file": "unread.csv", "columns": {UNREAD: "string"}})},
    "places": {("places", _NAME): _always({"circle": [0, 0, "1m"]})},
    "project": {
        ("project",): _always(UNREAD),
        ("channels", _NAME): _always({}),
        ("policies", "caps", _PLACE): _always({"max": 1_000_000, "per": "1d"}),
        ("policies", "caps", _PLACE, "max"): _always(1_000_000),
        ("policies", "caps", _PLACE, "per"): _always("1d"),
        ("policies", "caps", _PLACE, "channels", _PLACE): _always(UNREAD),
        ("policies", "quiet_hours", _PLACE): _always({"from": "00:00", "until": "00:01", "days": ["mon"]}),
        ("policies", "quiet_hours", _PLACE, "from"): _always("00:00"),
        ("policies", "quiet_hours", _PLACE, "until"): _always("00:01"),
        ("policies", "quiet_hours", _PLACE, "days"): _always(["mon"]),
        ("policies", "quiet_hours", _PLACE, "channels", _PLACE): _always(UNREAD),
    },
    "profile": {("addresses", _NAME): _always('""'), ("identities", _NAME): _always({})},
    "events": {
        ("events", _NAME): _event,
        ("events", _NAME, "of"): _always(UNREAD_EVENT),
        ("events", _NAME, "rule"): _always("true"),
        ("events", _NAME, "key", "namespace"): _always(UNREAD),
        ("events", _NAME, "key", "value"): _always('""'),
        ("events", _NAME, "location"): _always({"lat": "null", "lon": "null"}),
        ("events", _NAME, "crossing"): _always({"place": "null", "way": "null"}),
    },
    "audiences": {("audiences", _NAME): _always("false")},
    "actions": {
        ("actions", _NAME): _always({"url": _UNREAD_URL}),
        ("actions", _NAME, "url"): _always(_UNREAD_URL),
    },
    "message": {("message",): _always(UNREAD)},
    "scores": {
        ("scores", _NAME): _always(
            {
                "predicts": {"event": UNREAD_EVENT, "within": "1d"},
                "features": {UNREAD: "0"},
                "model": {"file": "unread.json", "kind": "logistic"},
            }
        ),
        ("scores", _NAME, "features", _NAME, "one_of"): _always([UNREAD]),
    },
    "sources": {("sources", _NAME): _always({UNREAD: {}})},
    "destinations": {
        ("destinations", _NAME): _always({"audience": UNREAD, "to": {"file": "unread.ndjson"}}),
        ("destinations", _NAME, "to"): _always({"file": "unread.ndjson"}),
        ("destinations", _NAME, "audience"): _always(UNREAD),
        ("destinations", _NAME, "facts"): _always(["moves"]),
        ("destinations", _NAME, "facts", _PLACE): _always("moves"),
    },
    "offers": {
        ("placements", _NAME): _always({"channel": "web", "format": "text"}),
        ("offers", _NAME): _always({}),
        ("collections", _NAME): _always({"offers": [UNREAD]}),
        ("rankings", _NAME): _always({"formula": "0"}),
        ("decisions", _NAME): _always({"choose": [{"collection": EVERY_OFFER}]}),
        ("decisions", _NAME, "choose"): _always([{"collection": EVERY_OFFER}]),
        ("decisions", _NAME, "choose", _PLACE): _always({"collection": EVERY_OFFER}),
    },
}
"""By the kind of document, and the path within it."""
