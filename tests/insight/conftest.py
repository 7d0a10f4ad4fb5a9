"""What the tests of explanations and differences share: facts of one run, written briefly."""

from __future__ import annotations

from typing import Protocol

import pytest

from parcours.core.fact import DeliveryReached, Moved, Outcome, What


class MoveFact(Protocol):
    """A move of sarah's first run of `cart`, unless it says otherwise."""

    def __call__(
        self, at: int, what: What, step: str | None = None, why: str | None = None, run: int | None = 1
    ) -> Moved: ...


class DeliveryFact(Protocol):
    """A state of an email that sarah's first run of `cart` sent at `remind`."""

    def __call__(
        self, at: int, outcome: Outcome, key: str = "k1", *, who: str = "sarah", channel: str = "email"
    ) -> DeliveryReached: ...


@pytest.fixture
def move() -> MoveFact:
    def fact(at: int, what: What, step: str | None = None, why: str | None = None, run: int | None = 1) -> Moved:
        return Moved(at, "sarah", "cart", 1, run, step, what, why)

    return fact


@pytest.fixture
def delivery() -> DeliveryFact:
    def fact(
        at: int, outcome: Outcome, key: str = "k1", *, who: str = "sarah", channel: str = "email"
    ) -> DeliveryReached:
        return DeliveryReached(
            at, who, "cart", 1, 1, "remind", channel, "reminder", "a@b.example", outcome, None, key, None, None,
            1, "marketing", "cart", 1, None,
        )  # fmt: skip

    return fact
