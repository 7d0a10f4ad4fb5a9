"""The router: each line goes to the shard that owns its person, in numbered batches, and is applied exactly once.

Each shard has a lane: lines wait in it, and up to `batches_in_flight_max` numbered batches are under
way. A lane never waits for a batch to fill: whatever is there leaves as soon as a credit is free. A shard
on the router's own loop holds that up while it commits, so there a lane lets everybody speak who could not
meanwhile, and loads once nobody does: they share the next commit (group commit), which waits for some rounds
of the loop and never for a time. The shard takes only the batch whose number comes next and says which one it
expects, so after a failure the lane goes back to that one and sends it, and everything behind it, again. A
batch that had been taken before the failure is answered from the outcomes that the shard keeps (positions.py).

A line may be deferred, as its person is moving to another shard. It is held back, with all that follow under its name,
and sent again, perhaps to that other shard, while everybody else's go on (held.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from parcours.config import Settings
from parcours.core.identity import SLOTS, SlotMap, slot_of
from parcours.errors import Overloaded, ShardUnavailable
from parcours.journey.program import Program
from parcours.routing.alone import IDLE, Alone
from parcours.routing.alone import UNREAD as UNREAD
from parcours.routing.held import HeldLines
from parcours.routing.lane import Lane, Whose
from parcours.routing.ports import BatchPort
from parcours.routing.reading import NO_READING, Reading
from parcours.routing.taken import Taken
from parcours.segment.line import Unusable
from parcours.segment.person import route
from parcours.shard.unusable import read_unusable, unusable_line

TELL_AFTER_S: Final = 0.1
"""So soon shards are told how many lines have been answered here, if no batch has left meanwhile: long before a lease
has run out."""

CLOSE_TELLS_S: Final = 1.0
"""So long closing waits until one has heard the last of it."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """Where the lines of a call go.

    shares    for each shard the places of its lines
    rejected  (place, reason) of those that go nowhere
    program   by which it was said
    alone     the places of those that are answered here; `undeclared` of them are of events that nobody declares
    """

    shares: Sequence[list[int]]
    rejected: list[tuple[int, str]]
    program: Program
    alone: Sequence[int] = ()
    undeclared: int = 0


class Router:
    """Lives on one event loop. `name` is its own for ever: a router that starts anew takes a new name."""

    def __init__(
        self,
        name: str,
        ports: Sequence[BatchPort],
        program: Program,
        settings: Settings,
        slot_map: SlotMap | None = None,
        *,
        shares_loop: bool = False,
        reading: Reading | None = None,
        alone: Alone | None = None,
    ) -> None:
        """`slot_map` says where people live, if they are not spread over the ports as ever.

        shares_loop  whether the shards commit on the loop of this router
        reading      of which partition its lines are read: none of them is given up then, however long it waits
        alone        what it answers by itself, once it is told under which ledger; none: nothing
        """
        self._slot_map = slot_map or SlotMap(len(ports))
        self._program = program
        self._settings = settings
        self._reads = reading is not None
        of, later_max_s = (reading, inf) if reading else (NO_READING, settings.later_max_s)
        self._held = held = HeldLines[Whose](self._slot_map.shard, self._unanswered_from, later_max_s)
        self._alone = alone or Alone()
        self._lanes = [
            Lane(name, number, port, settings, held, self._alone, self._on_held, shares_loop=shares_loop, reading=of)
            for number, port in enumerate(ports)
        ]
        self._timer: asyncio.TimerHandle | None = None
        self._telling: asyncio.TimerHandle | None = None
        self._shards = [self._slot_map.owner(slot) for slot in range(SLOTS)]
        self._shards_of_names = [*self._shards, IDLE, UNREAD]  # the last ones are those of the slots IDLE and UNREAD
        for name in self._slot_map.homes:
            self._shards_of_names[slot_of(name)] = UNREAD
        self._lines = 0
        self._closed = False

    async def take(self, lines: Sequence[bytes], *, are_reports: bool = False) -> Taken:
        """Send lines to their shards; returns when each is durable, a duplicate, or rejected."""
        return await self.start(lines, are_reports=are_reports)

    def start(
        self,
        lines: Sequence[bytes],
        slots: Sequence[int] | None = None,
        times: Sequence[int] = (),
        *,
        are_reports: bool = False,
    ) -> asyncio.Future[Taken]:
        """Like `take`, without waiting: the lines stand in their lanes when this returns.

        slots  of the name of each line's person, where they are known already, or UNREAD
        The rest is as for `hand_in`.
        """
        return self.hand_in(lines, self.deal(lines, slots), times=times, are_reports=are_reports).done

    def deal(self, lines: Sequence[bytes], slots: Sequence[int] | None = None) -> Dealt:
        """Where each line goes."""
        shares: list[list[int]] = [[] for _ in self._lanes]
        rejected: list[tuple[int, str]] = []
        owners, alone, undeclared = self._shards, list[int](), 0
        unread: Sequence[int] = range(len(lines))
        if self._alone.looks:
            slots, undeclared = self._alone.slots(lines, self._slot_map, self._settings)
        if slots is not None:
            unread = []
            add = [*(share.append for share in shares), alone.append, unread.append]  # the last ones as above
            named = self._shards_of_names
            for place, slot in enumerate(slots):
                add[named[slot]](place)
        for place in unread:
            try:
                slot = route(lines[place], self._program, self._settings, self._slot_map)
            except Unusable as reason:
                rejected.append((place, str(reason)))
            else:
                shares[owners[slot]].append(place)
        if unread and len(unread) < len(lines):
            for places in shares:
                places.sort()
        return Dealt(shares, rejected, self._program, alone, undeclared)

    def hand_in(
        self,
        lines: Sequence[bytes],
        dealt: Dealt,
        skews_ms: Sequence[int] = (),
        times: Sequence[int] = (),
        *,
        are_reports: bool = False,
        numbers: Sequence[int] = (),
    ) -> Taken:
        """Put the lines into their lanes.

        skews_ms     what is to be added to the timestamp of each line; none: nothing to any
        times        of each line, where all that this router sends comes from a recording
        are_reports  they tell of consent, or of what became of deliveries, and are taken though events are refused.
                     Else all lines are refused with Overloaded where the shard of one of them refuses events
        numbers      the offset of each line, where a partition is read
        """
        if self._closed:
            raise ShardUnavailable("the engine has been closed")
        is_over = dealt.alone and not self._alone.is_leased()
        if is_over or dealt.program is not self._program:  # it may say otherwise whose an event is that names nobody
            dealt = self.deal(lines)
        if self._reads and dealt.rejected:
            lines, dealt = self._to_be_set_aside(lines, dealt)
        done: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        taken = Taken(len(lines) + 1, done)
        taken.rejected += dealt.rejected
        for lane, places in zip(self._lanes, dealt.shares, strict=True):
            if places and lane.refuses is not None and not are_reports:
                raise Overloaded(lane.refuses, self.waiting_before(dealt))
        if not numbers:
            numbers = range(self._lines + 1, self._lines + 1 + len(lines))
            self._lines += len(lines)
        for lane, places in zip(self._lanes, dealt.shares, strict=True):
            lane.add(taken, lines, skews_ms, times, places, numbers)
        if dealt.alone:
            self._answer_alone(taken, dealt)
        taken.settle(len(taken.rejected) + 1)
        return taken

    def _answer_alone(self, taken: Taken, dealt: Dealt) -> None:
        taken.answer_alone(dealt.alone, dealt.undeclared)
        self._alone.count(len(dealt.alone), dealt.undeclared)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TELL_AFTER_S, self._tell)

    def _tell(self) -> None:
        """Tell a shard what has been answered here, if none has heard it yet; where none has room, later."""
        self._telling = None
        if self._alone.is_untold and not any(lane.tell() for lane in self._lanes):
            self._telling = asyncio.get_running_loop().call_later(TELL_AFTER_S, self._tell)

    def _to_be_set_aside(self, lines: Sequence[bytes], dealt: Dealt) -> tuple[Sequence[bytes], Dealt]:
        """What goes nowhere goes to the first shard, which sets it aside."""
        lines, most = list(lines), self._settings.event_bytes_max
        for place, why in dealt.rejected:
            if read_unusable(lines[place]) is None:
                lines[place] = unusable_line(why, lines[place][:most])
        first = sorted([*dealt.shares[0], *(place for place, _ in dealt.rejected)])
        return lines, Dealt([first, *dealt.shares[1:]], [], dealt.program)

    async def room(self, dealt: Dealt | None = None, *, reachable: bool = False) -> None:
        """Wait until every lane has room for more: whoever feeds the router waits here, and queues nowhere.

        dealt    only lanes to which these lines go
        reachable  and until each of their shards answers again that does not now
        """
        lanes = self._lanes_of(dealt)
        while not (self._closed or self.has_room(dealt, reachable=reachable)):  # others may have taken the room
            for lane in lanes:
                await lane.room.wait()
                if reachable:
                    await lane.reachable.wait()

    def publish(self, program: Program, ledger: int | None = None) -> None:
        """From now on this program says whose an event is that names nobody.

        ledger  under which it holds, and the router may answer by itself; None: it does not
        """
        self._program = program
        self._alone.publish(program, ledger)

    def is_idle(self) -> bool:
        """Nothing waits and nothing is under way."""
        return not self._alone.is_untold and all(lane.is_idle() for lane in self._lanes)

    def has_room(self, dealt: Dealt | None = None, *, reachable: bool = False) -> bool:
        """Whether `room` would not wait."""
        lanes = self._lanes_of(dealt)
        return all(lane.room.is_set() and (lane.reachable.is_set() or not reachable) for lane in lanes)

    def waiting_lines(self) -> tuple[int, ...]:
        """How many lines wait for each shard, those of batches under way among them."""
        return tuple(lane.waiting_lines for lane in self._lanes)

    def waiting_before(self, dealt: Dealt) -> int:
        """How many lines wait for the shards to which these lines go."""
        return sum(lane.waiting_lines for lane in self._lanes_of(dealt))

    def _lanes_of(self, dealt: Dealt | None) -> Sequence[Lane]:
        if dealt is None:
            return self._lanes
        return [lane for lane, places in zip(self._lanes, dealt.shares, strict=True) if places]

    def _unanswered_from(self, shard: int) -> int | None:
        return self._lanes[shard].unanswered_from()

    def _on_held(self) -> None:
        """Send what is held back and may go now, and come back while there is more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        for line in self._held.expire(loop.time()):
            waited = f"somebody it concerns has been moving for {self._settings.later_max_s} s (later_max_s)"
            line.owner[0].fail(ShardUnavailable(f"{waited}: hand the lines in again"))
        for lane in self._lanes:
            lane.pump()
        if self._held:
            self._timer = loop.call_later(self._held.pause_s(loop.time()), self._on_held)

    async def close(self) -> None:
        """Stop sending; calls under way, and those that wait for room, fail with ShardUnavailable."""
        self._closed = True
        for timer in (self._timer, self._telling):
            if timer is not None:
                timer.cancel()
        if self._alone.is_untold and (lane := next((each for each in self._lanes if each.tell()), None)):
            await lane.all_answered(CLOSE_TELLS_S)
        for lane in self._lanes:
            await lane.close()
