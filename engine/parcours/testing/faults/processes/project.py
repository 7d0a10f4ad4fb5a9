"""The project of the simulation with waits of seconds, all mail, and the settings under which it runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.testing.faults.project import CHECKOUT, EVENTS, NEWS, ORDER, THANKS

SETTINGS: Final = Settings(
    batch_events_max=20,
    retry_delays_ms=(300, 600, 1_200),
    ambiguous_resend_after_ms=500,
    channel_pause_ms=100,
    channel_pause_max_ms=800,
    actor_silence_ms=2_500,
    send_timeout_s=4.0,
    journal_bytes_max=300_000,
    totals_facts_max=500,
)
"""Short pauses, because time is real, and small bounds, so that images and totals are written all the time."""

SHARDS: Final = 2

PACE: Final = {"20m": "2s", "1d": "3s", "3h": "2s", "2h": "4s", "30m": "1s", "10m": "1s", "1h": "3s", "2d": "8s"}
"""How long the waits of the simulated journeys take here."""

POLICIES: Final = {
    "consent": {"default": "opt_out"},
    "caps": [{"class": "marketing", "max": 5, "per": "20s"}],
}

PEOPLE: Final = tuple(f"p{number}" for number in range(16))

APART: Final = PEOPLE[:8]
"""Those with whom nobody is ever merged: their twin is known. With the others visitors become one."""

SLOT_MAP: Final = SlotMap(SHARDS)


def write_project(folder: Path, port: int) -> None:
    """Write it for a mail server on this port."""
    email = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "sender": "shop@shop.example",
        "connections_max": 3,
        "timeout_s": 1.5,
        "connect_timeout_s": 1.5,
    }
    properties = {"cart": "string", "number": "integer"}
    to_write: dict[str, Any] = {
        "parcours": {
            "project": "shop",
            "policies": POLICIES,
            "channels": {"email": email},
            "anonymous_history": "used",
        },
        "profile": {"traits": {"email": "string", "phone": "string", "seen": "integer"}},
        "events": {"events": {name: {"properties": properties} for name in EVENTS}},
    }
    for name in ("receipt", "reminder", "question", "note"):
        content = {"subject": name, "text": "Hello"}
        to_write[f"messages/{name}"] = {"message": name, "status": "ready", "email": content}
    to_write["messages/receipt"]["class"] = "transactional"
    to_write["messages/reminder"]["expires"] = "1m"
    for journey in (CHECKOUT, ORDER, NEWS, THANKS):
        to_write[f"journeys/{journey['journey']}"] = _faster(journey)
    for name, document in to_write.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document), encoding="utf-8")  # which is YAML as well


def _faster(value: Any) -> Any:
    """The same document with other durations, but not those within expressions."""
    match value:
        case dict():
            return {key: _faster(each) for key, each in value.items()}
        case list():
            return [_faster(each) for each in value]
        case str() if re.fullmatch(r"\d+[smhd]", value):
            return PACE[value]
        case _:
            return value
