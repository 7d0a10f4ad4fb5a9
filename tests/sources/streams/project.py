"""The project of the harness: visitors who look at things and become known, two audiences, and who is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.projects import write_documents

FILE: Final = "out/vips.ndjson"
BUYERS: Final = "out/buyers.ndjson"

EACH_SECOND: Final = "FREQ=MINUTELY;BYSECOND=" + ",".join(map(str, range(60)))


def write_project(folder: Path, source: Mapping[str, object], hook: str) -> None:
    """Write it, with what it reads and where members are posted."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    full = {"at": now.isoformat(), "rule": EACH_SECOND}
    agreed = {"channel": "email", "purpose": "ads"}
    told = {"audience": "vip", "to": {"webhook": {"url": hook}}, "key": "profile.email", "consent": agreed, "batch": 3}
    documents: dict[str, object] = {
        "parcours": {
            "project": "shop",
            "timezone": "UTC",
            "anonymous_history": "used",
            "insight": {"events": "all"},
            "policies": {"consent": {"default": "opt_in"}},
        },
        "profile": {"traits": {"email": "string", "city": "string"}},
        "events": {"events": {"Seen": {"properties": {"n": "number"}}}},
        "journeys/visits": {"journey": "visits", "entry": {"event": "Seen"}, "steps": [{"id": "done", "end": True}]},
        "audiences": {"audiences": {"vip": 'profile.city == "Paris"', "buyers": 'count("Seen", "365d") > 0'}},
        "destinations": {
            "destinations": {
                "hook": {**told, "full": full},
                "vips": {"audience": "vip", "to": {"file": FILE}, "full": full},
                "buyers": {"audience": "buyers", "to": {"file": BUYERS}},
            }
        },
        "sources": {"sources": {"stream": source}},
    }
    write_documents(folder, documents)
