"""What a shard tells of one person, and by whom that was asked: every look at somebody is a fact.

A look changes nothing that anybody waits for, so it makes no commit of its own: it is kept with the next one, which
whoever drives the shard sees to within a moment. A crash in between loses it, and what was answered with it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from parcours.config import Settings
from parcours.core.delivery.deciding import leaves_no_trace
from parcours.core.delivery.trying import try_decisions
from parcours.core.effect import Outgoing
from parcours.core.fact import Decided, Looked
from parcours.core.input import DecisionAsked
from parcours.core.profile import Identity, Profile, decode_profile, is_unknown, name_alone
from parcours.shard.addresses import Addresses
from parcours.shard.commits import Commits
from parcours.shard.dead_letters import DeadLetter, DeadLetters
from parcours.shard.found import Found, Located
from parcours.shard.ids.key import by_time
from parcours.shard.ids.seen import SeenIds
from parcours.shard.inputs import Inputs
from parcours.shard.messages import Look
from parcours.shard.names import Names
from parcours.shard.person_requests import Held, KnownNames
from parcours.shard.published import Published
from parcours.shard.reached import Reached, reached_of
from parcours.shard.slots import Slot, Slots
from parcours.shard.standing_still import standing_name

_decode_outgoing = msgspec.msgpack.Decoder(Outgoing).decode


def profile_in(slot: Slot, person: str) -> Profile | None:
    """What a slot knows of a person, None if that is nothing: a name that is no person now is nobody's profile."""
    data = slot.profiles.get(person)
    return None if data is None or name_alone(data) else decode_profile(data)


def held_in(slot: Slot, person: str, letters: list[DeadLetter]) -> Held:
    """What a slot holds of a person; `letters` are hers."""
    return Held(
        profile=profile_in(slot, person),
        outbox=[entry for entry in map(_decode_outgoing, slot.outbox.values()) if entry.person == person],
        reached=reached_of(slot, person),
        letters=letters,
    )


class Persons:
    """Of one shard."""

    def __init__(
        self,
        slots: Slots,
        names: Names,
        commits: Commits,
        published: Published,
        addresses: Addresses,
        reached: Reached,
        seen: SeenIds,
        dead_letters: DeadLetters,
        inputs: Inputs,
    ) -> None:
        self._slots = slots
        self._slot_map = slots.slot_map
        self._names = names
        self._commits = commits
        self._published = published
        self._addresses = addresses
        self._reached = reached
        self._seen = seen
        self._dead_letters = dead_letters
        self._inputs = inputs

    def profile(self, person: str) -> Profile | None:
        """What lies under a name, None if nothing does: of one that is no person now, whose it is."""
        self._commits.check()
        data = self._slots[self._slot_map.slot(person)].profiles.get(person)
        return None if data is None else decode_profile(data)

    def names(self, person: str) -> KnownNames:
        """What else the person is called, or who has this name by now."""
        profile = self.profile(person)
        identity = None if profile is None else profile.identity
        if identity is None:
            return KnownNames()
        slot, at = self._slot_map.slot, self._commits.stamp_ms
        names = {name: by_time(self._seen.of_name(slot(name), name.encode(), at)) for name in identity.names}
        return KnownNames(identity.moved_to, names)

    def known(self, person: str) -> Profile | None:
        """Everything known of a person, None if nothing is."""
        self._commits.check()
        return profile_in(self._slots[self._slot_map.slot(person)], person)

    def tried(
        self, person: str, given: DecisionAsked, settings: Settings, *, is_passing: bool
    ) -> tuple[list[Decided], dict[str, object]]:
        """What would be told of these decisions, and the person's traits; nothing is changed.

        Her timers that are due fire before it, as before a real one. `is_passing` is as for `try_decisions`.
        """
        given = replace(given, at=max(given.at, self._commits.stamp_ms))
        profile = self.known(person) or Profile()
        if not is_unknown(profile):
            self._inputs.try_time(person, profile, given.at)
        forgotten = is_passing or leaves_no_trace(profile, settings)
        lessons = self._published.lessons.at(given.at)
        facts = try_decisions(person, profile, given, self._published.program, settings, lessons, is_passing=forgotten)
        return facts, profile.traits

    def find_owner(self, name: str) -> Found:
        """Under which name the person of this name lives."""
        self._commits.check()
        owner = self._names.owner(name) or name
        return Found(owner, self._names.is_here(owner))

    def is_joined(self, person: str) -> bool:
        """Whether she takes in somebody of another shard, whose things are under way; as has been committed."""
        return bool(self._slots.own.profiles.get(standing_name(person)))

    def locate(self, name: str) -> Located:
        """The same, and which other names she has."""
        found = self.find_owner(name)
        profile = self.known(found.owner) if found.is_here else None
        identity = (profile.identity if profile else None) or Identity()
        return Located(found.owner, found.is_here, sorted(identity.names))

    def held(self, person: str) -> Held:
        """All that is held of a person now, besides facts and inputs."""
        self._commits.check()
        letters = [letter for letter in self._dead_letters.listed() if letter.person == person]
        return held_in(self._slots[self._slot_map.slot(person)], person, letters)

    def find(self, channel: str, address: str) -> list[str]:
        """Everybody whose address this is, or was when something left for there lately, sorted.

        Whoever has moved meanwhile goes by the name under which she lives now.
        """
        self._commits.check()
        program, found = self._published.program, set[str]()
        for form in self._addresses.forms(channel, address, program):
            found.update(self._addresses.names(channel, form, program))
            found.update(self._reached.names(channel, form, self._commits.stamp_ms))
        return sorted({self._names.owner(name) or name for name in found})

    def note_look(self, people: Iterable[str], look: Look, now_ms: int) -> int:
        """Somebody looks at these people now; returns how many looks wait for a commit."""
        self._commits.check()
        at = max(now_ms, self._commits.stamp_ms)
        waiting = self._commits.looks
        waiting += [Looked(at, person, look.key, look.route) for person in people]
        return len(waiting)

    def keep_looks(self, now_ms: int) -> None:
        """Commit the looks that wait, if any do."""
        if self._commits.looks:
            with self._commits.whole():
                self._commits.commit(self._commits.begin(now_ms))
