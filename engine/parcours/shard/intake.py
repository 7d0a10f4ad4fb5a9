"""The intake of a batch: duplicates and unusable lines are told apart, and the others become inputs of people.

This is the hot path: most lines move nothing, and such a line costs the decoding of its envelope, a digest, and a look
at two sets, once there are many ids at two filters as well (ids/seen.py). Its properties are never decoded.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from hashlib import blake2s
from typing import Literal, TypeAlias
from zlib import crc32

import msgspec

from parcours.config import Settings
from parcours.core.fact import Unmatched
from parcours.core.identity import ANONYMOUS, SLOTS, user_name
from parcours.core.input import EventHappened, FeedbackArrived, Input, Link, Linked, before_links
from parcours.journey.program import Program
from parcours.segment.inputs import check_message_id, input_of
from parcours.segment.line import (
    UNREADABLE,
    Call,
    DetailedCall,
    Unusable,
    corrected,
    corrected_line,
    decode_envelope,
    read_call,
    read_details,
    read_envelope,
)
from parcours.segment.links import LINKING, links_of, plain_link
from parcours.segment.person import is_report, person_of, reported_place, told_event
from parcours.segment.told import MERGE, TOLD, told_input
from parcours.shard.archiving import Archiving
from parcours.shard.dead_letters import DeadLetters
from parcours.shard.deferrals import Deferrals
from parcours.shard.ids.key import DIGEST_BYTES, KEY, name_of
from parcours.shard.ids.seen import SeenIds
from parcours.shard.in_hand import line_mark
from parcours.shard.messages import Again, Answer, Batch, Deferred, LineOutcome
from parcours.shard.moving import Moving
from parcours.shard.names import LATER, Elsewhere, Found, Names
from parcours.shard.reports import NOBODY, Reports
from parcours.shard.slots import Slots
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.work import Work

PLAIN_ID_MAX = 64
"""An id up to this length in characters is within every bound that can be set, and needs no closer look."""

SET_ASIDE = "it was set aside as a dead letter"
"""What is told of a line that cannot be applied, before the reason."""

NOT_USABLE_THEN = "it could not be used when it first came"
"""What is told of a rejected line that comes again and could be used by now."""

NOTHING_LINKED: tuple[Link, ...] = ()
"""What nearly all lines link."""


class _Everybody(Container[object]):
    """Every name."""

    def __contains__(self, name: object) -> bool:
        return True


EVERYBODY: Container[object] = _Everybody()
"""Whose lines are looked at where a router sends them again: it may have been told whose they are."""

Given: TypeAlias = tuple[int, str, Input]
"""A slot, somebody who lives there, and what happens to her."""

Digests: TypeAlias = Sequence[bytes] | None
"""By what each line of a batch is recognised, where all of them have come before; None: by its message id."""

_nothing_hashed = blake2s(digest_size=DIGEST_BYTES).copy
"""A fresh digest of a kind made for short texts: to copy it costs a third of setting one up."""

_key_of = KEY.pack


class Intake:
    """Reads batches for one shard."""

    def __init__(
        self,
        program: Program,
        settings: Settings,
        slots: Slots,
        seen: SeenIds,
        time: Timekeeping,
        dead_letters: DeadLetters,
        archiving: Archiving,
        names: Names,
        moving: Moving,
    ) -> None:
        self._in_hand = dead_letters.in_hand
        self._dead_letters = dead_letters
        self._slot_of = slots.slot_map.slot_of_bytes
        self._settings = settings
        self._slots = slots
        self._seen = seen
        self._time = time
        self._archiving = archiving
        self._names = names
        self._moving = moving
        self._homes = slots.slot_map.homes
        self._hears_told = not time.hands_out
        self.publish(program)
        self._outcomes = bytearray()
        self._reasons: list[str] = []
        self._deferred: list[Deferred] = []

    def publish(self, program: Program) -> None:
        """From now on lines mean what they mean to this program."""
        self._program = program
        self._archiving.publish(program)
        self._declared = frozenset(program.events) | frozenset(program.derived)
        anonymous = program.identities.get(ANONYMOUS)
        self._caseless = anonymous is not None and anonymous.caseless
        self._idle = self._declared - program.moving - program.entering

    def inputs(self, batch: Batch, work: Work, deferrals: Deferrals, digests: Digests = None) -> Iterator[Given]:
        """What each line does to its person, in hand until the next one is asked for; outcomes are noted."""
        self._outcomes, self._reasons = bytearray(len(batch.lines)), []  # accepted, unless it turns out otherwise
        ids, consumed, reports = self._seen, list[bytes](), Reports(self._slots, batch.lines, self._settings)
        young, older, recent, settled = ids.young, ids.older, ids.recent, ids.settled
        arrival_ms, skews = self._time.arrival_ms(work.stamp_ms), batch.skews_ms
        idle, archived, keeps_inputs = self._idle, self._archiving.begin(work), self._archiving.keeps_inputs
        self._deferred, waiting, again = deferrals.deferred, deferrals.waiting, batch.again
        watched, in_hand, marks = EVERYBODY if again else self._names.watched, self._in_hand, self._time.comes_back
        plain_max = 0 if again or self._homes else PLAIN_ID_MAX  # no name is as it looks there
        for place, line in enumerate(batch.lines):
            at = batch.times[place] if arrival_ms is None else arrival_ms
            try:
                try:
                    call = decode_envelope(line)
                except UNREADABLE:
                    call = read_envelope(line)  # which mends it, or says what is wrong
                if call.type == "track":
                    moves, links = (event := call.event) not in idle, NOTHING_LINKED
                else:
                    call, moves, event, links = self._details(work, line, call, at)
                person = call.user_id
                if not person or person[0] == "@" or len(person) > plain_max or "\0" in person:
                    slot, person, name_hash = self._whose(call, reports, work, again[place] if again else None)
                else:
                    name_hash = crc32(person.encode())
                    slot = name_hash % SLOTS  # as the slot map says; a call a line is too dear here
                given = self._input(call, line, slot, person, at, work, skews[place] if skews else 0) if moves else None
                hashed, plain = _nothing_hashed(), (its_id := call.message_id) and len(its_id) <= PLAIN_ID_MAX
                hashed.update(f"{person}\0{its_id}".encode() if plain else self._identity(call, person, batch, place))
            except Unusable as reason:
                self._reject(place, str(reason))
                continue
            digest = hashed.digest() if digests is None else digests[place]
            key, part = _key_of(name_hash, digest), digest[0]
            if key in (seen := young[part]):
                is_known = not ids.has_expired(key, at)
            else:
                is_known = older and (key in recent[part] or key in settled[part]) and ids.recalls(key, at)
            if is_known:
                self._outcomes[place] = LineOutcome.DUPLICATE
                continue
            if in_hand.suspects and line_mark(digest) in in_hand.suspects:
                self._set_aside(work, at, person, call, batch, place, line_mark(digest))
                continue
            if links or waiting or person in watched:
                if (found := self._found(work, place, slot, person, at, links, deferrals, again)) is None:
                    continue
                if found.person != person:  # the name has been merged into hers
                    slot, person = found
                    given = self._input(call, line, slot, person, at, work, skews[place] if skews else 0)
            seen[key] = at
            consumed.append(key)
            if arrival_ms is None and at > work.stamp_ms:
                work.stamp_ms = at
            if marks and (given is not None or links):
                in_hand.line(line_mark(digest))
            if given is None:
                if moves and call.type == "track" and call.event not in self._declared:
                    self._outcomes[place] = LineOutcome.UNDECLARED
            elif person:
                yield slot, person, before_links(given) if links else given
            else:
                self._note_unmatched(given, work)
            if (is_event := event in archived) or keeps_inputs:  # behind what she had to go through before it
                kept = corrected_line(line, call, skews[place]) if skews else line
                work.kept.add(kept, None if person == call.user_id else person, is_event=is_event)
            if links:  # what comes of them is kept as lines of their own, behind this one
                yield slot, person, Linked(at, links)
        self._note_ids(work, consumed)

    def _details(
        self, work: Work, line: bytes, call: Call, at: int
    ) -> tuple[DetailedCall, Literal[True], str | None, tuple[Link, ...]]:
        """A call of another type than track, that it may move its person, its event, and the names that it links.

        Browsers say with each identify what has been known for long: nothing comes of that, so nothing is asked.
        """
        details, links = read_details(line), NOTHING_LINKED
        if call.type in LINKING and (name := plain_link(details, caseless=self._caseless)) != "":
            user_id = details.user_id
            if not (name and user_id and self._names.has_today(work, user_name(user_id), name, at)):
                links = links_of(details, self._program, self._settings).links
        return details, True, told_event(call), links

    def _found(
        self,
        work: Work,
        place: int,
        slot: int,
        name: str,
        at: int,
        links: tuple[Link, ...],
        deferrals: Deferrals,
        again: Sequence[Again],
    ) -> Found | None:
        """Whom a line concerns that is written under a name; None if it is deferred."""
        found = self._names.find(work, slot, name, again[place] if again else None, at)
        if isinstance(found, Elsewhere):
            is_first = not deferrals.has_to_wait(place, name)
            deferrals.defer(place, name, *(found if is_first else LATER))
        elif deferrals.has_to_wait(place, name) or not self._moving.may_begin(work, *found, links):
            deferrals.defer(place, name, *LATER)
        else:
            return found
        return None

    def _set_aside(self, work: Work, at: int, person: str, call: Call, batch: Batch, place: int, mark: bytes) -> None:
        """The line cannot be applied."""
        line = batch.lines[place]
        if batch.skews_ms:
            line = corrected_line(line, call, batch.skews_ms[place])
        owner = batch.again[place].owner if batch.again else None
        why = self._dead_letters.set_aside(work, at, person, line, mark, owner)
        self._reject(place, f"{SET_ASIDE}: {why}")

    def _reject(self, place: int, reason: str) -> None:
        """The line is not used."""
        self._outcomes[place] = LineOutcome.REJECTED
        self._reasons.append(reason)

    def _note_ids(self, work: Work, consumed: list[bytes]) -> None:
        """The ids of the batch are remembered, these as of its time; it may be that others had to go for them."""
        if consumed:
            work.seen.append((work.stamp_ms, b"".join(consumed)))
        if (reached := self._seen.note()) is not None:
            work.facts.append(reached)

    def _note_unmatched(self, given: Input, work: Work) -> None:
        """A report concerns nobody."""
        assert isinstance(given, FeedbackArrived), "every other input has its person"
        why = f"nobody here has a delivery of the key {given.key}"
        work.facts.append(Unmatched(given.at, NOBODY, given.reaction, why))

    def _whose(self, call: Call, reports: Reports, work: Work, again: Again | None) -> tuple[int, str, int]:
        """The slot of the person whom a line is about that has no plain user id, her name and its hash."""
        if again is not None and again.name:  # a name that was erased meanwhile is told no more
            person, name, owner = again.name, again.name.encode(), again.owner or again.name
            return self._slot_of(owner.encode()), person, name_of(self._slot_of(name), name)
        if is_report(call):
            slot, person = reports.addressee(call, work)
            name = person.encode()
        else:
            person = person_of(call, self._program, self._settings)
            name = person.encode()
            slot = self._slot_of(name)
        return slot, person, name_of(slot, name)

    def foretell(self, batch: Batch, work: Work) -> bytes:
        """What would become of these lines of a partition if they came again, for work that is never committed.

        A line may be asked of any shard: whoever it names may live elsewhere by now, and it is recognised there.
        """
        outcomes, reports = bytearray(len(batch.lines)), Reports(self._slots, (), self._settings)
        for place, line in enumerate(batch.lines):
            try:
                outcomes[place] = self._foretold(batch, place, read_call(line), reports, work)
            except Unusable:
                outcomes[place] = LineOutcome.REJECTED
        return bytes(outcomes)

    def _foretold(self, batch: Batch, place: int, call: Call, reports: Reports, work: Work) -> LineOutcome:
        owned, at = self._slots.owned, work.stamp_ms
        if is_report(call) and not call.person:
            if self._slots.slot_map.slot_of_hash(*reported_place(call)) not in owned:
                return LineOutcome.ACCEPTED  # only the shard that owns it can tell whose it is
        slot, person, name_hash = self._whose(call, reports, work, None)
        if slot in owned:
            self._input(call, batch.lines[place], slot, person, at, work, 0)
        digest = blake2s(self._identity(call, person, batch, place), digest_size=DIGEST_BYTES).digest()
        is_known = self._seen.knows(_key_of(name_hash, digest), at)
        return LineOutcome.DUPLICATE if is_known else LineOutcome.ACCEPTED

    def answer(self, number: int) -> Answer:
        """What became of the batch whose inputs have all been taken."""
        return Answer(number, bytes(self._outcomes), self._reasons, deferred=self._deferred)

    def answer_again(self, batch: Batch, outcomes: bytes, deferred: list[Deferred], stamp_ms: int) -> Answer:
        """The answer to a batch that comes again, of whose lines the outcomes are remembered."""
        pairs = zip(range(len(batch.lines)), outcomes, strict=True)
        reasons = [self._reason(batch, place, stamp_ms) for place, outcome in pairs if outcome == LineOutcome.REJECTED]
        return Answer(batch.number, outcomes, reasons, deferred=deferred)

    def _reason(self, batch: Batch, place: int, stamp_ms: int) -> str:
        """Why a line was rejected, found as it was then: it depends on the line, and on what is published.

        Where a publication in between has made the line usable, it stays rejected all the same.
        """
        arrival_ms = self._time.arrival_ms(stamp_ms)
        try:
            call = read_call(batch.lines[place])
            names_nobody = is_report(call) and not call.person
            person = NOBODY if names_nobody else person_of(call, self._program, self._settings)
            at = batch.times[place] if arrival_ms is None else arrival_ms
            listened_for = call.event in self._program.moving or call.event in self._program.entering
            if call.type != "track" or not call.event or listened_for:
                input_of(call, at, self._program, self._settings)
            identity = self._identity(call, person, batch, place)
        except Unusable as reason:
            return str(reason)
        why = self._dead_letters.why(line_mark(blake2s(identity, digest_size=DIGEST_BYTES).digest()))
        return NOT_USABLE_THEN if why is None else f"{SET_ASIDE}: {why}"

    def _input(
        self, call: Call, line: bytes, slot: int, person: str, at: int, work: Work, skew_ms: int
    ) -> Input | None:
        """What the call does to the person; None if it can move nothing. Whatever is wrong with it comes out here."""
        if self._hears_told and call.type in TOLD:
            return told_input(line, at)
        if call.type == MERGE and not self._time.comes_back:
            return None  # it links a name, and nothing else
        moving, entering = self._program.moving, self._program.entering
        if call.type == "track" and call.event and call.event not in moving:
            if call.event not in entering or work.knows(slot, person):
                return None
        given = input_of(call, at, self._program, self._settings)
        if isinstance(given, EventHappened) and (moving.isdisjoint(given.names) or entering.isdisjoint(given.names)):
            if (moving if work.knows(slot, person) else entering).isdisjoint(given.names):
                return None
        if skew_ms and type(given) is EventHappened and given.timestamp is not None:
            return msgspec.structs.replace(given, timestamp=corrected(given.timestamp, skew_ms))
        return given

    def digest_of_nameless(self, batch: Batch, place: int) -> bytes:
        """By what a line without a message id is recognised."""
        return blake2s(_nameless(batch, place), digest_size=DIGEST_BYTES).digest()

    def person_told(self, line: bytes) -> str:
        """Whose a line is that cannot be used, as far as it says so; NOBODY's, if it does not."""
        try:
            call = read_call(line)
            return NOBODY if is_report(call) else person_of(call, self._program, self._settings)
        except Unusable:
            return NOBODY

    def _identity(self, call: Call, person: str, batch: Batch, place: int) -> bytes:
        """By what a message is recognised."""
        if not call.message_id:
            return _nameless(batch, place)
        check_message_id(call, self._settings)
        return f"{person}\0{call.message_id}".encode()


def _nameless(batch: Batch, place: int) -> bytes:
    """A line by its number: a partition's, or a router's own, for two engines one after the other begin at 1."""
    source = (batch.partition or batch.router).encode()
    return b"%b\0%d\0%b" % (source, batch.line_numbers[place], batch.lines[place])
