"""Requests to a shard about one person: what is known of her, and whose an address is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from parcours.core.effect import Outgoing
from parcours.core.profile import Profile
from parcours.shard.dead_letters import DeadLetter
from parcours.shard.erasures import Erased, Erasure
from parcours.shard.found import Located, ProfileFound
from parcours.shard.messages import Look, Recalled
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class GetProfile(Request[ProfileFound], frozen=True, tag="profile"):
    """Everything known of the person of a name.

    look  who looks, to be recorded; None for a question of the engine's own
    """

    name: str
    look: Look | None = None

    async def put_to(self, host: ShardHost) -> ProfileFound:
        return await host.people.profile(self.name, self.look)


class Locate(Request[Located], frozen=True, tag="locate"):
    """Under which name the person of a name lives, and which others she has."""

    name: str

    async def put_to(self, host: ShardHost) -> Located:
        return await host.people.locate(self.name)


class NoteLook(Request[None], frozen=True, tag="note_look"):
    """Somebody looks at these people. It is recorded with the next commit, which comes within a second."""

    people: list[str]
    look: Look

    async def put_to(self, host: ShardHost) -> None:
        await host.people.note_look(self.people, self.look)


class KnownNames(msgspec.Struct, frozen=True, array_like=True):
    """
    moved_to  whose name it is by now, None if it is a person's own
    names     the other names of the person, each with the messages that her shard has consumed under it, as a record
              has them: (effective time, keys one after the other)
    """

    moved_to: str | None = None
    names: dict[str, list[tuple[int, bytes]]] = {}


class GetNames(Request[KnownNames], frozen=True, tag="names"):
    """What else is the person called, or who has this name by now?"""

    person: str

    async def put_to(self, host: ShardHost) -> KnownNames:
        return host.people.names(self.person)


class Erase(Request[Erasure | None], frozen=True, tag="erase"):
    """Forget a person: it is durable once it is answered, and what is left of her goes later (erasures.py).

    Answered with None where she has other names than those that have been forgotten, or waits for somebody just now.

    name    of the erasure, which begins with her slot; the answer has another one if she is being erased already
    salt    for the shard's hashes, if it has none yet
    by      the name of the key
    names   other names of hers, which the shards that own them have forgotten
    ids     of a name: the messages that its owner's shard has consumed under it
    """

    person: str
    name: str
    salt: bytes
    by: str
    names: list[str] = msgspec.field(default_factory=list)
    ids: list[tuple[int, bytes]] = msgspec.field(default_factory=list)

    async def put_to(self, host: ShardHost) -> Erasure | None:
        return await host.people.erase(self)


class EraseTraces(Request[bool], frozen=True, tag="erase_traces"):
    """Somebody of another shard was erased: what messages between shards have said of her goes, too.

    False, and to be asked again, while one of this shard names her that has not been answered.

    name  of the erasure, which begins with a slot of the shard that is asked
    """

    slot: int
    person: str
    names: list[str]
    name: str
    salt: bytes
    by: str

    async def put_to(self, host: ShardHost) -> bool:
        return await host.people.erase_traces(self)


class EraseAgain(Request[None], frozen=True, tag="erase_again"):
    """Forget whoever of this slot has this hash: she was erased after the backup that this store was restored from."""

    slot: int
    name: str
    salt: bytes
    hashed: bytes

    async def put_to(self, host: ShardHost) -> None:
        await host.people.erase_again(self.slot, self.name, self.salt, self.hashed)


class StepErasures(Request[bool], frozen=True, tag="step_erasures"):
    """Do a part of what erasures have left to do in the shard's own files; whether to come again at once."""

    async def put_to(self, host: ShardHost) -> bool:
        return await host.step_erasures()


class GetErasures(Request[Erased], frozen=True, tag="erasures"):
    """The erasures that the shard knows, and how far its export is."""

    async def put_to(self, host: ShardHost) -> Erased:
        return await host.erasures()


class EndErased(Request[None], frozen=True, tag="end_erased"):
    """No exported file has anything of these erasures any more. May be repeated."""

    names: list[str]

    async def put_to(self, host: ShardHost) -> None:
        await host.end_erased(self.names)


class EndErasedSets(Request[None], frozen=True, tag="end_erased_sets"):
    """No file of a campaign has anything of these erasures any more. May be repeated."""

    names: list[str]

    async def put_to(self, host: ShardHost) -> None:
        await host.step(lambda shard, now: shard.erasing.rid_of_sets(self.names, now))


class FindReached(Request[list[str]], frozen=True, tag="reached"):
    """The names to which something has left for this address of the channel lately, from this shard, sorted."""

    channel: str
    address: str

    async def put_to(self, host: ShardHost) -> list[str]:
        return await host.reached(self.channel, self.address)


class FindPeople(Request[list[str]], frozen=True, tag="find_people"):
    """The names of those whose address this is, or was when something left for there lately, sorted.

    Whoever has moved is told by the name under which she lives now, perhaps in another shard.
    address  as it was written; its form on the channel counts as well
    """

    channel: str
    address: str

    async def put_to(self, host: ShardHost) -> list[str]:
        return await host.people.find(self.channel, self.address)


class RecallFacts(Request[Recalled], frozen=True, tag="recall"):
    """A slice of what the journal tells of these people: above record `after`, up to `through`.

    The first question has no `through`, and the answer names it: what is committed meanwhile belongs to a later
    question, so whoever asks comes to an end. Its `after` is a number of the export: what that has need not be told.

    lines  whether kept inputs are asked for as well
    """

    people: list[str]
    after: int = 0
    through: int | None = None
    lines: bool = False

    async def put_to(self, host: ShardHost) -> Recalled:
        return await host.people.recall(self.people, self.after, self.through, lines=self.lines)


class Held(msgspec.Struct, frozen=True, array_like=True):
    """What a shard holds of a person now, besides facts and inputs.

    outbox   her deliveries that wait for their channel or for its answer
    reached  the hash of each address at which something has left for her, and the day since 1970 on which it did last
    letters  what could not be applied
    """

    profile: Profile | None
    outbox: list[Outgoing]
    reached: list[tuple[str, int]]
    letters: list[DeadLetter]

    @property
    def is_anything(self) -> bool:
        return bool(self.profile or self.outbox or self.reached or self.letters)


class GetHeld(Request[Held], frozen=True, tag="held"):
    """All that the shard holds of a person now."""

    person: str

    async def put_to(self, host: ShardHost) -> Held:
        return await host.people.held(self.person)
