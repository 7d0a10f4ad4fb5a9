"""What answers at a door's port before the engine is open? That the process is alive, and that clients come again.

Whoever sends traffic sees at once that none should come (503 at /ready), and nobody's connection waits for an answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from parcours.ingress.exchange import Answer, Problem, headers_of, json_answer
from parcours.ingress.health import Health, Readiness

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

STARTING: Final = "the door is starting"

AGAIN_S: Final = "1"
"""When clients come again (Retry-After)."""


class Entrance:
    """An ASGI application that is another one as soon as there is an engine.

    application  answers everything from then on; None before
    """

    def __init__(self) -> None:
        self.application: Asgi | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if self.application is not None:
            await self.application(scope, receive, send)
        elif scope["type"] == "http":
            await _send(scope["path"], scope["method"], send)
        else:
            await send({"type": "websocket.close", "code": 1013})  # try again later


def _answer(path: str, request_id: str) -> Answer:
    if path == "/health":
        return json_answer(Health("ok"))
    if path == "/ready":
        return json_answer(Readiness(False, [STARTING]), status=503)
    return Problem(429, "busy", STARTING, headers={"Retry-After": AGAIN_S}).answer(request_id)


async def _send(path: str, method: str, send: Send) -> None:
    request_id = secrets.token_hex(8)
    answer = _answer(path, request_id)
    headers = [*headers_of(answer, request_id), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})
