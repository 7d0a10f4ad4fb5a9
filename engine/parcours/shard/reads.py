"""Reads of audiences in one shard: those awaited and under way, and what each person has yet to go through for them.

Who is in an audience at an instant is a function of the person alone, so nobody has to be there at the instant. The
shard knows the instants from what is published. Once one has passed, whoever something later happens to is looked at
before it does, and keeps a mark (`ReadMark`); everybody else stands as at the instant until she is listed. So a list
may be made late, in slices, and again after a crash, and is always the same.

    passed ── ListMembers ──> begun ── PlaceMembers ... LetIn ──> letting in ── slice by slice ──> over

Places in the list are kept before the time is fixed from which people enter, and no shard has passed that time. So
whoever is touched from then on enters first, and nobody enters later than she would have. Of several instants of a
journey that pass before one of them is read, the newest is: the others are missed. At a change of what is published
the reads whose instants have passed stay as they were (`waiting`), and the new program's instants begin.

Under virtual time whoever drives the shard holds everybody at the instant, and nothing is noted.

Scans, which take columns of everybody at an instant (scans.py), and audiences that campaigns save (saving.py) are
looked after in the same way, and go along.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import msgspec

from parcours.core.input import ColumnsFixed, Input, MembershipFixed, ReadReached
from parcours.core.profile import NEVER, Profile
from parcours.journey.program import Program
from parcours.shard.messages import AudienceRead, ListState, ReadState
from parcours.shard.read_times import ReadTimes
from parcours.shard.saving import Saves
from parcours.shard.scans import Scans

KEPT = "reads"
"""The entry of the shard's own slot with `ReadsKept`; each slice of places is one under a name that begins so."""

_encode = msgspec.msgpack.Encoder().encode
_decode_places = msgspec.msgpack.Decoder(list[tuple[str, int]]).decode


class MadeRead(msgspec.Struct, frozen=True, array_like=True):
    """A read that is over.

    entries_from, people  from when on people have entered, and how many in all shards; None and 0: it was not made
    """

    at: int
    entries_from: int | None = None
    people: int = 0


class BegunRead(msgspec.Struct, frozen=True, array_like=True):
    """A read under way.

    placed        how many slices of places have been taken
    let_in        how many of them have entered
    entries_from  from when on they enter, None as long as that is open
    people        how many enter in all shards
    """

    read: AudienceRead
    placed: int = 0
    let_in: int = 0
    entries_from: int | None = None
    people: int = 0


class ReadsKept(msgspec.Struct, frozen=True, array_like=True):
    """As the store keeps it, besides the places.

    made     by journey, the newest that is over
    waiting  those whose instants had passed when what is published changed
    begun    in the order in which they were
    missed   how many instants passed without a read, by journey
    """

    made: dict[str, MadeRead] = {}
    waiting: tuple[AudienceRead, ...] = ()
    begun: tuple[BegunRead, ...] = ()
    missed: dict[str, int] = {}


_decode_kept = msgspec.msgpack.Decoder(ReadsKept).decode


class Reads:
    """Of one shard. `first_ms` tells at a glance whether somebody may have something to go through.

    live   whether instants pass by the clock
    scans  those under way
    saves  audiences that campaigns save
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self.scans, self.saves = Scans(self._renew), Saves(self._renew)
        self._times = ReadTimes()
        self._kept = ReadsKept()
        self._places: dict[tuple[str, int], dict[str, int]] = {}
        """The delay (ms) of everybody who is placed and has not entered, by read."""

        self._slice: tuple[tuple[str, int], frozenset[str]] = ("", 0), frozenset()
        """Who enters now in the order of the list, and by which read."""

        self._unsaved: dict[str, bytes] = {}
        self._changed = False
        self._needed: list[tuple[int, tuple[tuple[str, str], ...]]] = []
        """Instants at which it has to be known who is in which (journey, audience)."""

        self._remembered: frozenset[int] = frozenset()
        """Instants whose marks are still of use."""

        self.first_ms = NEVER
        """Nobody has anything to go through as long as the shard's time is not later than this."""

    # What is published

    def publish(self, program: Program, since_ms: int) -> None:
        """The program's reads are those from this time on."""
        if self._live:
            after = {name: made.at for name, made in self._kept.made.items()}
            for read in (*self._kept.waiting, *(each.read for each in self._kept.begun)):
                after[read.journey] = max(after.get(read.journey, -1), read.at)
            self._times.publish(program, since_ms, after)
        self._renew()

    def close(self, at: int) -> None:
        """Another program holds from this time on: what has passed before waits to be read as it was."""
        self.pass_to(at)
        waiting = self._kept.waiting
        for read, skipped in self._times.passed():
            older = [each for each in waiting if each.journey == read.journey]
            waiting = (*(each for each in waiting if each.journey != read.journey), read)
            self._miss(read.journey, skipped + len(older))
        self._keep(waiting=waiting)

    def is_unfinished_before(self, at: int) -> bool:
        """Whether a read of an earlier instant is not over, or lets people in since an earlier time."""
        begun = [each.read.at if each.entries_from is None else each.entries_from for each in self._kept.begun]
        under_way = [*(each.at for each in self.scans.under_way()), *(each.at for each in self.saves.under_way())]
        return any(each < at for each in (*begun, *(read.at for read in self._kept.waiting), *under_way))

    # What passes

    def pass_to(self, stamp_ms: int) -> None:
        """The shard's time is this now: instants before it have passed."""
        if self._times.pass_to(stamp_ms):
            self._renew()

    def due(self, now_ms: int) -> Iterator[tuple[AudienceRead, int]]:
        """The reads that have to be made, or begun anew, at this time; each with the number of those missed before."""
        for each in self._kept.begun:
            if each.entries_from is None:
                yield each.read, 0
        yield from ((read, 0) for read in self._kept.waiting)
        yield from self._times.passed()
        yield from self._times.passing(now_ms)

    def next_ms(self) -> int | None:
        """The first instant that has not passed."""
        return self._times.next_ms()

    def is_soon(self, stamp_ms: int, margin_ms: int) -> bool:
        """Whether an instant comes within so long after this time, or is this time."""
        coming = [self._times.next_ms(), *(each.at for each in self.scans.under_way())]
        return any(at is not None and stamp_ms <= at < stamp_ms + margin_ms for at in coming)

    def missed_by(self, profile: Profile, person: str, stamp_ms: int, *, known: bool) -> list[Input]:
        """What the person has to go through before anything that happens at this time.

        known  whether anything was known of her at the instants that have passed
        """
        if profile.reads:
            remembered = [mark for mark in profile.reads if mark.at in self._remembered]
            if len(remembered) < len(profile.reads):
                profile.reads = remembered
        marked = {mark.at for mark in profile.reads}
        inputs: list[Input] = [
            MembershipFixed(at, audiences if known else ())
            for at, audiences in self._needed
            if at < stamp_ms and at not in marked
        ]
        for each in self._kept.begun:
            entry = self._enter(each, profile, person)
            if entry is not None:
                inputs.append(entry)
        return [*inputs, *self.saves.missed_by(person)]

    def _enter(self, begun: BegunRead, profile: Profile, person: str) -> ReadReached | None:
        """Her entry by a read that lets people in, if it is still to come."""
        read = begun.read
        if begun.entries_from is None:
            return None
        delay_ms = self._places[read.journey, read.at].pop(person, None)
        if delay_ms is None or any(mark.at == read.at and read.journey in mark.entered for mark in profile.reads):
            return None
        entering_by, entering = self._slice
        ahead = self._live and not (entering_by == (read.journey, read.at) and person in entering)
        enter_at = begun.entries_from + delay_ms
        return ReadReached(begun.entries_from, read.journey, enter_at, read.at if ahead else None)

    # A read from its list to its end

    def begin(self, read: AudienceRead, stamp_ms: int, *, anew: bool) -> ListState:
        """Begin a read, or go on with it; whether its members can be listed: `early`, `gone` or `listed`.

        anew  nobody is placed any more
        """
        if self._live and read.at >= stamp_ms:
            return "early"
        begun = self._find(read.journey, read.at)
        if begun is not None:
            if begun.entries_from is not None:
                return "gone"
            if anew:
                self._forget_places(begun)
                self._replace(begun, BegunRead(begun.read))
            return "listed"
        if self._live and read.at not in {each.at for each, _ in self.due(stamp_ms) if each.journey == read.journey}:
            return "gone"
        self._drop(read.journey, read.at)
        self._keep(begun=(*self._kept.begun, BegunRead(read)))
        return "listed"

    def place(self, journey: str, at: int, number: int, entries: list[tuple[str, int]]) -> None:
        """Take the next slice of places; one that has been taken changes nothing."""
        begun = self._find(journey, at)
        if begun is None or number < begun.placed:
            return
        assert number == begun.placed and begun.entries_from is None, "slices of places come in order"
        self._unsaved[_name(begun.read, number)] = _encode(entries)
        self._places.setdefault((journey, at), {}).update(entries)
        self._replace(begun, msgspec.structs.replace(begun, placed=number + 1))

    def let_in(self, journey: str, at: int, entries_from: int, people: int) -> bool:
        """Whoever is placed enters from this time on. False if that is known, or the read is over."""
        begun = self._find(journey, at)
        if begun is None or begun.entries_from is not None:
            return False
        self._places.setdefault((journey, at), {})
        self._replace(begun, msgspec.structs.replace(begun, entries_from=entries_from, people=people))
        self._end_where_all_are_in()
        return True

    def skip(self, journey: str, at: int) -> None:
        """Nobody makes up for the journey's reads up to this instant."""
        self._drop(journey, at, missed=False)
        before = self._kept.made.get(journey)
        if before is None or before.at < at:
            self._keep(made={**self._kept.made, journey: MadeRead(at)})

    def forget(self, person: str, own: Mapping[str, bytes]) -> None:
        """Somebody is erased: she enters by no read, and stands in no place."""
        for begun in self._kept.begun:
            places = self._places.get((begun.read.journey, begun.read.at), {})
            if places.pop(person, None) is None:
                continue
            for number in range(begun.let_in, begun.placed):
                name = _name(begun.read, number)
                entries = _decode_places(self._unsaved.get(name) or own[name])
                if any(each == person for each, _ in entries):
                    self._unsaved[name] = _encode([entry for entry in entries if entry[0] != person])
        self._end_where_all_are_in()

    def next_slice(self, own: dict[str, bytes]) -> list[str]:
        """Who enters next in the order of the list, of one slice; `own` are the entries of the shard's own slot."""
        begun = next((each for each in self._kept.begun if each.entries_from is not None), None)
        if begun is None:
            return []
        name = _name(begun.read, begun.let_in)
        places = self._places[begun.read.journey, begun.read.at]
        entering = [person for person, _ in _decode_places(self._unsaved.get(name) or own[name]) if person in places]
        self._slice = (begun.read.journey, begun.read.at), frozenset(entering)
        self._unsaved[name] = b""
        self._replace(begun, msgspec.structs.replace(begun, let_in=begun.let_in + 1))
        return entering

    def end_slice(self) -> None:
        """All of the slice have entered."""
        self._slice = ("", 0), frozenset()
        self._end_where_all_are_in()

    def lets_in_from(self) -> int | None:
        """The time from which people enter, or audiences hold, of whom some have not yet; None where there is none."""
        entries = [each.entries_from for each in self._kept.begun if each.entries_from is not None]
        return min([*entries, *(each.at for each in self.saves.under_way())], default=None)

    def _end_where_all_are_in(self) -> None:
        for each in self._kept.begun:
            if each.entries_from is not None and each.let_in == each.placed:
                made = MadeRead(each.read.at, each.entries_from, each.people)
                self._places.pop((each.read.journey, each.read.at), None)
                self._keep(
                    made={**self._kept.made, each.read.journey: made},
                    begun=tuple(other for other in self._kept.begun if other is not each),
                )

    # What is kept

    def states(self) -> list[ReadState]:
        """Of every read under way, and of the newest that each journey has made."""
        begun = [
            ReadState(each.read.journey, each.read.at, each.entries_from, each.people) for each in self._kept.begun
        ]
        return begun + [ReadState(name, made.at, made.entries_from, made.people) for name, made in self._made()]

    def _made(self) -> list[tuple[str, MadeRead]]:
        return [(name, made) for name, made in self._kept.made.items() if made.entries_from is not None]

    def newest(self) -> dict[str, int]:
        """By journey, the instant of the newest read that has been made."""
        return {name: made.at for name, made in self._made()}

    def missed(self) -> dict[str, int]:
        """By journey, how many instants passed without a read."""
        return self._kept.missed

    def restore(self, own: dict[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot."""
        if KEPT in own:
            self._kept = _decode_kept(own[KEPT])
        for begun in self._kept.begun:
            places = self._places.setdefault((begun.read.journey, begun.read.at), {})
            for number in range(begun.let_in, begun.placed):
                places.update(_decode_places(own[_name(begun.read, number)]))
        self.scans.restore(own)
        self.saves.restore(own)

    def entries(self) -> list[tuple[str, bytes]]:
        """What has to be written to the shard's own slot; nothing most of the time."""
        kept = {KEPT: _encode(self._kept)} if self._changed else {}
        return [*kept.items(), *self._unsaved.items(), *self.scans.entries(), *self.saves.entries()]

    def saved(self) -> None:
        """All entries are in the store."""
        self._changed = False
        self._unsaved.clear()
        self.scans.saved()
        self.saves.saved()

    def _find(self, journey: str, at: int) -> BegunRead | None:
        return next((each for each in self._kept.begun if (each.read.journey, each.read.at) == (journey, at)), None)

    def _drop(self, journey: str, at: int, *, missed: bool = True) -> None:
        """Wait no more for reads of the journey up to this instant, unless they let people in."""
        skipped, dropped = self._times.drop(journey, at), 0
        waiting = tuple(each for each in self._kept.waiting if each.journey != journey or each.at > at)
        dropped += sum(each.at < at for each in self._kept.waiting if each not in waiting)
        begun = self._kept.begun
        for each in begun:
            if each.read.journey == journey and each.read.at <= at and each.entries_from is None:
                self._forget_places(each)
                begun = tuple(other for other in begun if other is not each)
                dropped += each.read.at < at
        if missed:
            self._miss(journey, skipped + dropped)
        self._keep(waiting=waiting, begun=begun)

    def _forget_places(self, begun: BegunRead) -> None:
        self._unsaved |= {_name(begun.read, number): b"" for number in range(begun.placed)}
        self._places.pop((begun.read.journey, begun.read.at), None)

    def _miss(self, journey: str, count: int) -> None:
        if count:
            self._keep(missed={**self._kept.missed, journey: self._kept.missed.get(journey, 0) + count})

    def _replace(self, before: BegunRead, after: BegunRead) -> None:
        self._keep(begun=tuple(after if each is before else each for each in self._kept.begun))

    def _keep(self, **changes: object) -> None:
        self._kept = msgspec.structs.replace(self._kept, **changes)
        self._changed = True
        self._renew()

    def _renew(self) -> None:
        """Find out anew what whoever is touched has to go through."""
        begun = self._kept.begun
        letting_in = self.saves.under_way() or any(each.entries_from is not None for each in begun)
        needed: dict[int, list[tuple[str, str]]] = {}
        if self._live:
            listed = [each.read for each in begun if each.entries_from is None]
            for read in (*self._kept.waiting, *listed, *(read for read, _ in self._times.passed())):
                needed.setdefault(read.at, []).append((read.journey, read.audience))
        self._needed = [(at, tuple(audiences)) for at, audiences in sorted(needed.items())]
        self._remembered = frozenset(needed) | {each.read.at for each in begun}
        coming = self._times.next_ms()
        scanned = [each.at for each in self.scans.under_way()]
        first_ms = min([*needed, *scanned, *([] if coming is None else [coming])], default=NEVER)
        self.first_ms = -1 if letting_in else first_ms


def _name(read: AudienceRead, number: int) -> str:
    return f"{KEPT}/{read.journey}/{read.at}/{number}"


def in_order(inputs: Collection[Input]) -> list[Input]:
    """What a person has to go through in the order of time; of one instant, what is published goes first."""
    return sorted(inputs, key=lambda given: (given.at, isinstance(given, MembershipFixed | ColumnsFixed | ReadReached)))
