"""`parcours serve`: a project's engine and its door in one process and on one event loop, from the start to the end.

The port is open before the shards are: clients that come early are asked to come again and keep what they have. It
stops in the order in which traffic can be taken away from it: first /ready says so, for balancers to hear; then nothing
new is taken, and streams are told; then what is under way is answered, deliveries that have begun are finished, and the
stores are closed. What was acknowledged is on disk at every moment, so a second signal may skip all that is left.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Final

from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from parcours.background import spawn
from parcours.errors import ExtraMissing, ParcoursError
from parcours.ingress import health, metrics
from parcours.ingress.application import SECURITY_HEADERS, Application, door_of
from parcours.ingress.deployment import engine_opened
from parcours.ingress.door import Door
from parcours.ingress.exchange import Problem
from parcours.ingress.listeners import listening
from parcours.ingress.origins import shown_host
from parcours.ingress.settings import ServeSettings, proxy_unnamed
from parcours.service.service import Service

log = logging.getLogger("parcours.door")

REQUESTS_S: Final = 10
"""How long requests under way may take once nothing new is taken."""

CLOSING_S: Final = 32
"""How long the engine may take to close: deliveries that have begun get 30 s."""

KEYS_EVERY_S: Final = 60.0
"""How often keys are read again; a signal makes it happen at once."""

HEADERS_MAX: Final = 32 * 1024
"""Bytes of the headers of one request: many times what any client sends."""

HEADERS_TOO_LONG: Final = "The headers are too long."

HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[\w.~%!$&'()*+,;=-]*)(:[0-9]*)?")
"""What a header `Host` may say (RFC 9110, 7.2)."""

IDLE_S: Final = 65
"""How long a connection may idle: longer than balancers keep theirs, so that the door never closes one they use."""


class Serving:
    """One run of a door.

    open_service  opens the engine by settings that are complete; it is started here
    store      the folder of its store, None where it lies in memory
    reread     the settings as the file has them by now; called for the keys alone
    announce   called with the address and the service once the door is open
    shares_port  whether other processes of this user listen at the same port
    ends_with  a descriptor that can be read from once the door has to end, as after a signal; None: by signals alone
    """

    def __init__(
        self,
        open_service: Callable[[ServeSettings], Service],
        settings: ServeSettings,
        *,
        store: Path | None = None,
        reread: Callable[[], ServeSettings] | None = None,
        announce: Callable[[str, Service], None] = lambda address, service: None,
        shares_port: bool = False,
        ends_with: int | None = None,
    ) -> None:
        self._open_service = open_service
        self._settings = settings
        self._store = store
        self._reread = reread
        self._announce = announce
        self._shares_port = shares_port
        self._ends_with = ends_with
        self._asked_to_stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._hangup = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until a signal asks to stop. Raises SettingInvalid for a port that cannot be had, and what opening raises."""
        settings = self._settings
        if (warning := proxy_unnamed(settings)) is not None:
            log.warning("%s", warning)
        with listening(settings.host, settings.port, shared=self._shares_port) as listener:
            address = f"http://{shown_host(settings.host)}:{listener.getsockname()[1]}"
            service, settings, found = await engine_opened(self._open_service, settings, address, self._store)
            for sentence in found:
                log.info("%s", sentence)
            door = door_of(service, settings)
            door.state = "starting"
            servers = [_server(Application(door), settings)]
            sockets = [listener]
            with _further_listener(settings) as further:
                if further is not None:
                    servers.append(_server(Application(door, routes=(*health.ROUTES, *metrics.ROUTES)), settings))
                    sockets.append(further)
                await self._run(door, servers, sockets, address)

    async def _run(self, door: Door, servers: list[Server], sockets: list[socket.socket], address: str) -> None:
        running = [asyncio.ensure_future(server.serve([taken])) for server, taken in zip(servers, sockets, strict=True)]
        with self._signals(servers):
            try:
                async with _mail_taken(door):
                    await door.service.start()
                    _leave_to_the_end()
                    door.state = "open"
                    spawn(self._keep_keys(door), self._tasks)
                    self._announce(address, door.service)
                    await self._asked_to_stop.wait()
                    await self._take_traffic_away(door)
            finally:
                for server in servers:
                    server.should_exit = True
                await asyncio.gather(*running)
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
    def _signals(self, servers: list[Server]) -> Iterator[None]:
        """While it runs, SIGTERM and SIGINT ask to stop, and a second one skips what can be; SIGHUP reads the keys."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            if self._asked_to_stop.is_set():
                self._hurry.set()
                for server in servers:
                    server.force_exit = True
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


class _Unsignalled(Server):
    """A server that leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(application: Application, settings: ServeSettings) -> Server:
    return _Unsignalled(
        Config(
            application,
            loop="none",
            http=_bounded(settings.connections_max, settings.read_timeout_s),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=bool(settings.forwarded_allow),
            forwarded_allow_ips=list(settings.forwarded_allow),
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=REQUESTS_S,
        )
    )


def _bounded(connections_max: int, read_timeout_s: float) -> type[HttpToolsProtocol]:
    """The protocol of a server that bounds connections in number, and headers in length and time.

    A connection beyond the number is closed at once, and so is one that says nothing for long. What the parser lets
    pass, and RFC 9112 does not, is refused here: a proxy may have understood it otherwise.
    """

    class Bounded(HttpToolsProtocol):
        header_bytes = 0
        in_headers: asyncio.TimerHandle | None = None
        refused: Problem | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as it is above
            super().connection_made(transport)
            if len(self.connections) > connections_max:
                transport.abort()
            self.timeout_keep_alive_task = self.loop.call_later(IDLE_S, self.timeout_keep_alive_handler)

        def data_received(self, data: bytes) -> None:
            before = self.in_headers
            super().data_received(data)
            if before is not None and self.in_headers is before and not self.transport.is_closing():
                self.header_bytes += len(data)  # of a header that has not ended nothing else is told
                if self.header_bytes > HEADERS_MAX:
                    self.end_headers(HEADERS_TOO_LONG)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.header_bytes = 0
            self.in_headers = self.loop.call_later(
                read_timeout_s, self.end_headers, "The headers did not come in time."
            )

        def on_header(self, name: bytes, value: bytes) -> None:
            super().on_header(name, value)
            self.header_bytes += len(name) + len(value)
            if self.header_bytes > HEADERS_MAX:
                raise ValueError(HEADERS_TOO_LONG)  # the parser stops at it, and the request is answered with 400

        def on_headers_complete(self) -> None:
            self.forget_headers()
            self.refused = wrong_with(self.headers, self.parser.get_http_version())
            if self.refused is not None:
                raise self.refused  # the parser stops at it, and it is answered below
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self.forget_headers()
            super().connection_lost(exc)

        def forget_headers(self) -> None:
            if self.in_headers is not None:
                self.in_headers.cancel()
                self.in_headers = None

        def end_headers(self, why: str) -> None:
            self.forget_headers()
            self.send_400_response(why)

        def send_400_response(self, msg: str) -> None:
            problem = self.refused or Problem(400, "invalid", msg)
            self.transport.write(no_request(problem, self.server_state.default_headers))
            self.transport.close()

    return Bounded


def wrong_with(headers: Iterable[tuple[bytes, bytes]], version: str) -> Problem | None:
    """Why a request with these headers is none that can be understood in one way only (RFC 9112, 3.2 and 6.1)."""
    hosts = 0
    codings: list[bytes] = []
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if HOST.fullmatch(value) is None:
                return Problem(400, "invalid", "Host names no host.")
        elif name == b"transfer-encoding":
            codings += [coding.strip() for coding in value.lower().split(b",")]
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        return Problem(400, "invalid", "A request names one Host.")
    if codings and (version != "1.1" or codings[-1] != b"chunked"):
        return Problem(400, "invalid", "The body could end anywhere.")
    if len(codings) > 1:
        return Problem(501, "unsupported", "Of transfer codings the door knows chunked alone.")
    return None


def no_request(problem: Problem, further: Iterable[tuple[bytes, bytes]]) -> bytes:
    """What is answered to what is no request, in the shape that the application's answers have."""
    request_id = secrets.token_hex(8)
    answer = problem.answer(request_id)
    headers = [
        *further,
        *SECURITY_HEADERS,
        (b"x-request-id", request_id.encode()),
        (b"content-type", answer.media_type.encode()),
        (b"content-length", b"%d" % len(answer.body)),
        (b"connection", b"close"),
    ]
    status = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode()
    lines = [status, *(name + b": " + value for name, value in headers), b"", answer.body]
    return b"\r\n".join(lines)


@contextmanager
def _further_listener(settings: ServeSettings) -> Iterator[socket.socket | None]:
    if settings.health_port is None:
        yield None
    else:
        with listening(settings.host, settings.health_port) as taken:
            yield taken


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
