"""Messages handed to FCM's HTTP v1 API, one request each.

pyfcm writes the payload and google-auth the credentials. The request is made here: pyfcm's own retries
POST silently, sleeps for as long as the provider asks, and hides the status.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aiohttp
from pyfcm import FCMNotification

from parcours.channel import Accepted, Attempt, Delivery, NotSent, Receipt, RequestTrace
from parcours_channels.fcm_codes import receipt_of_error
from parcours_channels.google_token import TokenSource, TokenUnavailable

if TYPE_CHECKING:
    from parcours_channels.push import PushContent, PushSettings

UNAUTHORIZED = 401


class FcmMessages:
    """The messages of one Firebase project. Making one opens an HTTP session, on the loop that runs.

    Raises ValueError if the private key cannot be read; asks nobody yet.
    """

    def __init__(self, settings: PushSettings) -> None:
        account = json.loads(settings.service_account.get_secret_value())
        if settings.token_uri is not None:
            account["token_uri"] = settings.token_uri
        self._trace = RequestTrace()
        self._tokens = TokenSource(account, settings.timeout_s)
        self._payloads = FCMNotification(credentials=self._tokens.credentials)
        self._url = f"{settings.endpoint}/v1/projects/{account['project_id']}/messages:send"
        self._session = aiohttp.ClientSession(trace_configs=[self._trace.watch(aiohttp.TraceConfig())])

    async def post(self, delivery: Delivery, content: PushContent, attempt: Attempt) -> Receipt:
        payload = self._payloads.parse_payload(
            fcm_token=delivery.to,
            notification_title=content.title,
            notification_body=content.body,
            data_payload=dict(content.data),
        )
        try:
            status, body = await self._request(payload, attempt)
            if status == UNAUTHORIZED:  # refused at the door: the token may have been revoked before its time
                status, body = await self._request(payload, attempt)
        except TokenUnavailable as error:
            return NotSent(delivery.key, str(error), of_channel=True)
        if status == 200:
            return Accepted(delivery.key, body.get("name"))
        return receipt_of_error(delivery.key, status, body, attempt.retry_after_s)

    async def close(self) -> None:
        await self._session.close()
        self._tokens.close()

    async def _request(self, payload: bytes, attempt: Attempt) -> tuple[int, Mapping[str, Any]]:
        token = await self._tokens.token()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with self._trace.of(attempt):
            async with self._session.post(self._url, data=payload, headers=headers, allow_redirects=False) as answer:
                body = _object(await answer.read())
        if answer.status == UNAUTHORIZED:
            self._tokens.drop(token)
            attempt.departed = False  # an answer is an answer: it was not taken
        return answer.status, body


def _object(body: bytes) -> Mapping[str, Any]:
    """The JSON object in the body, empty if there is none: a gateway's error page is HTML."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
