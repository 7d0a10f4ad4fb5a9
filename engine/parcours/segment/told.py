"""Told lines: what happened to people that no caller hands in, as lines of the inputs that a store has kept.

A twin of the store takes them under virtual time, each at its effective time, in place of everything that dispatchers
and readers of audiences would do; so nothing leaves, and nothing happens to anybody that did not happen before.

    receipt      a delivery was claimed, or its claim was settled: what the channel said, or that nobody could
    read         an audience was read, and this person was in it
    totals       total caps of offers have answered what was asked for the person, or nobody has
    campaign     a campaign has taken the person to a step, or into or out of an audience, or made her known
    tick         the person's first timer could not be fired, or a change not gone through, and was set aside; without a
                 person: inputs are kept, or rankings of offers have learned
    publication  what is published changed
    end          the file is over: how many lines it has

The first five are inputs of a person. The rest concerns everybody, and is read by whoever lets the time pass.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from parcours.core.identity import id_of
from parcours.core.input import (
    ChangeSetAside,
    DeliveriesClaimed,
    Input,
    MembershipSaved,
    PartTaken,
    ReadReached,
    ReceiptArrived,
    Settlement,
    TimerSetAside,
    TotalsAnswered,
    TraitsChanged,
)
from parcours.core.offers.lessons import Lesson
from parcours.core.offers.totals import TotalAnswer, TotalAsk, TotalOutcome
from parcours.instants import to_moment
from parcours.journey.publish.publications import Publications
from parcours.segment.line import Unusable, Zoned, instant, read_envelope


class Claimed(msgspec.Struct, frozen=True, tag="claimed"):
    """A dispatcher has the delivery now."""

    key: str


class ReceiptLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, tag="receipt"):
    """A delivery of the person was claimed or settled.

    user_id, person  whose, here and below: by her user id, or if that does not name her as results do
    """

    receipt: Claimed | Settlement
    user_id: str | None = None
    person: str | None = None


class ReadLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, tag="read"):
    """The person was in the audience that the journey read, and enters.

    read_at  the instant of the read, if it is to be noted that she goes ahead of others
    """

    journey: str
    enter_at: Zoned
    user_id: str | None = None
    person: str | None = None
    read_at: Zoned | None = None


class PartLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `PartTaken` says besides whom and when."""

    campaign: str
    version: int
    run: int
    step: str | None
    due: Zoned
    row: dict[str, object] = {}
    delay: int = 0
    seeds: tuple[tuple[str, str], ...] = ()
    cut: bool = False
    part: int | None = None


class MembershipLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `MembershipSaved` says besides whom and when."""

    audience: str
    inside: bool
    silent: bool = False


class CampaignLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, tag="campaign"):
    """A campaign has taken the person to a step, or has saved an audience; with neither it has made her known."""

    user_id: str | None = None
    person: str | None = None
    part: PartLine | None = None
    saved: MembershipLine | None = None


class TotalLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What `TotalAnswer` says."""

    offer: str
    origin: str
    place: int
    at: int
    outcome: TotalOutcome
    why: str = ""


class TotalsLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, tag="totals"):
    """What was answered to all that a decision about the person has asked so far."""

    answers: tuple[TotalLine, ...]
    user_id: str | None = None
    person: str | None = None


class TickLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, tag="tick"):
    """The person's first timer was set aside, for this reason. Or, without a person: inputs are kept from here on, or
    rankings of offers have learned.

    change     the number of a change of what is published that was set aside, in place of a timer
    journey    the one that it was about, if it was about one
    audiences  the keys of those that it would have filled
    keeps      new: from the beginning of the store; on: as before; anew: those before are missing
    records    the channels that only record from now on
    until      of the first line of a file: how far the time of the store was
    learned    what rankings of offers know from now on, by what they learn
    """

    user_id: str | None = None
    person: str | None = None
    reason: str = ""
    change: int | None = None
    journey: str | None = None
    audiences: tuple[str, ...] = ()
    keeps: Literal["new", "on", "anew"] | None = None
    records: tuple[str, ...] = ()
    effective_at: Zoned | None = None
    until: Zoned | None = None
    learned: dict[str, Lesson] | None = None


class PublicationLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, tag="publication"):
    """What is published from now on."""

    publications: Publications
    effective_at: Zoned | None = None


class MergeLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, tag="merge"):
    """The name became the user's now. It is told of no person but the user, and not of whoever had the name.

    refused  why it did not, where it ceased to be somebody else's by that
    """

    user_id: str
    name: str
    timestamp: Zoned
    refused: Literal["", "shared"] = ""


class EndLine(msgspec.Struct, frozen=True, tag="end"):
    """The last line of a file. `lines` is the number of those before it, the first one included."""

    lines: int


OutsideLine: TypeAlias = TickLine | PublicationLine | EndLine
ToldLine: TypeAlias = ReceiptLine | ReadLine | TotalsLine | CampaignLine | TickLine | PublicationLine | EndLine

TOLD: Final = frozenset({"receipt", "read", "totals", "campaign", "tick", "publication", "end"})
"""The types of lines that are told."""

OF_PEOPLE: Final = ("receipt", "read", "totals", "campaign", "tick")
"""Those of them that concern a person."""

MERGE: Final = "merge"
"""The type of a line by which `name` becomes the person `userId`, at its time: of exports and recordings only."""

MERGING: Final = b'{"type":"merge",'
"""How such a line begins in a store's inputs. A caller's may begin so, too: of two types the last one counts."""

BEGINNING: Final = b'{"type":"tick",'
"""How the first line of a file begins."""

OUTSIDE: Final = (BEGINNING, b'{"type":"publication",', b'{"type":"end",')
"""How those lines begin that may concern everybody. A caller's may begin so, too: of two types the last one counts."""

encode_told = msgspec.json.Encoder().encode
_told = msgspec.json.Decoder(ToldLine)
_merge = msgspec.json.Decoder(MergeLine)


def name_told(person: str) -> str | None:
    """The name that a told line has of its person, where it is not her user id that is told."""
    return person if person.startswith("@") else None


def told_line(person: str, given: Input) -> bytes:
    """The line of what happened to a person and no caller handed in."""
    name = name_told(person)
    user_id = person if name is None else None
    match given:
        case DeliveriesClaimed():
            (key,) = given.keys
            return encode_told(ReceiptLine(Claimed(key), user_id, name))
        case ReceiptArrived():
            return encode_told(ReceiptLine(given.receipt, user_id, name))
        case ReadReached():
            read_at = None if given.read_at is None else to_moment(given.read_at)
            return encode_told(ReadLine(given.journey, to_moment(given.enter_at), user_id, name, read_at))
        case TotalsAnswered():
            lines = (
                TotalLine(each.ask.offer, each.ask.origin, each.ask.place, each.ask.at, each.outcome, each.why)
                for each in given.answers
            )
            return encode_told(TotalsLine(tuple(lines), user_id, name))
        case PartTaken():
            part = PartLine(
                given.campaign, given.version, given.run, given.step, to_moment(given.due), given.row, given.delay,
                given.seeds, given.cut, given.part,
            )  # fmt: skip
            return encode_told(CampaignLine(user_id, name, part))
        case MembershipSaved():
            saved = MembershipLine(given.audience, given.inside, given.silent)
            return encode_told(CampaignLine(user_id, name, saved=saved))
        case TraitsChanged():
            assert not given.traits, "what campaigns make known has no traits"
            return encode_told(CampaignLine(user_id, name))
        case TimerSetAside():
            return encode_told(TickLine(user_id, name, given.reason))
        case ChangeSetAside():
            tick = TickLine(user_id, name, given.reason, given.number, given.journey, given.audiences)
            return encode_told(tick)
        case _:
            raise AssertionError(f"{type(given).__name__} comes from callers, or from nobody")


def merge_line(person: str, name: str, at: int, refused: Literal["", "shared"] = "") -> bytes:
    """The line that says that the name became this user's, or has been cut loose as it was said to be."""
    return encode_told(MergeLine(id_of(person), name, to_moment(at), refused))


def merged_name(line: bytes) -> str | None:
    """The name that a line of a store's inputs merged, None if it merged none. Raises Unusable."""
    if not line.startswith(MERGING) or read_envelope(line).type != MERGE:
        return None
    try:
        merged = _merge.decode(line)
    except msgspec.MsgspecError as error:
        raise Unusable(f"not a line of kept inputs: {error}") from None
    return None if merged.refused else merged.name


def read_told(line: bytes) -> ToldLine:
    """Decode a told line. Raises Unusable."""
    try:
        told: ToldLine = _told.decode(line)
    except msgspec.MsgspecError as error:
        raise Unusable(f"not a line of kept inputs: {error}") from None
    return told


def outside_line(line: bytes) -> OutsideLine | None:
    """The line if it concerns everybody, None if it is any other. Raises Unusable."""
    if not line.startswith(OUTSIDE) or read_envelope(line).type not in TOLD:
        return None
    told = read_told(line)
    match told:
        case PublicationLine() | EndLine() | TickLine(user_id=None, person=None):
            return told
        case _:
            return None


def told_input(line: bytes, at: int) -> Input:
    """What the line does to its person. Raises Unusable where it concerns nobody."""
    match read_told(line):
        case ReceiptLine(receipt=Claimed(key=key)):
            return DeliveriesClaimed(at, (key,))
        case ReceiptLine(receipt=receipt):
            assert not isinstance(receipt, Claimed), "as the case above says"
            return ReceiptArrived(at, receipt)
        case ReadLine() as read:
            read_at = None if read.read_at is None else instant(read.read_at)
            return ReadReached(at, read.journey, instant(read.enter_at), read_at)
        case TotalsLine(answers=lines):
            asked = (TotalAsk(each.offer, each.origin, each.place, each.at) for each in lines)
            pairs = zip(asked, lines, strict=True)
            return TotalsAnswered(at, tuple(TotalAnswer(ask, each.outcome, each.why) for ask, each in pairs))
        case CampaignLine() as campaign:
            return _of_campaign(campaign, at)
        case TickLine(user_id=None, person=None) | PublicationLine() | EndLine():
            raise Unusable("it concerns nobody")
        case TickLine(change=int(number), journey=journey, reason=reason, audiences=audiences):
            return ChangeSetAside(at, number, journey, reason, audiences)
        case TickLine(reason=reason):
            return TimerSetAside(at, reason)


def _of_campaign(told: CampaignLine, at: int) -> Input:
    if (part := told.part) is not None:
        due = instant(part.due)
        return PartTaken(
            at, part.campaign, part.version, part.run, part.step, due, part.row, part.delay, part.seeds, part.cut,
            part.part,
        )  # fmt: skip
    if (saved := told.saved) is not None:
        return MembershipSaved(at, saved.audience, saved.inside, saved.silent)
    return TraitsChanged(at, {})
