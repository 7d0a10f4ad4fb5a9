"""The simulated cluster: each part of the engine is a process of its own, and a supervisor replaces the dead.

Only the processes and what starts them are simulated. What runs in them is the engine's own: `Shard`, `ShardHost`,
`Dispatcher` with its `Breaker`, `Router`, `Exporter`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Final, TypeVar

from parcours.config import Settings
from parcours.dispatch.breaker import Breaker
from parcours.dispatch.dispatcher import Dispatcher
from parcours.errors import ParcoursError
from parcours.routing.ports import until_answered
from parcours.routing.router import Router
from parcours.shard.host import ShardHost
from parcours.shard.requests import GiveUpClaims
from parcours.testing.faults.chance import between
from parcours.testing.faults.changes import Publishing
from parcours.testing.faults.clocks import WallClock
from parcours.testing.faults.disk import Disk, ProcessStore
from parcours.testing.faults.exports import ExporterPlace, Folder
from parcours.testing.faults.injector import Injector
from parcours.testing.faults.layout import SHARDS, SLOT_MAP
from parcours.testing.faults.letters import Mending
from parcours.testing.faults.loop import NOTICED_S, Process, SimulatedLoop
from parcours.testing.faults.observed import ObservedShard, RunCompiler
from parcours.testing.faults.plan import CHANNELS
from parcours.testing.faults.project import shop
from parcours.testing.faults.provider import PlainRenderer, Provider, SimulatedChannel
from parcours.testing.faults.wire import DispatcherPort, Held, Port, ShardCopy

T = TypeVar("T")

SETTINGS: Final = Settings(
    batch_events_max=3,
    batches_in_flight_max=3,
    routers_max=4,
    claim_max=5,
    send_timeout_s=30.0,
    ambiguous_resend_after_ms=20_000,
    journal_bytes_max=6_000,
    totals_facts_max=20,
    export_records=12,
    export_every_ms=10_000_000,
    inbox_max=3,
)
"""Small bounds, so that few events reach them. An attempt that hangs is still under way when the next one begins."""

ALARM_MAX_S: Final = 3_600.0
"""A look at the clock each hour: one each second would be most of what is simulated."""


class ShardPlace:
    """Where a shard is to be found: its disk, and the copy that is taken for the current one.

    `number` is its place in `SHARDS`.
    stopped  by what error a copy has stopped last, None if none has
    """

    def __init__(self, cluster: Cluster, number: int) -> None:
        self.number = number
        self.disk = Disk(number, cluster.kill, partial(cluster.may_be_trimmed, SHARDS[number]), cluster.places)
        self.current: ShardCopy | None = None
        self.left_behind: list[Callable[[], object]] = []
        self.stopped: Exception | None = None
        self._cluster = cluster
        self._lives = 0
        self._assigning: ShardCopy | None = None
        self._epoch: int | None = None

    def assign(self, *, takes_over: bool = True) -> None:
        """Start a process for the shard and let it open. Only a supervisor that knows the epoch can be refused."""
        loop = self._cluster.loop
        self._lives += 1
        process = Process(loop, f"shard {self.number}, life {self._lives}")
        copy = ShardCopy(loop, process, self.replace)
        self._assigning = copy
        process.on_death.append(partial(self.replace, copy))
        expected = None if takes_over else self._epoch
        process.spawn(self._open(copy, expected))

    async def _open(self, copy: ShardCopy, expected_epoch: int | None) -> None:
        cluster = self._cluster
        store = ProcessStore(self.disk, copy.process, cluster.injector)
        shard = cluster.shard(self.number, store)
        clock = cluster.clock.engine_time()
        try:
            shard.open(clock.now_ms(), expected_epoch=expected_epoch)
        except ParcoursError:
            self.replace(copy)
            return
        clock.begin_at(shard.holding().stamp_ms)
        self._epoch = shard.commits.epoch
        stopped = partial(self._stopped, copy)
        host = ShardHost(shard, store, clock, self._wake, None, stopped, ALARM_MAX_S)
        copy.host = host
        before, self.current = self.current, copy
        if before is not None:  # it may stand still for a change that it never hears of
            cluster.loop.outside(NOTICED_S, before.process.cut_off)
        host.peers.meet({SHARDS[place.number]: cluster.port(place) for place in cluster.shards})
        host.look()

    def _stopped(self, copy: ShardCopy, error: Exception) -> None:
        copy.host, self.stopped = None, error
        self.replace(copy)

    def processes(self) -> list[Process]:
        """Those that may be alive."""
        copies = [self.current, self._assigning]
        return [copy.process for copy in copies if copy is not None]

    def _wake(self, channel: str) -> None:
        self._cluster.loop.outside(0.001, self._cluster.wake, channel, SHARDS[self.number])

    def replace(self, copy: ShardCopy) -> None:
        """This copy is of no use any more: start another one, unless that has been done."""
        if copy is self._assigning:
            pause_s = between(0.3, 4.0, self._cluster.seed, "replace", self.number, self._lives)
            self._cluster.loop.outside(pause_s, self._assign_instead_of, copy)

    def _assign_instead_of(self, copy: ShardCopy) -> None:
        if self._assigning is copy and (copy.host is None or copy.process.is_dead):
            self.assign()


class DispatcherPlace:
    """The dispatcher of a channel, one life after the other."""

    def __init__(self, cluster: Cluster, channel: str) -> None:
        self.channel = channel
        self.process: Process | None = None
        self._cluster = cluster
        self._dispatcher: Dispatcher | None = None
        self._lives = 0

    @property
    def _name(self) -> str:
        return f"{self.channel}-{self._lives}"

    def start(self) -> None:
        """Begin a life; what was claimed in the life before is given up."""
        cluster = self._cluster
        if self._lives:
            for place in cluster.shards:
                cluster.loop.spawn_outside(self._give_up(place, self._name))
        self._lives += 1
        process = Process(cluster.loop, f"dispatcher {self._name}")
        process.on_death.append(partial(self._died, process))
        channel = SimulatedChannel(self.channel, cluster.seed, cluster.provider, process, cluster.injector)
        self.process = process
        dispatcher = Dispatcher(self._name, self.channel, channel, PlainRenderer(), SETTINGS, breaker=Breaker(SETTINGS))
        self._dispatcher = dispatcher
        held = Held(process.name, SimulatedChannel.capacity, cluster.provider.violations)
        process.spawn(dispatcher.start(cluster.ports(lambda port: DispatcherPort(port, held))))
        for place in cluster.shards:
            process.call(dispatcher.wake, SHARDS[place.number])

    async def _give_up(self, place: ShardPlace, name: str) -> None:
        """What was sent before the end may be carried out after it has become known."""
        await until_answered(partial(self._cluster.port(place).ask, GiveUpClaims(name)))
        while place.left_behind:
            place.left_behind.pop()()

    def _died(self, process: Process) -> None:
        if process is self.process:
            pause_s = between(0.5, 10.0, self._cluster.seed, "restart", self._name)
            self._cluster.loop.outside(pause_s, self.start_instead_of, process)

    def start_instead_of(self, process: Process) -> None:
        """Begin another life, unless that has been done. The process before may only have been frozen."""
        if process is self.process:
            self.start()

    def wake(self, shard: int) -> None:
        if self.process is not None and self._dispatcher is not None:
            self.process.call(self._dispatcher.wake, shard)


class Cluster:
    """All processes of the engine over the disks of its shards.

    folder  what is exported. There is an exporter in every other seed; in the others it is None, and the journal is
            trimmed as facts grow old
    """

    def __init__(
        self, loop: SimulatedLoop, seed: int, clock: WallClock, injector: Injector, provider: Provider
    ) -> None:
        self.loop = loop
        self.seed = seed
        self.clock = clock
        self.injector = injector
        self.provider = provider
        self.places = count(1)
        self.shards = [ShardPlace(self, number) for number in range(len(SHARDS))]
        self.dispatchers = {channel: DispatcherPlace(self, channel) for channel in CHANNELS}
        self.compiler = RunCompiler()
        self.mending = Mending(self)
        self.folder = Folder() if seed % 2 else None
        self.exporter = None if self.folder is None else ExporterPlace(self, self.folder, SETTINGS)
        self.router: Router | None = None
        self.publishing: Publishing | None = None
        self.process = Process(loop, "router")
        self.starts = 0

    def port(self, place: ShardPlace) -> Port:
        """A way to a shard."""
        return Port(
            self.loop, self.seed, place.number, self.injector, lambda: place.current, place.left_behind, self.kill
        )

    def ports(self, made: Callable[[Port], T]) -> list[T]:
        """Ways to all shards, by their numbers, of which only two are ever gone."""
        ways = {SHARDS[place.number]: made(self.port(place)) for place in self.shards}
        nowhere = next(iter(ways.values()))
        return [ways.get(number, nowhere) for number in range(SLOT_MAP.shards)]

    def shard(self, number: int, store: ProcessStore) -> ObservedShard:
        """The shard at this place, over a store of one process."""
        exports = self.folder is not None
        return ObservedShard(SHARDS[number], store, SETTINGS, self.compiler, self.mending.check, exports=exports)

    def may_be_trimmed(self, shard: int, record: int) -> bool:
        """With an exporter nothing may go that is not exported."""
        return self.folder is None or self.folder.has(shard, record)

    def wake(self, channel: str, shard: int) -> None:
        """A shard has deliveries ready."""
        self.dispatchers[channel].wake(shard)

    def start(self) -> None:
        """Start every process."""
        for place in self.shards:
            place.assign()
        for dispatcher in self.dispatchers.values():
            dispatcher.start()
        if self.exporter is not None:
            self.exporter.start()
        self._start_router()

    def kill(self) -> None:
        """End everything at once; it starts again after a while."""
        starts_anyway, self.router, self.publishing = self.router is None, None, None
        self.process.kill()
        for place in self.shards:
            for process in place.processes():
                process.kill()
        for dispatcher in self.dispatchers.values():
            if dispatcher.process is not None:
                dispatcher.process.kill()
        if self.exporter is not None:
            self.exporter.process.kill()
        if not starts_anyway:
            self.loop.outside(between(1.0, 20.0, self.seed, "start", self.starts), self._start_router)

    def _start_router(self) -> None:
        """One that starts anew takes a new name."""
        self.starts += 1
        self.process = Process(self.loop, f"router {self.starts}")
        ports = self.ports(lambda port: port)
        self.router = Router(f"router {self.starts}", ports, shop().program, SETTINGS, SLOT_MAP)
        changed = [self.port(place) for place in self.shards]
        now_ms = self.clock.engine_time().now_ms
        self.publishing = Publishing(self.process, self.router, changed, now_ms, self.compiler, self.injector)
