"""Does a keeper that was succeeded find out whether somebody keeps the engine?"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parcours.errors import ShardUnavailable, StoreBusy
from parcours.service.succession import OPENING_WITHIN_MS, Succession
from parcours.store.claims import PassingClaims


class Port:
    """A shard's: it does as the keeper says, or as another one does."""

    def __init__(self, *, obeys: bool = True) -> None:
        self._obeys = obeys

    async def ask(self, request: Any, /) -> Any:
        if not self._obeys:
            raise StoreBusy("the engine is kept under epoch 2")

    async def close(self) -> None:
        raise AssertionError("nobody closes a shard here")


def is_over(claims: PassingClaims, *ports: Port, after_ms: float) -> bool:
    """Whether the keeper may take over, so long after it let go."""
    try:
        asyncio.run(Succession(claims, ports, since_ms=0.0).check_over(after_ms))
    except ShardUnavailable:
        return False
    return True


@pytest.fixture
def claims() -> PassingClaims:
    """Somebody has taken over from the keeper."""
    claims = PassingClaims(2)
    claims.take_over("host-1, process 7")
    claims.take_over("host-2, process 8")
    return claims


def test_whoever_has_taken_over_and_says_nothing_is_given_time(claims: PassingClaims) -> None:
    assert not is_over(claims, Port(), Port(), after_ms=OPENING_WITHIN_MS - 1)


def test_one_that_has_told_no_shard_within_that_time_has_ended(claims: PassingClaims) -> None:
    assert is_over(claims, Port(), Port(), after_ms=OPENING_WITHIN_MS)


def test_one_that_has_told_some_shard_keeps_the_engine(claims: PassingClaims) -> None:
    assert not is_over(claims, Port(), Port(obeys=False), after_ms=OPENING_WITHIN_MS)


def test_one_that_has_given_up_is_over_at_once(claims: PassingClaims) -> None:
    claims.give_up(2)
    assert is_over(claims, Port(obeys=False), after_ms=0.0)
