"""One run: a plan is carried out on a loop of its own, comes to rest, and is judged."""

from __future__ import annotations

import gc
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from parcours.channel import Feedback
from parcours.core.profile import Profile, decode_profile
from parcours.errors import ParcoursError
from parcours.segment.reports import feedback_line
from parcours.shard.messages import Status
from parcours.shard.requests import GetStatus, GetTotals, PassTime
from parcours.shard.shard import Shard
from parcours.shard.standing_still import standings
from parcours.testing.faults.changes import Author
from parcours.testing.faults.checker import check
from parcours.testing.faults.client import Client
from parcours.testing.faults.clocks import WallClock
from parcours.testing.faults.cluster import SETTINGS, Cluster, ShardPlace
from parcours.testing.faults.disk import ProcessStore
from parcours.testing.faults.inboxes import Apps
from parcours.testing.faults.injector import Injector
from parcours.testing.faults.layout import SHARDS, SLOT_MAP
from parcours.testing.faults.ledgers import Ledgers, ShardEnd
from parcours.testing.faults.letters import Postman
from parcours.testing.faults.loop import NOTICED_S, Process, SimulatedLoop, Stalled
from parcours.testing.faults.plan import CHANNELS, WORK_S, Change, Plan, TimedFault
from parcours.testing.faults.project import IN_INBOXES, JOURNEYS
from parcours.testing.faults.provider import Provider
from parcours.testing.faults.visitors import IDS, links
from parcours.wording import error_words

FULL_MAX_S: Final = 100.0
"""How long a disk is full at most: all the while its shard is opened again and again."""

REST_EVERY_S: Final = 7_200.0
EXPORTED_WITHIN_S: Final = 30_000.0
"""A shard that is at rest is exported whole by then."""

REST_MAX_S: Final = 12 * 86_400.0
"""How long after the last call everything has to be at rest: longer than any journey of the project takes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to.

    violations  each begins with the name of its rule
    injected    how often each kind of fault has happened
    checked     how many things were checked, by rule
    ledgers     what was judged; None if it did not come so far
    """

    violations: tuple[str, ...]
    injected: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    ledgers: Ledgers | None = None

    @property
    def commits(self) -> int:
        """How many records there are."""
        return 0 if self.ledgers is None else sum(len(shard.commits) for shard in self.ledgers.shards)


def simulate(plan: Plan) -> Outcome:
    """Carry out a plan. The same plan always has the same outcome."""
    loop = SimulatedLoop()
    with _undisturbed():
        try:
            run = _Run(loop, plan)
            try:
                return loop.run_until_complete(run.go())
            except Stalled as stalled:
                return Outcome(("; ".join([f"rest: {stalled}", *run.stopped()]),))
        except Exception as error:  # noqa: BLE001  # of an engine that is broken, or of the harness
            return Outcome((f"crash: {error_words(error)}",))
        finally:
            loop.bury()


class _Run:
    def __init__(self, loop: SimulatedLoop, plan: Plan) -> None:
        self._loop = loop
        self._plan = plan
        self._injector = Injector(plan.faults)
        self._clock = WallClock(loop)
        self._provider = Provider(loop, plan.seed, self._report)
        self._cluster = Cluster(loop, plan.seed, self._clock, self._injector, self._provider)
        self._client = Client(loop, self._cluster)
        self._apps = Apps(loop, self._cluster, self._client)
        self._postman = Postman(loop, self._cluster)
        self._author = Author(loop, lambda: (self._cluster.process, self._cluster.publishing), self._changed)
        self._provider.claims = self._claims
        self._provider.lose = self._lose

    def stopped(self) -> Iterator[str]:
        """What has stopped shards last: one that stops whenever it is opened never rests."""
        for place in self._cluster.shards:
            if place.stopped is not None:
                yield f"shard {place.number} has stopped at {error_words(place.stopped)}"

    def _report(self, after_s: float, person: str, feedback: Feedback) -> None:
        self._client.report(after_s, person, feedback_line(feedback))

    def _claims(self, key: str) -> int:
        """How often a delivery has durably been claimed."""
        return sum(place.disk.claims[key] for place in self._cluster.shards)

    def _changed(self, verb: str) -> None:
        self._injector.note(f"change: {verb}")

    def _lose(self, person: str) -> None:
        """The shard of this person dies."""
        place = self._cluster.shards[SHARDS.index(SLOT_MAP.shard(person))]
        if place.current is not None:
            place.current.process.kill()

    async def go(self) -> Outcome:
        self._loop.outside(0.0, self._cluster.start)
        for call in self._plan.calls:
            self._client.plan(call)
        for change in self._plan.changes:
            self._author.plan(change)
        for fault in self._plan.faults:
            if isinstance(fault, TimedFault):
                self._loop.outside(fault.at_s, self._strike, fault)
        await _sleep(self._loop, WORK_S)
        self._injector.healed = True
        for journey in (*JOURNEYS, IN_INBOXES):  # nothing comes to rest as long as it is paused
            self._author.plan(Change(self._loop.time() + 1.0, "resume", journey))
        statuses = await self._come_to_rest()
        if self._cluster.folder is not None:
            await _sleep(self._loop, EXPORTED_WITHIN_S)
        ends = [await self._end(place) for place in self._cluster.shards]
        ledgers = Ledgers(
            lines=self._client.lines,
            attempts=self._provider.attempts,
            shards=ends,
            settings=SETTINGS,
            starts=self._cluster.starts,
            changes=self._author.changes,
            looks=self._apps.looks,
            merges=any(links(line) for call in self._plan.calls for line in call.lines),
            found=[*self._provider.violations, *(found for each in ends for found in each.found), *self._found()],
        )
        checked: Counter[str] = Counter()
        self._injector.injected["dead letter"] += len(ledgers.set_aside)
        violations = [*check(ledgers, checked), *_unrest(statuses)]
        return Outcome(tuple(violations), self._injector.injected, checked, ledgers)

    def _found(self) -> list[str]:
        folder = self._cluster.folder
        return [*(folder.violations if folder is not None else ()), *(f"error: {each}" for each in self._loop.errors)]

    def _strike(self, fault: TimedFault) -> None:
        """A fault whose time has come."""
        place = self._cluster.shards[fault.target]
        dispatcher = self._cluster.dispatchers[CHANNELS[fault.target]]
        exporter = self._cluster.exporter
        copy = place.current
        match fault.how:
            case "kill shard" if copy is not None and not copy.process.is_dead:
                copy.process.kill()
            case "kill dispatcher" if dispatcher.process is not None and not dispatcher.process.is_dead:
                dispatcher.process.kill()
            case "kill exporter" if exporter is not None and not exporter.process.is_dead:
                exporter.process.kill()
            case "kill engine" if self._cluster.router is not None:
                self._cluster.kill()
            case "freeze shard" if copy is not None and not copy.process.is_dead:
                self._freeze(copy.process, fault.length_s)
                if fault.length_s > NOTICED_S:
                    self._loop.outside(NOTICED_S, copy.process.cut_off)
                    self._loop.outside(NOTICED_S, place.assign)
            case "freeze dispatcher" if dispatcher.process is not None and not dispatcher.process.is_dead:
                self._freeze(dispatcher.process, fault.length_s)
                if fault.length_s > NOTICED_S:
                    self._loop.outside(NOTICED_S, dispatcher.start_instead_of, dispatcher.process)
            case "freeze exporter" if exporter is not None and not exporter.process.is_dead:
                exporter.freeze(exporter.process, fault.length_s)
            case "second copy" if copy is not None and copy.host is not None:
                place.assign(takes_over=fault.length_s < 60.0)
            case "clock forward":
                self._clock.jump(fault.length_s)
            case "clock back":
                self._clock.jump(-fault.length_s)
            case "disk full":
                return self._fill(place, fault.length_s)
            case _:
                return None
        self._injector.note(fault.how)
        return None

    def _fill(self, place: ShardPlace, length_s: float) -> None:
        """The disk of a shard has no room for a while. It counts as often as something fails by it."""
        place.disk.is_full = True
        self._loop.outside(min(length_s, FULL_MAX_S), self._make_room, place)

    def _make_room(self, place: ShardPlace) -> None:
        place.disk.is_full = False

    def _freeze(self, process: Process, length_s: float) -> None:
        process.freeze()
        self._loop.outside(length_s, process.thaw)

    async def _come_to_rest(self) -> list[Status | None]:
        """Wait until nothing is under way and nothing is due any more."""
        end_s = self._loop.time() + REST_MAX_S
        statuses: list[Status | None] = []
        while self._loop.time() < end_s:
            await _sleep(self._loop, REST_EVERY_S)
            statuses = [await self._status(place) for place in self._cluster.shards]
            under_way = self._client.under_way or self._author.under_way or self._postman.left != 0
            if not under_way and all(map(_rests, statuses)):
                break
        return statuses

    async def _status(self, place: ShardPlace) -> Status | None:
        port = self._cluster.port(place)
        try:
            await port.ask(PassTime(self._clock.now_ms()))
            return await port.ask(GetStatus())
        except ParcoursError:
            return None

    async def _end(self, place: ShardPlace) -> ShardEnd:
        """The end of a shard: as it is alive, and as it comes back from its disk."""
        disk = place.disk
        live = place.current
        found = list(disk.violations)
        commits = tuple(disk.commits)
        stamp_ms = commits[-1].stamp_ms if commits else 0
        visitors = {name for each in IDS for name in (each, f"@anonymous/{each}")}  # also of whom only a log-in tells
        everybody = {line.person for line in self._client.lines} | visitors
        people = [person for person in sorted(everybody) if SLOT_MAP.shard(person) == SHARDS[place.number]]
        totals = await self._cluster.port(place).ask(GetTotals())
        store = ProcessStore(disk, Process(self._loop, "again"), self._injector)
        again = self._cluster.shard(place.number, store)
        again.open(stamp_ms)
        host = None if live is None else live.host
        assert host is not None, "the shard is alive at the end"
        states, restored = _profiles(host._shard, people), _profiles(again, people)
        end_ms = max(self._clock.now_ms(), stamp_ms)  # a shard does not go back with a clock that does
        ledger, kept = (await host.holding()).publications.ledger, again.holding().publications.ledger
        return ShardEnd(
            commits,
            states,
            restored,
            totals,
            again.totals.totals(),
            end_ms,
            found,
            ledger,
            kept,
            None if self._cluster.folder is None else self._cluster.folder.records(SHARDS[place.number]),
            len(again.dead_letters.listed()),
            standings(again._slots.own.profiles),
        )


def _profiles(shard: Shard, people: list[str]) -> dict[str, Profile]:
    """What lies under each name, be it a person's or a forwarding address."""
    found = {name: shard._slots[SLOT_MAP.slot(name)].profiles.get(name) for name in people}
    return {name: decode_profile(data) for name, data in found.items() if data is not None}


def _rests(status: Status | None) -> bool:
    if status is None or (status.next_ms is not None and status.next_ms < status.stamp_ms + REST_MAX_S * 1_000):
        return False  # what is due later is that names are let go which nobody has used for long
    return not (status.ready or status.claimed or status.unanswered)


def _unrest(statuses: list[Status | None]) -> Iterator[str]:
    for number, status in enumerate(statuses):
        if not _rests(status):
            yield f"rest: shard {number} does not come to rest: {status}"


async def _sleep(loop: SimulatedLoop, length_s: float) -> None:
    woken = loop.create_future()
    loop.outside(length_s, woken.set_result, None)
    await woken


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without the engine's log, which would be of faults only, and without a collector that comes when it likes."""
    log = logging.getLogger("parcours")
    level, collects = log.level, gc.isenabled()
    log.setLevel(logging.CRITICAL + 1)
    gc.disable()
    try:
        yield
    finally:
        log.setLevel(level)
        if collects:
            gc.enable()
