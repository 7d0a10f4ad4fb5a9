"""Facts of a project whose every text that anybody may choose tries to be more than a text on a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.projects import write_texts

SCRIPT: Final = "<script>document.title = 'taken'</script>"
IMAGE: Final = "\"><img src='https://elsewhere.example/x.png' onerror='document.title = 1'>"
TURNED: Final = "Or\u202eder \u05e9\u05dc\u05d5\u05dd\u200f & <b>"
LONG: Final = "long " * 2_000

VIEWED, ADDED, ORDERED = f"Viewed {SCRIPT}", f"Added {IMAGE}", TURNED

TEXTS: Final = {
    "parcours.yaml": "\n".join(
        [
            "project: shop",
            "timezone: UTC",
            "policies: {consent: {default: opt_out}}",
            'holdouts: {program: {percent: 20, salt: "1"}}',
        ]
    ),
    "profile.yaml": "traits: {email: string}\naddresses: {email: profile.email}\n",
    "events.yaml": json.dumps(
        {"events": {name: {"properties": {"total": "number", "kind": "string"}} for name in (VIEWED, ADDED, ORDERED)}}
    ),
    "messages/note.yaml": "message: note\nemail: {subject: Note, text: Hello}\n",
    "journeys/order.yaml": "\n".join(
        [
            "journey: order",
            f"description: {json.dumps(IMAGE)}",
            f"entry: {{event: {json.dumps(VIEWED)}, when: {json.dumps(f'event.kind != {json.dumps(SCRIPT)}')}}}",
            f"goal: {{event: {json.dumps(ORDERED)}, within: 7d, target: 50%}}",
            "steps:",
            "  - id: test",
            "    split: [{name: control, percent: 50, next: done}, {name: mailed, percent: 50, next: mail}]",
            f"    experiment: {{goal: {{event: {json.dumps(ORDERED)}, within: 1d}}, control: control, planned: 100}}",
            "  - {id: mail, send: note, channels: [email]}",
            f"  - {{id: bought, wait_for: [{{event: {json.dumps(ORDERED)}, next: done}}]}}",
            "  - {id: done, end: true}",
        ]
    ),
    "insight/all.yaml": json.dumps(
        {
            "metrics": {
                "buyers": {"people": ORDERED},
                "revenue": {"sum": "event.total", "of": ORDERED},
                "per-buyer": {"formula": "revenue / buyers"},
            },
            "funnels": {"to-order": {"steps": [VIEWED, ADDED, ORDERED], "split": "event.kind", "value": "event.total"}},
            "flows": {"before": {"anchor": ORDERED, "before": 2, "after": 0, "key": "event.kind"}},
            "attributions": {
                "orders": {"conversion": ORDERED, "touches": {"events": [VIEWED, ADDED]}, "key": "event.kind"}
                | {"models": ["first", "markov"]}
            },
            "cohorts": {"weekly": {"starts": VIEWED, "returns": ORDERED, "unit": "week", "periods": 3}},
        }
    ),
}  # fmt: skip


def write_unfriendly(folder: Path, people: int = 60) -> tuple[Path, Path]:
    """The project, and a file of events in which most people view, half add, and a third order."""
    project, events = folder / "project", folder / "events.ndjson"
    write_texts(project, TEXTS)
    events.write_text("".join(json.dumps(line) + "\n" for line in _lines(people)))
    return project, events


def _lines(people: int) -> Iterator[dict[str, object]]:
    kinds = (SCRIPT, IMAGE, TURNED, LONG, "plain")
    for number in range(people):
        who, day = f"user {number} {SCRIPT}", f"2026-03-{1 + number % 20:02}"
        kind = kinds[number % len(kinds)]
        yield {"type": "identify", "userId": who, "traits": {"email": f"u{number}@shop.example"}} | _at(day, "08:00")
        for hour, event, one_in in (("09:00", VIEWED, 1), ("10:00", ADDED, 2), ("11:00", ORDERED, 3)):
            if number % one_in == 0:
                properties = {"kind": kind, "total": number}
                yield {"type": "track", "event": event, "userId": who, "properties": properties} | _at(day, hour)


def _at(day: str, hour: str) -> dict[str, object]:
    return {"timestamp": f"{day}T{hour}:00Z"}
