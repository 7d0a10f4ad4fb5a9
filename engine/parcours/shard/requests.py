"""Requests to a shard: the tagged union of everything that it can be asked, each with the type of its answer.

A request is a plain struct, so that it reaches a shard in this process as it is and one in another process as bytes.
A new one is a class here, or in a file named for what its requests are about, such as person_requests.py: whoever holds
a port asks it, and `put_to` says which method of the host answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from parcours.core.fact import Fact
from parcours.core.input import Settlement
from parcours.core.remarks import RemarkCounts
from parcours.core.totals import Totals
from parcours.journey.publish.publications import Publications
from parcours.shard.campaign_requests import ForgetSlices as ForgetSlices
from parcours.shard.campaign_requests import LetSave as LetSave
from parcours.shard.campaign_requests import MakeKnown as MakeKnown
from parcours.shard.campaign_requests import StageMembers as StageMembers
from parcours.shard.campaign_requests import TakeParts as TakeParts
from parcours.shard.campaign_requests import TellOutcomes as TellOutcomes
from parcours.shard.campaign_requests import TryParts as TryParts
from parcours.shard.fact_requests import ReadFacts as ReadFacts
from parcours.shard.fact_requests import TellFacts as TellFacts
from parcours.shard.figures import ShardFigures
from parcours.shard.foreseeing import Foreseen
from parcours.shard.inbox_requests import GetInbox as GetInbox
from parcours.shard.inbox_requests import HearInboxes as HearInboxes
from parcours.shard.learning_requests import CountOffers as CountOffers
from parcours.shard.learning_requests import Learn as Learn
from parcours.shard.lease_requests import EndLeases as EndLeases
from parcours.shard.letter_requests import ApplyDeadLetters as ApplyDeadLetters
from parcours.shard.letter_requests import DropDeadLetters as DropDeadLetters
from parcours.shard.letter_requests import ListDeadLetters as ListDeadLetters
from parcours.shard.letter_requests import ResendDeadLetters as ResendDeadLetters
from parcours.shard.messages import (
    Answer,
    AudienceRead,
    Batch,
    Claims,
    DueReads,
    ExportRange,
    ExportSlice,
    Holding,
    Members,
    Status,
)
from parcours.shard.offer_requests import AnswerTotals as AnswerTotals
from parcours.shard.offer_requests import CollectTotals as CollectTotals
from parcours.shard.offer_requests import GetOffers as GetOffers
from parcours.shard.offer_requests import TryDecisions as TryDecisions
from parcours.shard.peer_requests import Hello as Hello
from parcours.shard.peer_requests import TakePeerMessages as TakePeerMessages
from parcours.shard.person_requests import EndErased as EndErased
from parcours.shard.person_requests import EndErasedSets as EndErasedSets
from parcours.shard.person_requests import Erase as Erase
from parcours.shard.person_requests import EraseAgain as EraseAgain
from parcours.shard.person_requests import EraseTraces as EraseTraces
from parcours.shard.person_requests import FindPeople as FindPeople
from parcours.shard.person_requests import FindReached as FindReached
from parcours.shard.person_requests import GetErasures as GetErasures
from parcours.shard.person_requests import GetHeld as GetHeld
from parcours.shard.person_requests import GetNames as GetNames
from parcours.shard.person_requests import GetProfile as GetProfile
from parcours.shard.person_requests import Locate as Locate
from parcours.shard.person_requests import NoteLook as NoteLook
from parcours.shard.person_requests import RecallFacts as RecallFacts
from parcours.shard.person_requests import StepErasures as StepErasures
from parcours.shard.request import A as A
from parcours.shard.request import Request as Request
from parcours.shard.scan_requests import AwaitScan as AwaitScan
from parcours.shard.scan_requests import EndScan as EndScan
from parcours.shard.scan_requests import ListColumns as ListColumns
from parcours.shard.source_requests import BeginReading as BeginReading
from parcours.shard.source_requests import ForetellLines as ForetellLines
from parcours.shard.source_requests import GetPaused as GetPaused
from parcours.shard.source_requests import GetReader as GetReader
from parcours.shard.source_requests import GetTaken as GetTaken
from parcours.shard.source_requests import MovePosition as MovePosition
from parcours.shard.source_requests import PauseSource as PauseSource
from parcours.shard.source_requests import TellPosition as TellPosition
from parcours.shard.step_requests import GetChangedCounters as GetChangedCounters
from parcours.shard.step_requests import ListWaiting as ListWaiting
from parcours.shard.step_requests import NewestFacts as NewestFacts
from parcours.shard.step_requests import NewestOfChannel as NewestOfChannel
from parcours.shard.step_requests import NewestOfStep as NewestOfStep
from parcours.shard.tail_requests import HasPassed as HasPassed
from parcours.shard.tail_requests import ReadTail as ReadTail
from parcours.shard.time_requests import GetOutstanding as GetOutstanding
from parcours.shard.time_requests import IsUnsettled as IsUnsettled
from parcours.shard.time_requests import PassTime as PassTime

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class TakeBatch(Request[Answer], frozen=True, tag="take"):
    """Apply a router's batch, unless another number comes next."""

    batch: Batch

    async def put_to(self, host: ShardHost) -> Answer:
        return await host.take(self.batch)


class ExchangeDeliveries(Request[Claims], frozen=True, tag="exchange"):
    """Take the answers of the dispatcher `by` and hand it up to `most` deliveries of a channel, in one commit.

    The shard carries it out once, in the order of the numbers: the newest one that comes again is answered as before,
    and one that has been overtaken changes nothing. A claim is known by the number of the request that made it.

    receipts  (number of its claim, receipt) of deliveries that it was handed. One for a claim that does not stand any
              more changes nothing, but that "accepted" settles what is in doubt
    most      0 for a dispatcher that only brings receipts
    number    counts its requests to this shard from 1
    holds     (number of its claim, key) of all that it has of this shard, where the answer to an earlier request did
              not reach it: what else it had claimed then never left, and is ready again. None: nothing was lost
    """

    receipts: Sequence[tuple[int, Settlement]]
    channel: str
    most: int
    by: str
    number: int
    holds: list[tuple[int, str]] | None = None

    async def put_to(self, host: ShardHost) -> Claims:
        return await host.exchange(self)


class GiveUpClaims(Request[None], frozen=True, tag="give_up"):
    """The dispatcher `by` is gone with everything that it had claimed."""

    by: str

    async def put_to(self, host: ShardHost) -> None:
        await host.give_up(self.by)


class GetDueReads(Request[DueReads], frozen=True, tag="due_reads"):
    """Which reads the shard waits for, and when the next one comes."""

    async def put_to(self, host: ShardHost) -> DueReads:
        return await host.due_reads()


class ListMembers(Request[Members], frozen=True, tag="members"):
    """A slice of those who are in an audience at the instant of its read, in a stable order.

    The first one, without `after`, begins the read: its instant has durably passed once it is answered. At most
    `most` people are looked at. To ask again gives the same answer, whatever has happened to them since.
    """

    read: AudienceRead
    after: tuple[int, str] | None
    most: int

    async def put_to(self, host: ShardHost) -> Members:
        return await host.step(lambda shard, now: shard.reading.list_members(self.read, self.after, self.most, now))


class PlaceMembers(Request[None], frozen=True, tag="place"):
    """Slice `number` (from 0) of those whom a read lets in: (person, delay of her entry in ms). Each is taken once."""

    journey: str
    at: int
    number: int
    entries: list[tuple[str, int]]

    async def put_to(self, host: ShardHost) -> None:
        await host.step(
            lambda shard, now: shard.reading.place_members(self.journey, self.at, self.number, self.entries, now)
        )


class LetIn(Request[None], frozen=True, tag="let_in"):
    """All are placed: they enter from this time on, which no shard has passed. A shard that is held goes on.

    attempt  that of the `Hold` before it (attempts.py); None under virtual time, where no call is late
    people   how many the read lets in, over all shards
    """

    attempt: int | None
    journey: str
    at: int
    entries_from: int
    people: int

    async def put_to(self, host: ShardHost) -> None:
        await host.begin(
            self.attempt, lambda shard: shard.reading.let_in(self.journey, self.at, self.entries_from, self.people)
        )


class SkipRead(Request[None], frozen=True, tag="skip_read"):
    """Reads of this journey up to this instant are not made up for."""

    journey: str
    at: int

    async def put_to(self, host: ShardHost) -> None:
        await host.step(lambda shard, now: shard.reading.skip_read(self.journey, self.at, now))


class GetHolding(Request[Holding], frozen=True, tag="holding"):
    """What the shard has published, how far its time is, and from when its reads let people in."""

    async def put_to(self, host: ShardHost) -> Holding:
        return await host.holding()


class Hold(Request[Holding], frozen=True, tag="hold"):
    """Stand still, durably, until `Publish`, `LetIn` or `Release`: the answer tells the shard's time until then.

    One that comes after these, or after a newer attempt (attempts.py), changes nothing; nobody waits for its answer.
    """

    attempt: int

    async def put_to(self, host: ShardHost) -> Holding:
        return await host.hold(self.attempt)


class HaltMoves(Request[int], frozen=True, tag="halt_moves"):
    """Let nobody begin to move to or from another shard for this long; 0: they may again. How many are under way?"""

    for_ms: int

    async def put_to(self, host: ShardHost) -> int:
        return host.halt_moves(self.for_ms)


class Release(Request[None], frozen=True, tag="release"):
    """Nothing changes after all: go on, unless there is a newer attempt."""

    attempt: int

    async def put_to(self, host: ShardHost) -> None:
        await host.release(self.attempt)


class Publish(Request[None], frozen=True, tag="publish"):
    """This is published from its ledger's time on; what is no news changes nothing. The shard goes on.

    Nothing at all happens where there is a newer attempt.
    """

    attempt: int
    publications: Publications

    async def put_to(self, host: ShardHost) -> None:
        await host.publish(self.attempt, self.publications)


class CountRuns(Request[list[tuple[str, int, int]]], frozen=True, tag="runs"):
    """(journey, version, open runs in it) of each version that anybody goes by; 0 where only ended runs do."""

    async def put_to(self, host: ShardHost) -> list[tuple[str, int, int]]:
        return await host.runs()


class CountOpenRuns(Request[dict[str, int]], frozen=True, tag="open_runs"):
    """How many runs are open in each journey, by the shard's totals: nobody is looked at."""

    async def put_to(self, host: ShardHost) -> dict[str, int]:
        return await host.open_runs()


class Foresee(Request[Foreseen], frozen=True, tag="foresee"):
    """What a change of this journey would do to the shard's people; everybody is looked at, and nothing changes."""

    journey: str

    async def put_to(self, host: ShardHost) -> Foreseen:
        return await host.foresee(self.journey)


class GetStatus(Request[Status], frozen=True, tag="status"):
    """Where the shard stands."""

    async def put_to(self, host: ShardHost) -> Status:
        return await host.status()


class GetFigures(Request[ShardFigures], frozen=True, tag="figures"):
    """What the shard counts and measures; looks at nobody."""

    async def put_to(self, host: ShardHost) -> ShardFigures:
        return await host.figures()


class GetTotals(Request[Totals], frozen=True, tag="totals"):
    """The totals of the shard's facts and lines."""

    async def put_to(self, host: ShardHost) -> Totals:
        return await host.totals()


class BeginExport(Request[ExportRange | None], frozen=True, tag="begin_export"):
    """The records to be exported next, up to `most`; None as long as fewer than `at_least` wait.

    The range is committed, and comes again until it is ended: files of one range are one set, however often written.
    """

    at_least: int
    most: int

    async def put_to(self, host: ShardHost) -> ExportRange | None:
        return await host.exports.begin(self.at_least, self.most)


class ReadExport(Request[ExportSlice | None], frozen=True, tag="read_export"):
    """A slice of the range's records: those above `after`, up to `last`.

    None if the range is not under way any more: somebody else has ended it, and its records may be gone.
    """

    after: int
    last: int

    async def put_to(self, host: ShardHost) -> ExportSlice | None:
        return await host.exports.read(self.after, self.last)


class EndExport(Request[None], frozen=True, tag="end_export"):
    """Everything of the range up to `last` is exported and durable. May be repeated."""

    last: int

    async def put_to(self, host: ShardHost) -> None:
        await host.exports.end(self.last)


class CopyStore(Request[None], frozen=True, tag="copy_store"):
    """Copy the shard's store into the folder of a backup, or what has been added since it was copied there last.

    The folder is one of the machine on which the shard is. Whatever else is asked is answered meanwhile.
    """

    folder: str

    async def put_to(self, host: ShardHost) -> None:
        await host.copy_store(self.folder)


class CollectFacts(Request[list[Fact]], frozen=True, tag="facts"):
    """Under virtual time: the facts since the last call."""

    async def put_to(self, host: ShardHost) -> list[Fact]:
        return await host.collect_facts()


class CollectRemarks(Request[RemarkCounts], frozen=True, tag="remarks"):
    """What channels' checks have remarked on recorded deliveries since the shard was opened."""

    async def put_to(self, host: ShardHost) -> RemarkCounts:
        return await host.collect_remarks()


_encode = msgspec.msgpack.Encoder().encode
_decode: Any = msgspec.msgpack.Decoder(reduce(or_, Request.__subclasses__())).decode


def encode_request(request: Request[A]) -> bytes:
    return _encode(request)


def decode_request(data: bytes) -> Request[Any]:
    """Raises msgspec.DecodeError for what is no request, as after an update of only some processes."""
    request: Request[Any] = _decode(data)
    return request


def encode_answer(answer: object) -> bytes:
    return _encode(answer)


def decode_answer(request: Request[A], data: bytes) -> A:
    """The answer to this request."""
    answer: A = _answers_of(type(request)).decode(data)
    return answer


@cache
def _answers_of(kind: type[Request[Any]]) -> msgspec.msgpack.Decoder[Any]:
    """Each kind of request names the type of its answer as the argument of its base."""
    return msgspec.msgpack.Decoder(get_args(kind.__orig_bases__[0])[0])  # type: ignore[attr-defined]
