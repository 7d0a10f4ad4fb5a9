"""What one destination has been told of a person, and what it is being told now; and who is to be in none."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

MemberChange: TypeAlias = Literal["entered", "left"]

ToldOf: TypeAlias = MemberChange | Literal["member"]
"""What a destination is told of somebody: a change, or in a snapshot that she is a member."""


class PersonWithheld(msgspec.Struct, frozen=True):
    """An input: she is about to be erased: from now on no destination is to have her."""

    at: int


class SyncState(msgspec.Struct, array_like=True):
    """
    number    how many changes it has been told of, or was to be
    there     by which keys the other side may have her: whether that is certain
    state     of the newest change; idle: it is known what became of it, or there has been none
    change, under, at, fields  what the newest change says: which one it is, her key, since when, and her fields
    key       the newest change's own, that of its outbox entry
    attempt   the number of the attempt that was begun last, or is to come next
    until     before that nothing leaves: an earlier attempt may be on its way, or the other side asks for a pause
    unwanted  the key under which the other side will not have her, for as long as she would be there under it
    withheld  she is about to be erased, and is to be there under no key
    """

    number: int = 0
    there: dict[str, bool] = {}
    state: Literal["idle", "queued", "claimed"] = "idle"
    change: MemberChange = "entered"
    under: str = ""
    at: int = 0
    fields: dict[str, object] = {}
    key: str = ""
    attempt: int = 1
    until: int = 0
    unwanted: str | None = None
    withheld: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the other side has her under no key, and nothing is under way."""
        return self.state == "idle" and not self.there
