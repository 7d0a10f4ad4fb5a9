"""The shop of tests/engine in a cluster: it counts the visits of ten people."""

from __future__ import annotations

from parcours import Engine
from parcours.journey.project import Project

PATIENCE_S = 60.0


def opened(project: Project, store: str, shards: int = 1) -> Engine:
    """The engine, which stays when it is closed."""
    return Engine.open(project, store, shards=shards, records=["email"], address="auto")


def see(engine: Engine, many: int, *, first: int = 0) -> None:
    """Events of several people, each once."""
    calls = [_seen(f"u{number % 10}", number) for number in range(first, first + many)]
    assert engine.ingest(calls).result(PATIENCE_S).accepted == many


def visits(engine: Engine) -> int:
    """How many events have been applied to all of them."""
    found = (engine.profile(f"u{number}") for number in range(10))
    return sum(0 if each is None else each.counts.get("visits", 0) for each in found)


def _seen(person: str, number: int) -> dict[str, object]:
    return {"type": "track", "userId": person, "event": "Seen", "messageId": f"{person}-{number}"}
