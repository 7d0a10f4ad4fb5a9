"""How a destination takes facts: rows of what happened, as they are exported.

One instance for each destination of facts and shard lives where facts are exported. The engine calls `start`, then
`publish` with one batch after the other, never two at a time, then `stop`. Whatever `publish` raises, `stop` follows
and then, after a growing pause, `start` and `publish` with the same facts again: so a broken connection needs no care.

Rules that it keeps:

- When `publish` returns, the other side has all of these facts durably. It raises where that is not so, or not known.
- Facts of one person arrive in their order. Whatever comes behind one that did not arrive must not be there before it.
- A fact may come again, with the same `id` and the same bytes: after an exception, and after a crash. Where the other
  side can tell, it should be told.
- What the other side will have in no form, such as one that is too long for it, is answered for with `FactsRefused`,
  once all others of the batch are there. These facts do not come again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class FactRow:
    """
    id      the fact's own name, the same for a retry: `PROJECT/DESTINATION/SHARD/RECORD/N`
    table   of which it is a row
    person  whom it concerns, by her name at that time; "" where that is nobody
    body    one JSON object
    """

    id: str
    table: str
    person: str
    body: bytes


class FactsRefused(Exception):
    """All facts of a batch are there but for these, which the other side will never have."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        """reasons: why, by `id`."""
        super().__init__(dict(reasons))
        self.reasons = dict(reasons)


@runtime_checkable
class FactsDestination(Protocol):
    """One way to hand facts to another system. The constructor takes the validated `Settings` and does nothing else.

    It is found as one of members is, and a class may be both. It may have `libraries`, too.
    """

    Settings: ClassVar[type[BaseModel]]

    def __init__(self, settings: Any) -> None: ...

    async def start(self) -> None:
        """Open connections and files. May raise: it is tried again."""

    async def publish(self, facts: Sequence[FactRow]) -> None:
        """Hand over these facts, none to at most `batch` of them, all of one shard and in its order."""

    async def stop(self) -> None:
        """Close what `start` opened. Follows each `start`, also one that raised."""
