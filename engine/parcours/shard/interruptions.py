"""What was under way when the engine, or a dispatcher, stopped: told for a while, so that nobody has to ask for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

MessageClass: TypeAlias = Literal["marketing", "transactional"]


class Fate(NamedTuple):
    """What becomes of a delivery that was under way."""

    message_class: MessageClass
    is_sent_again: bool


class Interruptions:
    """The interruptions of one shard's deliveries since it was opened."""

    def __init__(self, told_for_ms: int) -> None:
        self._told_for_ms = told_for_ms
        self._told: list[tuple[int, str]] = []

    def note(self, at_ms: int, who: str, fates: Iterable[Fate]) -> None:
        """At this time `who` had stopped, with these deliveries under way."""
        counted = Counter(fates)
        if counted:
            self._told = [*self._standing(at_ms), (at_ms, _in_words(who, counted))]

    def troubles(self, now_ms: int) -> list[str]:
        """A sentence for each, for as long as it is told."""
        self._told = self._standing(now_ms)
        return [sentence for _, sentence in self._told]

    def _standing(self, now_ms: int) -> list[tuple[int, str]]:
        return [(at_ms, sentence) for at_ms, sentence in self._told if now_ms < at_ms + self._told_for_ms]


def _in_words(who: str, counted: Counter[Fate]) -> str:
    again = sum(count for fate, count in counted.items() if fate.is_sent_again)
    marketing = counted[Fate("marketing", is_sent_again=False)]
    given_up = counted[Fate("transactional", is_sent_again=False)]
    parts = [
        f"{count} {words}"
        for count, words in (
            (again, "will be sent again"),
            (marketing, "(marketing) will not"),
            (given_up, "(without attempts left, or of a run that was left) will not"),
        )
        if count
    ]
    total = counted.total()
    were = "1 delivery was" if total == 1 else f"{total} deliveries were"
    return f"{were} under way when {who} stopped: {', '.join(parts)}"
