"""The door as an ASGI application: bounds, keys, errors and headers around the handlers of the table.

It has no lifespan of its own and can be mounted under any path of another application. Handlers run on the loop of
the service: on this one, or, where an `Engine` was handed in, on that of its thread, one hop for a request.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from parcours.background import until_one_ends
from parcours.errors import CallerError, EngineClosed, NobodyYet
from parcours.ingress.body_bounds import Bodies, ClientGone
from parcours.ingress.door import Door
from parcours.ingress.exchange import CUT_OFF, HTML, NOTHING, Answer, Problem, Request, Route, headers_of
from parcours.ingress.keys import Key, Keyring, secrets_shown
from parcours.ingress.origins import answer_headers, is_loopback, preflight_headers
from parcours.ingress.page.frame import problem_screen
from parcours.ingress.page.session import admitted, sees_pages, session_of
from parcours.ingress.routes import ROUTES, router
from parcours.ingress.settings import ServeSettings
from parcours.service.engine import Engine
from parcours.service.service import Service

log = logging.getLogger("parcours.door")

T = TypeVar("T")

Hop: TypeAlias = Callable[[Coroutine[Any, Any, T]], Coroutine[Any, Any, T]]

REQUEST_ID: Final = re.compile("[A-Za-z0-9-]{1,64}")

CLOSING: Final = frozenset({408, 413})
"""After an answer of these statuses the connection is closed: what comes on it next may still be of the body that was
given up.
"""

DISCARDED_S: Final = 2.0
"""How long the rest of a body that is too large is let come. A connection that is closed with something unread on it is
reset, and its client may never see why.
"""


def app(engine: Engine | Service, settings: ServeSettings | None = None) -> ASGIApp:
    """The door to a running engine, to be served or mounted anywhere.

    Raises CallerError for what is neither an Engine nor a Service.
    """
    settings = settings or ServeSettings()
    if not isinstance(engine, Engine | Service):
        raise CallerError(f"app({engine!r}): an Engine or a Service is expected")
    return Application(door_of(engine, settings), _hop_to(engine) if isinstance(engine, Engine) else _stay)


def door_of(engine: Engine | Service, settings: ServeSettings) -> Door:
    """The parts of a door to this engine."""
    service = engine.service if isinstance(engine, Engine) else engine
    keys = Keyring(entry.key() for entry in settings.keys)
    return Door(service=service, settings=settings, keys=keys, now_ms=service.now_ms)


async def _stay(answering: Coroutine[Any, Any, T]) -> T:
    return await answering


def _hop_to(engine: Engine) -> Hop[Any]:
    async def hop(answering: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(engine.submit(answering))

    return hop


class Application:
    """Answers requests for a door.

    hop  runs a handler where the service lives
    """

    def __init__(self, door: Door, hop: Hop[Any] = _stay, routes: Iterable[Route] = ROUTES) -> None:
        self.door = door
        self._hop = hop
        self._bodies = Bodies(door.settings.body_bytes_max, door.settings.read_timeout_s)
        door.figures.body_bytes.set_function(lambda: self._bodies.under_way)
        self._router = router(routes, self._answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _nothing_to_start(receive, send)
        elif scope["type"] == "http":
            await self._router({**scope, "path": _encoded_path(scope)}, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, rows: Mapping[str, Route], scope: Scope, receive: Receive, send: Send) -> None:
        self.door.figures.active.inc()
        try:
            await self._answer_one(rows, scope, receive, send)
        finally:
            self.door.figures.active.dec()

    async def _answer_one(self, rows: Mapping[str, Route], scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope["headers"])
        started = asyncio.get_running_loop().time()
        request_id = headers.get("x-request-id", "")
        if not REQUEST_ID.fullmatch(request_id):
            request_id = secrets.token_hex(8)
        route = rows.get(scope["method"]) or (rows.get("GET") if scope["method"] == "HEAD" else None)
        held = 0
        is_read = is_page = False
        key: Key | None = None
        try:
            if rows and scope["method"] == "OPTIONS" and route is None:
                answer = self._preflight(rows, headers)
            elif route is None:
                raise _no_such(rows)
            else:
                self._check_state(route)
                origin_headers = self._check_origin(headers, route)
                is_page = route.page is not None and HTML in headers.get("accept", "")
                key = self._key(route, scope, headers, is_page=is_page)
                body = await self._bodies.read(receive, _declared_length(headers), route.body_bytes_max)
                held, is_read = len(body), True
                request = self._request(scope, headers, body, key, request_id)
                handler = route.page if is_page and route.page is not None else route.handler
                answer = await self._hop(handler(self.door, request))
                if origin_headers:
                    answer = _with_headers(answer, origin_headers)
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001  # every request gets an answer
            problem = _problem_of(error, request_id)
            answer = problem.answer(request_id)
            if is_page and sees_pages(self.door, headers):
                answer = self._page_of(problem, scope, headers, key, request_id)
            if route is not None and route.in_any_case is not None:
                answer = route.in_any_case
            if route is not None and route.by_browsers:
                answer = _with_headers(answer, answer_headers(headers.get("origin"), self.door.keys.origins))
        finally:
            self._bodies.release(held)
        if answer.status in CLOSING:
            answer = _with_headers(answer, {"Connection": "close"})
        discards = answer.status == 413 and not is_read
        await self._send(answer, request_id, scope, receive, send, discards=discards)
        self._tell(route, scope, key, request_id, answer.status, held, started)

    def _preflight(self, rows: Mapping[str, Route], headers: Mapping[str, str]) -> Answer:
        """What a browser asks before a page of another site may call."""
        methods = ", ".join(rows)
        told = {"Allow": f"{methods}, OPTIONS"}
        if any(row.by_browsers for row in rows.values()):
            told |= preflight_headers(headers, methods, self.door.keys.origins)
        return Answer(status=204, headers=told)

    def _check_state(self, route: Route) -> None:
        """Raises Problem while nothing can be answered: clients keep what they have, and come again."""
        if self.door.state in ("starting", "stopping") and not route.always:
            more = {"Connection": "close"} if self.door.state == "stopping" else {}
            raise Problem(429, "busy", f"the door is {self.door.state}", headers={"Retry-After": "1", **more})

    def _check_origin(self, headers: Mapping[str, str], route: Route) -> Mapping[str, str]:
        """What the answer has to say to browsers. Raises Problem where a door without keys is called from elsewhere."""
        origin = headers.get("origin")
        if not self.door.keys:
            for named in (headers.get("host"), origin):
                if named is not None and not is_loopback(named):
                    raise Problem(403, "origin", "without any key this door is for this machine only")
        return answer_headers(origin, self.door.keys.origins) if route.by_browsers else NOTHING

    def _key(self, route: Route, scope: Scope, headers: Mapping[str, str], *, is_page: bool) -> Key | None:
        if route.scope is None or route.key_in_body:
            return None
        shown = secrets_shown(headers)
        if route.key_in_query is not None:
            shown += [value for name, value in _query(scope) if name == route.key_in_query]
        if route.by_session and not shown and (session := session_of(self.door, headers)) is not None:
            return session[0]
        if is_page and not shown and self.door.keys:
            return admitted(self.door, headers, route.scope, self._root(scope), _target(scope))
        return self.door.keys.admit(shown, route.scope, headers.get("origin"), self.door.now_ms())

    def _request(
        self, scope: Scope, headers: Mapping[str, str], body: bytes, key: Key | None, request_id: str
    ) -> Request:
        query = scope["query_string"].decode("latin-1")
        public_url = self.door.settings.public_url or f"{scope['scheme']}://{headers.get('host', '')}"
        return Request(
            method=scope["method"],
            path=scope["path"],
            params={name: _decoded(name, value) for name, value in scope["path_params"].items()},
            query=dict(_query(scope)) if query else NOTHING,
            headers=headers,
            body=body,
            key=key,
            request_id=request_id,
            url=f"{public_url}{scope['path']}{_slash_at_the_end(scope)}{'?' if query else ''}{query}",
            root=self._root(scope),
            peer=(scope.get("client") or ("", 0))[0],
            received_ms=self.door.now_ms(),
        )

    def _page_of(
        self, problem: Problem, scope: Scope, headers: Mapping[str, str], key: Key | None, request_id: str
    ) -> Answer:
        """The problem as a page, for whoever looks at pages."""
        asked = Request(
            method=scope["method"],
            path=scope["path"],
            headers=headers,
            key=key,
            request_id=request_id,
            root=self._root(scope),
            received_ms=self.door.now_ms(),
        )
        return _with_headers(problem_screen(self.door, asked, problem), problem.headers)

    def _root(self, scope: Scope) -> str:
        """What stands before the door's own paths: that of a mount, or of the public address."""
        mounted: str = scope.get("root_path", "")
        return mounted or urlsplit(self.door.settings.public_url or "").path

    async def _send(
        self, answer: Answer, request_id: str, scope: Scope, receive: Receive, send: Send, *, discards: bool
    ) -> None:
        """discards: whether the rest of the request's body is let come before the connection is closed."""
        headers = headers_of(answer, request_id)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        is_head = scope["method"] == "HEAD"
        if answer.stream is not None and not is_head:
            await self._send_stream(answer.stream, answer.stalled_s, scope, receive, send)
            return
        body = b"" if is_head else answer.body
        if discards:
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await _discard(receive)
            body = b""
        await send({"type": "http.response.body", "body": body})

    async def _send_stream(
        self, stream: AsyncIterator[bytes], stalled_s: float | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Piece by piece, until the stream ends, or the client has gone or takes nothing any more."""

        async def pass_on() -> None:
            while (piece := await self._hop(_next_of(stream))) is not None:
                try:
                    async with asyncio.timeout(stalled_s):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                except TimeoutError:
                    scope.get("extensions", {}).get(CUT_OFF, {"abort": _leave})["abort"]()
                    return
            await send({"type": "http.response.body", "body": b""})

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        try:
            for ended in await until_one_ends(pass_on(), gone()):
                if isinstance(ended, Exception):
                    log.error("a stream ended by an error", exc_info=ended)
        finally:
            if (close := getattr(stream, "aclose", None)) is not None:
                await self._hop(close())

    def _tell(
        self,
        route: Route | None,
        scope: Scope,
        key: Key | None,
        request_id: str,
        status: int,
        size: int,
        started: float,
    ) -> None:
        duration_s = asyncio.get_running_loop().time() - started
        self.door.figures.answered(scope["method"], "" if route is None else route.path, status, duration_s)
        if log.isEnabledFor(logging.INFO):
            told = {
                "request_id": request_id,
                "route": None if route is None else f"{route.method} {route.path}",
                "status": status,
                "duration_ms": round(duration_s * 1_000, 3),
                "key": None if key is None else key.name,
                "bytes": size,
            }
            log.info("request", extra={"told": told})


def _headers(sent: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers by name. Several of one name are one with commas: whoever looks at it sees all of them."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent}
    if len(headers) == len(sent):
        return headers
    together: dict[str, list[str]] = {}
    for name, value in sent:
        together.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return {name: ", ".join(values) for name, values in together.items()}


async def _discard(receive: Receive) -> None:
    """Let the rest of a body come, for a bounded time, or until the client has gone."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DISCARDED_S):
            while (message := await receive())["type"] != "http.disconnect" and message.get("more_body", False):
                pass


async def _next_of(stream: AsyncIterator[bytes]) -> bytes | None:
    return await anext(stream, None)


def _leave() -> None:
    """Another server than ours closes the connection by itself, once the application has returned."""


async def _nothing_to_start(receive: Receive, send: Send) -> None:
    """Whoever opened the engine closes it, too."""
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def _encoded_path(scope: Scope) -> str:
    """The path as it came, so that a `%2F` in a name is no border between two parts; a slash at the end is none."""
    raw = scope.get("raw_path")
    path: str = quote(scope["path"], safe="/@:") if raw is None else raw.decode("latin-1").partition("?")[0]
    return path[:-1] if path.endswith("/") and len(path) > 1 else path


def _target(scope: Scope) -> str:
    """The path and the query, below where the door is mounted."""
    query = scope["query_string"].decode("latin-1")
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return f"{path}?{query}" if query else path


def _slash_at_the_end(scope: Scope) -> str:
    """What the path as it came has more than the one by which it is found: whoever signs an address signs that, too."""
    return "/" if (scope.get("raw_path") or b"").partition(b"?")[0].endswith(b"/") and scope["path"] != "/" else ""


def _decoded(name: str, part: str) -> str:
    """A part of the path. A token that is no UTF-8 becomes a text that is no token either, and is answered like one."""
    try:
        return unquote(part, errors="replace" if name == "token" else "strict")
    except UnicodeDecodeError:
        raise Problem(400, "invalid", "the path is no UTF-8") from None


def _query(scope: Scope) -> list[tuple[str, str]]:
    query: bytes = scope["query_string"]
    try:
        return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise Problem(400, "invalid", "the query has too many fields") from None


def _declared_length(headers: Mapping[str, str]) -> int | None:
    length = headers.get("content-length")
    if length is None:
        return None
    if not length.isascii() or not length.isdigit() or len(length) > 15:
        raise Problem(400, "invalid", "Content-Length is no number")
    return int(length)


def _no_such(rows: Mapping[str, Route]) -> Problem:
    if not rows:
        return Problem(404, "unknown", "there is nothing at this address")
    allowed = ", ".join([*rows, "OPTIONS"])
    return Problem(405, "method", f"this address takes {allowed}", headers={"Allow": allowed})


def _problem_of(error: Exception, request_id: str) -> Problem:
    """What is said of an error: what the client can do about it, or nothing but the id under which it is in the log."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, NobodyYet | EngineClosed):
        return Problem(429, "busy", str(error), headers={"Retry-After": "1"})
    if isinstance(error, CallerError):
        return Problem(400, "invalid", str(error))
    log.error("a request failed by a fault of ours", exc_info=error, extra={"told": {"request_id": request_id}})
    return Problem(500, "fault", "this is a fault of ours, and stands in the log under this request id")


def _with_headers(answer: Answer, headers: Mapping[str, str]) -> Answer:
    return replace(answer, headers={**headers, **answer.headers})
