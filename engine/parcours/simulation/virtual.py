"""Virtual time: recorded events in order, audience reads at their instants, then timers until all is settled.

The drive is the same for every runtime: it speaks to shards through their ports only. Between the instants that are
barriers for all people (reads) shards run ahead of each other freely. Events come from an iterator, and no more of them
are held than the router has room for.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final, TypeAlias

from parcours.campaigns.campaign_due import CampaignDue
from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.core.remarks import RemarkCounter, RemarkCounts
from parcours.errors import CallerError
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.publications import PublicationCompiler
from parcours.routing.audience_reads import Due, list_everywhere, place_members
from parcours.routing.ports import ShardPort
from parcours.routing.router import Router
from parcours.routing.taken import Taken
from parcours.shard.attempts import NO_ATTEMPT
from parcours.shard.requests import CollectFacts, CollectRemarks, GetOutstanding, IsUnsettled, LetIn, PassTime, Publish
from parcours.simulation.agenda import NO_LOOKS, Agenda, AnyDue, CutDue, Looks
from parcours.simulation.learning import LearningInTime
from parcours.simulation.people_look import LookDue, look_at
from parcours.simulation.recorded import Recorded
from parcours.simulation.score_cut import take_cut
from parcours.simulation.snapshots import SnapshotDue, members_told
from parcours.simulation.told_inputs import LessonTold, ToldInputs
from parcours.simulation.total_rounds import TotalRounds

if TYPE_CHECKING:
    from parcours.campaigns.coordinator import Coordinator

READS_AFTER_MAX: Final = 400
"""Reads that are made after the last event, of all journeys together: a rule may end in the next century."""

SETTLE_POLL_S = 0.002
"""The interval at which shards are polled for outstanding receipts; only outside parties are waited for."""

CHUNK_LINES = 20_000
"""Lines handed to the router at once: enough to keep every shard busy."""

FIRST: Final = -1
"""Before every line of a time."""

LAST: Final = sys.maxsize
"""Behind every line of a time."""

Place: TypeAlias = tuple[int, int]
"""A time in ms, and the number of a line: how recorded lines compare."""

Passing: TypeAlias = Callable[[int, int], None]
"""Called with the number of lines handed over so far, and the virtual time in ms."""

Facts: TypeAlias = Callable[[list[Fact]], None]
"""Called with facts as they happen: those of each person in the order of happening, people in any order."""

Accepted: TypeAlias = Callable[[list[Recorded]], None]
"""Called with events that have been applied, those of each person in the order of time."""


class Drive:
    """Feeds recorded events and lets virtual time pass.

    Either `run` does all of it, or `feed` and `pass_to` do it bit by bit, in the order of time.
    """

    def __init__(
        self,
        ports: Sequence[ShardPort],
        router: Router,
        program: Program,
        settings: Settings,
        progress: Passing | None = None,
        facts: Facts | None = None,
        begins: Callable[[int], None] | None = None,
        accepted: Accepted | None = None,
        campaigns: Coordinator | None = None,
        looks: Looks = NO_LOOKS,
    ) -> None:
        """Without `facts`, facts stay in the shards until `collect_facts`.

        begins    called with the time of the first event, before that happens
        accepted  called with the events that have been applied, which are no duplicates
        campaigns conducts the program's, if it has any
        looks     what somebody wants to know on the way
        """
        self._ports = ports
        self._router = router
        self._settings = settings
        self._progress = progress or (lambda lines, at_ms: None)
        self._facts = facts
        self._begins = begins
        self._accepted = accepted
        self._agenda = Agenda(program, campaigns, looks)
        self._program = program
        self._totals = TotalRounds(ports, program, self._settle)
        self._learning = LearningInTime(ports, program, settings)
        self._last_made_ms = 0
        self._under_way: deque[tuple[Sequence[Recorded], asyncio.Future[Taken]]] = deque()
        self._fed = 0
        self.last_ms: int | None = None
        """The time of the last event."""

        self.unsettled = False
        """Whether something is due after the time at which `run` left off by itself."""

        self.reads_ended: list[str] = []
        """The journeys whose reads recur without end, and which `run` ended with the last event."""

        self.remarks: RemarkCounts = []
        """What channels' checks have remarked on recorded deliveries, once `run` is over."""

        self.duplicate = 0
        self.accepted = 0
        self.undeclared = 0
        self.rejected: list[tuple[int, str]] = []
        """(line number, reason)"""

    async def run(self, events: Iterable[Recorded], until_ms: int | None) -> None:
        """Apply all events in the order given, then fire timers through `until_ms` or until all is settled.

        Without `until_ms` reads by a rule without end stop at the last event, and of those by a rule with one
        READS_AFTER_MAX follow it.
        """
        ahead = _Ahead(events, until_ms)
        if (first_ms := ahead.next_ms()) is not None:
            self._begin(first_ms)
        left_out = await self._make_all(ahead, until_ms)
        await self._feed(ahead, None)
        if self._begin_rest():
            left_out |= await self._make_all(ahead, until_ms)
        last_ms = max(self._last_made_ms, self.last_ms or 0)
        horizon_ms = last_ms + self._settings.loop_horizon_ms if until_ms is None else until_ms
        await self._pass_to(horizon_ms + 1)
        if until_ms is None:
            left: list[bool] = [await port.ask(IsUnsettled()) for port in self._ports]
            self.unsettled = left_out or any(left)
        if self._agenda.campaigns is not None:
            self._agenda.campaigns.tell_rest()
        self.remarks = await self.collect_remarks()

    def _begin(self, at_ms: int) -> None:
        """Time begins with the first event."""
        if self._begins is not None:
            self._begins(at_ms)
        self._agenda.snapshots.begin(at_ms)
        if self._agenda.campaigns is not None:
            self._agenda.campaigns.begin(at_ms)

    def _begin_rest(self) -> bool:
        """Let what is to come with the last event do so: campaigns, or a look; whether there is any."""
        campaigns = self._agenda.campaigns
        begins = campaigns is not None and campaigns.begin_rest(self.last_ms or 0)
        return self._agenda.look_with(self.last_ms or 0) or begins

    async def _make_all(self, ahead: _Ahead, until_ms: int | None) -> bool:
        """Make all that is on the agenda, with the events before it; whether some of it is left out.

        Without `until_ms` what recurs without end does so with the last event.
        """
        after, left_out = 0, False
        while (due := self._agenda.first()) is not None and (until_ms is None or due.at_ms <= until_ms):
            await self._feed(ahead, (due.at_ms, LAST if due.after_events else FIRST))
            is_over = ahead.next_ms() is None and due.at_ms > (self.last_ms or 0)
            if is_over and self._begin_rest():
                continue  # they come first
            if until_ms is None and due.is_endless and is_over:
                self._agenda.drop(due)
                self.reads_ended += [] if isinstance(due, SnapshotDue) else [due.name]
            elif until_ms is None and is_over and due.recurs and after >= READS_AFTER_MAX:
                self._agenda.drop(due)
                left_out = True
            else:
                self._last_made_ms, after = due.at_ms, after + (is_over and due.recurs)
                await self._make(due)
        return left_out

    async def live_through(
        self, events: Iterable[Recorded], told: ToldInputs, project: Project, until_ms: int | None
    ) -> None:
        """Apply the inputs of a store, and what was published meanwhile, up to their end.

        No audience is read: who entered by it is among the inputs. What happened at the end is applied, but for timers
        due then: they had not fired. With `until_ms` everything is, up to and including that.
        """
        if self._agenda.has_cuts:
            raise CallerError("the inputs of a store are lived through as they were: cuts are of recorded events")
        self._totals.are_told = True
        through_ms, before_ms = (told.until_ms, told.until_ms) if until_ms is None else (until_ms, until_ms + 1)
        ahead, compiler = _Ahead(events), PublicationCompiler(project)
        first_ms = told.begins_ms(ahead.next_ms())
        if self._begins is not None and first_ms is not None and first_ms <= through_ms:
            self._begins(first_ms)
        self._learning.be_told()
        for change in takewhile(lambda change: change.at <= through_ms, told.changes(project)):
            await self._feed(ahead, change[:2])
            await self._pass_to(change.at)
            if isinstance(change, LessonTold):
                await self._learning.tell(change.lessons)
                continue
            for port in self._ports:
                await port.ask(Publish(NO_ATTEMPT, change.published))
            self._router.publish(compiler.program(change.published))
        await self._feed(ahead, (through_ms, LAST))
        await self._pass_to(before_ms)
        self.remarks = await self.collect_remarks()

    async def feed(self, events: Iterable[Recorded]) -> None:
        """Apply events that are no earlier than what has happened so far."""
        ahead = _Ahead(events)
        while (at := ahead.next_ms()) is not None and (due := self._agenda.first()) is not None:
            place = due.at_ms, LAST if due.after_events else FIRST
            if place >= (at, 0):
                break
            await self._feed(ahead, place)
            await self._make(due)
        await self._feed(ahead, None)
        await self._totals.answer((self.last_ms or 0) + 1, fires=False)  # events of that instant may follow

    async def pass_to(self, at_ms: int) -> None:
        """Fire everything that is due up to and including this time."""
        while (due := self._agenda.first()) is not None and due.at_ms <= at_ms:
            await self._make(due)
        await self._pass_to(at_ms + 1)

    async def renew(self, program: Program, at_ms: int) -> None:
        """Publish this program at this time, and let everybody go through the change."""
        self._router.publish(program)
        self._totals.program = program
        self._agenda.reads.renew(program, at_ms)
        self._learning.renew(program)
        await self._pass_to(at_ms)

    async def collect_facts(self) -> list[Fact]:
        """The facts since the last call, in the order of happening for each person."""
        collected = [await port.ask(CollectFacts()) for port in self._ports]
        return [fact for facts in collected for fact in facts]

    async def collect_remarks(self) -> RemarkCounts:
        """What channels' checks have remarked on recorded deliveries so far, of all shards."""
        together = RemarkCounter(self._settings.remarks_max)
        for port in self._ports:
            together.include(await port.ask(CollectRemarks()))
        return together.counts()

    async def _make(self, due: AnyDue) -> None:
        """Read an audience, or let a campaign act: everybody is held at the instant."""
        await self._pass_to(due.at_ms + (isinstance(due, CampaignDue) and due.asks_facts))
        if isinstance(due, Due):
            await self._read(due)
        elif isinstance(due, LookDue):
            await look_at(self._ports, self._program, due, self._settings.due_people_max)
            self._agenda.looked()
        elif isinstance(due, SnapshotDue):
            told = await members_told(self._ports, self._program, due, self._settings.due_people_max)
            if self._facts is not None:
                self._facts(told)
            self._agenda.snapshots.done(due)
        elif isinstance(due, CutDue):
            await take_cut(self._ports, due.cut, self._settings.due_people_max)
            self._agenda.cut()
        else:
            assert self._agenda.campaigns is not None, "what is due for a campaign comes from whoever conducts it"
            await self._agenda.campaigns.act(due)

    async def _read(self, due: Due) -> None:
        """Everybody is held at the instant, so people enter from it on."""
        most = self._settings.due_people_max
        listed = await list_everywhere(self._ports, due.read, most)
        assert listed is not None, "under virtual time a read is made once"
        people = await place_members(self._ports, due.read, listed, most)
        for port in self._ports:
            await port.ask(LetIn(None, due.journey.name, due.at_ms, due.at_ms, people))
        self._agenda.reads.done()

    async def _feed(self, ahead: _Ahead, through: Place | None) -> None:
        """Apply the events up to and including a place, from tick to tick where rankings learn."""
        learning = self._learning
        while learning.is_on and (at := ahead.next_ms()) is not None and ahead.comes_by(through):
            await self._pass_to(learning.ticks.newest(at))
            await learning.reach(at)
            end = learning.ticks.next(at), FIRST
            await self._feed_all(ahead, end if through is None else min(end, through))
        await self._feed_all(ahead, through)

    async def _feed_all(self, ahead: _Ahead, through: Place | None) -> None:
        """Hand over the events up to and including a place; returns when all have been applied."""
        handing_over: asyncio.Future[list[None]] | None = None
        try:
            while chunk := ahead.take(CHUNK_LINES, through):
                await self._router.room()
                times, _, lines, slots = zip(*chunk, strict=True)
                self._under_way.append((chunk, self._router.start(lines, slots, times)))
                self._fed += len(chunk)
                self.last_ms = chunk[-1].at
                self._progress(self._fed, chunk[-1].at)
                if handing_over is not None:  # after the chunk, so that shards have work meanwhile
                    await handing_over
                handing_over = asyncio.gather(*map(self._hand_over_facts, self._ports))
                await asyncio.sleep(0)  # lets finished batches report before more are handed over
                while self._under_way and (self._totals.are_asked or self._under_way[0][1].done()):
                    await self._count_oldest()
                await self._totals.answer(self.last_ms)  # events of that instant may follow
            while self._under_way:
                await self._count_oldest()
        finally:
            if handing_over is not None:
                await handing_over

    async def _hand_over_facts(self, port: ShardPort) -> None:
        """Move the facts so far from a shard to the caller, so that they are never all in memory."""
        if self._facts is not None:
            self._facts(await port.ask(CollectFacts()))

    async def _count_oldest(self) -> None:
        chunk, future = self._under_way.popleft()
        taken = await future
        self.accepted += taken.accepted
        self.duplicate += taken.duplicate
        self.undeclared += taken.undeclared
        self.rejected += [(chunk[place].number, reason) for place, reason in taken.rejected]
        if self._accepted is not None:
            left_out = {*taken.repeated, *(place for place, _ in taken.rejected)}
            self._accepted([event for place, event in enumerate(chunk) if place not in left_out])

    async def _pass_to(self, before_ms: int) -> None:
        """Fire all timers before this time, from tick to tick where rankings learn; all earlier events are applied."""
        learning = self._learning
        if learning.is_on:
            await self._pass_all(min(learning.under_way_until_ms, before_ms))
            while (at := await learning.next_due_ms()) is not None and at < before_ms:
                await learning.reach(at)
                await self._pass_all(min(learning.ticks.next(at), before_ms))
        await self._pass_all(before_ms)

    async def _pass_all(self, before_ms: int) -> None:
        """Fire all timers before this time, and wait until nothing is outstanding that was asked before it."""
        await self._settle(before_ms)
        await self._totals.answer(before_ms)

    async def _settle(self, before_ms: int) -> None:
        """Fire all timers before this time, and wait until no receipt is outstanding."""
        await asyncio.gather(*(self._let_pass(port, before_ms) for port in self._ports))

    async def _let_pass(self, port: ShardPort, before_ms: int) -> None:
        """The same for one shard, which does not wait for the others."""
        while True:
            await port.ask(PassTime(before_ms))
            left = await port.ask(GetOutstanding())
            await self._hand_over_facts(port)  # after that, to have the facts of receipts before it
            if left.next_ms is not None and left.next_ms < before_ms:
                continue
            if not left.standing_still:
                return
            await asyncio.sleep(SETTLE_POLL_S)


class _Ahead:
    """An iterator of events through a time (all of them without one), with a look-ahead of one."""

    def __init__(self, events: Iterable[Recorded], until_ms: int | None = None) -> None:
        self._events = iter(events) if until_ms is None else takewhile(lambda event: event.at <= until_ms, events)
        self._next = next(self._events, None)

    def next_ms(self) -> int | None:
        """The time of the next event, None if there is none."""
        return None if self._next is None else self._next.at

    def comes_by(self, through: Place | None) -> bool:
        """Whether the next event is one up to and including a place."""
        return self._next is not None and (through is None or self._next <= through)

    def take(self, most: int, through: Place | None) -> list[Recorded]:
        """The next events up to and including a place, at most so many."""
        if self._next is None:
            return []
        if through is None:
            taken = [self._next, *islice(self._events, most - 1)]
            self._next = next(self._events, None)
            return taken
        taken = []
        while self._next is not None and self._next <= through and len(taken) < most:
            taken.append(self._next)
            self._next = next(self._events, None)
        return taken
