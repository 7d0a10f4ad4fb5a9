"""How a destination is written: all that a destination plugin may import from Parcours, beside `parcours.channel`.

A destination is another system that is told who enters an audience, and who leaves it. It is a class named by an entry
point of the group `parcours.destinations`. One instance for each destination of the project lives in one dispatcher;
the engine calls `start` once, then `send` for as long as it runs, then `stop` once. All of it runs on one asyncio
loop, which a destination must not block.

Rules that a destination keeps:

- It answers for each member with a receipt whose key is the member's `id`, by the rules of channels: what certainly did
  not arrive is `NotSent`, what may have arrived is `Ambiguous`, what the other side will not have is `Refused`.
- What holds for everybody, such as no connection or a login that is not taken, is `NotSent(of_channel=True)`: the
  engine then tries with one member at a time, after growing pauses, and nobody else's attempts are used up.
- It does not sleep in order to retry.
- The same `id` may come again, with the same content: after an ambiguous receipt, and after a crash. Where the other
  side can tell, it should be told; `attempt` says when to look.

Of one person a change comes only after the receipt for the one before, so the other side has changes of a person in
order, but for one that was left in doubt: that one is followed minutes later.

A destination of facts (facts.py) has `publish` in place of `send`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, Protocol, runtime_checkable

import msgspec
from pydantic import BaseModel

from parcours.channel import Receipt
from parcours.destination.facts import FactRow, FactsDestination, FactsRefused

GROUP: Final = "parcours.destinations"
"""The entry-point group in which destinations are found."""

Change = Literal["entered", "left", "member"]


@dataclass(frozen=True, slots=True)
class Member:
    """What is told of somebody: that she has entered the audience or has left it, or in a snapshot that she is in it.

    id           the change's own name, the same for a retry: 37 characters of [0-9a-f]
    at           since when, as ISO 8601 in UTC
    destination  its name in destinations.yaml
    key          by what the other side knows the person
    fields       what else is told of her; nothing of one who has left
    attempt      1 for the first attempt
    snapshot     of which instant she is a member, as ISO 8601 in UTC; None outside of snapshots
    """

    id: str
    at: str
    destination: str
    change: Change
    key: str
    fields: dict[str, Any]
    attempt: int = 1
    snapshot: str | None = None

    def as_json(self) -> bytes:
        """The member as one JSON object."""
        told = {
            "id": self.id,
            "at": self.at,
            "destination": self.destination,
            "change": self.change,
            "key": self.key,
            "fields": self.fields,
            **({} if self.snapshot is None else {"snapshot": self.snapshot}),
        }
        return msgspec.json.encode(told)


@runtime_checkable
class Destination(Protocol):
    """One way to tell another system. The constructor takes the validated `Settings` and does nothing else.

    It may have `libraries`, a tuple of names: what it imports only when it starts; a missing one is told before.
    """

    Settings: ClassVar[type[BaseModel]]
    """What destinations.yaml holds under `to: {plugin: {name: NAME, settings: {...}}}`."""

    def __init__(self, settings: Any) -> None: ...

    async def start(self) -> None:
        """Open connections and files. May raise: the dispatcher tries again with a back-off."""

    async def send(self, members: Sequence[Member]) -> list[Receipt]:
        """Tell of these members, none to at most `batch` of them, and answer with one receipt each, in any order.

        An exception, or a receipt that is missing, counts as `Ambiguous`. Calls may overlap, never for one person.
        """

    async def stop(self) -> None:
        """Close what `start` opened. Called once, after the last `send` has returned."""


@runtime_checkable
class SnapshotDestination(Destination, Protocol):
    """A destination that can be told of all members at once, too, as destinations.yaml asks for by `full`.

    For a snapshot `begin` is called once, `add` for all members bit by bit and in no order, then `finish`; or `abandon`
    wherever it breaks off. There is one at a time, and `send` goes on meanwhile: a change that is later than the
    snapshot holds beside it, whichever of the two comes first. Whatever raises ends it.
    """

    async def begin(self, snapshot: str) -> None:
        """A snapshot of this instant begins."""

    async def add(self, members: Sequence[Member]) -> None:
        """These are members, at most `batch` of them."""

    async def finish(self) -> None:
        """That was all. It holds from now on."""

    async def abandon(self) -> None:
        """It does not come about: what was there before stays. May be called without `begin`."""


__all__ = [
    "GROUP",
    "Change",
    "Destination",
    "FactRow",
    "FactsDestination",
    "FactsRefused",
    "Member",
    "SnapshotDestination",
]
