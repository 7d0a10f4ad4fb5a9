"""Inputs applied to a person: after her own earlier timers, and every change or read she has yet to go through.

A read of an audience is such a change too: before anything later than its instant, it is noted whether she is inside.

What an input leads to is gathered in the work at hand. A delivery that becomes ready on a channel that only
records is answered on the spot; under virtual time any other one stops the person's clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NoReturn, TypeAlias

from parcours.config import Settings
from parcours.core.advance import advance, first_timer
from parcours.core.delivery.copies import copies_now
from parcours.core.effect import Effects, Outgoing
from parcours.core.input import (
    AudiencesPublished,
    ChangeInput,
    ChangeSetAside,
    ColumnsFixed,
    DeliveryRecorded,
    Input,
    JourneyResumed,
    JourneyStopped,
    MembershipFixed,
    MembershipSaved,
    PartTaken,
    ReadReached,
    TimePassed,
    TimerDue,
    TimerSetAside,
    TotalsAnswered,
    TraitsChanged,
)
from parcours.core.offers.lessons import NO_LESSONS
from parcours.core.offers.totals import Unanswered
from parcours.core.profile import Profile, Timer, encode_profile
from parcours.core.turn import Crowd, DeadCodes, Normalize
from parcours.journey.program import Program
from parcours.shard.addresses import Addresses
from parcours.shard.archiving import Archiving
from parcours.shard.dead_letters import DeadLetters
from parcours.shard.in_hand import change_mark, timer_mark
from parcours.shard.offer_asking import OfferAsking
from parcours.shard.outbox import Answering, Ready
from parcours.shard.published import Published
from parcours.shard.reads import Reads, in_order
from parcours.shard.stash import StillReady
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.work import Work

LetGo: TypeAlias = Callable[[Work, str, tuple[str, ...]], None]
"""Is told of names that are a person's no more."""


MISSED: Final = frozenset({JourneyStopped, JourneyResumed, AudiencesPublished, MembershipFixed, ColumnsFixed})
"""What people go through before something else is given, and never by itself."""

NOTHING_WAITS: Final[tuple[int, list[str]]] = (0, [])
"""Nothing that an identify queued waits for the names that it links."""


def _keep(work: Work, person: str, names: tuple[str, ...]) -> NoReturn:
    del work
    raise AssertionError(f"nobody can take back {names} from {person}")


class Inputs:
    """Applies inputs to the people of one shard. `records` says how each channel that only records is answered.

    asking  what is done about decisions that ask total caps of offers
    let_go  what is done about names that are a person's no more (moving.py)
    """

    def __init__(
        self,
        published: Published,
        reads: Reads,
        time: Timekeeping,
        settings: Settings,
        records: Mapping[str, Answering],
        crowd: Crowd | None,
        normalize: Normalize,
        dead_codes: DeadCodes,
        dead_letters: DeadLetters,
        archiving: Archiving,
        addresses: Addresses,
        asking: OfferAsking,
    ) -> None:
        self.asking = asking
        self._stash = time.stash
        self._addresses = addresses
        self.let_go: LetGo = _keep
        self._archiving = archiving
        self._in_hand = dead_letters.in_hand
        self._dead_letters = dead_letters
        self._published = published
        self._reads = reads
        reads.scans.normalize = normalize
        self._time = time
        self._settings = settings
        self._records = records
        self._crowd = crowd
        self._normalize = normalize
        self._dead_codes = dead_codes
        self._behind_links: tuple[int, list[str]] = NOTHING_WAITS

    @property
    def program(self) -> Program:
        """What is published now."""
        return self._published.program

    def is_behind(self, profile: Profile) -> bool:
        """Whether somebody has yet to go through a change of what is published."""
        return profile.change_number < self._published.touching

    def apply(self, work: Work, slot: int, person: str, given: Input) -> None:
        """Apply an input after whatever change or read the person has yet to go through.

        It waits if an input before it waits for total caps of offers, and so it does if it asks them itself.
        """
        if person in self._stash.asking:
            return self._time.wait_for_answers(person, given)
        if type(given) in MISSED:  # it has waited, and is gone through as it would have been
            return self._go_on_with(work, slot, person, given, given)
        if self._published.touching or work.stamp_ms > self._reads.first_ms:
            missed = self._missed(work, slot, person, given.at if self._time.keeps_stash else work.stamp_ms)
            if missed:
                inputs = deque[Input]([*missed, given])
                while inputs and not self._time.stands_still(person):
                    self._go_on_with(work, slot, person, inputs.popleft(), given)
                return self._time.put_aside(person, inputs) if inputs else None
        return self._apply_next(work, slot, person, given)

    def stands_still_by(self, work: Work, slot: int, person: str, at: int) -> bool:
        """Whether somebody stands still once time has passed for her until then: what is due may ask total caps."""
        self.apply(work, slot, person, TimePassed(at))
        return self._time.stands_still(person)

    def _go_on_with(self, work: Work, slot: int, person: str, first: Input, given: Input) -> None:
        """Apply the first of what the person has yet to go through before something is given."""
        if not isinstance(first, JourneyStopped | JourneyResumed | AudiencesPublished):
            self._apply_next(work, slot, person, first)
            if isinstance(first, ColumnsFixed) and not self._time.stands_still(person):
                self._take_columns(work, slot, person, first)
        elif work.profile(slot, person).change_number < first.number:
            self._go_through(work, slot, person, first, given)

    def _go_through(self, work: Work, slot: int, person: str, change: ChangeInput, given: Input) -> None:
        """Apply a change, which is in hand meanwhile; set aside if the process has ended with it in hand before."""
        if isinstance(given, ChangeSetAside) and given.number == change.number:
            return  # it was set aside where these inputs were kept
        if self._time.comes_back:
            mark = change_mark(person, change.number)
            line = self._in_hand.change(mark)
            set_aside = self._set_aside(work, person, change, mark) if mark in self._in_hand.suspects else None
            self._apply_next(work, slot, person, set_aside or change)
            self._in_hand.line(line)
        else:
            self._apply_next(work, slot, person, change)

    def _set_aside(self, work: Work, person: str, change: ChangeInput, mark: bytes) -> ChangeSetAside:
        why = self._dead_letters.set_aside(work, change.at, person, None, mark, what="a change")
        reason = f"a change was set aside: {why}"
        if isinstance(change, AudiencesPublished):
            set_aside = ChangeSetAside(change.at, change.number, None, reason, change.audiences)
        else:
            set_aside = ChangeSetAside(change.at, change.number, change.journey, reason)
        self._archiving.note(work, person, set_aside)
        return set_aside

    def _take_columns(self, work: Work, slot: int, person: str, fixed: ColumnsFixed) -> None:
        """For a scan, the person's columns as she stands now."""
        program = self._published.program_at(fixed.at)
        lessons = self._published.lessons.at(fixed.at)
        self._reads.scans.take(slot, person, work.profile(slot, person), fixed, program, self._settings, lessons)

    def _missed(self, work: Work, slot: int, person: str, before: int) -> list[Input]:
        """What the person has yet to go through: changes of what is published, and reads of audiences by this time."""
        known = work.knows(slot, person)
        profile = work.profile(slot, person)
        inputs: list[Input] = []
        if profile.identity is not None and profile.identity.is_alone:
            return inputs  # nobody, who goes through nothing
        if self.is_behind(profile):
            changes = self._published.missed(profile.change_number)
            inputs += [each for each in changes if each.at <= before or not self.asking.goes_on(person)]
        if work.stamp_ms > self._reads.first_ms:
            inputs += self._reads.missed_by(profile, person, before, known=known)
            if not work.is_guest(person):
                inputs += self._reads.scans.missed_by(slot, person, before, known=known)
            for entry in inputs:
                if isinstance(entry, ReadReached | MembershipSaved):
                    self._archiving.note(work, person, entry)
        return in_order(inputs) if len(inputs) > 1 else inputs

    def _apply_next(self, work: Work, slot: int, person: str, given: Input) -> None:
        """Apply an input after the person's own earlier timers."""
        profile = work.profile(slot, person)
        while (timer := first_timer(profile, given.at)) is not None:
            now = self._due(work, person, timer)
            effects = self._advance(work, slot, person, profile, now)
            if effects is None:
                return self._time.wait_for_answers(person, given)
            profile = work.profile(slot, person)
            if self._time.comes_back:
                self._in_hand.given()
            work.add(slot, person, effects)
            if effects.let_go:
                self.let_go(work, person, effects.let_go)
            leaving = self.make_ready(work, slot, person, now.at, effects.ready) if effects.ready else ()
            if person in self._stash.asking:
                self._time.wait_for_answers(person, given)
                return self._stop(person, leaving)
            if leaving and self._time.stop(person, leaving, (given,)):
                return None
        if type(given) is not TimePassed and type(given) is not ColumnsFixed:  # nothing else happens to her
            effects = self._advance(work, slot, person, profile, given)
            if effects is None:
                return self._time.wait_for_answers(person, given)
            work.add(slot, person, effects)
            if effects.ready:
                self._leave(work, slot, person, given, effects.ready)
        return None

    def _stop(self, person: str, leaving: Sequence[str]) -> None:
        if leaving:
            self._time.stop(person, leaving, ())

    def _leave(self, work: Work, slot: int, person: str, given: Input, ready: list[str]) -> None:
        """Have what an input made ready leave, unless it is to wait for the names that the same call links."""
        if isinstance(given, TraitsChanged) and given.links_follow:
            self._behind_links = given.at, ready
        elif leaving := self.make_ready(work, slot, person, given.at, ready):
            self._time.stop(person, leaving, ())

    def links_followed(self, work: Work, slot: int, person: str) -> None:
        """The names that a call links have been gone through, as far as they can be now: what waited for it leaves."""
        (at, waiting), self._behind_links = self._behind_links, NOTHING_WAITS
        ready = [key for key in waiting if work.has_entry(slot, key)]
        if ready and (leaving := self.make_ready(work, slot, person, at, ready)):
            self._time.stop(person, leaving, ())

    def _due(self, work: Work, person: str, timer: Timer) -> TimerDue | TimerSetAside:
        """The timer, which is in hand from now on; set aside if the process has ended with it in hand before."""
        if not self._time.comes_back:
            return TimerDue(timer.due)
        in_hand, due = self._in_hand, timer.due
        in_hand.timer(person, due)
        if not in_hand.suspects or (mark := timer_mark(person, due)) not in in_hand.suspects:
            return TimerDue(due)
        reason = self._dead_letters.set_aside(work, due, person, None, mark, what="a timer")
        set_aside = TimerSetAside(due, f"a timer was set aside: {reason}")
        self._archiving.note(work, person, set_aside)
        return set_aside

    def _advance(self, work: Work, slot: int, person: str, profile: Profile, given: Input) -> Effects | None:
        """By what was published at the input's time. None: nothing has happened yet, for total caps are asked first."""
        published = self._published  # what `_program_at` does, of every input
        program = published.program if given.at >= published.since_ms else published.program_at(given.at)
        if program.offers.has_totals:
            return self._advance_asking(work, slot, person, given, program)
        before = profile.traits
        lessons = published.lessons.at(given.at) if program.offers.decisions else NO_LESSONS
        effects = advance(
            person, profile, given, program, self._settings, self._crowd, self._normalize, self._dead_codes,
            lessons=lessons,
        )  # fmt: skip
        if effects.returned:
            self.asking.settle(work, person, given.at, effects)
        if profile.traits is not before and self._time.counts_facts:
            self._addresses.note(work, slot, person, before, profile.traits, program)
        return effects

    def _advance_asking(self, work: Work, slot: int, person: str, given: Input, program: Program) -> Effects | None:
        """The same where offers have total caps: whoever has to wait for an answer is put back as she was."""
        as_before = encode_profile(work.profile(slot, person))
        rules = program, self._settings, self._crowd, self._normalize, self._dead_codes
        lessons = self._published.lessons.at(given.at)
        while True:
            profile, answers = work.profile(slot, person), self.asking.answers(work, person, given)
            before = profile.traits
            try:
                effects = advance(person, profile, given, *rules, answers, lessons)
            except Unanswered as unanswered:
                work.put_back(person, as_before)
                if not self.asking.ask(work, person, given, unanswered.asks):
                    return None
            else:
                break
        self.asking.settle(work, person, given.at, effects)
        if profile.traits is not before and self._time.counts_facts:
            self._addresses.note(work, slot, person, before, profile.traits, program)
        return effects

    def take_told(self, work: Work, slot: int, person: str, told: TotalsAnswered) -> None:
        """A twin is told what total caps have answered: what has asked them goes before it."""
        if not self._time.stands_still(person):
            self.apply(work, slot, person, TimePassed(told.at))
        self.asking.take_told(work, person, told)

    def tried(self, person: str, profile: Profile, given: Input) -> Effects:
        """What an input would come to, by what is published now; the profile is the caller's own."""
        program, rules = self._published.program, (self._normalize, self._dead_codes)
        lessons = self._published.lessons.at(given.at)
        return advance(person, profile, given, program, self._settings, self._crowd, *rules, lessons=lessons)

    def try_time(self, person: str, profile: Profile, at: int) -> None:
        """Bring the caller's own profile to this time, as an input would: by changes of what is published, and timers.

        Nothing leaves by that, and what channels that only record would answer does not come.
        """
        changes = self._published.missed(profile.change_number) if self.is_behind(profile) else []
        for given in (*changes, TimePassed(at)):
            while (timer := first_timer(profile, given.at)) is not None:
                self._try_then(person, profile, TimerDue(timer.due))
            self._try_then(person, profile, given)

    def _try_then(self, person: str, profile: Profile, given: Input) -> None:
        program = self._program_at(given.at)
        rules = program, self._settings, self._crowd, self._normalize, self._dead_codes
        advance(person, profile, given, *rules, lessons=self._published.lessons.at(given.at))

    def _program_at(self, at: int) -> Program:
        published = self._published
        return published.program if at >= published.since_ms else published.program_at(at)

    def copies_now(self, person: str, profile: Profile, given: PartTaken) -> list[Outgoing]:
        """The copies for seeds as they would go out now; the profile is the caller's own."""
        lessons = self._published.lessons.at(given.at)
        return copies_now(person, profile, given, self._published.program, self._settings, self._normalize, lessons)

    def make_ready(self, work: Work, slot: int, person: str, at: int, keys: Iterable[str]) -> list[str]:
        """Offer deliveries to dispatchers, and return their keys; those on channels that only record are answered here.

        Nothing leaves the process for a recorded one, so its decision, claim and receipt are one commit.
        """
        leaving: list[str] = []
        waiting = deque(keys)
        while waiting:
            key = waiting.popleft()
            outgoing = work.entry(slot, key)
            if outgoing.channel in self._records:
                more = self._record(work, slot, person, at, outgoing)
                if more is None:
                    self._time.wait_for_answers(person, StillReady(at, (key, *waiting)))
                    break
                waiting += more
            elif self._time.hands_out:
                leaving.append(key)
                work.ready.append((outgoing.channel, Ready(key, slot, person, at)))
        return leaving

    def leave(self, work: Work, slot: int, person: str, ready: StillReady) -> None:
        """Offer to dispatchers what has waited."""
        keys = [key for key in ready.keys if work.has_entry(slot, key)]
        self._stop(person, self.make_ready(work, slot, person, ready.at, keys))

    def _record(self, work: Work, slot: int, person: str, at: int, outgoing: Outgoing) -> list[str] | None:
        """Have a delivery answered; the keys of those that become ready by it. None: it asks total caps first."""
        receipt = self._records[outgoing.channel](outgoing, self._published.program)
        effects = self._advance(work, slot, person, work.profile(slot, person), DeliveryRecorded(at, receipt))
        if effects is None:
            return None
        work.add(slot, person, effects)
        return effects.ready
