"""Campaigns in one shard: its people are taken to steps in slices, each once, and are asked what became of them.

A slice that was taken is known by its number, which commits with it: whoever conducts the campaign and misses an answer
hands it over again, perhaps to a shard that was opened anew, and is told the number that comes next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from typing import Final, TypeAlias

import msgspec

from parcours.core.campaign_outcomes import Outcome, SendAsked, outcome_of
from parcours.core.fact import DeliveryReached
from parcours.core.input import Input, PartTaken, TimePassed, TraitsChanged
from parcours.core.profile import Profile, decode_profile, next_due
from parcours.shard.archiving import Archiving
from parcours.shard.campaign_requests import (
    Away,
    Become,
    ComposeCopies,
    Composed,
    LetSave,
    MakeKnown,
    StageMembers,
    Taken,
    TakeParts,
    TellOutcomes,
    Tried,
    TryParts,
)
from parcours.shard.commits import Commits
from parcours.shard.erasures import Erasures
from parcours.shard.inputs import Inputs
from parcours.shard.moving import Moving
from parcours.shard.names import Found, Names
from parcours.shard.read_steps import ReadSteps
from parcours.shard.reads import Reads
from parcours.shard.saving import AGAIN
from parcours.shard.slots import Slots
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.work import Work

TRIED_RUN: Final = 0
"""The number of a run that is only tried out; those that are made are numbered from 1."""

SLICES: Final = "slices "
"""The entries of the shard's own slot with the numbers that come next; the campaign, run and step follow."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(int).decode

Happening: TypeAlias = Callable[[int, int], Input]
"""What happens to whom a place in a slice names, at an instant in ms."""


class Campaigning:
    """Of one shard."""

    def __init__(
        self,
        slots: Slots,
        names: Names,
        inputs: Inputs,
        moving: Moving,
        commits: Commits,
        reads: Reads,
        time: Timekeeping,
        archiving: Archiving,
        reading: ReadSteps,
        erasures: Erasures,
    ) -> None:
        self._inputs = inputs
        self._slots = slots
        self._names = names
        self._moving = moving
        self._commits = commits
        self._reads = reads
        self._time = time
        self._archiving = archiving
        self._reading = reading
        self._erasures = erasures

    def take_parts(self, asked: TakeParts, now_ms: int) -> Taken:
        """Take the people of a slice to their step."""

        def happening(place: int, at: int) -> Input:
            name, due, row, delay = asked.parts[place]
            seeds = asked.seeds.get(name, ())
            return PartTaken(
                at, asked.campaign, asked.version, asked.run, asked.step, due, row, delay, seeds, asked.cut, asked.part
            )

        what = asked.step or ""
        entry = _entry(asked.campaign, asked.run, what if asked.part is None else f"{what}/{asked.part}")
        names = [name for name, *_ in asked.parts]
        return self._take(entry, asked.number, asked.at, now_ms, names, happening, asked.since)

    def make_known(self, asked: MakeKnown, now_ms: int) -> Taken:
        """Identify the people of a slice."""
        entry = f"{SLICES}{asked.save}"

        def happening(_: int, at: int) -> Input:
            return TraitsChanged(at, {})

        return self._take(entry, asked.number, asked.at, now_ms, asked.people, happening, asked.since)

    def _take(
        self, entry: str, number: int, at: int, now_ms: int, names: Sequence[str], happening: Happening, since: int
    ) -> Taken:
        kept = self._slots.own.profiles.get(entry)
        expected = 0 if kept is None else _decode(kept)
        is_next = number in (expected, AGAIN)
        forgotten = self._erasures.forgotten_since(since)
        away: list[Away] = []
        with self._commits.whole():
            work, at = self._begin(at, now_ms)
            for place, name in enumerate(names):
                if forgotten(self._names.slot(name), name):
                    continue
                found = self._whose(work, name, at)
                if isinstance(found, str):
                    away.append(Away(place, found))
                elif is_next:
                    given = happening(place, at)
                    self._moving.offer(work, *found, given)
                    self._archiving.note(work, found.person, given)
            if number == expected:
                expected += 1
                work.own.append((entry, _encode(expected)))
            self._commits.commit(work)
        return Taken(expected, away)

    def try_parts(self, asked: TryParts, now_ms: int) -> Tried:
        """What would become of the deliveries of a send, by channel, outcome and gate; nobody is changed."""
        found: Counter[tuple[str, str, str | None]] = Counter()
        refused, away = 0, list[Away]()
        with self._commits.whole():
            work, at = self._begin(asked.at, now_ms)
            for place, (name, _, row, delay) in enumerate(asked.parts):
                whose = self._whose(work, name, at)
                if isinstance(whose, str):
                    away.append(Away(place, whose))
                    continue
                data = self._slots[whose.slot].profiles.get(whose.person)
                profile = Profile() if data is None else decode_profile(data)
                part = PartTaken(at, asked.campaign, asked.version, TRIED_RUN, asked.step, at, row, delay)
                told = self._inputs.tried(whose.person, profile, part).facts
                found.update(
                    (fact.channel, fact.outcome, fact.gate)
                    for fact in told
                    if isinstance(fact, DeliveryReached) and fact.run == TRIED_RUN
                )
                refused += outcome_of(profile, asked.campaign, TRIED_RUN, SendAsked(asked.step), at, at).is_so
            self._commits.commit(work)
        return Tried(sorted(((*what, number) for what, number in found.items()), key=str), refused, away)

    def compose_copies(self, asked: ComposeCopies, now_ms: int) -> Composed:
        """What would go to these addresses with the person's data now; nobody is changed."""
        with self._commits.whole():
            work, at = self._begin(asked.at, now_ms)
            found = self._whose(work, asked.person, at)
            self._commits.commit(work)
        if isinstance(found, str):
            return Composed([], found)
        data = self._slots[found.slot].profiles.get(found.person)
        profile = Profile() if data is None else decode_profile(data)
        part = PartTaken(at, asked.campaign, asked.version, TRIED_RUN, asked.step, at, asked.row, seeds=asked.seeds)
        return Composed(self._inputs.copies_now(found.person, profile, part))

    # Saves

    def stage_members(self, asked: StageMembers, now_ms: int) -> Taken:
        """Keep a slice of those who enter or leave an audience; whoever is away is told, and not kept."""
        away: list[Away] = []
        forgotten = self._erasures.forgotten_since(asked.since)
        with self._commits.whole():
            work = self._commits.begin(now_ms)
            kept: list[list[str]] = []
            for names, first in ((asked.entered, 0), (asked.left, len(asked.entered))):
                found = [
                    (place, self._whose(work, name, work.stamp_ms))
                    for place, name in enumerate(names)
                    if not forgotten(self._names.slot(name), name)
                ]
                away += [Away(first + place, each) for place, each in found if isinstance(each, str)]
                kept.append([each.person for _, each in found if not isinstance(each, str)])
            expected = self._reads.saves.stage(asked.save, asked.number, *kept)
            self._commits.commit(work, always=True)
        return Taken(expected, away)

    def let_save(self, asked: LetSave) -> None:
        """From now on the slices of a save hold; under virtual time everybody goes through it at once."""
        saves, own = self._reads.saves, self._slots.own.profiles
        with self._reading.ending_hold() as note_end:
            if saves.let(asked.save, asked.audience, asked.at, own, silent=asked.silent):
                assert self._time.may_change_at(asked.at, self._commits.stamp_ms), "no shard has passed its instant"
                note_end()
                work = self._commits.begin(asked.at)
                while saves.under_way() and not self._time.wakes_itself:
                    for _ in self.pass_saves(work):
                        pass
                self._commits.commit(work, always=True)

    def pass_saves(self, work: Work) -> Generator[None, None, bool]:
        """Let the people of the next slice go through the save that is in force, in steps of a person each; whether
        there was one.
        """
        saves = self._reads.saves
        for name, at in saves.next_slice(self._slots.own.profiles):
            is_still = name in self._names.still  # whatever waits for her, her own time goes on
            found = Found(self._names.slot(name), name) if is_still else self._whose(work, name, work.stamp_ms)
            if isinstance(found, Found):
                saves.rename(name, found.person)
                self._moving.offer(work, *found, TimePassed(at))
            yield
        return saves.end_slice()

    def forget_slices(self, campaign: str, run: int) -> None:
        """Nothing more comes of a run."""
        mine = [name for name in self._slots.own.profiles if name.startswith(_entry(campaign, run, ""))]
        with self._commits.whole():
            if self._reads.saves.drop(f"{campaign}/{run}/") or mine:
                work = self._commits.begin(0)
                work.own += [(name, b"") for name in mine]
                self._commits.commit(work, always=True)

    def has_passed(self, at: int, now_ms: int, next_ms: int | None) -> bool:
        """Whether nothing happens at the instant or before any more, durably; `next_ms` is when something is due."""
        with self._commits.whole():
            work = self._commits.begin(now_ms)
            is_due = next_ms is not None and next_ms <= at
            is_saving = any(save.at <= at for save in self._reads.saves.under_way())
            is_past = work.stamp_ms > at and not is_due and not is_saving
            self._commits.commit(work, always=is_past)
        return is_past

    # Outcomes

    def outcomes(self, asked: TellOutcomes, now_ms: int) -> Become:
        """What has become of each of these people by an instant."""
        told: list[Outcome | None] = []
        away: list[Away] = []
        with self._commits.whole():
            work, _ = self._begin(asked.at, now_ms)
            early = self._time.wakes_itself and work.stamp_ms <= asked.at
            for place, name in enumerate([] if early else asked.people):
                found = self._whose(work, name, asked.at)
                if isinstance(found, str):
                    away.append(Away(place, found))
                told.append(None if isinstance(found, str) else self._outcome(work, found, asked))
            self._commits.commit(work)
        return Become(early, told, away)

    def _outcome(self, work: Work, found: Found, asked: TellOutcomes) -> Outcome:
        """After her timers until then, and after what a pause that is over has kept of hers."""
        slot, person = found
        data = self._slots[slot].profiles.get(person)
        if data is not None and (next_due(data) <= asked.at or self._inputs.is_behind(work.profile(slot, person))):
            self._moving.offer(work, slot, person, TimePassed(asked.at + 1))
        profile = work.profile(slot, person)
        return outcome_of(profile, asked.campaign, asked.run, asked.asked, asked.at, work.stamp_ms)

    def _begin(self, at: int, now_ms: int) -> tuple[Work, int]:
        """A work, and the instant at which its inputs happen: live that of the shard's clock."""
        work = self._commits.begin(now_ms if self._time.wakes_itself else at)
        arrival_ms = self._time.arrival_ms(work.stamp_ms)
        return work, at if arrival_ms is None else arrival_ms

    def _whose(self, work: Work, name: str, at: int) -> Found | str:
        """The person who has the name by now; else who has it in another shard, or "" where nobody can say."""
        if not self._names.is_here(name):
            return name
        found = self._names.find(work, self._names.slot(name), name, None, at)
        return found if isinstance(found, Found) else found.owner or ""


def _entry(campaign: str, run: int, step: str) -> str:
    return f"{SLICES}{campaign}/{run}/{step}"
