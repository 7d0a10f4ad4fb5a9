"""Calls into a channel's code, which may do anything: raise, hang, ignore that it is cancelled, or answer nonsense.

Whatever it does, a call ends within a limit, and what comes back can be stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec
from msgspec.structs import asdict, replace

from parcours.channel import CAPACITY, Accepted, Ambiguous, Channel, NotSent, Receipt, Refused
from parcours.surrogates import mended_value
from parcours.wording import error_words, words_of

T = TypeVar("T")

GRACE_S: Final = 1.0
"""How long a call that has been cancelled may take to clean up. One that goes on is left behind."""

KINDS: Final[tuple[type[Receipt], ...]] = (Accepted, NotSent, Ambiguous, Refused)


class OutsiderFailed(Exception):
    """A channel's code did not do what it was asked for; the argument says why."""


async def bounded_call(call: Callable[[], Awaitable[T]], send_timeout_s: float) -> T:
    """What the call returns. Raises OutsiderFailed for whatever else becomes of it, and where it takes longer."""
    task = asyncio.ensure_future(_asked(call))
    try:
        await asyncio.wait({task}, timeout=send_timeout_s)
    except asyncio.CancelledError:
        await _give_up(task)
        raise
    if not task.done():
        await _give_up(task)
        raise OutsiderFailed(f"no answer from the channel within {send_timeout_s=}")
    if task.cancelled():  # by its own code
        raise OutsiderFailed("the channel broke: CancelledError")
    return task.result()


async def _asked(call: Callable[[], Awaitable[T]]) -> T:
    try:
        return await call()
    except (Exception, SystemExit) as error:
        raise OutsiderFailed(f"the channel broke: {error_words(error)}") from error


async def _give_up(task: asyncio.Task[T]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=GRACE_S)
    task.add_done_callback(_look_away)


def _look_away(task: asyncio.Task[T]) -> None:
    """Nobody waits for it any more; without a look at its error asyncio would complain of it."""
    if not task.cancelled():
        task.exception()


def storable(receipt: Receipt) -> Receipt:
    """The receipt as it can be stored. Raises ValueError where a field is not of the kind that it should be."""
    kind = next(kind for kind in KINDS if isinstance(receipt, kind))
    try:
        mended = replace(receipt, **{name: mended_value(value) for name, value in asdict(receipt).items()})
        return msgspec.msgpack.decode(msgspec.msgpack.encode(mended), type=kind)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise ValueError(f"a receipt that cannot be used: {words_of(error)}") from None


def capacity_of(channel: Channel) -> int:
    """How many deliveries the channel can have under way now; CAPACITY where it does not say, or nothing of use."""
    return _count(channel, "capacity", CAPACITY)


def handed_over_max(channel: Channel) -> int:
    """How many deliveries one call of `send` takes; 1 where it does not say, or nothing of use."""
    return _count(channel, "batch_max", 1)


def _count(channel: Channel, name: str, otherwise: int) -> int:
    try:
        said = getattr(channel, name, otherwise)
    except Exception:  # noqa: BLE001  # a property is a stranger's code, too
        return otherwise
    return said if type(said) is int and said > 0 else otherwise
