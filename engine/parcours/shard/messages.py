"""The structs that requests to a shard carry and that it answers with, sent between processes as bytes."""

from __future__ import annotations

from enum import IntEnum
from threading import Lock
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast

import msgspec

from parcours.core.effect import InboxChange, Outgoing
from parcours.core.fact import Fact
from parcours.journey.publish.publications import Publications
from parcours.shard.erasures import Erasure
from parcours.shard.saving import Save


class Look(msgspec.Struct, frozen=True, array_like=True):
    """Who looks at somebody, or changes something by hand: the name of a key, and what it asks, as a route."""

    key: str
    route: str


class Again(msgspec.Struct, frozen=True, array_like=True):
    """A line that comes again after it had been deferred: the name it is written under.

    owner  the person whom it concerns, where a shard has said `moved`; None in the slot of the name
    """

    name: str
    owner: str | None = None


class Settled(msgspec.Struct, frozen=True, array_like=True):
    """Every line that the shard has deferred under this name, up to this line number, has been dealt with."""

    name: str
    line: int


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Lines of one router for one shard. Numbers count from 1 per router and shard, without a gap.

    line_numbers  of each line, in the order in which the router was given them; a deferred line keeps its own
    skews_ms  what is to be added to the timestamp of each line, as its sender's clock is wrong; empty: nothing to any
    times     of each line under virtual time, where whoever reads a recording knows them; live there are none
    again     of each line at the front that comes again; the lines behind come for the first time
    settled   deferred names that are free again, before any line of this batch is looked at
    partition  of the source of which these lines are read, whose numbers are their offsets; empty for any others
    below     before this offset nothing of the partition is outstanding (partitions.py)
    alone     how many lines of declared events, and of others, the router has answered by itself since it said so
              last; it asks for a lease on that (leases.py). None: neither
    """

    router: str
    number: int
    line_numbers: list[int]
    lines: list[bytes]
    skews_ms: list[int] = []
    times: list[int] = []
    again: list[Again] = []
    settled: list[Settled] = []
    partition: str = ""
    below: int = 0
    alone: tuple[int, int] | None = None


class LineOutcome(IntEnum):
    """What became of one line. There are four and no more: two bits of each are kept (positions.py).

    ACCEPTED    it is durable and applied
    UNDECLARED  it is accepted, and the project does not declare its event
    DUPLICATE   its message had been accepted before
    REJECTED    it cannot be used
    """

    ACCEPTED = 0
    UNDECLARED = 1
    DUPLICATE = 2
    REJECTED = 3


Verdict: TypeAlias = Literal["later", "moved", "back"]
"""Why a line was not consumed: ask again in a while, ask her who has the name now, ask in the slot of the name."""


ALL_OTHERS = ""
"""The name under which lines wait that have no room of their own. Nobody is called so."""


class Deferred(msgspec.Struct, frozen=True, array_like=True):
    """A line that was not consumed, by its place in the batch.

    name         that it is written under
    owner        who has the name, if it has moved
    with_others  it waits with all others of the router, as there is no room for its name (deferrals.py)
    """

    place: int
    name: str
    verdict: Verdict
    owner: str | None = None
    with_others: bool = False

    @property
    def waits_as(self) -> str:
        """The name under which lines have to wait from now on."""
        return ALL_OTHERS if self.with_others else self.name


class Lease(msgspec.Struct, frozen=True, array_like=True):
    """Leave for a router to answer by itself what nothing listens to (leases.py).

    ledger    the number of that by which its batch was taken
    archives  whether the shard keeps the events that are to be archived
    waited_s  how long the batch had waited at the shard before that was begun
    """

    ledger: int
    archives: bool = False
    waited_s: float = 0.0


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What became of each line of a batch.

    outcomes  a `LineOutcome` for each line, as a byte; that of a deferred line says nothing
    reasons   why a line was rejected, for each that was, in their order
    expected  None: the batch was taken. Else it was not looked at, and this number comes next
    refuses   why the shard wants no further events for now, None if it does
    deferred  the lines that were not consumed, by place
    credits   how many batches the router may have under way from now on; None: as many as the settings say
    lease     that the router is granted; None: none
    """

    number: int
    outcomes: bytes = b""
    reasons: list[str] = []
    expected: int | None = None
    refuses: str | None = None
    deferred: list[Deferred] = []
    credits: int | None = None
    lease: Lease | None = None

    @property
    def consumed(self) -> bytes:
        """The outcomes of the lines that were consumed."""
        if not self.deferred:
            return self.outcomes
        left = {each.place for each in self.deferred}
        return bytes(outcome for place, outcome in enumerate(self.outcomes) if place not in left)


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """Deliveries that a dispatcher has to send now, and whether more of the channel are ready."""

    outgoing: list[Outgoing]
    more: bool


class AudienceRead(msgspec.Struct, frozen=True, array_like=True):
    """A journey's audience at the instant `at`, as it is named in the version that was entered then."""

    journey: str
    version: int
    at: int
    audience: str
    people_per_second: int | None = None


class DueRead(msgspec.Struct, frozen=True, array_like=True):
    """A read whose instant has passed.

    missed  how many instants of the journey passed before it without a read
    paused  whether the journey was paused at the instant
    """

    read: AudienceRead
    missed: int
    paused: bool


class DueReads(msgspec.Struct, frozen=True, array_like=True):
    """The reads that a shard waits for, of each journey the newest, and the first instant that is still to come."""

    due: list[DueRead]
    next_ms: int | None


ListState: TypeAlias = Literal["listed", "early", "gone"]


class Members(msgspec.Struct, frozen=True, array_like=True):
    """A slice of those who are in an audience at an instant.

    state  early: the instant has not passed for the shard yet; gone: it waits for this read no more
    after  the place where the next slice goes on; None if this was the last one
    """

    state: ListState
    people: list[str] = []
    after: tuple[int, str] | None = None


class PeopleColumns(msgspec.Struct, frozen=True, array_like=True):
    """A slice of a scan: names and columns (columns.py), in a stable order, which is not that of names.

    state  early: the instant has not passed for the shard yet; gone: it has no such scan, or no more
    after  the place where the next slice goes on; None if this was the last one
    """

    state: ListState
    rows: list[tuple[str, bytes]] = []
    after: tuple[int, str] | None = None


class ReadState(msgspec.Struct, frozen=True, array_like=True):
    """How far a shard is with a read: since when people enter by it, None as long as that is open, and how many."""

    journey: str
    at: int
    entries_from: int | None
    people: int


class Outstanding(msgspec.Struct, frozen=True, array_like=True):
    """What a shard has yet to do under virtual time.

    next_ms         nothing falls due before this time; None if nothing is due at all
    standing_still  people whose clock waits for a receipt
    """

    next_ms: int | None
    standing_still: int


class Status(msgspec.Struct, frozen=True, array_like=True):
    """Where a shard stands.

    next_ms         nothing falls due before this time; None if nothing is due at all
    ready           deliveries that could be claimed now, by channel
    claimed         deliveries under way
    standing_still  people whose clock waits for a receipt (virtual time only)
    reads           journeys whose audience has been read, and the newest instant of it
    reads_missed    how many instants of a journey passed without a read, by journey
    message_ids_window_ms  for how long a message is recognised now: shorter than asked for where there is no room
    troubles        what is not in order, a sentence each
    refuses         why it wants no further events for now, None if it does
    unanswered      messages to other shards that these have not answered
    """

    people: int
    stamp_ms: int
    next_ms: int | None
    ready: dict[str, int]
    claimed: int
    standing_still: int
    reads: dict[str, int]
    reads_missed: dict[str, int]
    troubles: list[str] = []
    refuses: str | None = None
    message_ids_window_ms: int = 0
    unanswered: int = 0


class Holding(msgspec.Struct, frozen=True, array_like=True):
    """What a shard has published, and how far its time is.

    held   it stands still until it is told what changes, or that nothing does
    fresh  its store was empty: it began with the project that it was opened with
    reads  those under way, and of each journey the newest that has been made
    scans  the names of those under way
    saves  audiences that campaigns have saved and that hold, as long as it has to be known
    learned_ms  from when on its newest lesson holds, 0 if it knows none
    """

    publications: Publications
    stamp_ms: int
    held: bool
    fresh: bool
    reads: list[ReadState] = []
    scans: list[str] = []
    saves: list[Save] = []
    learned_ms: int = 0


class FactsAfter(msgspec.Struct, frozen=True, array_like=True):
    """A shard's newest facts. They are numbered from 1 in the order of its commits, across restarts too.

    first   the number of the first fact here; it is higher than the one asked for if the ring no longer has that
    newest  the number of the newest fact
    """

    first: int
    facts: list[Fact]
    newest: int


class InboxesChanged(msgspec.Struct, frozen=True, array_like=True):
    """The newest changes of inboxes in a shard, numbered since it was opened under this epoch.

    changes  those above the number asked for, None if that is of another epoch or some of them are gone
    """

    epoch: int
    newest: int
    changes: list[InboxChange] | None


class Recalled(msgspec.Struct, frozen=True, array_like=True):
    """What a slice of the journal tells of a person.

    through  the newest record that there was when the question was first put
    after    where the next slice goes on; None if this was the last one
    lines    what she has handed in, with its effective time in ms, as far as it is kept; only if it was asked for
    """

    facts: list[Fact]
    through: int
    after: int | None = None
    lines: list[tuple[int, bytes]] = []


class ExportRange(msgspec.Struct, frozen=True, array_like=True):
    """The records that are exported next, from the first to the last."""

    first: int
    last: int


class ExportRecord(msgspec.Struct, frozen=True, array_like=True):
    """What a record tells: its encoded block of facts, and that of the inputs that are kept."""

    sequence: int
    stamp_ms: int
    facts: bytes
    inputs: bytes = b""


class ExportSlice(msgspec.Struct, frozen=True, array_like=True):
    """Some records of a range that tell anything.

    after  where the next slice goes on; None if this was the last one
    """

    records: list[ExportRecord]
    after: int | None = None


class FactSlice(msgspec.Struct, frozen=True, array_like=True):
    """Some records that a destination is told, those that tell anything.

    through  up to which record there are no others
    more     whether there are newer ones already
    erased   people are left out whom one of these means, up to its record
    offset   what the record of an erasure is less than in the export
    """

    records: list[ExportRecord]
    through: int
    more: bool
    erased: list[Erasure] = []
    offset: int = 0


class TailSlice(msgspec.Struct, frozen=True, array_like=True):
    """Some records that tell anything and may not be exported yet.

    after     where the next slice goes on; None if this was the last one
    through   the newest record when the first slice was asked for: the others go up to it
    known_ms  when that was
    """

    records: list[ExportRecord]
    after: int | None
    through: int
    known_ms: int


T = TypeVar("T")
_encoder = msgspec.msgpack.Encoder()
_decoders: dict[type, msgspec.msgpack.Decoder[Any]] = {}

_PREPARING: Final = Lock()
"""msgspec prepares a kind when it is first met, and the process crashes if a second thread meets it meanwhile. So
whatever is decoded in threads has its decoder from when its module is imported, or from under a lock."""


def encode(message: object) -> bytes:
    return _encoder.encode(message)


def decode(data: bytes, kind: type[T]) -> T:
    decoder = _decoders.get(kind)
    if decoder is None:
        with _PREPARING:
            decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind)
    return cast(T, decoder.decode(data))
