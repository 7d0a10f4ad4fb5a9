"""Do text messages reach Twilio, and do its answers and reports mean here what they mean there?"""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import msgspec
import pytest

from parcours.channel import Accepted, Ambiguous, Delivery, Feedback, NotSent, Receipt, Refused
from parcours.testing.channel_contract import receipts_of
from parcours.testing.doubles import HttpReply, TwilioServer
from parcours.testing.doubles.twilio import error
from parcours_channels.sms import SmsChannel, SmsContent, SmsSettings
from parcours_channels.twilio_codes import receipt_of_error

PUBLIC_URL = "https://journeys.luma.example/webhooks/sms"
NUMBER = "+33612345678"


def channel_to(server: TwilioServer, **settings: Any) -> SmsChannel:
    given = {"account": server.account, "token": server.token, "sender": "+33600000000", "base_url": server.url}
    return SmsChannel(SmsSettings.model_validate({**given, **settings}))


def delivery(key: str = "k1", to: str = NUMBER) -> Delivery:
    return Delivery(key=key, channel="sms", to=to, content=SmsContent(text="Your cart waits"))


def sent(server: TwilioServer, *deliveries: Delivery, **settings: Any) -> list[Receipt]:
    return receipts_of(channel_to(server, **settings), deliveries or [delivery()])


def test_a_message_arrives_with_its_text_and_its_sender() -> None:
    with TwilioServer() as server:
        (receipt,) = sent(server)
        (message,) = server.messages
    assert receipt == Accepted("k1", message.sid)
    assert (message.to, message.sender, message.body) == (NUMBER, "+33600000000", "Your cart waits")
    assert message.status_callback is None


def test_a_messaging_service_can_be_the_sender() -> None:
    service = "MG" + "1" * 32
    with TwilioServer() as server:
        sent(server, sender=service)
        assert [message.sender for message in server.messages] == [service]


def test_the_account_is_not_redirected_by_this_machine_s_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    with TwilioServer() as server:
        (receipt,) = sent(server)
        (message,) = server.messages
    assert receipt == Accepted("k1", message.sid)


@pytest.mark.parametrize("code, permanent", [(21211, True), (21610, True), (21614, True), (21408, False)])
def test_a_refused_number_is_refused_alone_with_twilio_s_own_code(code: int, permanent: bool) -> None:
    refusals = {"+33600000001": code}
    with TwilioServer(refuses=refusals.get) as server:
        refused, good = sent(server, delivery("k1", "+33600000001"), delivery("k2"))
    assert isinstance(refused, Refused)
    assert (refused.permanent, refused.code) == (permanent, str(code))
    assert isinstance(good, Accepted)


def test_wrong_credentials_wait_for_the_operator() -> None:
    with TwilioServer() as server:
        (receipt,) = sent(server, token="wrong")
        assert isinstance(receipt, NotSent)
        assert receipt.code == "20003"
        assert "check account, token and sender" in receipt.reason
        assert server.messages == []


def test_too_many_requests_wait_as_long_as_twilio_says() -> None:
    with TwilioServer() as server:
        server.next(error(429, 20429, "Too Many Requests", retry_after_s=7))
        (receipt,) = sent(server)
    assert isinstance(receipt, NotSent)
    assert (receipt.retry_after_s, receipt.code) == (7.0, "20429")


def test_retry_after_as_a_date_is_counted_from_the_answer_s_own_date() -> None:
    dates = {"Date": "Mon, 02 Mar 2026 09:00:00 GMT", "Retry-After": "Mon, 02 Mar 2026 09:01:30 GMT"}
    with TwilioServer() as server:
        server.next(HttpReply(429, {"code": 20429, "message": "Too Many Requests"}, dates))
        (receipt,) = sent(server)
    assert isinstance(receipt, NotSent)
    assert receipt.retry_after_s == 90.0


@pytest.mark.parametrize("answer", [error(500, 20500, "Internal"), HttpReply(502), error(503, 20503, "Unavailable")])
def test_an_error_of_twilio_s_own_may_have_sent_the_message(answer: HttpReply) -> None:
    with TwilioServer() as server:
        server.next(answer)
        (receipt,) = sent(server)
    assert isinstance(receipt, Ambiguous)


@pytest.mark.parametrize(
    "status, code, expected",
    [
        (400, 99999, Refused),  # a code that is not in the table
        (404, None, Refused),
        (401, None, NotSent),
        (429, None, NotSent),
        (500, None, Ambiguous),
        (302, None, Ambiguous),
    ],
)
def test_an_answer_without_a_known_code_goes_by_its_status(status: int, code: int | None, expected: type) -> None:
    assert isinstance(receipt_of_error("k1", status, code, "", None), expected)


def test_neither_number_nor_text_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), TwilioServer() as server:
        sent(server)
        assert [(message.to, message.body) for message in server.messages] == [(NUMBER, "Your cart waits")]
    assert "612345678" not in caplog.text
    assert "cart" not in caplog.text


@pytest.mark.parametrize(
    "status, code, expected",
    [
        ("queued", None, []),
        ("sent", None, []),
        ("delivered", None, [Feedback(key="k1", reaction="delivered")]),
        ("read", None, [Feedback(key="k1", reaction="opened")]),
        ("undelivered", 30003, [Feedback(key="k1", reaction="bounced", code="30003")]),
        (
            "undelivered",
            None,
            [Feedback(key="k1", reaction="bounced", code="undelivered")],
        ),  # so it is no proof
        ("failed", 30008, [Feedback(key="k1", reaction="failed", code="30008")]),
        ("a status of tomorrow", None, []),
    ],
)
def test_a_status_callback_becomes_a_reaction_to_its_delivery(
    status: str, code: int | None, expected: list[Feedback]
) -> None:
    with TwilioServer() as server:
        sent(server, public_url=PUBLIC_URL)
        request = server.status_callback(server.messages[0], status, code)
        assert channel_to(server, public_url=PUBLIC_URL).read_feedback(request) == expected


TWILIO_CODES = [
    ("21211", True),  # not a phone number
    ("21610", True),  # opted out
    ("21614", True),  # not a mobile number
    ("30005", True),  # unknown
    ("30006", True),  # a landline
    ("30001", False),  # queue overflow
    ("30003", False),  # switched off
    ("30004", False),  # blocked
    ("30007", False),  # filtered
    ("30008", False),  # unknown cause
    ("30034", False),  # the sender is not registered
    ("undelivered", False),
]


@pytest.mark.parametrize("code, dead", TWILIO_CODES)
def test_only_some_codes_speak_of_the_number(code: str, dead: bool) -> None:
    assert (code in SmsChannel.dead_codes) is dead


def test_an_account_that_twilio_does_not_let_in_keeps_everybody_s_message() -> None:
    with TwilioServer() as server:
        server.next(error(401, 20003, "Authenticate"))
        server.next(error(400, 21606, "cannot send there"))
        account, sender = sent(server)[0], sent(server)[0]
    assert isinstance(account, NotSent) and account.of_channel
    assert isinstance(sender, NotSent) and not sender.of_channel, "another number may be reached"


def test_a_callback_that_came_through_a_proxy_is_checked_against_the_public_address() -> None:
    with TwilioServer() as server:
        sent(server, public_url=PUBLIC_URL)
        request = server.status_callback(server.messages[0], "delivered")
        inside = request.url.replace("https://journeys.luma.example", "http://10.0.0.7:8080")
        request = msgspec.structs.replace(request, url=inside)
        feedback = channel_to(server, public_url=PUBLIC_URL).read_feedback(request)
    assert feedback == [Feedback(key="k1", reaction="delivered")]


@pytest.mark.parametrize(
    "forgery",
    [
        {"headers": {}},
        {"headers": {"x-twilio-signature": "AAAA"}},
        {"body": b"MessageStatus=delivered"},
        {"url": PUBLIC_URL + "?key=k2&proof=00"},
    ],
)
def test_a_callback_that_twilio_did_not_sign_is_refused(forgery: dict[str, Any]) -> None:
    with TwilioServer() as server:
        sent(server, public_url=PUBLIC_URL)
        request = server.status_callback(server.messages[0], "delivered")
        with pytest.raises(ValueError, match="not signed by Twilio"):
            channel_to(server, public_url=PUBLIC_URL).read_feedback(msgspec.structs.replace(request, **forgery))


REPORT_URL = "https://door.luma.example/webhooks/sms/7f3a"


@pytest.mark.parametrize("public_url", [None, PUBLIC_URL])
@pytest.mark.parametrize("report_url", [REPORT_URL, REPORT_URL + "?zone=eu"])
def test_a_delivery_s_own_address_for_reports_goes_before_that_of_the_settings(
    report_url: str, public_url: str | None
) -> None:
    with TwilioServer() as server:
        sent(server, msgspec.structs.replace(delivery(), report_url=report_url), public_url=public_url)
        (message,) = server.messages
        assert message.status_callback is not None and message.status_callback.startswith(report_url)
        request = server.status_callback(message, "delivered")
        reader = channel_to(server, public_url=public_url)

        assert reader.read_feedback(request) == [Feedback(key="k1", reaction="delivered")]
        elsewhere = msgspec.structs.replace(request, url=request.url.replace("7f3a", "7f3b"))
        with pytest.raises(ValueError, match="not signed by Twilio"):
            reader.read_feedback(elsewhere)


def test_a_callback_for_a_key_that_another_program_made_up_is_refused() -> None:
    with TwilioServer() as server:
        sent(server, public_url=PUBLIC_URL)
        other = dataclasses.replace(server.messages[0], status_callback=PUBLIC_URL + "?key=k2&proof=00")
        with pytest.raises(ValueError, match="not one that this channel has sent"):
            channel_to(server, public_url=PUBLIC_URL).read_feedback(server.status_callback(other, "delivered"))
