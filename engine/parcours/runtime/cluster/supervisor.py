"""The supervisor of a cluster: it starts actors, assigns each shard to one owner, watches, and assigns again.

An actor of a shard that has ended, or does not answer, is replaced by another one, on whichever machine Ray chooses.
Each assignment names the epoch that it follows, and raises it: an actor that was frozen meanwhile gets no further. So
does a supervisor that has been succeeded, whose own epoch the store tells; its successor goes on with the actors that
it finds at work.

A dispatcher is a process of its own, which takes a second or two to start. So that of outbound calls is started
only once something is published that calls out: before the shards hear of it, and they meet it before it first
looks what they have ready, so that nothing falls in between.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import ray
from ray.exceptions import ActorAlreadyExistsError

from parcours.background import in_thread, spawn
from parcours.dispatch.channel_state import ChannelState
from parcours.dispatch.destinations import SnapshotStep
from parcours.errors import ShardUnavailable, StoreBusy
from parcours.journey.program import Program
from parcours.journey.publish.publications import PublicationCompiler, Publications
from parcours.routing.change_protocol import newest
from parcours.routing.plan import Plan
from parcours.routing.ports import until_answered
from parcours.runtime.cluster.actor_port import ActorGone, ActorPort, Whereabouts, answer_of
from parcours.runtime.cluster.actors import Assignment, DispatcherActor, ExporterActor, ShardActor, start_actor
from parcours.runtime.cluster.dispatchers import Dispatchers, Share
from parcours.runtime.cluster.naming import KEEPER, end_others, find, named
from parcours.runtime.cluster.watch import Watch
from parcours.shard.messages import encode
from parcours.shard.requests import GetStatus, GiveUpClaims, encode_request
from parcours.store.address import is_durable
from parcours.store.claims import Held

T = TypeVar("T")

log = logging.getLogger("parcours")

ASSIGN_PAUSE_S = 0.5
"""Pause before an actor is assigned again whose store somebody still holds, or that did not answer."""

NAMES_TAKEN_MAX = 10
"""Names of one kind that another engine of the project may have had under the same epoch, and which Ray has not given
free yet.
"""

START_ATTEMPTS = 10
"""Attempts at an actor before a start fails, with StoreBusy where somebody holds the store of a shard."""


STATUS = encode_request(GetStatus())


class Supervisor:
    """Lives on one event loop, in the process that keeps the engine."""

    def __init__(self, plan: Plan, epoch: int, whereabouts: Whereabouts, *, stays: bool) -> None:
        """How the engine is kept.

        epoch  that of its keeper
        stays  whether its actors stay when this process goes
        """
        self._plan = plan
        self._epoch = epoch
        self._whereabouts = whereabouts
        self._stays = stays
        self._compiler = PublicationCompiler(plan.project)
        self._pickled = pickle.dumps(plan)  # once for all actors
        self._born: Counter[str] = Counter()
        self._started: set[str] = set()
        self._names: list[str] = [""] * plan.shards
        self._shards: list[Any] = [None] * plan.shards
        self._dispatchers = Dispatchers(plan)
        self._exporter: Any = None
        self._epochs: list[int | None] = [None] * plan.shards
        self._lives: Counter[Share] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._silence_s = plan.settings.actor_silence_ms / 1_000
        self._watch = Watch(self._silence_s)
        self._publications = b""
        self.ports = [ActorPort(number, None, None, keeper=epoch) for number in range(plan.shards)]

    async def start(self, found: Sequence[Held] = ()) -> None:
        """Assign everything, then watch it. Raises what assigning raises; StoreBusy after some patience only.

        found  where the shards were noted to run: those that are at work go on
        """
        for number, held in enumerate(found):
            if held.actor is not None:
                await self._adopt(number, held.actor, held.epoch)
        for number, actor in enumerate(self._shards):
            if actor is None:
                self._replace(number)
        if self._plan.exports or self._plan.facts_to:
            self._exporter = self._start(ExporterActor, "exporter")
        self._add_dispatchers(self._plan.project.program)  # their processes start while the shards come back
        if self._stays:
            end_others(self._whereabouts.namespace, {KEEPER, *self._names, *self._started})
        waiting = [partial(self._assign_shard, number) for number, epoch in enumerate(self._epochs) if epoch is None]
        await asyncio.gather(*map(_patiently, waiting))
        publications = await _patiently(self._newest)
        self._publications = encode(publications)
        for number in range(len(self._shards)):
            spawn(self._watch.keep(f"shard {number}", partial(self._look_after_shard, number)), self._tasks)
        self._add_dispatchers(self._compiler.program(publications))
        await self._start_dispatchers(list(self._dispatchers.actors))
        if self._exporter is not None:  # nobody waits for it: like one that was ended, it is assigned when it is missed
            self._keep_watch("exporter", self._exporter, self._assign_exporter)

    async def _adopt(self, number: int, name: str, noted: int) -> None:
        """Go on with an actor that an earlier keeper has started, if it answers.

        One that has let go of the shard is assigned anew, which takes a moment; another one would have to start first.
        """
        with suppress(ShardUnavailable, TimeoutError):
            actor = await in_thread(find, name, self._whereabouts.namespace)
            async with asyncio.timeout(self._silence_s):
                epoch = await answer_of(actor.adopt.remote(self._epoch, {}))
            if epoch in (noted, None):
                self._names[number], self._epochs[number] = name, epoch
                self._shards[number] = actor
                self.ports[number].be(actor)

    async def _newest(self) -> Publications:
        """What is published. Shards are looked after where one was let go of meanwhile, before they are asked again."""
        try:
            return await newest(self.ports)
        except ShardUnavailable:
            for number in range(len(self._shards)):
                await self._look_after_shard(number, 0)
            raise

    def _start(self, kind: Any, name: str) -> Any:
        """An actor in its next life; a name is passed over that Ray still has of an engine on another store."""
        nodes = self._plan.settings.actor_nodes
        for _ in range(NAMES_TAKEN_MAX):
            self._born[name] += 1
            called = named(name, self._epoch, self._born[name])
            with suppress(ActorAlreadyExistsError):
                actor = start_actor(kind, called, self._whereabouts.namespace, nodes, stays=self._stays)
                self._started.add(called)
                return actor
        raise ShardUnavailable(f"Ray has had {NAMES_TAKEN_MAX} actors of this engine's names before {called}")

    def _replace(self, number: int) -> None:
        """Put an actor in the place of one that has ended, or cannot be reached, or has never been there."""
        if (before := self._shards[number]) is not None:
            ray.kill(before)  # it may be at work still, and be reached again
        actor = self._start(ShardActor, f"shard-{number}")
        self._names[number] = named(f"shard-{number}", self._epoch, self._born[f"shard-{number}"])
        self._shards[number] = actor
        self.ports[number].be(actor)

    async def _assign_exporter(self) -> None:
        assert self._exporter is not None, "it is watched"
        await answer_of(
            self._exporter.assign.remote(
                self._pickled, self._shards, self._whereabouts, self._epoch, self._publications
            )
        )

    def _add_dispatchers(self, program: Program) -> list[Share]:
        """An actor for each dispatcher that this program needs and that has none; which those are."""
        added = {
            share: self._start(DispatcherActor, f"dispatcher-{share}") for share in self._dispatchers.missing(program)
        }
        self._dispatchers.actors |= added
        return list(added)

    async def _start_dispatchers(self, shares: list[Share]) -> None:
        """Let the shards know whom to wake; then let these dispatchers pull what is ready, and watch them."""
        if shares:
            numbers = range(len(self._shards))
            await asyncio.gather(*(until_answered(partial(self._introduce, each)) for each in numbers))
        await asyncio.gather(*(_patiently(partial(self._assign_dispatcher, share)) for share in shares))
        for share in shares:
            self._keep_watch(
                f"dispatcher {share}", self._dispatchers.actors[share], partial(self._assign_dispatcher, share)
            )

    def _keep_watch(self, name: str, actor: Any, assign: Callable[[], Awaitable[None]]) -> None:
        look = partial(self._watch.look_after, actor, actor.watched.remote, assign)
        spawn(self._watch.keep(name, look), self._tasks)

    async def _introduce(self, number: int) -> None:
        """To whichever actor has the shard now: one that has ended never answers."""
        await answer_of(self._shards[number].meet.remote(self._dispatchers.of_shard(number)))

    async def _assign_shard(self, number: int) -> None:
        """Let the actor take the shard over from the owner that is known here, and from nobody else.

        Whether an assignment that failed has raised the epoch is not known: the next one takes whatever is there. A
        store that was busy has not been taken. One in memory is never opened again, whatever has become of it.
        """
        asked = Assignment(
            number, self._names[number], self._epoch, self._epochs[number], self._dispatchers.of_shard(number),
            self._shards, self._whereabouts,
        )  # fmt: skip
        try:
            self._epochs[number] = await answer_of(self._shards[number].assign.remote(self._pickled, asked))
        except StoreBusy:
            raise
        except ActorGone:
            self._epochs[number] = None if is_durable(self._plan.store) else self._epochs[number]
            self._replace(number)
            raise
        except Exception:
            if is_durable(self._plan.store):
                self._epochs[number] = None
            raise
        await self._tell_troubles(number)

    async def _tell_troubles(self, number: int) -> None:
        """Log what a shard tells that was just opened: nobody sees what its own process logs."""
        with suppress(ShardUnavailable):
            for trouble in (await self.ports[number].ask(GetStatus())).troubles:
                log.warning("shard %d: %s", number, trouble)

    async def _assign_dispatcher(self, share: Share) -> None:
        """What the actor had claimed in the life before, if it had one, is ambiguous now."""
        if self._lives[share]:
            for number in share.shards(len(self._shards)):
                gone = GiveUpClaims(self._name(share))
                spawn(until_answered(partial(self.ports[number].ask, gone)), self._tasks)
        self._lives[share] += 1
        actor, kept_back = self._dispatchers.actors[share], sorted(self._dispatchers.kept_back)
        knowing = self._shards, self._whereabouts, self._epoch, self._publications, kept_back
        await answer_of(actor.assign.remote(self._pickled, share, self._name(share), *knowing))
        for journey in set(kept_back) - self._dispatchers.kept_back:  # it has been decided meanwhile
            spawn(until_answered(partial(_let_go, actor, journey)), self._tasks)

    async def publish(self, publications: Publications) -> None:
        """Let the dispatchers know; one that is missing is started, one that is being started anew is assigned with it.

        Raises what starting one raises, and everything is as before then.
        """
        before, self._publications = self._publications, encode(publications)
        added = self._add_dispatchers(self._compiler.program(publications))
        try:
            await self._start_dispatchers(added)
        except Exception:
            self._publications = before
            for share in added:
                ray.kill(self._dispatchers.actors.pop(share))
            raise
        for actor in list(self._dispatchers.actors.values()):
            await until_answered(partial(_tell, actor, self._publications))
        if self._exporter is not None:
            with suppress(ShardUnavailable):  # one that has yet to be assigned is assigned with it
                await _tell(self._exporter, self._publications)

    async def keep_back(self, journey: str) -> None:
        """Let nothing of a journey leave that is about to be stopped."""
        await self._dispatchers.keep_back(journey)

    def let_go(self, journey: str) -> None:
        """Let the dispatchers know, for as long as it takes: whoever does not hear it would keep back for good."""
        self._dispatchers.kept_back.discard(journey)
        for actor in list(self._dispatchers.actors.values()):
            spawn(until_answered(partial(_let_go, actor, journey)), self._tasks)

    async def tell_all(self, lane: str, step: SnapshotStep) -> None:
        """Let a destination take a step of a snapshot."""
        await self._dispatchers.tell_all(lane, step)

    def _name(self, share: Share) -> str:
        return f"{share}-{self._epoch}.{self._lives[share]}"

    async def _look_after_shard(self, number: int, after_s: float) -> object:
        """What the actor of a shard answers. Where it has gone another one takes its place, and is assigned at once."""
        actor, assign = self._shards[number], partial(self._assign_shard, number)
        try:
            ask = partial(actor.watched.remote, STATUS, self._epoch)
            return await self._watch.look_after(actor, ask, assign, after_s)
        except ActorGone:
            self._replace(number)
            await _patiently(assign)
            raise

    def _workers(self) -> list[Any]:
        """All actors but those of shards."""
        return [*self._dispatchers.actors.values(), *([] if self._exporter is None else [self._exporter])]

    async def troubles(self) -> list[str]:
        """What is not in order, and what the dispatchers and the exporter could not get to work so far."""
        exported = [] if self._exporter is None else [self._exporter.trouble.remote()]
        answers = await asyncio.gather(*exported, return_exceptions=True)
        told = [*await self._dispatchers.troubles(), *(answer for answer in answers if isinstance(answer, str))]
        return [*self._watch.troubles.values(), *told]

    async def channel_states(self) -> list[ChannelState]:
        """Where each channel stands."""
        return await self._dispatchers.channel_states()

    async def process_ids(self) -> dict[str, int]:
        """The process of each actor: of `shard 0` and so on, of `dispatcher email` and so on, and of `exporter`."""
        actors = {f"shard {number}": actor for number, actor in enumerate(self._shards)}
        actors |= {f"dispatcher {share}": actor for share, actor in self._dispatchers.actors.items()}
        if self._exporter is not None:
            actors["exporter"] = self._exporter
        return {name: await answer_of(actor.process_id.remote()) for name, actor in actors.items()}

    async def leave(self) -> None:
        """Watch no actor any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Let what is being sent finish, close the stores, end the actors."""
        await self._end(range(len(self._shards)))

    async def withdraw(self) -> None:
        """The same of the actors that it has started: those that it has found go on."""
        await self._end([number for number, name in enumerate(self._names) if name in self._started])

    async def _end(self, shards: Sequence[int]) -> None:
        await self.leave()
        workers = self._workers()
        # An actor that is dead at this moment has nothing to finish and nothing open.
        await asyncio.gather(*(answer_of(actor.stop.remote()) for actor in workers), return_exceptions=True)
        await asyncio.gather(*(self.ports[number].close() for number in shards), return_exceptions=True)
        for actor in [*workers, *(self._shards[number] for number in shards)]:
            ray.kill(actor)


async def _patiently(assign: Callable[[], Awaitable[T]]) -> T:
    """Assign, or ask what is assigned, again. An owner before may only just be leaving, a process yet have to start."""
    for _ in range(START_ATTEMPTS):
        with suppress(StoreBusy, ShardUnavailable):
            return await assign()
        await asyncio.sleep(ASSIGN_PAUSE_S)
    return await assign()


async def _let_go(dispatcher: Any, journey: str) -> None:
    await answer_of(dispatcher.let_go.remote(journey))


async def _tell(worker: Any, publications: bytes) -> None:
    await answer_of(worker.publish.remote(publications))
