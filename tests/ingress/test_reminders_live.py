"""A full cart, live: real SMTP takes the mail, a reader's program fetches its picture, and the text message stays away.

Where nobody opens the mail, the text goes exactly when the journey says: the limit stands there, and is short here.
"""

from __future__ import annotations

import email
import re
from email.message import Message
from pathlib import Path

import httpx
from tests.ingress.served import Served, served, until

from parcours import Engine, Project
from parcours.testing.doubles import SmtpServer

READER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0"}

DOCUMENTS = {
    "parcours.yaml": """
project: shop
timezone: Europe/Paris
policies: {consent: {default: opt_out}}
channels: {email: {host: 127.0.0.1, port: %(port)d, tls: none, sender: "Shop <shop@shop.example>"}}
""",
    "profile.yaml": "traits: {email: string, phone: string}\n",
    "events.yaml": "events: {Cart Left: {properties: {cart.total: number}}, Order Completed: {properties: {}}}\n",
    "messages/cart-reminder.yaml": """
message: cart-reminder
class: marketing
email:
  subject: "Your cart is waiting"
  html: '<p>It is still there. <a href="https://shop.example/cart">Go back to it</a></p>'
sms: {text: "Your cart is still there."}
""",
    "journeys/reminders.yaml": """
journey: reminders
entry: {event: Cart Left, when: event.cart.total > 50}
exit: [{event: Order Completed}]
steps:
  - {id: mail, send: cart-reminder, channels: [email]}
  - id: opened
    wait_for: [{reaction: opened, of: mail, next: done}]
    timeout: %(timeout)s
    on_timeout: text
  - {id: text, send: cart-reminder, channels: [sms]}
  - {id: done, end: true}
""",
}


def write_project(folder: Path, port: int, timeout: str) -> Path:
    for name, text in DOCUMENTS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text % {"port": port, "timeout": timeout} if "%(" in text else text)
    return folder


def leave_cart(door: Served) -> None:
    """Sarah leaves a full cart."""
    calls = [
        {"type": "identify", "userId": "sarah", "traits": {"email": "sarah@mail.example", "phone": "+33612345678"}},
        {"type": "track", "userId": "sarah", "event": "Cart Left", "properties": {"cart": {"total": 80}}},
    ]
    answer = httpx.post(f"{door.address}/v1/batch", json={"batch": calls}).json()
    assert (answer["accepted"], answer["rejected"]) == (2, [])


def arrived(server: SmtpServer) -> Message:
    until(lambda: len(server.mailbox) == 1, "the mail")
    return email.message_from_bytes(server.mailbox[0].raw)


def html_of(mail: Message) -> str:
    (part,) = [part for part in mail.walk() if part.get_content_type() == "text/html"]
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def test_once_the_mail_is_opened_no_text_goes(tmp_path: Path) -> None:
    with SmtpServer() as server:
        project = write_project(tmp_path / "shop", server.port, timeout="1d")
        with served(project, "memory:", "--record", "sms", folder=tmp_path) as door:
            leave_cart(door)
            pixel = re.search(r'src="([^"]+/o/[^"]+)"', html_of(arrived(server)))
            assert pixel is not None
            picture = httpx.get(pixel[1], headers=READER)
            until(lambda: door.figure("parcours_runs_ended_total", journey="reminders") == 1, "the end of the run")

            assert (picture.status_code, picture.headers["content-type"], len(picture.content)) == (
                200,
                "image/gif",
                43,
            )
            assert door.figure("parcours_feedback_total", channel="email", result="opened") == 1
            assert door.figure("parcours_deliveries_total", channel="sms") == 0


def test_where_nobody_opens_it_the_text_goes_exactly_at_the_limit(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/store"
    with SmtpServer() as server:
        project = write_project(tmp_path / "shop", server.port, timeout="1s")
        with served(project, store, "--record", "sms", "--shards", "1", folder=tmp_path) as door:
            leave_cart(door)
            arrived(server)
            until(lambda: door.figure("parcours_deliveries_total", channel="sms", outcome="sent") == 1, "the text")
            assert door.stop() == 0

        with Engine.open(Project.load(project), store, shards=1, runtime="local", records=["sms"]) as engine:
            (journey,) = engine.explain("sarah").journeys
    (run,) = journey.runs
    at = {(move.what, move.step): move.at for move in run.moves}
    assert at["timed_out", "opened"] == at["reached", "opened"] + 1_000
    assert at["reached", "text"] == at["timed_out", "opened"]


def test_an_answer_that_says_that_it_is_a_machine_opens_nothing(tmp_path: Path) -> None:
    with SmtpServer() as server:
        project = write_project(tmp_path / "shop", server.port, timeout="1d")
        with served(project, "memory:", "--record", "sms", folder=tmp_path) as door:
            leave_cart(door)
            pixel = re.search(r'src="([^"]+/o/[^"]+)"', html_of(arrived(server)))
            assert pixel is not None
            for headers in ({"User-Agent": "Mozilla/5.0"}, {**READER, "Sec-Purpose": "prefetch"}, {"User-Agent": ""}):
                assert httpx.get(pixel[1], headers=headers).status_code == 200

            assert door.figure("parcours_runs", journey="reminders", step="opened") == 1
