"""A Twilio-shaped SMS provider for tests: its message resource, its errors, its signed status callbacks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp import web

from parcours.channel import WebhookRequest
from parcours.testing.doubles.faults import HttpReply
from parcours.testing.doubles.http import HttpServer, to_response

REFUSALS: Mapping[int, str] = MappingProxyType(
    {
        21211: "Invalid 'To' Phone Number",
        21408: "Permission to send an SMS has not been enabled for the region",
        21610: "Attempt to send to unsubscribed recipient",
        21614: "'To' number is not a valid mobile number",
    }
)
"""The errors about one recipient that this double gives; each comes with HTTP status 400."""


@dataclass(frozen=True, slots=True)
class Sms:
    """One text message taken in. `status_callback` is the URL for reports on it, if any."""

    sid: str
    to: str
    sender: str
    body: str
    status_callback: str | None


def error(status: int, code: int, message: str, retry_after_s: int | None = None) -> HttpReply:
    """An error in Twilio's JSON, such as `error(429, 20429, "Too Many Requests", retry_after_s=7)`."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    info = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": info, "status": status}
    return HttpReply(status, body, headers)


class TwilioServer(HttpServer):
    """An SMS provider for the length of a `with`.

    account, token  the credentials of a client
    refuses         called with each number: None takes it, a code of `REFUSALS` refuses it
    """

    def __init__(
        self,
        *,
        account: str = "AC" + "0" * 32,
        token: str = "token-of-the-double",
        refuses: Callable[[str], int | None] = lambda number: None,
    ) -> None:
        super().__init__()
        self.account = account
        self.token = token
        self.messages: list[Sms] = []
        self._refuses = refuses
        self._numbers = itertools.count(1)

    async def handle(self, request: web.BaseRequest) -> web.Response:
        answer = self._answer_at_the_door(request)
        if answer is not None:
            return to_response(answer)
        form = {name: str(value) for name, value in (await request.post()).items()}
        return await self.respond(request, lambda: self._take(form))

    def _answer_at_the_door(self, request: web.BaseRequest) -> HttpReply | None:
        if request.path != f"/2010-04-01/Accounts/{self.account}/Messages.json":
            return error(404, 20404, f"The requested resource {request.path} was not found")
        if request.method != "POST":
            return error(405, 20004, "Method not allowed")
        expected = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return error(401, 20003, "Authenticate")
        return None

    def _take(self, form: Mapping[str, str]) -> web.Response:
        wrong = self._wrong_with(form)
        if wrong is not None:
            return to_response(error(400, *wrong))
        sms = Sms(
            sid=f"SM{next(self._numbers):032x}",
            to=form["To"],
            sender=form.get("From") or form["MessagingServiceSid"],
            body=form["Body"],
            status_callback=form.get("StatusCallback"),
        )
        self.messages.append(sms)
        answer = {"sid": sms.sid, "status": "queued", "to": sms.to, "account_sid": self.account}
        return web.json_response(answer, status=201)

    def _wrong_with(self, form: Mapping[str, str]) -> tuple[int, str] | None:
        if not form.get("To"):
            return 21604, "A 'To' phone number is required."
        if not form.get("Body"):
            return 21602, "Message body is required."
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return 21603, "A 'From' phone number is required."
        code = self._refuses(form["To"])
        return None if code is None else (code, REFUSALS[code])

    def status_callback(self, sms: Sms, status: str, error_code: int | None = None) -> WebhookRequest:
        """The status callback, signed as Twilio does, for a message that reaches `status`, such as delivered."""
        assert sms.status_callback is not None, f"message {sms.sid} was sent without a status callback"
        form = {"MessageSid": sms.sid, "MessageStatus": status, "To": sms.to, "AccountSid": self.account}
        if error_code is not None:
            form["ErrorCode"] = str(error_code)
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": self._signature(sms.status_callback, form),
        }
        return WebhookRequest(method="POST", url=sms.status_callback, headers=headers, body=urlencode(form).encode())

    def text_from(self, number: str, body: str, url: str, **more: str) -> WebhookRequest:
        """The post, signed as Twilio does, of a text that somebody has sent from this number to one of the account."""
        form = {"MessageSid": f"SM{next(self._numbers):032x}", "From": number, "To": "+33600000000", "Body": body}
        form |= {"SmsStatus": "received", "AccountSid": self.account, **more}
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": self._signature(url, form),
        }
        return WebhookRequest(method="POST", url=url, headers=headers, body=urlencode(form).encode())

    def post_status(self, sms: Sms, status: str, error_code: int | None = None) -> int:
        """Post that status callback to the message's callback URL; returns the answer's HTTP status."""
        return self._thread.call(_post(self.status_callback(sms, status, error_code)))

    def _signature(self, url: str, form: Mapping[str, str]) -> str:
        signed = url + "".join(name + form[name] for name in sorted(form))
        return base64.b64encode(hmac.new(self.token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


async def _post(request: WebhookRequest) -> int:
    assert urlsplit(request.url).hostname in {"127.0.0.1", "localhost"}, "a double calls nobody but this machine"
    async with (
        asyncio.timeout(10),
        aiohttp.ClientSession() as session,
        session.post(request.url, data=request.body, headers=dict(request.headers)) as answer,
    ):
        return answer.status
