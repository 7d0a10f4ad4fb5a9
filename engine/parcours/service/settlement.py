"""What an engine still has to do before it is at rest, in words, from the status of its shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from parcours.shard.messages import Status


def outstanding(statuses: Iterable[Status], now_ms: int) -> list[str]:
    """Deliveries by channel, those under way, timers whose time is past, messages that shards have for each other;
    nothing where all is at rest.
    """
    ready: Counter[str] = Counter()
    claimed, overdue, unanswered = 0, 0, 0
    for status in statuses:
        ready.update(status.ready)
        claimed += status.claimed
        overdue += status.next_ms is not None and status.next_ms < now_ms
        unanswered += status.unanswered
    said = [f"deliveries that wait for channel {channel!r}: {count}" for channel, count in sorted(ready.items())]
    if claimed:
        said.append(f"deliveries under way: {claimed}")
    if overdue:
        said.append(f"shards with timers overdue: {overdue}")
    if unanswered:
        said.append(f"messages between shards that are not answered: {unanswered}")
    return said
