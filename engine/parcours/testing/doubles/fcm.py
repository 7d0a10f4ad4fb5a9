"""An FCM-shaped push provider for tests: its token endpoint, its message endpoint, its errors.

The token endpoint checks the signed assertion of the service account that the double made up; the message
endpoint checks the token and, with `validate=True`, the message against Google's discovery document.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from parcours.clock import Clock, SystemClock
from parcours.config import Settings
from parcours.testing.doubles.faults import HttpReply
from parcours.testing.doubles.http import HttpServer, to_response
from parcours.testing.doubles.message_schema import SendRequestSchema
from parcours.testing.doubles.service_account import ServiceAccount

TOKEN_LIFETIME_S = 3600
"""The lifetime that Google gives access tokens."""

DETAIL_TYPE = "type.googleapis.com/google.firebase.fcm.v1.FcmError"

STATUSES: Mapping[str, tuple[int, str]] = {
    "UNREGISTERED": (404, "NOT_FOUND"),
    "INVALID_ARGUMENT": (400, "INVALID_ARGUMENT"),
    "SENDER_ID_MISMATCH": (403, "PERMISSION_DENIED"),
    "QUOTA_EXCEEDED": (429, "RESOURCE_EXHAUSTED"),
    "UNAVAILABLE": (503, "UNAVAILABLE"),
    "INTERNAL": (500, "INTERNAL"),
    "THIRD_PARTY_AUTH_ERROR": (401, "UNAUTHENTICATED"),
}
"""FCM's error codes, each with its HTTP status and Google's general name for that."""


@dataclass(frozen=True, slots=True)
class Push:
    """One push message taken in."""

    name: str
    token: str
    title: str | None
    body: str | None
    data: Mapping[str, str] = field(default_factory=dict)


def error(code: str, message: str = "", retry_after_s: int | None = None) -> HttpReply:
    """An error in FCM's JSON, such as `error("QUOTA_EXCEEDED", retry_after_s=30)`."""
    status, general = STATUSES[code]
    details = [{"@type": DETAIL_TYPE, "errorCode": code}]
    body = {"error": {"code": status, "message": message or code, "status": general, "details": details}}
    return HttpReply(status, body, {} if retry_after_s is None else {"Retry-After": str(retry_after_s)})


class FcmServer(HttpServer):
    """A push provider for the length of a `with`.

    dead      called with each registration token: True answers that it is no longer registered
    validate  check each message against fcm.v1.json, which google-api-python-client brings; ImportError without
    """

    def __init__(
        self,
        *,
        project: str = "luma-example",
        dead: Callable[[str], bool] = lambda token: False,
        validate: bool = False,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()
        self.project = project
        self.messages: list[Push] = []
        self.tokens_given = 0
        self._dead = dead
        self._schema = SendRequestSchema() if validate else None
        self._clock = clock or SystemClock(Settings().clock_jump_max_ms)
        self._account = ServiceAccount(project)
        self._access_tokens: set[str] = set()
        self._numbers = itertools.count(1)

    @property
    def token_uri(self) -> str:
        return f"{self.url}/token"

    @property
    def service_account_json(self) -> str:
        """The service account's file as Google hands it out, its token_uri pointing here."""
        return self._account.to_json(self.token_uri)

    def forget_tokens(self) -> None:
        """Invalidate all access tokens given so far."""
        self._access_tokens.clear()

    async def handle(self, request: web.BaseRequest) -> web.Response:
        if request.path == "/token":
            return await self._give_token(request)
        if request.path != f"/v1/projects/{self.project}/messages:send":
            return web.json_response({"error": {"code": 404, "status": "NOT_FOUND"}}, status=404)
        if not self._is_known(request.headers.get("Authorization", "")):
            return to_response(_unauthenticated())
        body = await request.read()
        return await self.respond(request, lambda: to_response(self._take(body)))

    def _is_known(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return scheme == "Bearer" and token in self._access_tokens

    async def _give_token(self, request: web.BaseRequest) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        wrong = self._account.wrong_with(form, self.token_uri, self._clock.now_ms() // 1000)
        if wrong is not None:
            body = {"error": "invalid_grant", "error_description": wrong}
            return web.json_response(body, status=400)
        self.tokens_given += 1
        token = f"ya29.double-{self.tokens_given}"
        self._access_tokens.add(token)
        body_of_token = {"access_token": token, "expires_in": TOKEN_LIFETIME_S, "token_type": "Bearer"}
        return web.json_response(body_of_token)

    def _take(self, body: bytes) -> HttpReply:
        try:
            request = json.loads(body)
        except ValueError:
            return error("INVALID_ARGUMENT", "Invalid JSON payload received.")
        wrong = None if self._schema is None else self._schema.wrong_with(request)
        if wrong is not None:
            return error("INVALID_ARGUMENT", wrong)
        message = request["message"]
        if self._dead(message["token"]):
            return error("UNREGISTERED", "Requested entity was not found.")
        notification = message.get("notification", {})
        name = f"projects/{self.project}/messages/{next(self._numbers)}"
        self.messages.append(
            Push(
                name,
                message["token"],
                notification.get("title"),
                notification.get("body"),
                message.get("data", {}),
            )
        )
        return HttpReply(200, {"name": name})


def _unauthenticated() -> HttpReply:
    message = "Request had invalid authentication credentials."
    return HttpReply(401, {"error": {"code": 401, "message": message, "status": "UNAUTHENTICATED"}})
