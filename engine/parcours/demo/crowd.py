"""Simulated people's reactions, pseudo-random by a fixed seed: the same delivery gets the same reactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

BASIS_POINTS = 10_000
"""Shares are whole numbers out of this, so that no rounding can differ between machines."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How people react on one channel.

    opened    share of deliveries opened, in basis points
    clicked   share of those opened in which a link is clicked, in basis points
    open_after_ms, click_after_ms   the shortest and the longest time until then, from the send and from the
                                    opening; short ones are the more frequent
    """

    opened: int
    clicked: int
    open_after_ms: tuple[int, int]
    click_after_ms: tuple[int, int]


@dataclass(frozen=True, slots=True)
class LumaCrowd:
    """People whose reactions depend on `seed` and the delivery. A channel without a habit gets none."""

    seed: int
    habits: Mapping[str, Habit] = field(default_factory=dict)

    def reactions(self, key: str, channel: str) -> tuple[tuple[int, str], ...]:
        """The reactions to the delivery `key`: (milliseconds after the send, reaction), in order of time."""
        habit = self.habits.get(channel)
        if habit is None:
            return ()
        chance = blake2b(f"{self.seed}\0{key}".encode(), digest_size=16).digest()
        opens, clicks, open_at, click_at = (int.from_bytes(chance[i : i + 4], "big") for i in (0, 4, 8, 12))
        if opens % BASIS_POINTS >= habit.opened:
            return ()
        opened_ms = _delay_ms(open_at, habit.open_after_ms)
        if clicks % BASIS_POINTS >= habit.clicked:
            return ((opened_ms, "opened"),)
        return ((opened_ms, "opened"), (opened_ms + _delay_ms(click_at, habit.click_after_ms), "clicked"))


def _delay_ms(chance: int, bounds_ms: tuple[int, int]) -> int:
    """A time within the bounds; by the square, half of all times lie in the first quarter."""
    shortest, longest = bounds_ms
    return shortest + (((longest - shortest) * chance * chance) >> 64)
