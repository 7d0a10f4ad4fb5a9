"""Does the webhook channel keep the channels' promises, and its own?"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web

from parcours.channel import Accepted, Ambiguous, Delivery, Finding, NotSent, Receipt, Refused
from parcours.testing.contracts import ChannelContract, receipts_of
from parcours.testing.doubles import Drop, Hang, HttpReply, HttpServer
from parcours_webhook import WebhookChannel, WebhookContent, WebhookSettings, sign, verify
from parcours_webhook.channel import receipt_of_status

NOW_S = 1_700_000_000


class Receiver(HttpServer):
    """Somebody's endpoint. Keeps the path, the headers and the body of each request that it took in."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

    async def handle(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        return await self.respond(request, lambda: self._take(request, body))

    def _take(self, request: web.BaseRequest, body: bytes) -> web.Response:
        self.requests.append((request.path, dict(request.headers), body))
        return web.Response()


class TestWebhookContract(ChannelContract[Receiver]):
    channel = WebhookChannel
    content: ClassVar[Mapping[str, Any]] = {"data": {"who": "Sarah"}}
    entry_point = "webhook"

    def provider(self) -> AbstractContextManager[Receiver]:
        self.receiver = Receiver()
        return self.receiver

    def settings(self, provider: Receiver) -> dict[str, Any]:
        return {"secret": "s3cret", "allowed_networks": ["127.0.0.0/8"]}

    def address(self, number: int) -> str:
        return f"{self.receiver.url}/people/{number}"

    def taken(self, provider: Receiver) -> int:
        return len(provider.requests)

    def identities(self, provider: Receiver) -> list[str]:
        return [headers["Idempotency-Key"] for _, headers, _ in provider.requests]

    def refuse_next(self, provider: Receiver) -> None:
        provider.next(HttpReply(410))

    def slow_down_next(self, provider: Receiver) -> float:
        dates = {"Date": "Mon, 02 Mar 2026 09:00:00 GMT", "Retry-After": "Mon, 02 Mar 2026 09:01:30 GMT"}
        provider.next(HttpReply(429, headers=dates))
        return 90.0

    def break_next(self, provider: Receiver) -> None:
        provider.next(Drop())

    def hang_next(self, provider: Receiver) -> None:
        provider.next(Hang())

    def cut_off(self, provider: Receiver) -> None:
        provider.cut_off()


def post(to: str, *allowed: str) -> Receipt:
    settings = WebhookSettings.model_validate({"secret": "s3cret", "allowed_networks": allowed})
    channel = WebhookChannel(settings, clock_s=lambda: NOW_S)
    delivery = Delivery(key="k1", channel="webhook", to=to, content=WebhookContent(data={"n": 1}), message="hi")
    (receipt,) = receipts_of(channel, [delivery])
    return receipt


def test_a_request_carries_the_message_and_a_signature_that_its_receiver_can_check() -> None:
    with Receiver() as receiver:
        assert post(f"{receiver.url}/hook", "127.0.0.1/32") == Accepted("k1")
        ((path, headers, body),) = receiver.requests
    assert path == "/hook"
    assert json.loads(body) == {"key": "k1", "message": "hi", "data": {"n": 1}}
    assert verify("s3cret", headers["Parcours-Signature"], body, NOW_S)


@pytest.mark.parametrize(
    "secret, body, now_s",
    [
        ("other", b"{}", NOW_S),  # somebody else's secret
        ("s3cret", b"{ }", NOW_S),  # another body
        ("s3cret", b"{}", NOW_S + 301),  # a replay
        ("s3cret", b"{}", NOW_S - 301),  # from the future
    ],
)
def test_a_signature_that_does_not_fit_is_seen_through(secret: str, body: bytes, now_s: int) -> None:
    assert not verify(secret, sign("s3cret", b"{}", NOW_S), body, now_s)


@pytest.mark.parametrize("header", ["", "t=1", "v1=00", "t=x,v1=" + "0" * 64, "t=1,v1=" + "é" * 64])
def test_a_signature_that_cannot_be_read_is_no_signature(header: str) -> None:
    assert not verify("s3cret", header, b"{}", NOW_S)


def test_a_redirect_is_refused_and_not_followed() -> None:
    with Receiver() as receiver:
        receiver.next(HttpReply(302, headers={"Location": f"{receiver.url}/elsewhere"}))
        receipt = post(f"{receiver.url}/hook", "127.0.0.1/32")
        assert receipt == Refused("k1", "the receiver answered 302", code="302")
        assert receiver.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_a_private_address_is_refused_in_every_spelling_and_hears_nothing(host: str) -> None:
    with Receiver() as receiver:
        receipt = post(f"http://{host}:{receiver.port}/hook")
        assert isinstance(receipt, Refused), receipt
        assert receiver.requests == []


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "ftp://files.example/", "http://", "http://u:p@x.example/", "http://x/\r\nA: b"],
)
def test_an_address_that_is_no_plain_web_address_is_refused_for_good(address: str) -> None:
    receipt = post(address)
    assert isinstance(receipt, Refused)
    assert receipt.permanent
    with pytest.raises(ValueError, match="it "):
        WebhookChannel.normalize(address, None)


@pytest.mark.parametrize(
    "address, normal",
    [
        ("https://shop.example/hook?who=1", "https://shop.example/hook?who=1"),
        ("HTTPS://Shop.Example:443/Hook#top", "https://shop.example/Hook"),
        ("https://straße.example/é", "https://xn--strae-oqa.example/%C3%A9"),
    ],
)
def test_an_address_has_the_form_in_which_it_is_posted_to(address: str, normal: str) -> None:
    assert WebhookChannel.normalize(address, None) == normal


def test_more_data_than_common_servers_take_is_refused_beforehand() -> None:
    assert WebhookChannel.check(WebhookContent(data={"text": "x" * 999_989})) == []
    assert WebhookChannel.check(WebhookContent(data={"text": "x" * 999_990})) == [
        Finding("data has 1000001 bytes, and 1000000 are the most", refused=True)
    ]


@pytest.mark.parametrize(
    "status, expected",
    [
        (200, Accepted("k")),
        (204, Accepted("k")),
        (307, Refused("k", "the receiver answered 307", code="307")),
        (401, Refused("k", "the receiver answered 401", code="401")),
        (404, Refused("k", "the receiver answered 404", code="404")),
        (410, Refused("k", "the receiver answered 410", permanent=True, code="410")),
        (429, NotSent("k", "the receiver answered 429", 3.0, "429")),
        (503, NotSent("k", "the receiver answered 503", 3.0, "503")),
        (500, Ambiguous("k", "the receiver answered 500", "500")),
        (504, Ambiguous("k", "the receiver answered 504", "504")),
    ],
)
def test_each_status_has_its_receipt(status: int, expected: Receipt) -> None:
    assert receipt_of_status("k", status, 3.0) == expected


def test_the_readme_s_example_for_receivers_runs() -> None:
    readme = Path(__file__).parent.parent / "README.md"
    (block,) = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(block, str(readme), "exec"), {})
