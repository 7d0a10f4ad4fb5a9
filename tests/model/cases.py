"""Of what are hand-made cases built? Lines of one person, a project with one journey, and lines cut to what is told."""

from typing import Any

from tests.model.reference import run
from tests.model.reference.times import parse_duration, parse_instant, to_text

Document = dict[str, Any]
Move = tuple[str, int | None, str | None, str, str | None]
Outcome = tuple[str, str, str, str, str | None]

START_MS = parse_instant("2026-01-05T09:00:00Z")  # a Monday; 10:00 in Paris
EVENT = {"properties": {"cart_id": "string", "total": "number", "when": "timestamp"}}
OPT_OUT = {"consent": {"default": "opt_out"}}


def at(offset: str) -> str:
    return to_text(START_MS + parse_duration(offset))


def event(offset: str, name: str, **properties: Any) -> Document:
    return {"type": "track", "event": name, "userId": "ann", "timestamp": at(offset), "properties": properties}


def identify(offset: str, **traits: Any) -> Document:
    return {"type": "identify", "userId": "ann", "timestamp": at(offset), "traits": traits}


def reaction(offset: str, kind: str, step: str, **more: Any) -> Document:
    line = {"type": "reaction", "reaction": kind, "userId": "ann", "journey": "j", "step": step, "channel": "email"}
    return {**line, "timestamp": at(offset), **more}


def project(
    steps: list[Document],
    policies: Document | None = None,
    audiences: dict[str, str] | None = None,
    events: Document | None = None,
    **journey: Any,
) -> Document:
    """One journey `j`, entered by Start, and a message for email then sms of each class."""
    traits = {"email": "string", "phone": "string", "timezone": "string", "tier": "string", "age": "integer"}
    content = {"email": {"subject": "s", "text": "t"}, "sms": {"text": "t"}}
    return {
        "project": {"project": "p", "timezone": "Europe/Paris", "policies": OPT_OUT if policies is None else policies},
        "profile": {"traits": traits, "addresses": {"email": "profile.email", "sms": "profile.phone"}},
        "events": {"events": {**dict.fromkeys(("Start", "Buy", "Stop", "Look"), EVENT), **(events or {})}},
        "audiences": {"audiences": audiences or {}},
        "messages": [
            {"message": "news", "class": "marketing", "status": "ready", "expires": "8h", **content},
            {"message": "receipt", "class": "transactional", "status": "ready", **content},
        ],
        "journeys": [{"journey": "j", "entry": {"event": "Start"}, **journey, "steps": steps}],
    }


def moves(documents: Document, *lines: Document, journey: str = "j", until: str | None = None) -> list[Move]:
    until_ms = None if until is None else START_MS + parse_duration(until)
    transitions, _ = run(documents, list(lines), until_ms)
    return [
        (line["at"], line["run"], line["step"], line["what"], line["why"])
        for line in transitions
        if line["journey"] == journey
    ]


def outcomes(documents: Document, *lines: Document) -> list[Outcome]:
    _, deliveries = run(documents, list(lines), None)
    return [(line["at"], line["step"], line["channel"], line["outcome"], line["gate"]) for line in deliveries]
