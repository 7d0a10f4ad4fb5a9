"""Many deliveries in one call of `send`: side by side, bounded in number and in time.

One rule decides what a failure means. A delivery's attempt is marked as *departed* before the first byte
leaves that could make the provider take it over. A time-out, a broken connection, any error before that
mark is `NotSent`, after it `Ambiguous`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from parcours.channel.vocabulary import Ambiguous, Delivery, NotSent, Receipt

NAMELESS: Mapping[type[BaseException], str] = {TimeoutError: "no answer in time"}
"""What errors without words of their own mean here."""


@dataclass(slots=True)
class Attempt:
    """How far one delivery has got, and how long the provider asked to wait, in seconds, if it did."""

    departed: bool = False
    retry_after_s: float | None = None

    def failed(self, key: str, why: Exception | str) -> Receipt:
        """The receipt where it broke off: before it departed certainly nothing was sent, afterwards nobody can say."""
        reason = why if isinstance(why, str) else _reason(why)
        return Ambiguous(key, reason) if self.departed else NotSent(key, reason)


class SideBySide:
    """Sends deliveries at once, over all calls of `send` together at most `at_once_max`.

    timeout_s   how long one call may take; it has to end before the engine's own `send_timeout_s`, or
                deliveries that still waited for their turn would count as ambiguous too
    """

    def __init__(self, at_once_max: int, timeout_s: float) -> None:
        self._turns = asyncio.Semaphore(at_once_max)
        self._timeout_s = timeout_s

    async def send(
        self, deliveries: Sequence[Delivery], send_one: Callable[[Delivery, Attempt], Awaitable[Receipt]]
    ) -> list[Receipt]:
        """One receipt each, in the order given. An error in `send_one` concerns its own delivery only."""
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        attempts = [Attempt() for _ in deliveries]

        async def bounded(delivery: Delivery, attempt: Attempt) -> Receipt:
            async with asyncio.timeout_at(deadline), self._turns:
                return await send_one(delivery, attempt)

        outcomes = await asyncio.gather(*map(bounded, deliveries, attempts), return_exceptions=True)
        return list(map(_receipt, deliveries, attempts, outcomes))


def _receipt(delivery: Delivery, attempt: Attempt, outcome: Receipt | BaseException) -> Receipt:
    if not isinstance(outcome, BaseException):
        return outcome
    if not isinstance(outcome, Exception):
        raise outcome
    return attempt.failed(delivery.key, outcome)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else NAMELESS.get(type(error), repr(error))
