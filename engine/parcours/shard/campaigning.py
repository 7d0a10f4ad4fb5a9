"""Campaigns in one shard: its people are taken to steps in slices, each once, and are asked what became of them.

A slice that was taken is known by its number, which commits with it: whoever conducts the campaign and misses an answer
hands it over again, perhaps to a shard that was opened anew, and is told the number that comes next.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from parcours.core.campaign_outcomes import Outcome, SendAsked, outcome_of
from parcours.core.fact import DeliveryReached
from parcours.core.input import Input, MembershipSaved, PartTaken, TimePassed, TraitsChanged
from parcours.core.profile import Profile, decode_profile, next_due
from parcours.shard.campaign_requests import MakeKnown, SaveMembers, TakeParts, TellOutcomes, Tried, TryParts
from parcours.shard.commits import Commits
from parcours.shard.inputs import Inputs
from parcours.shard.moving import Moving
from parcours.shard.names import Found, Names
from parcours.shard.slots import Slots
from parcours.shard.work import Work

TRIED_RUN: Final = 0
"""The number of a run that is only tried out; those that are made are numbered from 1."""

SLICES: Final = "slices "
"""The entries of the shard's own slot with the numbers that come next; the campaign, run and step follow."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(int).decode


class Campaigning:
    """Of one shard."""

    def __init__(self, slots: Slots, names: Names, inputs: Inputs, moving: Moving, commits: Commits) -> None:
        self._inputs = inputs
        self._slots = slots
        self._names = names
        self._moving = moving
        self._commits = commits

    def take_parts(self, asked: TakeParts) -> int:
        """Take the people of a slice to their step; returns the number of the slice that comes next."""
        given: list[tuple[str, Input]] = [
            (name, PartTaken(asked.at, asked.campaign, asked.version, asked.run, asked.step, due, row, delay))
            for name, due, row, delay in asked.parts
        ]
        return self._take(_entry(asked.campaign, asked.run, asked.step or ""), asked.number, asked.at, given)

    def try_parts(self, asked: TryParts) -> Tried:
        """What would become of the deliveries of a send, by channel, outcome and gate; nobody is changed."""
        found: Counter[tuple[str, str, str | None]] = Counter()
        refused = 0
        with self._commits.whole():
            work = self._commits.begin(asked.at)
            for name, _, row, delay in asked.parts:
                slot, person = self._whose(work, name, asked.at)
                data = self._slots[slot].profiles.get(person)
                profile = Profile() if data is None else decode_profile(data)
                part = PartTaken(asked.at, asked.campaign, asked.version, TRIED_RUN, asked.step, asked.at, row, delay)
                told = self._inputs.tried(person, profile, part).facts
                found.update(
                    (fact.channel, fact.outcome, fact.gate)
                    for fact in told
                    if isinstance(fact, DeliveryReached) and fact.run == TRIED_RUN
                )
                refused += outcome_of(profile, asked.campaign, TRIED_RUN, SendAsked(asked.step)).is_so
            self._commits.commit(work)
        return Tried(sorted(((*what, number) for what, number in found.items()), key=str), refused)

    def save_members(self, asked: SaveMembers) -> int:
        """Let the people of a slice enter or leave a saved audience; the number of the slice that comes next."""
        given: list[tuple[str, Input]] = [
            (name, MembershipSaved(asked.at, asked.audience, inside, asked.silent))
            for names, inside in ((asked.left, False), (asked.entered, True))
            for name in names
        ]
        return self._take(f"{SLICES}{asked.save}", asked.number, asked.at, given)

    def make_known(self, asked: MakeKnown) -> int:
        """Identify the people of a slice; the number of the slice that comes next."""
        given: list[tuple[str, Input]] = [(name, TraitsChanged(asked.at, {})) for name in asked.people]
        return self._take(f"{SLICES}{asked.save}", asked.number, asked.at, given)

    def forget_slices(self, campaign: str, run: int) -> None:
        """Nothing more comes of a run."""
        mine = [name for name in self._slots.own.profiles if name.startswith(_entry(campaign, run, ""))]
        if mine:
            with self._commits.whole():
                work = self._commits.begin(0)
                work.own += [(name, b"") for name in mine]
                self._commits.commit(work)

    def outcomes(self, asked: TellOutcomes) -> list[Outcome]:
        """What has become of each of these people by an instant."""
        with self._commits.whole():
            work = self._commits.begin(asked.at)
            told = [self._outcome(work, name, asked) for name in asked.people]
            self._commits.commit(work)
        return told

    def _outcome(self, work: Work, name: str, asked: TellOutcomes) -> Outcome:
        slot, person = self._whose(work, name, asked.at)
        data = self._slots[slot].profiles.get(person)
        if data is not None and next_due(data) <= asked.at:
            self._moving.offer(work, slot, person, TimePassed(asked.at + 1))
        return outcome_of(work.profile(slot, person), asked.campaign, asked.run, asked.asked)

    def _take(self, entry: str, number: int, at: int, given: list[tuple[str, Input]]) -> int:
        kept = self._slots.own.profiles.get(entry)
        expected = 0 if kept is None else _decode(kept)
        if number != expected:
            return expected
        with self._commits.whole():
            work = self._commits.begin(at)
            for name, each in given:
                slot, person = self._whose(work, name, at)
                self._moving.offer(work, slot, person, each)
            work.own.append((entry, _encode(expected + 1)))
            self._commits.commit(work)
        return expected + 1

    def _whose(self, work: Work, name: str, at: int) -> Found:
        """The person who has the name by now: a set keeps the names that people had when it was made."""
        slot = self._names.slot(name)
        found = self._names.find(work, slot, name, None, at)
        assert isinstance(found, Found), "under virtual time names that are linked live together"
        return found


def _entry(campaign: str, run: int, step: str) -> str:
    return f"{SLICES}{campaign}/{run}/{step}"
