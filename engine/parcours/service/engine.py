"""The engine for synchronous callers: a thread with an event loop of its own around a service.

A caller's own loop is never blocked by it, and what it answers can be awaited on any loop.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import CancelledError, Future
from os import PathLike
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from parcours.clock import Clock
from parcours.closing import close_after
from parcours.config import Settings
from parcours.errors import CallerError, EngineClosed
from parcours.journey.project import Project
from parcours.routing.plan import Links
from parcours.runtime.runtimes import RuntimeName
from parcours.service.acknowledgement import Acknowledgement, Ingested
from parcours.service.blocking import BlockingFacade, as_described, blocking
from parcours.service.host import end_all_others
from parcours.service.insight import BlockingInsight
from parcours.service.service import Service

P = ParamSpec("P")
T = TypeVar("T")


def _acknowledged(
    method: Callable[Concatenate[Service, P], Coroutine[Any, Any, Ingested]],
) -> Callable[Concatenate[Engine, P], Acknowledgement]:
    """The method of a service as one that returns at once, with a promise of its result."""

    def call(self: Engine, /, *args: P.args, **kwargs: P.kwargs) -> Acknowledgement:
        return Acknowledgement(self.submit(method(self._facade, *args, **kwargs)))

    return as_described(call, method, Acknowledgement)


def _promised(
    method: Callable[Concatenate[Service, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Engine, P], Future[T]]:
    """The same for what tells more than what became of lines."""

    def call(self: Engine, /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self.submit(method(self._facade, *args, **kwargs))

    return as_described(call, method, Future)


class Engine(BlockingFacade):
    """A running engine. Use `Engine.open`, as a context manager or with `close`.

    A process that was forked from the one in which it was opened cannot use it.
    """

    _facade: Service

    def __init__(self, service: Service) -> None:
        self._facade = service
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="parcours", daemon=True)
        self._process_id = os.getpid()
        self._closed = False
        self._door = threading.Lock()

    @property
    def service(self) -> Service:
        """The service that the engine runs on its own loop; whoever uses it goes there by `submit`."""
        return self._facade

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
        environ: Mapping[str, str] | None = None,
        links: Links | None = None,
        private_hosts: Iterable[str] = (),
        files: str | PathLike[str] | None = None,
        address: str | None = None,
    ) -> Self:
        """Open the project's store and go on from where it stands.

        store    sqlite:///FOLDER, postgresql://HOST/DATABASE, or memory: for what need not outlive the process
        files    with PostgreSQL the folder of what is kept in files; `Service.open` tells more of it
        records  channels that only record what would be sent; `Service.open` tells more of them
        clock    another clock than the machine's, for the local runtime
        environ  where `env:NAME` settings are looked up; the environment of the process, if it is left out
        links    the addresses of a door that what leaves carries; `Service.open` tells more of them
        address  of a Ray cluster in which the engine stays; `Service.open` tells more of it
        Raises CallerError, ProjectInvalid for drafts, SettingInvalid, ChannelUnknown, ExtraMissing, StoreBusy or
        StoreBroken.
        """
        engine = cls(
            Service.open(
                project,
                store,
                shards=shards,
                runtime=runtime,
                records=records,
                settings=settings,
                clock=clock,
                environ=environ,
                links=links,
                private_hosts=private_hosts,
                files=files,
                address=address,
            )
        )
        return engine._started()

    @classmethod
    def attach(cls, address: str, project: Project) -> Self:
        """An engine that runs the project already in a Ray cluster; `Service.attach` tells more of it."""
        return cls(Service.attach(address, project))._started()

    def _started(self) -> Self:
        self._thread.start()
        try:
            self._call(self._facade.start())
        except BaseException as error:
            close_after(error, self.close)
            raise
        return self

    ingest = _acknowledged(Service.ingest)
    track = _acknowledged(Service.track)
    identify = _acknowledged(Service.identify)
    consent = _acknowledged(Service.consent)
    suppress = _acknowledged(Service.suppress)
    react = _acknowledged(Service.react)
    react_to = _acknowledged(Service.react_to)
    feedback = _acknowledged(Service.feedback)
    mark_offer = _acknowledged(Service.mark_offer)

    decide = _promised(Service.decide)
    decisions = _promised(Service.decisions)

    take_lines = blocking(Service.take_lines)

    profile = blocking(Service.profile)
    find = blocking(Service.find)
    owner = blocking(Service.owner)
    facts = blocking(Service.facts)
    record = blocking(Service.record)
    reached_at = blocking(Service.reached_at)
    erase = blocking(Service.erase)
    erasure = blocking(Service.erasure)
    inbox = blocking(Service.inbox)
    fetch_inbox = blocking(Service.fetch_inbox)
    explain = blocking(Service.explain)
    drain = blocking(Service.drain)
    shut_down = blocking(Service.shut_down)
    troubles = blocking(Service.troubles)
    channel_states = blocking(Service.channel_states)
    report = blocking(Service.report)
    documents_of = blocking(Service.documents_of)
    waiting = blocking(Service.waiting)
    newest_at_step = blocking(Service.newest_at_step)
    newest_on_channel = blocking(Service.newest_on_channel)
    message_at = blocking(Service.message_at)
    dead_letters = blocking(Service.dead_letters)
    resend = blocking(Service.resend)
    backup = blocking(Service.backup)

    read_source = blocking(Service.read_source)
    read_sources = blocking(Service.read_sources)
    sources = blocking(Service.sources)
    pause_source = blocking(Service.pause_source)
    resume_source = blocking(Service.resume_source)
    move_source = blocking(Service.move_source)
    rewind_source = blocking(Service.rewind_source)

    publish = blocking(Service.publish)
    journeys = blocking(Service.journeys)
    close_journey = blocking(Service.close_journey)
    stop_journey = blocking(Service.stop_journey)
    pause_journey = blocking(Service.pause_journey)
    resume_journey = blocking(Service.resume_journey)

    campaigns = blocking(Service.campaigns)
    campaign = blocking(Service.campaign)
    run_campaign = blocking(Service.run_campaign)
    preview_campaign = blocking(Service.preview_campaign)
    prove_campaign = blocking(Service.prove_campaign)
    audiences = blocking(Service.audiences)
    audience = blocking(Service.audience)
    preview_offers = blocking(Service.preview_offers)
    save_people = blocking(Service.save_people)
    save_funnel = blocking(Service.save_funnel)
    close_campaign = blocking(Service.close_campaign)
    stop_campaign = blocking(Service.stop_campaign)
    pause_campaign = blocking(Service.pause_campaign)
    resume_campaign = blocking(Service.resume_campaign)

    def insight(self) -> BlockingInsight:
        """What can be asked of the facts of everybody: reports, analyses and experiments as of now, and SQL."""
        return BlockingInsight(self._facade.insight(), self._call)

    def close(self) -> None:
        """Let what is being sent finish and give everything back. Whatever was acknowledged is in the store.

        May be called again. In a forked process it does nothing: the engine is its parent's.
        """
        if os.getpid() != self._process_id:
            return
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
        try:
            await self._facade.close()
        finally:
            await end_all_others()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine of the engine's service on the engine's loop, where it belongs.

        What gets in before the engine is closed gets an answer. Raises EngineClosed afterwards, CallerError in a
        process that was forked from the one in which the engine was opened.
        """
        if os.getpid() != self._process_id:  # the thread that would answer has stayed in the parent
            coroutine.close()
            raise CallerError(
                f"the engine was opened by process {self._process_id}, and this is process {os.getpid()}, "
                "forked from it: open an engine after the fork"
            )
        with self._door:
            if not self._closed:
                return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        coroutine.close()
        raise EngineClosed

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            return self.submit(coroutine).result()
        except CancelledError:
            raise EngineClosed from None
