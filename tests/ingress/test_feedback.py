"""What providers say comes in by HTTP and LMTP, and is on disk before they hear that it was taken."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest
from tests.ingress.served import served
from tests.projects import write_documents
from twilio.request_validator import RequestValidator

from parcours.channel import Feedback
from parcours.clock import ManualClock
from parcours.config import DAY_MS
from parcours.ingress.application import Application, door_of
from parcours.ingress.bounces import MAIL_BYTES_MAX
from parcours.ingress.lmtp import receiving
from parcours.ingress.sealed_links import SealedLinks
from parcours.ingress.settings import ServeSettings
from parcours.journey.project import Project
from parcours.service.person import Person
from parcours.service.service import Service
from parcours.testing.doubles import SmtpServer, TwilioServer

PUBLIC_URL: Final = "https://door.luma.example"
SIGNING_KEYS: Final = ["s" * 32]
DOMAIN: Final = "bounces.luma.example"
SECRET: Final = "sk_feedback"
INBOUND: Final = f"{PUBLIC_URL}/webhooks/sms/inbound"
PHONE: Final = "+33612345678"
MAIL: Final = {"content-type": "message/rfc822", "authorization": f"Bearer {SECRET}"}

DOCUMENTS: Final[dict[str, object]] = {
    "profile": {"traits": {"phone": "string", "email": "string", "said": "string"}},
    "events": {"events": {"Seen": {}, "Read": {}, "Text Received": {"properties": {"text": "string"}}}},
    "messages/note": {"message": "note", "sms": {"text": "Hello"}},
    "messages/letter": {"message": "letter", "email": {"subject": "Hello", "text": "Hello"}},
    "journeys/note": {"journey": "note", "entry": {"event": "Seen"}, "steps": [{"id": "write", "send": "note"}]},
    "journeys/letter": {"journey": "letter", "entry": {"event": "Read"}, "steps": [{"id": "post", "send": "letter"}]},
    "journeys/hear": {
        "journey": "hear",
        "entry": {"event": "Text Received"},
        "steps": [{"id": "note", "update": {"said": "event.text"}}],
    },
}


@dataclass
class World:
    """A door to an engine that sends by doubles of an SMS provider and a mail server.

    client  speaks HTTP to the door
    lmtp    where mail comes back
    """

    service: Service
    application: Application
    client: httpx.AsyncClient
    provider: TwilioServer
    mail: SmtpServer
    lmtp: str

    async def happen(self, event: str, *people: str) -> None:
        """It happens to these people, and what follows has left."""
        for person in people:
            await self.service.identify(person, {"phone": PHONE, "email": f"{person}@mail.example"})
            await self.service.track(person, event)
        await self.service.drain(60)

    async def post(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, content=body, headers=named)

    async def form(self, url: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """A post that Twilio has signed, to its address as it is known outside."""
        signature = RequestValidator(self.provider.token).compute_signature(url, form)
        signed = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature, **headers}
        path = url.removeprefix(PUBLIC_URL)
        return await self.client.post(path, content=urlencode(form).encode(), headers=signed)

    async def text(self, body: str, number: str = PHONE, sid: str = "SM1", **more: str) -> httpx.Response:
        return await self.form(INBOUND, {"MessageSid": sid, "From": number, "Body": body, **more})

    async def hand_in(self, mail: bytes, *recipients: str) -> None:
        """A mail server hands a mail in by LMTP. Raises what smtplib raises where it is not taken."""
        host, _, port = self.lmtp.rpartition(":")

        def deliver() -> None:
            with smtplib.LMTP(host, int(port)) as client:
                client.sendmail("", recipients, mail)

        await asyncio.to_thread(deliver)

    async def profile(self, person: str) -> Person:
        found = await self.service.profile(person)
        assert found is not None
        return found

    async def states(self, person: str) -> list[str]:
        profile = await self.profile(person)
        return [each.state for run in (*profile.runs, *profile.past) for each in run.deliveries]

    def unheard(self) -> dict[tuple[str, str], int]:
        return dict(self.application.door.figures.unheard)


def shop(folder: Path, channels: dict[str, object]) -> Project:
    settings = {"project": "shop", "channels": channels, "policies": {"consent": {"default": "opt_out"}}}
    write_documents(folder, {"parcours": settings, **DOCUMENTS})
    return Project.load(folder)


@asynccontextmanager
async def opened(folder: Path, clock: ManualClock | None = None, **more: object) -> AsyncIterator[World]:
    key = {"name": "relay", "sha256": sha256(SECRET.encode()).hexdigest(), "scopes": ["feedback"]}
    other = {"name": "shop", "sha256": sha256(b"wk_shop").hexdigest(), "scopes": ["ingest"]}
    given: dict[str, object] = {
        "public_url": PUBLIC_URL,
        "signing_keys": SIGNING_KEYS,
        "keys": [key, other],
        "bounces": {"domain": DOMAIN, "lmtp": "127.0.0.1:0"},
    }
    settings = ServeSettings.model_validate({**given, **more})
    with TwilioServer() as provider, SmtpServer() as mail:
        sms = {"account": provider.account, "token": provider.token, "sender": "+33600000000", "base_url": provider.url}
        email = {"host": mail.host, "port": mail.port, "tls": "none", "sender": "shop@luma.example"}
        project = shop(folder, {"sms": sms, "email": email})
        links = SealedLinks(PUBLIC_URL, SIGNING_KEYS, bounce_domain=DOMAIN)
        async with Service.open(project, "memory:", shards=3, runtime="local", links=links, clock=clock) as service:
            application = Application(door_of(service, settings))
            transport = httpx.ASGITransport(app=application)
            async with (
                receiving(application.door) as place,
                httpx.AsyncClient(transport=transport, base_url="https://inside.example") as client,
            ):
                yield World(service, application, client, provider, mail, place or "")


def told(folder: Path, scenario: Callable[[World], Coroutine[Any, Any, None]], **settings: Any) -> None:
    async def run() -> None:
        async with opened(folder, **settings) as world:
            await scenario(world)

    asyncio.run(run())


def bounce(to: str, status: str = "5.1.1", action: str = "failed") -> bytes:
    return f"""From: MAILER-DAEMON@mail.example
To: {to}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example

Final-Recipient: rfc822; anna@mail.example
Action: {action}
Status: {status}

--b--
""".replace("\n", "\r\n").encode()


def test_stop_is_heard_for_everybody_who_was_reached_at_the_number_and_start_takes_that_back(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        people = [f"person-{number}" for number in range(6)]
        await world.happen("Seen", *people)
        await world.service.identify("stranger", {"phone": PHONE})

        answer = await world.text("STOP")

        assert (answer.status_code, answer.text) == (200, '<?xml version="1.0" encoding="UTF-8"?><Response/>')
        assert answer.headers["content-type"].startswith("text/xml")
        for person in people:
            profile = await world.profile(person)
            assert list(profile.suppressed["sms"]) == [PHONE]
            assert profile.consents == {("sms", None): False}
        assert (await world.profile("stranger")).suppressed == {}, "nothing has left for her"

        await world.text("START", sid="SM2")
        again = await world.text("STOP", sid="SM1")  # the first one, once more: it has been heard
        assert again.status_code == 200
        for person in people:
            profile = await world.profile(person)
            assert profile.suppressed == {} and profile.consents == {("sms", None): False}

    told(tmp_path, scenario)


def test_a_start_that_somebody_has_recorded_lifts_nothing_when_nobody_remembers_its_message_any_more(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        clock = ManualClock(1_800_000_000_000)
        async with opened(tmp_path, clock) as world:
            await world.happen("Seen", "anna")
            for word, sid, suppressed in [
                ("STOP", "SM1", True),
                ("START", "SM2", False),
                ("STOP", "SM3", True),
                ("START", "SM2", True),  # by whoever has recorded it
                ("STOP", "SM3", True),
                ("START", "SM4", False),
                ("STOP", "SM1", True),  # a message too few rather than one that nobody wants
            ]:
                clock.move_to(clock.now_ms() + 3 * DAY_MS)
                assert (await world.text(word, sid=sid)).status_code == 200
                assert bool((await world.profile("anna")).suppressed) is suppressed, (word, sid)

    asyncio.run(scenario())


def test_an_answer_is_of_the_newest_text_and_the_event_that_the_project_declares(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.happen("Seen", "anna")
        await world.text("À demain")
        await world.text("from nobody", number="+33699999999", sid="SM2")

        profile = await world.profile("anna")
        assert profile.traits["said"] == "À demain"
        assert "replied" in profile.past[0].deliveries[0].marks
        assert world.unheard() == {("sms", "nothing"): 1}

    told(tmp_path, scenario)


def test_a_status_finds_its_delivery_by_the_address_that_the_message_carried(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.happen("Seen", "anna", "bert")
        for message in world.provider.messages:
            request = world.provider.status_callback(message, "delivered")
            path = request.url.removeprefix(PUBLIC_URL)
            for expected in ({"accepted": 1, "duplicate": 0}, {"accepted": 0, "duplicate": 1}):
                answer = await world.client.post(path, content=request.body, headers=dict(request.headers))
                assert answer.status_code == 200 and answer.json() == {**expected, "rejected": 0}
        assert [await world.states(person) for person in ("anna", "bert")] == [["delivered"], ["delivered"]]

    told(tmp_path, scenario)


def test_a_signature_counts_for_the_public_address_and_never_for_the_host_that_is_named(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.happen("Seen", "anna")
        form = {"MessageSid": "SM1", "From": PHONE, "Body": "STOP"}
        elsewhere = "https://evil.example/webhooks/sms/inbound"
        signature = RequestValidator(world.provider.token).compute_signature(elsewhere, form)
        body = urlencode(form).encode()

        spoofed = await world.post("/webhooks/sms/inbound", body, host="evil.example", x_twilio_signature=signature)
        unsigned = await world.post("/webhooks/sms/inbound", body)
        good = await world.form(INBOUND, form, host="evil.example")

        assert [each.status_code for each in (spoofed, unsigned, good)] == [403, 403, 200]
        assert spoofed.json()["code"] == "forged" and PHONE not in spoofed.text
        assert list((await world.profile("anna")).suppressed["sms"]) == [PHONE]

    told(tmp_path, scenario)


def test_a_door_that_does_not_know_its_public_address_believes_no_signature(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        form = {"MessageSid": "SM1", "From": PHONE, "Body": "STOP"}
        here = "https://inside.example/webhooks/sms/inbound"
        signature = RequestValidator(world.provider.token).compute_signature(here, form)
        answer = await world.post("/webhooks/sms/inbound", urlencode(form).encode(), x_twilio_signature=signature)
        assert answer.status_code == 403

    told(tmp_path, scenario, public_url=None)


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/raven",
        "/webhooks/raven/inbound",
        "/webhooks/sms/7f3a",
        "/webhooks/email/inbound",
        "/webhooks/sms/%00",
    ],
)
def test_where_nobody_listens_nothing_is_found_whatever_is_asked(tmp_path: Path, path: str) -> None:
    async def scenario(world: World) -> None:
        answer = await world.post(path, b"MessageStatus=delivered")
        unknown = await world.post("/nowhere/at/all", b"", x_request_id="r1")
        assert answer.status_code == unknown.status_code == 404
        assert answer.json() == {**unknown.json(), "request_id": answer.json()["request_id"]}

    told(tmp_path, scenario)


def test_a_mail_that_comes_back_finds_its_delivery_by_the_return_path(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.happen("Read", "anna", "bert", "carl", "dora")
        paths = {mail.to.partition("@")[0]: mail.sender for mail in world.mail.mailbox}
        assert all(path.startswith("b+") and path.endswith(f"@{DOMAIN}") for path in paths.values())

        await world.hand_in(bounce(paths["anna"]), paths["anna"])
        await world.hand_in(bounce("undisclosed", "5.7.1"), paths["bert"].upper())
        by_http = await world.client.post("/webhooks/email", content=bounce(paths["carl"], "5.2.1"), headers=MAIL)
        await world.hand_in(bounce(paths["dora"], "4.4.1", "delayed"), paths["dora"])

        assert by_http.json() == {"accepted": 1, "duplicate": 0, "rejected": 0}
        states = [await world.states(person) for person in ("anna", "bert", "carl", "dora")]
        assert states == [["bounced"], ["bounced"], ["bounced"], ["sent"]]
        suppressed = [(await world.profile(person)).suppressed.get("email") for person in ("anna", "bert", "carl")]
        assert [None if each is None else list(each) for each in suppressed] == [
            ["anna@mail.example"],
            None,
            ["carl@mail.example"],
        ]
        assert world.unheard() == {("email", "nothing"): 1}

    told(tmp_path, scenario)


def test_a_complaint_withdraws_consent(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.happen("Read", "anna")
        (mail,) = world.mail.mailbox
        report = (
            "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
            f"Feedback-Type: abuse\r\nOriginal-Mail-From: <{mail.sender}>\r\n\r\n--b--\r\n"
        )
        await world.hand_in(report.encode(), "abuse@luma.example")
        assert (await world.profile("anna")).consents == {("email", None): False}

    told(tmp_path, scenario)


def test_a_bounce_is_never_bounced_whatever_it_is(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.happen("Read", "anna")
        (mail,) = world.mail.mailbox
        foreign = SealedLinks(PUBLIC_URL, ["f" * 32], bounce_domain=DOMAIN)
        assert foreign.public_url == PUBLIC_URL
        large = bounce(mail.sender) + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (MAIL_BYTES_MAX // 70)
        long_line = bounce(mail.sender) + b"z" * (MAIL_BYTES_MAX + 10) + b"\r\n"
        for taken in (large, long_line, bounce(f"b+{'a' * 44}@{DOMAIN}"), bounce("shop@luma.example")):
            await world.hand_in(taken, "shop@luma.example")
        await world.hand_in(b"Auto-Submitted: auto-replied\r\nSubject: Away\r\n\r\nBack on Monday\r\n", mail.sender)
        by_http = await world.client.post("/webhooks/email", content=large, headers=MAIL)

        assert by_http.json() == {"accepted": 0, "duplicate": 0, "rejected": 0}
        assert await world.states("anna") == ["sent"]
        assert world.unheard() == {("email", "too_large"): 3, ("email", "no_token"): 2, ("email", "nothing"): 1}
        figures = await world.client.get("/metrics", headers={"authorization": "Bearer wk_shop"})
        assert figures.status_code == 403

    told(tmp_path, scenario)


def test_a_mail_for_several_is_answered_for_each(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        host, _, port = world.lmtp.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        lines = [
            "LHLO relay",
            "MAIL FROM:<>",
            "RCPT TO:<a@b.example>",
            "RCPT TO:<c@d.example>",
            "DATA",
            "x\r\n.",
            "QUIT",
        ]
        writer.write("".join(f"{line}\r\n" for line in lines).encode())
        answered = (await reader.read(-1)).decode().splitlines()
        writer.close()
        assert [line[:3] for line in answered if line.startswith("250 2.6.0")] == ["250", "250"]
        assert answered[-1].startswith("221")

    told(tmp_path, scenario)


def test_mail_is_brought_again_where_it_cannot_be_kept(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.happen("Read", "anna")
        (mail,) = world.mail.mailbox
        door = world.application.door
        door.state = "stopping"
        with pytest.raises(smtplib.SMTPDataError, match="451.*bring it again"):
            await world.hand_in(bounce(mail.sender), mail.sender)
        door.state = "open"

        async def full(*_: object) -> None:
            raise AssertionError("nobody can write")

        door.service.feedback = lambda *_: full()  # type: ignore[method-assign, assignment]  # a fault of ours
        with pytest.raises(smtplib.SMTPDataError, match="451"):
            await world.hand_in(bounce(mail.sender), mail.sender)

    told(tmp_path, scenario)


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"authorization": "Bearer wk_shop"}, 403),
        ({"authorization": "Bearer sk_other"}, 401),
        ({}, 401),
    ],
)
def test_mail_over_http_needs_the_scope_feedback(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    async def scenario(world: World) -> None:
        answer = await world.client.post(
            "/webhooks/email",
            content=bounce("a@b"),
            headers={**MAIL, **headers} if headers else {"content-type": "message/rfc822"},
        )
        assert answer.status_code == status

    told(tmp_path, scenario)


def test_a_fault_of_a_channel_is_a_fault_and_its_provider_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(world: World) -> None:
        def broken(*_: object) -> list[Feedback]:
            raise KeyError("Body")

        monkeypatch.setattr("parcours_channels.twilio_reports.read_report", broken)
        answer = await world.text("STOP")
        assert answer.status_code == 500 and answer.json()["code"] == "fault"

    told(tmp_path, scenario)


def test_a_mail_that_a_served_door_has_sent_comes_back_to_it(tmp_path: Path) -> None:
    socket, config = tmp_path / "lmtp", tmp_path / "serve.yaml"
    config.write_text(f"notice_s: 0\nbounces: {{domain: {DOMAIN}, lmtp: {socket}}}\n")
    with SmtpServer() as mail:
        email = {"host": mail.host, "port": mail.port, "tls": "none", "sender": "shop@luma.example"}
        shop(tmp_path / "shop", {"email": email})
        with served(tmp_path / "shop", "memory:", "--config", str(config), "--record", "sms", folder=tmp_path) as door:
            calls = [
                {"type": "identify", "userId": "anna", "traits": {"email": "anna@mail.example"}},
                {"type": "track", "userId": "anna", "event": "Read"},
            ]
            assert httpx.post(f"{door.address}/v1/batch", json={"batch": calls}).json()["accepted"] == 2
            while not mail.mailbox:
                assert httpx.get(f"{door.address}/ready").status_code == 200
            (sent,) = mail.mailbox

            with smtplib.LMTP(str(socket)) as client:
                client.sendmail("", sent.sender, bounce(sent.sender))

            figures = httpx.get(f"{door.address}/metrics").text
            logged = door.log.read_text()
    assert 'parcours_feedback_total{channel="email",result="bounced"} 1.0' in figures
    assert "anna" not in logged
