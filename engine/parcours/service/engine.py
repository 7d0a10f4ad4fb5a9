"""How is Parcours used from Python? Open an engine, hand in what people do, close it.

The engine runs on an event loop in a thread of its own, so the same calls serve synchronous and
asynchronous callers, and a caller's own loop is never blocked by them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import uuid
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from parcours.clock import Clock, SystemClock
from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.core.identity import person_asked_for, shard_of, slot_of
from parcours.core.profile import Profile
from parcours.errors import CallerError, EngineClosed, Overloaded, ParcoursError, ShardUnavailable
from parcours.insight.explain import Explanation, explain
from parcours.journey.program import Journey, Program, ReadEntry
from parcours.journey.project import Project
from parcours.routing.audience_reads import instants, read_audience
from parcours.routing.calls import Lines, check_person, lines_of
from parcours.routing.plan import Plan, check_shards
from parcours.routing.ports import ShardPort, until_answered
from parcours.routing.router import Router, Taken
from parcours.runtime.runtimes import RuntimeName, open_runtime
from parcours.service.acknowledgement import Acknowledgement, Ingested
from parcours.service.channel_selection import delivering, recording
from parcours.service.journey_control import JourneyControl, JourneyVerbs
from parcours.service.settlement import outstanding
from parcours.shard.host import ALARM_MAX_S
from parcours.shard.messages import Reading
from parcours.shard.requests import GetProfile, GetStatus, LetIn, RecallFacts
from parcours.store.address import check_address

log = logging.getLogger("parcours")

T = TypeVar("T")

CALLS_ASIDE_S = 5.0
"""How long whoever gives up waiting waits to be told why, and closing for a change that is under way."""

DRAIN_POLL_S = 0.01
"""How often `drain` looks whether everything has settled."""

READ_PAUSE_S = 1.0
"""Pause before a read is tried again for which a shard was missing."""


class Engine(JourneyVerbs):
    """A running engine. Use `Engine.open`, as a context manager or with `close`."""

    def __init__(self, plan: Plan, runtime: RuntimeName, clock: Clock | None) -> None:
        self._plan = plan
        self._clock = clock or SystemClock()
        self._runtime = open_runtime(runtime, plan, clock)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="parcours", daemon=True)
        self._router: Router | None = None
        self._control = JourneyControl(
            plan.project, (*plan.channels, *plan.records), self._runtime, self._clock, self._take_up
        )
        self._reads: list[asyncio.Task[None]] = []
        self._reading: set[tuple[str, int]] | None = None
        self._read_troubles: list[str] = []
        self._calls: set[asyncio.Task[object]] = set()
        self._waiting = 0
        self._closed = False
        self._door = threading.Lock()

    @classmethod
    def open(
        cls,
        project: Project,
        store: str,
        *,
        shards: int = 2,
        runtime: RuntimeName = "ray",
        records: Iterable[str] = (),
        settings: Settings | None = None,
        clock: Clock | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> Self:
        """Open the project's store and go on from where it stands.

        store    sqlite:///FOLDER, or memory: for what need not outlive the process
        records  channels that only record what would be sent: any that is installed, for older versions may use one
                 that this project does not. Every other one that a message uses has to be configured in the
                 project; what else is configured is opened too. `call` among them keeps outbound calls from leaving
        clock    another clock than the machine's, for the local runtime
        environ  where `env:NAME` settings are looked up
        Raises SettingInvalid, ChannelUnknown, ExtraMissing, StoreBusy or StoreBroken.
        """
        check_shards(shards)
        check_address(store)
        recorded = recording(project, records)
        channels = delivering(project, recorded, environ)
        plan = Plan(project, shards, store, channels, recorded, settings=settings or Settings())
        engine = cls(plan, runtime, clock)
        engine._start()
        return engine

    def _start(self) -> None:
        self._thread.start()
        try:
            self._call(self._open())
        except BaseException:
            self.close()
            raise

    async def _open(self) -> None:
        await self._runtime.start()
        program = self._plan.project.program
        self._router = Router(uuid.uuid4().hex, self._runtime.ports, program, self._plan.settings)
        await self._control.begin()

    async def _take_up(self, program: Program) -> None:
        """This program holds from now on."""
        assert self._router is not None
        self._router.publish(program)
        for read in self._reads:
            read.cancel()
        reading = [(journey, journey.entry) for journey in program.journeys if isinstance(journey.entry, ReadEntry)]
        before, self._reading = self._reading, {(journey.name, journey.version) for journey, _ in reading}
        self._reads = []
        for journey, entry in reading:
            known = before is None or (journey.name, journey.version) in before
            since_ms = None if known else self._control.publications.ledger.at
            self._reads.append(asyncio.ensure_future(self._read(journey, entry, program.timezone, since_ms)))

    async def _read(self, journey: Journey, entry: ReadEntry, timezone: str, since_ms: int | None) -> None:
        """Wait for each instant of a read; those that passed while nobody was there are made up for.

        What passed before this version was published, or while it took nobody, is nothing of its own. A store that
        fails ends this: the engine has to be opened again, and makes up for it then.

        since_ms  from when on it takes people again, None if it has done so all along
        """
        name = f"{journey.name}@{journey.version}"
        if since_ms is not None:
            passed = Reading(journey.name, journey.version, since_ms - 1, [])
            for port in self._runtime.ports:
                await until_answered(partial(port.ask, LetIn(passed)))
        statuses = [await until_answered(partial(port.ask, GetStatus())) for port in self._runtime.ports]
        published_ms = self._control.publications.ledger.journeys[journey.name].newest.at
        after_ms = max(min(status.reads.get(name, -1) for status in statuses), published_ms - 1)
        for at_ms in instants(entry, timezone):
            if at_ms <= after_ms:
                continue
            await self._until(at_ms)
            try:
                async with self._control.undisturbed():  # a read that is cut off would let half of the people in
                    await self._read_once(journey, entry, at_ms)
            except ParcoursError as error:
                self._read_troubles.append(f"the journey {journey.name!r} reads no more: {error}")
                log.warning("%s", self._read_troubles[-1])
                return

    async def _until(self, at_ms: int) -> None:
        """Return when the clock, which may jump, shows this time; others have their turn in any case."""
        wait_ms = 1
        while wait_ms > 0:
            wait_ms = max(0, at_ms - self._clock.now_ms())
            await asyncio.sleep(min(wait_ms / 1000, ALARM_MAX_S))

    async def _read_once(self, journey: Journey, entry: ReadEntry, at_ms: int) -> None:
        """Read the audience, again and again where a shard is missing."""
        while True:
            try:
                return await read_audience(self._runtime.ports, journey, entry, at_ms)
            except ShardUnavailable:
                await asyncio.sleep(READ_PAUSE_S)

    # What people do

    def ingest(self, calls: Iterable[Mapping[str, object]] | bytes | bytearray | memoryview) -> Acknowledgement:
        """Hand in many calls of Segment's spec at once: as dicts, or as a block of NDJSON, the fast way.

        The acknowledgement fails with Overloaded if the shards cannot keep up: hand it in again later, with the
        same message ids. Raises CallerError for what is neither.
        """
        return Acknowledgement(self._submit(self._ingest(lines_of(calls))))

    async def _ingest(self, handed_in: Lines) -> Ingested:
        """Known as under way until it is answered, so that closing leaves no caller without an answer."""
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        try:
            return Ingested.of(await self._route(handed_in.lines), handed_in)
        finally:
            self._calls.discard(task)

    async def _route(self, lines: Sequence[bytes]) -> Taken:
        assert self._router is not None
        if not self._router.has_room():
            if self._waiting >= self._plan.settings.waiting_calls_max:
                raise Overloaded(f"waiting_calls_max={self._waiting} calls wait already")
            self._waiting += 1
            try:
                await self._router.room()
            finally:
                self._waiting -= 1
        return await self._router.take(lines)

    def track(
        self, user_id: str, event: str, properties: Mapping[str, object] | None = None, *, message_id: str | None = None
    ) -> Acknowledgement:
        """Somebody did something. A call that may be repeated needs a `message_id` to count once."""
        call = {"type": "track", "userId": user_id, "event": event, "properties": dict(properties or {})}
        return self.ingest([call | ({"messageId": message_id} if message_id else {})])

    def identify(self, user_id: str, traits: Mapping[str, object], *, message_id: str | None = None) -> Acknowledgement:
        """Something is known about somebody; a trait of None is taken away."""
        call = {"type": "identify", "userId": user_id, "traits": dict(traits)}
        return self.ingest([call | ({"messageId": message_id} if message_id else {})])

    # Looking in

    def profile(self, person: str) -> Profile | None:
        """Everything known of a person: traits, runs, deliveries, timers. None if nothing is.

        person  the user id; or the name that results have, such as `@anonymous/7f3a` or `@user/@sarah`: whatever
                begins with `@` and holds a `/` is taken for a name
        """
        name, port = self._asked_for(person, "profile")
        return self._call(port.ask(GetProfile(name)))

    def explain(self, person: str) -> Explanation:
        """Why a person got, or did not get, a message: journey by journey, from the facts that were recorded.

        They reach back as far as the shard's journal does. It is read in slices, so this takes about a second for
        each 200 MB of it; the shard goes on with its work in between. `parcours.explanation_text` makes it a text.
        The person is named as for `profile`.
        """
        name, port = self._asked_for(person, "explain")
        return explain(
            self._call(self._recall(port, name)),
            name,
            self._control.program().versions(),
            self._control.journey_states(),
        )

    async def _recall(self, port: ShardPort, person: str) -> list[Fact]:
        recalled = await port.ask(RecallFacts(person))
        facts = recalled.facts
        while recalled.after is not None:
            recalled = await port.ask(RecallFacts(person, recalled.after, recalled.through))
            facts += recalled.facts
        return facts

    def _asked_for(self, person: str, asked: str) -> tuple[str, ShardPort]:
        """The name of the person whom this question means, and her shard."""
        check_person(person, asked)
        name = person_asked_for(person)
        return name, self._runtime.ports[shard_of(slot_of(name), self._plan.shards)]

    def drain(self, timeout_s: float | None = None) -> None:
        """Return when everything accepted is applied and nothing queued can leave now.

        Deliveries that wait for another attempt do not count, nor do timers of the future. Raises TimeoutError, which
        says what is outstanding and which troubles there are.
        """
        self._call(self._drain(timeout_s))

    def troubles(self) -> list[str]:
        """What is not in order now, a sentence each: a channel that does not start, a shard that does not come back.

        Each is also logged as a warning when it begins, by the logger `parcours`.
        """
        return self._call(self._troubles())

    async def _troubles(self) -> list[str]:
        return [*await self._runtime.troubles(), *self._control.troubles(), *self._read_troubles]

    async def _drain(self, timeout_s: float | None) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    if not await self._outstanding():
                        return
                    await asyncio.sleep(DRAIN_POLL_S)
        except TimeoutError:
            raise TimeoutError(f"not everything has settled within {timeout_s} s: {await self._why()}") from None

    async def _outstanding(self) -> list[str]:
        """What there is to do now, in words."""
        assert self._router is not None
        # In this order: what is taken between the two questions belongs to nobody who waits here.
        handed_over = self._router.is_idle() and not self._waiting
        try:
            statuses = [await port.ask(GetStatus()) for port in self._runtime.ports]
        except ShardUnavailable as error:
            return [str(error)]
        said = outstanding(statuses, self._clock.now_ms())
        return said if handed_over else [*said, "calls of ingest are under way"]

    async def _why(self) -> str:
        """What is outstanding and in trouble, as far as there are answers."""
        said: list[str] = []
        try:
            async with asyncio.timeout(CALLS_ASIDE_S):
                said += await self._outstanding()
                said += await self._troubles()
        except TimeoutError:
            said.append("the shards or the channels do not answer")
        return "; ".join(said) or "it has settled just now"

    # Journeys

    def publish(self, project: Project) -> None:
        """Publish a project: what it says holds for everybody from one instant on.

        A journey whose content has changed gets the next version, which takes the entries from then on; whoever is
        in it stays in the version in which she entered. Closed and stopped journeys of the project are open again,
        those that it does not have any more are closed. Policies and the profile are the project's from then on;
        its channels' settings are those that the engine was opened with.
        Raises PublishRefused with every reason, and nothing has changed then.
        """
        if not isinstance(project, Project):
            raise CallerError(f"publish({project!r}): a Project is expected")
        self._call(self._control.publish(project))

    # Opening and closing

    def close(self) -> None:
        """Let what is being sent finish and give everything back. Whatever was acknowledged is in the store."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            closing = asyncio.run_coroutine_threadsafe(self._close(), self._loop)
        try:
            closing.result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _close(self) -> None:
        for read in self._reads:
            read.cancel()
        await asyncio.gather(*self._reads, return_exceptions=True)
        if self._router is not None:
            await self._router.close()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._control.finish(CALLS_ASIDE_S)
        try:
            await self._runtime.stop()
        finally:
            await _end_all_others()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _submit(self, coroutine: Coroutine[object, object, T]) -> Future[T]:
        """Run it on the engine's loop. What gets in before the door is shut gets an answer."""
        with self._door:
            if not self._closed:
                return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        coroutine.close()
        raise EngineClosed

    def _call(self, coroutine: Coroutine[object, object, T]) -> T:
        try:
            return self._submit(coroutine).result()
        except CancelledError:
            raise EngineClosed from None


async def _end_all_others() -> None:
    """Cancel every other task of this loop, so that nobody waits for one that will never go on."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
