"""`parcours serve`: a project's engine and its door in one process and on one event loop, from the start to the end.

The port is open before the engine is: clients that come early are asked to come again and keep what they have. Where
other doors share the port they take what comes meanwhile, so it listens there only once it has found the engine. It
stops in the order in which traffic can be taken away from it: first /ready says so, for balancers to hear; then nothing
new is taken, and streams are told; then what is under way is answered, deliveries that have begun are finished, and the
stores are closed. What was acknowledged is on disk at every moment, so a second signal may skip all that is left.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

from parcours.background import spawn
from parcours.errors import ExtraMissing, ParcoursError
from parcours.ingress import health, metrics
from parcours.ingress.application import Application, door_of
from parcours.ingress.deployment import engine_opened
from parcours.ingress.door import Door
from parcours.ingress.listeners import listening
from parcours.ingress.origins import shown_host
from parcours.ingress.project_folder import ProjectFolder
from parcours.ingress.routes import ROUTES
from parcours.ingress.servers import Servers, answering
from parcours.ingress.settings import ServeSettings, proxy_unnamed
from parcours.journey.project import Project
from parcours.service.service import Service

log = logging.getLogger("parcours.door")

CLOSING_S: Final = 32
"""How long the engine may take to close: deliveries that have begun get 30 s."""

KEYS_EVERY_S: Final = 60.0
"""How often keys are read again; a signal makes it happen at once."""

OF_MACHINES: Final = (*health.ROUTES, *metrics.ROUTES)
"""What is answered at `health_port`."""


class Serving:
    """One run of a door.

    open_service  opens the engine by settings that are complete; it is started here
    store      the folder of its store, None where it lies in memory
    folder     of the project, from which the page publishes
    reread     the settings as the file has them by now; called for the keys alone
    announce   called with the address and the service once the door is open
    shares_port  whether other processes of this user listen at the same port
    sources    the project whose sources are read, None: none are
    ends_with  a descriptor that can be read from once the door has to end, as after a signal; None: by signals alone
    """

    def __init__(
        self,
        open_service: Callable[[ServeSettings], Service],
        settings: ServeSettings,
        *,
        store: Path | None = None,
        folder: Path | None = None,
        reread: Callable[[], ServeSettings] | None = None,
        announce: Callable[[str, Service], None] = lambda address, service: None,
        shares_port: bool = False,
        ends_with: int | None = None,
        sources: Project | None = None,
    ) -> None:
        self._open_service = open_service
        self._settings = settings
        self._store = store
        self._folder = folder
        self._reread = reread
        self._announce = announce
        self._shares_port = shares_port
        self._ends_with = ends_with
        self._sources = sources
        self._asked_to_stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._hangup = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until a signal asks to stop. Raises SettingInvalid for a port that cannot be had, and what opening raises."""
        settings = self._settings
        if (warning := proxy_unnamed(settings)) is not None:
            log.warning("%s", warning)
        here = f"http://{shown_host(settings.host)}"
        found = await self._door(settings, f"{here}:{settings.port}") if self._shares_port else None
        with _listeners(settings, shared=self._shares_port) as sockets:
            address = f"{here}:{sockets[0].getsockname()[1]}"
            async with answering(sockets, settings) as servers:
                door = found or await self._door(settings, address)
                for entrance, routes in zip(servers.entrances, (ROUTES, OF_MACHINES), strict=False):
                    entrance.application = Application(door, routes=routes)
                await self._run(door, servers, address)

    async def _door(self, settings: ServeSettings, address: str) -> Door:
        """The door to an engine that is open, or has been found; it is yet to be started."""
        service, settings, found = await engine_opened(self._open_service, settings, address, self._store)
        for sentence in found:
            log.info("%s", sentence)
        door = door_of(service, settings)
        if self._folder is not None:
            door.folder = ProjectFolder(self._folder, door.uploads)
        door.state = "starting"
        return door

    async def _run(self, door: Door, servers: Servers, address: str) -> None:
        with self._signals(servers):
            try:
                async with _mail_taken(door):
                    await door.service.start()
                    if self._sources is not None:
                        await door.service.read_sources(self._sources)
                    _leave_to_the_end()
                    door.state = "open"
                    door.troubles.watch(door.service)
                    spawn(self._keep_keys(door), self._tasks)
                    self._announce(address, door.service)
                    await self._asked_to_stop.wait()
                    await self._take_traffic_away(door)
            finally:
                await servers.end()
                for task in list(self._tasks):
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
                await _close(door.service)
                gc.unfreeze()

    async def _take_traffic_away(self, door: Door) -> None:
        log.info("stopping")
        door.state = "about to stop"
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.notice_s):
                await self._hurry.wait()
        door.state = "stopping"
        for tell in door.at_stop:
            tell()

    @contextmanager
    def _signals(self, servers: Servers) -> Iterator[None]:
        """While it runs, SIGTERM and SIGINT ask to stop, and a second one skips what can be; SIGHUP reads the keys."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            if self._asked_to_stop.is_set():
                self._hurry.set()
                servers.hurry()
            self._asked_to_stop.set()

        handled = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: self._hangup.set}
        for number, handler in handled.items():
            loop.add_signal_handler(number, handler)
        if self._ends_with is not None:
            loop.add_reader(self._ends_with, self._end_alone, self._ends_with)
        try:
            yield
        finally:
            if self._ends_with is not None:
                loop.remove_reader(self._ends_with)
            for number in handled:
                loop.remove_signal_handler(number)

    def _end_alone(self, descriptor: int) -> None:
        asyncio.get_running_loop().remove_reader(descriptor)  # it can be read from for good
        self._asked_to_stop.set()

    async def _keep_keys(self, door: Door) -> None:
        """Read the keys again and again: one that was added works, one that was taken away does not."""
        while self._reread is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(KEYS_EVERY_S):
                    await self._hangup.wait()
            self._hangup.clear()
            try:
                renewed = await asyncio.to_thread(self._reread)
            except (ParcoursError, OSError) as error:
                log.warning("the keys cannot be read again, and those from before hold on: %s", error)
            else:
                door.keys.renew(entry.key() for entry in renewed.keys)
                if door.keys and not renewed.keys:
                    log.warning("the settings have no keys any more, and nobody is let in")


def _leave_to_the_end() -> None:
    """Have the garbage collector look no more at what is there by now: nearly all of it stays as long as the door.

    Without it a fifth of the time of a busy door is spent on looking through modules and tables again and again.
    """
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def _mail_taken(door: Door) -> AsyncIterator[None]:
    """While it lasts, mail that came back is taken, if any is to come here.

    Raises ExtraMissing without the library for that, SettingInvalid where nobody can listen.
    """
    if door.settings.bounces is None or door.settings.bounces.lmtp is None:
        yield
        return
    try:
        from parcours.ingress.lmtp import receiving
    except ModuleNotFoundError as error:
        raise ExtraMissing.of("bounces.lmtp in serve.yaml", "bounces") from error
    async with receiving(door) as place:
        log.info("mail that came back is taken at %s", place)
        yield


async def _close(service: Service) -> None:
    try:
        async with asyncio.timeout(CLOSING_S):
            await service.close()
    except TimeoutError:
        log.error("deliveries that have begun did not finish: they are in doubt, and what was acknowledged is kept")


@contextmanager
def _listeners(settings: ServeSettings, *, shared: bool) -> Iterator[list[socket.socket]]:
    """The sockets of a door: at its port, and, if it has one, at that of machines."""
    with ExitStack() as taken:
        sockets = [taken.enter_context(listening(settings.host, settings.port, shared=shared))]
        if settings.health_port is not None:
            sockets.append(taken.enter_context(listening(settings.host, settings.health_port)))
        yield sockets


def serve(serving: Callable[[], Serving]) -> None:
    """Make a run of a door on a new event loop, and stay until it ends."""

    async def run() -> None:
        await serving().run()

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(run())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it exists: the door takes a third less time on it."""
    try:
        import uvloop
    except ModuleNotFoundError:
        return None
    return uvloop.new_event_loop
