"""Identity and hash slots: the name of the person that a call is about, and the slot in which she lives.

A person has one name. A known person's is the user id as it is. Everybody else's belongs to a namespace and is written
`@namespace/id`: `@anonymous/7f3a`, `@loyalty/4711`. A user id that begins with `@` is itself written `@user/...`, so
that two people never share a name.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from parcours.journey.identities import ANONYMOUS as ANONYMOUS
from parcours.journey.identities import USER as USER

NO_IDS: Final = frozenset(
    {
        "", "0", "none", "null", "nil", "undefined", "nan", "true", "false", "anonymous", "guest", "user", "unknown",
        "id", "email", "distinct_id", "[object object]", "00000000-0000-0000-0000-000000000000",
    }
)  # fmt: skip
"""What programs send in place of an id, in lower case. All who have one of them would become one person."""

SLOTS = 1_024
"""Hash slots over all shards: enough to share out, and so many that the dict of people of each stays small."""


def user_name(user_id: str) -> str:
    """The name of the known person with this user id."""
    return f"@{USER}/{user_id}" if user_id.startswith("@") else user_id


def person_asked_for(text: str) -> str:
    """The person for a user id, or for a name copied from a result, as a user types it.

    A text that begins with `@` and holds a `/` is a name as it is; any other is a user id.
    """
    return text if "/" in text else user_name(text)


def person_name(user_id: str | None, anonymous_id: str | None) -> str | None:
    """The name for a call with these ids, None if it has neither."""
    if user_id:
        return user_name(user_id)
    return f"@{ANONYMOUS}/{anonymous_id}" if anonymous_id else None


def person_in(namespace: str, value: object, *, caseless: bool = False) -> str | None:
    """The name for the value of an event type's key, None if the value cannot be an id.

    caseless  make the name in lower case, so that every way of writing it means the same person
    """
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    text = str(value).lower() if caseless else str(value)
    return person_name(text, None) if namespace == USER else f"@{namespace}/{text}"


def namespace_of(name: str) -> str:
    """The namespace of a person's name."""
    return name[1 : name.index("/")] if name.startswith("@") else USER


def id_of(name: str) -> str:
    """The id by which a person's name calls her in its namespace."""
    return name[name.index("/") + 1 :] if name.startswith("@") else name


def is_no_id(text: str) -> bool:
    """Whether an id says nothing of whose it is: many people's programs send it in place of one."""
    return text.strip().lower() in NO_IDS


NAME_HASH_BYTES: Final = 5
"""Bytes of the hash by which a name is found in its slot: people of one slot that share one are told apart."""


def slot_of(person: str) -> int:
    """The hash slot of a name, the same on every machine and for any number of shards.

    Whoever wants to know where somebody lives asks a slot map.
    """
    return zlib.crc32(person.encode()) % SLOTS


def name_hash(name: str) -> bytes:
    """The hash by which a name is found in its slot."""
    return blake2b(name.encode(), digest_size=NAME_HASH_BYTES).digest()


def shard_of(slot: int, shards: int) -> int:
    """The shard that owns a slot: each gets a contiguous range."""
    return slot * shards // SLOTS


@dataclass(frozen=True, slots=True)
class SlotMap:
    """Where people live: which hash slot a name has, and which shard owns a slot.

    Whoever looks for a person asks the same map: the router, the shard, and whoever looks in.

    shards  how many of them share the slots
    homes   the slot of each name that lives in another one than that of its hash: in a simulation all who may be merged
            live together. Keys of deliveries have the slot of the hash all the same
    """

    shards: int
    homes: Mapping[str, int] = field(default_factory=dict, hash=False, repr=False)
    _homes_of_hashes: dict[tuple[int, bytes], int] = field(
        init=False, default_factory=dict, hash=False, compare=False, repr=False
    )
    """The same by slot and hash, as keys of deliveries have both; made once somebody asks."""

    def slot(self, person: str) -> int:
        """The slot in which a person lives."""
        return self.slot_of_bytes(person.encode()) if self.homes else zlib.crc32(person.encode()) % SLOTS

    def slot_of_bytes(self, name: bytes) -> int:
        """The slot in which a person lives whose name has been encoded already."""
        own = zlib.crc32(name) % SLOTS
        return self.homes.get(name.decode(), own) if self.homes else own

    def slot_of_hash(self, own: int, hashed: bytes) -> int:
        """The slot in which somebody lives of whom only the slot of her name is known, and its hash."""
        if self.homes and not self._homes_of_hashes:
            self._homes_of_hashes.update(((slot_of(name), name_hash(name)), home) for name, home in self.homes.items())
        return self._homes_of_hashes.get((own, hashed), own)

    def owner(self, slot: int) -> int:
        """The number of the shard that owns a slot."""
        return shard_of(slot, self.shards)

    def shard(self, person: str) -> int:
        """The number of the shard in which a person lives."""
        return self.owner(self.slot(person))

    def owned_by(self, shard: int) -> list[int]:
        """The slots of a shard, in ascending order."""
        return [slot for slot in range(SLOTS) if self.owner(slot) == shard]
