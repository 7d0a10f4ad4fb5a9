"""The profile: everything that is stored of one person, traits, runs, deliveries and timers. About 1 KB a waiting run.

A profile lies in memory as bytes and is decoded when an input touches it. The first eight bytes are the due time of the
person's next timer, so that a shard finds out what is due without decoding anything.
"""

from __future__ import annotations

from itertools import takewhile
from struct import Struct
from typing import Literal, TypeAlias

import msgspec

from parcours.core.copy_state import CopyState
from parcours.core.inbox_entry import InboxEntry
from parcours.core.offers.state import OffersKept, Picked
from parcours.core.packed_entries import PLACE_BYTES, PackedEntries
from parcours.core.places.state import Whereabouts
from parcours.core.read_mark import ReadMark
from parcours.core.series_entries import SeriesEntries
from parcours.core.sync_state import SyncState

NEVER = 2**63 - 1
"""The due time of a person without timers."""

DeliveryStateName: TypeAlias = Literal[
    "held", "queued", "claimed", "unknown", "sent", "delivered", "bounced", "failed", "refused", "cancelled"
]

TimerKind: TypeAlias = Literal[
    "wait", "timeout", "retry", "release", "reaction", "click", "read", "audience", "expiry", "names", "part",
    "place", "score",
]  # fmt: skip


class Timer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A timer of the person. Ties are broken by `sequence`, the order in which timers were set.

    wait, timeout  of a run, which goes on
    retry          key is the delivery, or what a destination is to be told, to queue again
    reaction       key and detail are the delivery and a simulated person's reaction to it
    click          key and detail are the delivery and a link of it that was followed, by whom will be known then
    release        key is the delivery that a gate held until now
    read, part     journey is the one to enter; of a campaign, to whose step `key` the run is taken
    audience       the passing of time may change some audience
    place          the person may enter a place, or leave one
    score          the trait that follows the score `key` is renewed
    expiry         key is the delivery that leaves the inbox
    names          names of hers may have been unused for so long that they are let go
    """

    due: int
    sequence: int
    kind: TimerKind
    journey: str = ""
    run: int = 0
    key: str = ""
    detail: str = ""


class DeliveryState(msgspec.Struct, array_like=True):
    """A delivery: one message on one channel. For an outbound call `message` is the action, and `to` is None.

    attempt        the number of the attempt that was begun last, or is to come next
    decided_at     when the run reached the send step: a message expires from then on
    may_have_left  an attempt was accepted or ambiguous: the person may have it, whatever the state says now
    in_doubt       a provider has given an ambiguous answer to an attempt
    marks, links   each reaction, and each link clicked, with its first time
    answer         the paths of a call's answer that the journey names, for as long as a listener may read them
    purpose        of a marketing message, once it has been queued; "" for a delivery that no cap counts
    held_ms        how long after `decided_at` it was queued: from then on it counts against caps
    tries_again    while its state is unknown: another attempt will be made
    left_at        when it was first known that an attempt had left, or might have; 0 as long as none has
    machines       `opened`, and each link, with the first time that a machine did it: no listener hears of that
    past_window    a gate has held it until the window of its step was shut: that does not hold it any more
    """

    key: str
    step: str
    visit: int
    channel: str
    message: str
    to: str | None
    state: DeliveryStateName
    attempt: int = 0
    may_have_left: bool = False
    provider_id: str | None = None
    marks: dict[str, int] = {}
    links: dict[str, int] = {}
    decided_at: int = 0
    answer: dict[str, object] = {}
    purpose: str = ""
    held_ms: int = 0
    in_doubt: bool = False
    tries_again: bool = False
    left_at: int = 0
    machines: dict[str, int] = {}
    past_window: bool = False

    @property
    def attempts_begun(self) -> int:
        """How many attempts have been begun; `attempt` is the number of the next where that is still to come."""
        is_to_come = self.state in _BEFORE_A_CLAIM or (self.state == "unknown" and self.tries_again)
        return self.attempt - 1 if is_to_come else self.attempt

    @property
    def is_under_way(self) -> bool:
        """Whether an attempt has still to be made, or to be answered for: it is held, or has an outbox entry."""
        return self.state in _BEFORE_AN_ANSWER or (self.state == "unknown" and self.tries_again)


_BEFORE_A_CLAIM: frozenset[DeliveryStateName] = frozenset({"held", "queued"})
_BEFORE_AN_ANSWER: frozenset[DeliveryStateName] = _BEFORE_A_CLAIM | {"claimed"}


class Reservation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A reservation: a marketing delivery that counts against frequency caps from the instant it was queued."""

    at: int
    key: str
    channel: str
    purpose: str


class Origin(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The name and the number under which a run entered."""

    name: str
    number: int


class Identity(msgspec.Struct, array_like=True):
    """What is known of a person's names besides the one under which her profile lies; nobody without it has others.

    names       those that were merged into her, each with the day on which it was used last (days since the epoch)
    identified  she is somebody known, and is never merged into anybody
    shared      the name has been two people's, and can be linked to nobody
    moved_to    it is no person but a forwarding address: the name under which the person lives now
    returning   the name was asked back from the person to whom it belonged, and has not come back yet
    counts      of a name that is, or was, no person: how many runs of each journey it had, so that no key comes twice
    """

    names: dict[str, int] = {}
    identified: bool = False
    shared: bool = False
    moved_to: str | None = None
    returning: bool = False
    counts: dict[str, int] = {}

    @property
    def is_alone(self) -> bool:  # no person now
        return self.moved_to is not None or self.returning


class Run(msgspec.Struct, array_like=True):
    """A run: one person's way through one journey.

    number       counts from 1 per person and journey
    correlation  canonical text of the correlation's value, None where it has none
    visits       how often each step has been reached
    entry/event  the paths kept of the event that started it, and of what moved it last; of a campaign see parts.py
    withdrawn    it was ended from outside (an exit), so nothing more may leave for it
    held_until   the latest release of what it waits for at a send step, as it was told last; None elsewhere
    since        when it has come to its step; None of an ended run
    offers       what decisions of the run have chosen, by the names that its steps give them; None of most
    apart        its person was merged, what was before is not used: it reaches no goal, and nothing is sent again
    origin       under what it entered, None as long as that is its person's name and its number (`Turn.origin_of`)
    """

    journey: str
    version: int
    number: int
    correlation: str | None
    entered_at: int
    step: str | None = None
    visits: dict[str, int] = {}
    entry: dict[str, object] = {}
    event: dict[str, object] = {}
    deliveries: list[DeliveryState] = []
    goal_at: int | None = None
    ended_at: int | None = None
    withdrawn: bool = False
    parked: str | None = None
    origin: Origin | None = None
    held_until: int | None = None
    since: int | None = None
    apart: bool = False
    offers: dict[str, Picked] | None = None


class Archive(msgspec.Struct, array_like=True):
    """The ended runs of one journey, encoded: most inputs of their person need none of them (archive.py).

    settled    the runs with no delivery under way, in the order in which they ended
    under_way  the others, in the same order
    left_at    when a run without a correlation ended last, be it remembered or not; None if none has
    goals      by version, until when a goal may be reached by some of them; nothing is said of versions left out
    """

    settled: PackedEntries = msgspec.field(default_factory=PackedEntries)
    under_way: PackedEntries = msgspec.field(default_factory=PackedEntries)
    left_at: int | None = None
    goals: dict[int, int] = {}


class BufferedInput(msgspec.Struct, frozen=True, array_like=True):
    """An input of a paused journey's runs, applied when the journey is resumed.

    occasion  names, properties and changes are an occasion's, as far as any of the runs may look at them; timer is the
              one that caused it, if one did
    reaction  to a delivery of the run
    zone      the person's time zone changed while deliveries of the journey were held; timer as above
    timer     it fell due
    claim     of the delivery `key`, which was about to leave
    lost      `key` names a kind of input that found no room, so that its loss is recorded only once

    among  the first and the last number of the runs that it concerns, where two people were merged since: what one of
           them did moves no run of the other
    """

    at: int
    journey: str
    kind: Literal["occasion", "reaction", "zone", "timer", "claim", "lost"]
    run: int = 0
    key: str = ""
    timer: Timer | None = None
    names: tuple[str, ...] = ()
    properties: dict[str, object] = {}
    changes: tuple[tuple[str, Literal["entered", "left"]], ...] = ()
    among: tuple[int, int] | None = None


class Profile(msgspec.Struct, array_like=True):
    """Everything that is stored of one person. Each part is bounded, so that no past makes an input dear.

    A setting bounds what inputs add to: `traits`, `runs`, `archives`, the deliveries of a run and the links
    of a delivery, `consents`, `suppressed`, `soft_failures`, `reservations`, the entries of `series`, `kept`, the
    `inbox`, the places of `whereabouts`, and what `offers` has; of `lifted_by` a fixed number is kept. All else is
    bounded by what is published, which no input changes: `counts` and `limits` by journeys, `visits` by steps,
    `audiences` and `series` by what expressions name, and `reads`, which end with the read. Of `timers` there are a few
    for each run, each delivery that is remembered, and each journey that reads an audience.

    archives     by journey, the ended runs that are remembered
    counts       all runs ever, by journey
    kept         the pause buffer, in the order of time
    suppressed   by channel, the dead addresses in the order in which they were found out, each with the time at which
                 the delivery was decided on that found out
    reserved_ms  the length of the window for which `reservations` are complete
    soft_failures  by channel and address, when deliveries failed there for reasons that say nothing of the address
    change_number  the number of the newest change of what is published that she has gone through, of those that touch
                   people
    reads        her membership at instants of reads that were not over when something later happened to her
    limits       those that are told of only once, each with what it is about
    inbox        cards and in-app messages that lie there, the first to come first
    lifted_by    by which reports suppressions were lifted: the hashes of their ids, the newest last
    identity     her other names, None of nearly everybody
    whereabouts  her newest position and the places that she is in, None as long as nothing tells of any
    offers       what she got of late by decisions, None where nothing is left to remember of it
    synced       by destination, what it has been told of her; None as long as she was in no such audience
    copies       those under way of what campaigns send to addresses of their own, with her data: as many as these have
    """

    traits: dict[str, object] = {}
    runs: list[Run] = []
    archives: dict[str, Archive] = {}
    timers: list[Timer] = []
    counts: dict[str, int] = {}
    sequence: int = 0
    consents: dict[str, bool] = {}
    suppressed: dict[str, dict[str, int]] = {}
    reservations: list[Reservation] = []
    audiences: dict[str, bool] = {}
    series: dict[str, SeriesEntries] = {}
    kept: list[BufferedInput] = []
    change_number: int = 0
    reserved_ms: int = 0
    reads: list[ReadMark] = []
    soft_failures: dict[str, dict[str, list[int]]] = {}
    limits: list[str] = []
    inbox: list[InboxEntry] = []
    lifted_by: list[bytes] = []
    identity: Identity | None = None
    copies: list[CopyState] = []
    whereabouts: Whereabouts | None = None
    offers: OffersKept | None = None
    synced: dict[str, SyncState] | None = None

    def next_due(self) -> int:
        return min([timer.due for timer in self.timers]) if self.timers else NEVER

    @property
    def past(self) -> list[Run]:
        """Copies of all ended runs that are remembered, the first to end first: for who looks, and changes nothing."""
        packed = [each for archive in self.archives.values() for each in (archive.under_way, archive.settled)]
        archived = [decode_run(entry) for entries in packed for entry in entries.unpacked()]
        return sorted(archived, key=lambda run: (run.ended_at or 0, run.number))


def is_unknown(profile: Profile) -> bool:
    """Whether nothing is known of the person but whose names are whose, whatever changes and reads have passed.

    Whoever is unknown is in no audience.
    """
    identity, reads = profile.identity, profile.reads
    if profile.traits or profile.audiences or (profile.counts and identity is None):  # nearly everybody has one of them
        return False
    counts = identity.counts if identity and profile.counts else {}  # runs that her name had before are not hers
    return profile == Profile(change_number=profile.change_number, reads=reads, identity=identity, counts=counts)


def is_empty(profile: Profile) -> bool:
    """Whether nothing at all is known, not even of names: nothing is worth keeping."""
    return profile.identity is None and is_unknown(profile)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Profile)
_run_decoder = msgspec.msgpack.Decoder(Run)

_DUE = Struct(">Q")
"""When the person's next timer is due."""

_PLACE = Struct(">QQ")
"""When the run ended, and its number."""

_TIME_BIAS = 2**63
"""Times before 1970 are negative, and have to come first as bytes, too."""


def start_of_places(at: int) -> bytes:
    """What the places of runs that ended at this time begin with: those of earlier ones are less than this."""
    return (at + _TIME_BIAS).to_bytes(8, "big")


def encode_run(run: Run) -> bytes:
    """The entry of an archive that holds the ended run: its place there, by the time at which it ended, then itself."""
    assert run.ended_at is not None, "an open run is not archived"
    return _PLACE.pack(run.ended_at + _TIME_BIAS, run.number) + _encoder.encode(run)


def decode_run(entry: bytes) -> Run:
    """The run that an entry of an archive holds."""
    return _run_decoder.decode(entry[PLACE_BYTES:])


def encode_text(text: str) -> bytes:
    """A text as it stands in encoded runs: where this is not found, no run has the text."""
    return _encoder.encode(text)


def encode_profile(profile: Profile) -> bytes:
    return _DUE.pack(profile.next_due()) + _encoder.encode(profile)


def decode_profile(data: bytes) -> Profile:
    return _decoder.decode(data[_DUE.size :])  # to copy a few hundred bytes takes less time than to make a view of them


_FIELDS_MIN = 20
"""As many parts has a profile that earlier releases have written: it says first how many there are."""


def _starts(profile: Profile) -> tuple[bytes, ...]:
    """How the profile begins, as far as one in which there is nothing begins the same, whichever release wrote it."""
    pairs = zip(encode_profile(Profile()), encode_profile(profile), strict=False)
    start = bytes(one for one, other in takewhile(lambda pair: pair[0] == pair[1], pairs))
    number = len(Profile.__struct_fields__)
    place = start.index(number.to_bytes(2, "big"), 8)
    counts = range(_FIELDS_MIN, number + 1)
    return tuple(start[:place] + count.to_bytes(2, "big") + start[place + 2 :] for count in counts)


_NAMES_ONLY = _starts(Profile(identity=Identity()))
"""How a profile begins in which there is nothing, or nothing but names, and that no change has touched."""

_UNKNOWN = _starts(Profile(counts={"": 1}))
"""How the profile of somebody begins of whom nothing is known: where bytes do not, something is, undecoded."""


def is_unknown_data(data: bytes) -> bool:
    """Whether it is the profile of somebody unknown that is encoded here."""
    return data.startswith(_UNKNOWN) and is_unknown(decode_profile(data))


def name_alone(data: bytes) -> Identity | None:
    """What there is to say of a name that is no person now: it forwards, or is on its way back. None for a person."""
    if not data.startswith(_NAMES_ONLY):
        return None
    identity = decode_profile(data).identity
    return identity if identity is not None and identity.is_alone else None


def next_due(data: bytes) -> int:
    """When the person's next timer is due, read off the encoded profile; NEVER without one."""
    due: int = _DUE.unpack_from(data)[0]
    return due
