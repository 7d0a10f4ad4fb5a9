"""A text that comes in, and a report that a webhooks rule signs, mean what Twilio's own validator and words say."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import pytest
from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator

from parcours.channel import Feedback, WebhookRequest
from parcours_channels.sms import SmsChannel, SmsSettings

URL: Final = "https://door.luma.example/webhooks/sms/inbound"
NUMBER: Final = "+33612345678"
TOKEN: Final = "the-auth-token"
SHARED_KEY: Final = "the-secret-of-a-shared-key"
RULE: Final = {"x-twilio-webhooks-signature-settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"}


def channel(**settings: Any) -> SmsChannel:
    given = {"account": "AC1", "token": TOKEN, "sender": "+33600000000"}
    return SmsChannel(SmsSettings.model_validate({**given, **settings}))


def text(body: str, secret: str = TOKEN, algorithm: str = HMAC_SHA1, **more: Any) -> WebhookRequest:
    """A text that has come in, signed by Twilio's own code."""
    form = {"MessageSid": "SM7", "From": NUMBER, "To": "+33600000000", "Body": body, "SmsStatus": "received", **more}
    signature = RequestValidator(secret).compute_signature(URL, form, algorithm)
    headers = {"x-twilio-signature": signature, **(RULE if algorithm == HMAC_SHA256 else {})}
    return WebhookRequest(method="POST", url=URL, headers=headers, body=urlencode(form).encode())


@pytest.mark.parametrize(
    "body, opt_out, reaction",
    [
        ("STOP", None, "unsubscribed"),
        (" stop. ", None, "unsubscribed"),
        ("Stop All", None, "unsubscribed"),
        ("Unsubscribe", None, "unsubscribed"),
        ("please stop", None, "replied"),  # only the whole text is a keyword
        ("ARRET", "STOP", "unsubscribed"),  # Twilio's Advanced Opt-Out knows more words
        ("START", None, "unblocked"),
        ("unstop", None, "unblocked"),
        ("YES", None, "replied"),  # the answer to a question
        ("yes", "START", "unblocked"),
        ("HELP", "HELP", "replied"),
        ("STOP", "HELP", "replied"),  # its word counts
        ("", None, "replied"),
    ],
)
def test_what_a_text_says(body: str, opt_out: str | None, reaction: str) -> None:
    more = {} if opt_out is None else {"OptOutType": opt_out}
    (report,) = channel().read_feedback(text(body, **more))
    said = body if reaction == "replied" else None
    assert report == Feedback(address=NUMBER, reaction=reaction, text=said, report_id="SM7")  # type: ignore[arg-type]  # of the table


def test_the_words_are_a_setting() -> None:
    reader = channel(stop_words=["arrêt", "Fin"], start_words=["Encore  une fois"])
    said = [reader.read_feedback(text(body))[0].reaction for body in ("ARRÊT", "fin!", "encore une fois", "STOP")]
    assert said == ["unsubscribed", "unsubscribed", "unblocked", "replied"]


@pytest.mark.parametrize("secret", [SHARED_KEY, TOKEN])
def test_a_webhooks_rule_signs_by_another_algorithm_and_secret(secret: str) -> None:
    (report,) = channel(shared_key=SHARED_KEY).read_feedback(text("hello", secret, HMAC_SHA256))
    assert report.text == "hello"


def forgeries() -> list[WebhookRequest]:
    good, by_rule = text("hello"), text("hello", SHARED_KEY, HMAC_SHA256)
    names: dict[str, Any] = {"url": good.url, "headers": good.headers, "body": good.body}
    made: list[dict[str, Any]] = [
        {"url": "https://elsewhere.example/webhooks/sms/inbound"},
        {"url": URL + "?more=1"},
        {"body": good.body.replace(b"hello", b"STOP")},
        {"body": good.body + b"&OptOutType=STOP"},
        {"body": good.body + b"&Body=STOP"},  # a field twice: all its values are signed
        {"headers": {}},
        {"headers": {**good.headers, **RULE}},  # signed by the one algorithm, said to be by the other
        {"headers": {**good.headers, "x-twilio-webhooks-signature-settings": "key=1,algorithm=NONE"}},
        {"headers": {"x-twilio-signature": by_rule.headers["x-twilio-signature"]}},
        {"headers": by_rule.headers, "body": good.body.replace(b"hello", b"STOP")},
    ]
    return [WebhookRequest(method="POST", **(names | each)) for each in made]


@pytest.mark.parametrize("request_number", range(10))
def test_what_twilio_did_not_sign_is_refused(request_number: int) -> None:
    with pytest.raises(ValueError, match="not signed by Twilio"):
        channel(shared_key=SHARED_KEY).read_feedback(forgeries()[request_number])


def test_a_report_at_the_delivery_s_own_address_is_of_that_delivery() -> None:
    form = {"MessageSid": "SM7", "MessageStatus": "delivered", "To": NUMBER}
    url = "https://door.luma.example/webhooks/sms/7f3a"
    headers = {"x-twilio-signature": RequestValidator(TOKEN).compute_signature(url, form)}
    request = WebhookRequest(method="POST", url=url, headers=headers, body=urlencode(form).encode(), key="k1")
    assert channel().read_feedback(request) == [Feedback(key="k1", reaction="delivered")]
