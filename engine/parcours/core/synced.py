"""The fact of what became of telling a destination that a person has entered its audience, or left it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from parcours.core.sync_state import ToldOf

SyncOutcome: TypeAlias = Literal["queued", "retried", "sent", "failed"]


class Synced(msgspec.Struct, frozen=True, array_like=True, tag="synced", gc=False):
    """A change that a destination is told of has reached a state.

    known_as  by which key the other side knows her
    fields    what was told of her, once it was
    key       the change's own
    """

    at: int
    person: str
    destination: str
    change: ToldOf
    known_as: str
    fields: dict[str, object]
    outcome: SyncOutcome
    key: str
    reason: str | None = None
    code: str | None = None
