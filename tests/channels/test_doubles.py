"""Are the stand-ins for providers as strict as the providers? A double that takes everything tests nothing."""

from __future__ import annotations

import base64
import json
import smtplib
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from parcours.testing.doubles import FcmServer, Reply, SmtpServer, TwilioServer
from parcours.testing.doubles.message_schema import SendRequestSchema
from parcours.testing.doubles.service_account import GRANT_TYPE, LIFETIME_S_MAX, SCOPE, ServiceAccount

NOW_S = 1_700_000_000
TOKEN_URI = "http://127.0.0.1:1/token"


@pytest.fixture(scope="module")
def account() -> ServiceAccount:
    return ServiceAccount("luma-example")


def assertion(account: ServiceAccount, key: rsa.RSAPrivateKey | None = None, **changes: Any) -> str:
    """A JWT as a client makes it, apart from `changes`, signed with the account's key or another."""
    own = serialization.load_pem_private_key(json.loads(account.to_json(TOKEN_URI))["private_key"].encode(), None)
    assert isinstance(own, rsa.RSAPrivateKey)
    claims = {
        "iss": account.email,
        "aud": TOKEN_URI,
        "scope": SCOPE,
        "iat": NOW_S,
        "exp": NOW_S + LIFETIME_S_MAX,
    }
    header = {"alg": changes.pop("alg", "RS256"), "typ": "JWT"}
    signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, {**claims, **changes}))
    signature = (key or own).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{encoded(signature)}"


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def test_a_right_assertion_passes(account: ServiceAccount) -> None:
    form = {"grant_type": GRANT_TYPE, "assertion": assertion(account)}
    assert account.wrong_with(form, TOKEN_URI, NOW_S) is None


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"iss": "somebody@else.example"}, "iss is not"),
        ({"aud": "https://elsewhere.example/token"}, "aud is neither"),
        ({"scope": "https://www.googleapis.com/auth/drive"}, "scope lacks"),
        ({"iat": NOW_S + 3600, "exp": NOW_S + 7200}, "iat lies in the future"),
        ({"iat": NOW_S - 3600, "exp": NOW_S}, "exp has passed"),
        ({"exp": NOW_S + LIFETIME_S_MAX + 1}, "more than an hour"),
        ({"alg": "none"}, "not signed with RS256"),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(
    account: ServiceAccount, changes: dict[str, Any], words: str
) -> None:
    form = {"grant_type": GRANT_TYPE, "assertion": assertion(account, **changes)}
    wrong = account.wrong_with(form, TOKEN_URI, NOW_S)
    assert wrong is not None
    assert words in wrong


def test_an_assertion_signed_with_another_key_is_refused(account: ServiceAccount) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = {"grant_type": GRANT_TYPE, "assertion": assertion(account, other)}
    assert account.wrong_with(form, TOKEN_URI, NOW_S) == "Invalid JWT Signature."


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "é.é.é"])
def test_what_is_no_jwt_is_refused(account: ServiceAccount, text: str) -> None:
    form = {"grant_type": GRANT_TYPE, "assertion": text}
    assert account.wrong_with(form, TOKEN_URI, NOW_S) == "the assertion is not a JWT"


@pytest.mark.parametrize(
    "request_body, words",
    [
        ({"message": {"token": "t", "notification": {"title": "Hi"}}}, None),
        ({"message": {"token": "t", "data": {"a": "b"}}, "validate_only": False}, None),  # either spelling
        ({"message": {"token": "t", "android": {"collapseKey": "k", "priority": "HIGH"}}}, None),
        ({"message": {"token": "t", "data": {"a": 1}}}, "request.message.data.a: expected string"),
        ({"message": {"token": "t", "notification": {"subject": "Hi"}}}, "notification.subject: Cannot find field"),
        ({"message": {"token": "t", "android": {"priority": "URGENT"}}}, "android.priority: 'URGENT' is none of"),
        ({"message": {"token": 5}}, "request.message.token: expected string"),
        ({"message": {"notification": {"title": "Hi"}}}, "exactly one of"),
        ({"message": {"token": "t", "topic": "news"}}, "exactly one of"),
        ({"messages": []}, "request.messages: Cannot find field"),
        ([], "request: expected object"),
    ],
)
def test_a_push_message_is_checked_against_the_published_description(request_body: object, words: str | None) -> None:
    wrong = SendRequestSchema().wrong_with(request_body)
    assert (wrong is None) == (words is None)
    assert (words or "") in (wrong or "")


def test_a_push_message_without_an_access_token_is_turned_away() -> None:
    with FcmServer() as server:
        url = f"{server.url}/v1/projects/{server.project}/messages:send"
        assert status_of(url, b"{}", {"Authorization": "Bearer made-up"}) == 401
        assert server.messages == []


@pytest.mark.parametrize(
    "form, code",
    [
        ({"From": "+33600000000", "Body": "Hi"}, 21604),
        ({"To": "+33612345678", "Body": "Hi"}, 21603),
        ({"To": "+33612345678", "From": "+33600000000"}, 21602),
    ],
)
def test_a_text_message_with_a_part_missing_is_refused(form: dict[str, str], code: int) -> None:
    with TwilioServer() as server:
        login = base64.b64encode(f"{server.account}:{server.token}".encode()).decode()
        url = f"{server.url}/2010-04-01/Accounts/{server.account}/Messages.json"
        with pytest.raises(urllib.error.HTTPError) as caught:
            post(url, urlencode(form).encode(), {"Authorization": f"Basic {login}"})
        with caught.value as answer:
            assert (answer.code, json.load(answer)["code"]) == (400, code)
        assert server.messages == []


def test_a_status_callback_is_posted_to_where_the_message_asked_for_it() -> None:
    heard: list[str] = []

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(self.headers["X-Twilio-Signature"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- inherited
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Door) as door, TwilioServer() as server:
        callback = f"http://127.0.0.1:{door.server_port}/sms?key=k1"
        form = {"To": "+33612345678", "From": "+33600000000", "Body": "Hi", "StatusCallback": callback}
        login = base64.b64encode(f"{server.account}:{server.token}".encode()).decode()
        url = f"{server.url}/2010-04-01/Accounts/{server.account}/Messages.json"
        post(url, urlencode(form).encode(), {"Authorization": f"Basic {login}"})
        thread = threading.Thread(target=door.handle_request)
        thread.start()
        assert server.post_status(server.messages[0], "delivered") == 204
        thread.join()
    assert heard != [None]


def test_the_mail_server_is_one_for_other_clients_too() -> None:
    with SmtpServer(refuses=lambda address: "550 5.1.1 Unknown" if address.startswith("gone") else None) as server:
        with smtplib.SMTP(server.host, server.port) as client:
            refused = client.sendmail("a@x.example", ["b@x.example", "gone@x.example"], "Message-ID: <1@x>\r\n\r\nHi")
        assert refused == {"gone@x.example": (550, b"5.1.1 Unknown")}
        assert [(mail.message_id, mail.sender, mail.to) for mail in server.mailbox] == [
            ("<1@x>", "a@x.example", "b@x.example")
        ]


def test_the_mail_server_takes_nothing_before_tls_where_it_asks_for_tls() -> None:
    with (
        SmtpServer(tls="starttls") as server,
        smtplib.SMTP(server.host, server.port) as client,
        pytest.raises(smtplib.SMTPSenderRefused, match="STARTTLS"),
    ):
        client.sendmail("a@x.example", ["b@x.example"], "Hi")


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
        return int(answer.status)


def status_of(url: str, body: bytes, headers: dict[str, str]) -> int:
    try:
        return post(url, body, headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_mail_server_knows_how_many_faults_no_transaction_has_met_yet() -> None:
    with SmtpServer() as server:
        server.next("mail", Reply("451 4.7.1 try again later"), times=2)
        server.next("body", Reply("554 5.7.1 refused"))
        assert server.faults_to_come() == 3

        with smtplib.SMTP(server.host, server.port) as client, pytest.raises(smtplib.SMTPSenderRefused):
            client.sendmail("a@example.com", ["b@example.com"], "Subject: x")

        assert server.faults_to_come() == 2
