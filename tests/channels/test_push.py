"""Do push messages reach FCM with a valid token, and do its errors mean here what they mean there?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from parcours.channel import Accepted, Ambiguous, Delivery, NotSent, Receipt, Refused
from parcours.testing.channel_contract import receipts_of
from parcours.testing.doubles import FcmServer, HttpReply
from parcours.testing.doubles.fcm import error
from parcours_channels.fcm_codes import receipt_of_error
from parcours_channels.push import PushChannel, PushContent, PushSettings

CONTENT = PushContent(title="Your cart waits", body="Come back", data={"url": "https://luma.example/cart"})


@pytest.fixture(scope="module")
def stranger() -> str:
    """The key file of another account of the same name, which FCM does not know."""
    return FcmServer().service_account_json


def channel_to(server: FcmServer, **settings: Any) -> PushChannel:
    given = {"service_account": server.service_account_json, "endpoint": server.url}
    return PushChannel(PushSettings.model_validate({**given, **settings}))


def delivery(key: str = "k1", to: str = "token-1", content: PushContent = CONTENT) -> Delivery:
    return Delivery(key=key, channel="push", to=to, content=content)


def sent(server: FcmServer, *deliveries: Delivery, **settings: Any) -> list[Receipt]:
    return receipts_of(channel_to(server, **settings), deliveries or [delivery()])


def test_a_message_arrives_as_the_published_description_wants_it() -> None:
    with FcmServer(validate=True) as server:
        (receipt,) = sent(server)
        (message,) = server.messages
    assert receipt == Accepted("k1", message.name)
    assert (message.token, message.title, message.body) == ("token-1", "Your cart waits", "Come back")
    assert message.data == {"url": "https://luma.example/cart"}


def test_data_alone_is_a_message_without_a_notification() -> None:
    with FcmServer(validate=True) as server:
        (receipt,) = sent(server, delivery(content=PushContent(data={"refresh": "cart"})))
        assert isinstance(receipt, Accepted)
        assert server.messages[0].title is None


def test_one_access_token_serves_many_deliveries() -> None:
    with FcmServer() as server:
        sent(server, *[delivery(f"k{number}", f"token-{number}") for number in range(20)])
        assert server.tokens_given == 1
        assert len(server.messages) == 20


def test_a_token_that_google_took_back_is_replaced_at_once() -> None:
    with FcmServer() as server:
        server.next(HttpReply(401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}}))
        (receipt,) = sent(server)
        assert isinstance(receipt, Accepted)
        assert server.tokens_given == 2
        assert len(server.messages) == 1


def test_a_dead_token_is_refused_for_good_and_alone() -> None:
    with FcmServer(dead=lambda token: token == "gone") as server:
        dead, good = sent(server, delivery("k1", "gone"), delivery("k2"))
    assert isinstance(dead, Refused)
    assert (dead.permanent, dead.code) == (True, "UNREGISTERED")
    assert isinstance(good, Accepted)


def test_wrong_credentials_wait_for_the_operator(stranger: str) -> None:
    with FcmServer() as server:
        account = {**json.loads(stranger), "token_uri": server.token_uri}
        (receipt,) = sent(server, service_account=json.dumps(account))
        assert isinstance(receipt, NotSent)
        assert "Google gave no access token" in receipt.reason
        assert "Invalid JWT Signature" in receipt.reason
        assert server.messages == []


def test_an_api_that_refuses_every_token_refuses_the_message_and_ends() -> None:
    with FcmServer() as server:
        server.next(HttpReply(401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}}), times=2)
        (receipt,) = sent(server)
        assert receipt == NotSent("k1", "FCM answered 401 UNAUTHENTICATED", code="UNAUTHENTICATED", of_channel=True)


@pytest.mark.parametrize(
    "answer, pause_s",
    [
        (error("QUOTA_EXCEEDED", retry_after_s=30), 30.0),
        (error("QUOTA_EXCEEDED"), 60.0),  # FCM's own advice where it names no time
        (error("UNAVAILABLE"), 10.0),
        (error("UNAVAILABLE", retry_after_s=120), 120.0),
        (error("INTERNAL"), 10.0),
    ],
)
def test_a_busy_fcm_is_given_the_time_that_it_asks_for(answer: HttpReply, pause_s: float) -> None:
    with FcmServer() as server:
        server.next(answer)
        (receipt,) = sent(server)
        assert isinstance(receipt, NotSent)
        assert receipt.retry_after_s == pause_s
        assert server.messages == []


@pytest.mark.parametrize(
    "status, body, expected",
    [
        (400, {"error": {"status": "INVALID_ARGUMENT", "message": "bad"}}, Refused),
        (403, {"error": {"details": [{"errorCode": "SENDER_ID_MISMATCH"}]}}, Refused),
        (404, {}, Refused),  # no such project: not the token's fault
        (429, {}, NotSent),
        (500, {}, NotSent),
        (502, {}, Ambiguous),  # a gateway's answer, not FCM's
        (504, {"error": "not an object"}, Ambiguous),
    ],
)
def test_an_error_has_its_receipt(status: int, body: dict[str, Any], expected: type) -> None:
    receipt = receipt_of_error("k1", status, body, None)
    assert isinstance(receipt, expected)
    assert not getattr(receipt, "permanent", False)


@pytest.mark.parametrize(
    "secret", ["", "{}", "[]", "not json", '{"type": "authorized_user"}', '{"type": "service_account"}']
)
def test_what_is_no_key_file_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValidationError) as caught:
        PushSettings.model_validate({"service_account": secret})
    assert "service_account" in str(caught.value)


def test_a_message_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs a title, a body or data"):
        PushContent()
