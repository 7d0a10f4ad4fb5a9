"""Many deliveries in one call of `send`: side by side, bounded in number and in time.

One rule decides what a failure means. A delivery's attempt is marked as *departed* before the first byte
leaves that could make the provider take it over. A time-out, a broken connection, any error before that
mark is `NotSent`, after it `Ambiguous`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from parcours.channel.vocabulary import Ambiguous, Delivery, NotSent, Receipt

NAMELESS: Mapping[type[BaseException], str] = {TimeoutError: "no answer in time"}
"""What errors without words of their own mean here."""


@dataclass(slots=True)
class Attempt:
    """How far one delivery has got, and how long the provider asked to wait, in seconds, if it did.

    begun  it has had its turn: `send_one` was called
    """

    departed: bool = False
    retry_after_s: float | None = None
    begun: bool = False

    def failed(self, key: str, why: BaseException | str) -> Receipt:
        """The receipt where it broke off: before it departed certainly nothing was sent, afterwards nobody can say."""
        reason = why if isinstance(why, str) else _reason(why)
        return Ambiguous(key, reason) if self.departed else NotSent(key, reason)


class SideBySide:
    """Sends deliveries at once, over all calls of `send` together at most `at_once_max`.

    timeout_s   how long one call may take; it has to end before the engine's own `send_timeout_s`, or
                deliveries that still waited for their turn would count as ambiguous too
    one_provider  one server takes all deliveries. When it cannot be reached, those that have not begun are given back
                untried; leave it out where each address may be another server's
    """

    def __init__(self, at_once_max: int, timeout_s: float, *, one_provider: bool = False) -> None:
        self._turns = asyncio.Semaphore(at_once_max)
        self._timeout_s = timeout_s
        self._one_provider = one_provider

    async def send(
        self, deliveries: Sequence[Delivery], send_one: Callable[[Delivery, Attempt], Awaitable[Receipt]]
    ) -> list[Receipt]:
        """One receipt each, in the order given. An error in `send_one` concerns its own delivery only."""
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        blocked: list[NotSent] = []

        async def bounded(delivery: Delivery) -> Receipt:
            attempt = Attempt()
            try:
                async with asyncio.timeout_at(deadline), self._turns:
                    if blocked:
                        return replace(blocked[0], key=delivery.key, tried=False)
                    attempt.begun = True
                    receipt = await send_one(delivery, attempt)
            except asyncio.CancelledError as error:
                if _is_cancelled():
                    raise
                receipt = self._failed(delivery, attempt, error)  # of a task that it waited for
            except (Exception, SystemExit) as error:  # noqa: BLE001  # a mistake concerns its own delivery
                receipt = self._failed(delivery, attempt, error)
            if self._one_provider and isinstance(receipt, NotSent) and receipt.of_channel:
                blocked.append(receipt)
            return receipt

        outcomes = await asyncio.gather(*map(bounded, deliveries), return_exceptions=True)
        return [_receipt(outcome) for outcome in outcomes]

    def _failed(self, delivery: Delivery, attempt: Attempt, error: BaseException) -> Receipt:
        """Where one server takes all deliveries, what keeps one from leaving keeps the others, too."""
        receipt = attempt.failed(delivery.key, error)
        if not isinstance(receipt, NotSent) or not self._one_provider:
            return receipt
        if not attempt.begun:
            return replace(receipt, tried=False)
        # Time-outs and failures of TLS are an OSError, too; the other comes of a name that no host can have.
        return replace(receipt, of_channel=isinstance(error, OSError | UnicodeError))


def _receipt(outcome: Receipt | BaseException) -> Receipt:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _reason(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # a stranger's `__str__`
        text = ""
    name = type(error).__name__
    return f"{name}: {text}" if text else NAMELESS.get(type(error), name)
