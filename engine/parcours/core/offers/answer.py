"""What a decision has chosen, and what spoke for and against every offer that it looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

Reason: TypeAlias = Literal[
    "chosen", "outranked", "no_content", "not_started", "ended", "not_eligible", "capped", "already_chosen",
    "no_personalisation", "capped_total", "capped_total_unknown",
]  # fmt: skip
"""What became of an offer: it was chosen, others went before it, or the first thing that spoke against it."""

LETTERS: Final[Mapping[Reason, str]] = {
    "chosen": "c", "outranked": "o", "no_content": "n", "not_started": "s", "ended": "e", "not_eligible": "i",
    "capped": "p", "already_chosen": "a", "no_personalisation": "x",
    "capped_total": "t", "capped_total_unknown": "u",
}  # fmt: skip
"""What facts have for each: there is one for every offer that was looked at."""

REASONS: Final[Mapping[str, Reason]] = {letter: reason for reason, letter in LETTERS.items()}
"""What each letter of facts means."""

CAPPED: Final = frozenset(letter for letter, reason in REASONS.items() if reason.startswith("capped"))
"""The letters of what caps keep away."""

Score: TypeAlias = int | float | None


class Looked(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One offer that a strategy looked at.

    score  by which it was ranked, of one that got so far; None where it is missing or no number
    why    in words, where these were asked for
    """

    offer: str
    reason: Reason
    score: Score = None
    why: str = ""


class Tried(msgspec.Struct, frozen=True, array_like=True):
    """A strategy that was tried, by its place in the document.

    unmet   why it was passed over, None if it was not; empty where no words were asked for
    looked  each offer of its collection, those that might be chosen first and in their order
    """

    strategy: int
    unmet: str | None = None
    looked: tuple[Looked, ...] = ()


class Chosen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An offer that was chosen; `strategy` is None for the fallback, which has no score."""

    offer: str
    score: Score = None
    strategy: int | None = None

    @property
    def is_fallback(self) -> bool:
        return self.strategy is None


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What one decision has chosen for one placement, the best first; nothing if there is nothing.

    tried  the strategies as far as they were needed
    """

    decision: str
    placement: str
    chosen: tuple[Chosen, ...]
    tried: tuple[Tried, ...]
