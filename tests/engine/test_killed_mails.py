"""Does a crash leave no more mails in doubt than there are connections, and does everything transactional arrive?"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from parcours.testing.doubles import Hang, SmtpServer
from parcours.testing.doubles.smtp import Stage

SENDER = Path(__file__).with_name("mail_until_killed.py")

CONNECTIONS = 3
KILLS = 2
PEOPLE = 12


def write_project(folder: Path, port: int) -> Path:
    """One event leads to a transactional mail, another to one of marketing."""
    email = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "a@example.com"}
    documents = {
        "parcours.yaml": {
            "project": "shop",
            "timezone": "UTC",
            "channels": {"email": {**email, "connections_max": CONNECTIONS}},
            "policies": {"consent": {"default": "opt_out"}},
        },
        "profile.yaml": {"traits": {"email": "string"}},
        "events.yaml": {"events": {"Paid": {}, "Promoted": {}}},
        "messages/receipt.yaml": {
            "message": "receipt",
            "class": "transactional",
            "status": "ready",
            "email": {"subject": "receipt", "text": "x"},
        },
        "messages/offer.yaml": {
            "message": "offer",
            "class": "marketing",
            "purpose": "promo",
            "status": "ready",
            "email": {"subject": "offer", "text": "x"},
        },
    }
    for event, message in (("Paid", "receipt"), ("Promoted", "offer")):
        to = {"email": '"somebody@example.com"'}
        steps = [{"id": "s", "send": message, "to": to}]
        documents[f"journeys/{message}.yaml"] = {"journey": message, "entry": {"event": event}, "steps": steps}
    for name, document in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document), encoding="utf-8")
    return folder


def live(project: Path, store: str, life: str) -> dict[str, Any]:
    """One life of the sender: killed once its server is silent, or to its end; what it said when it had opened."""
    command = [sys.executable, str(SENDER), str(project), store, life]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        opened: dict[str, Any] = json.loads(process.stdout.readline())
        said = json.loads(process.stdout.readline())
        assert said["word"] == ("drained" if life == "last" else "silent")
        if life != "last":
            process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    return opened


def arrived(server: SmtpServer) -> Counter[tuple[str, str]]:
    """How often each mail has arrived: its subject and its own id."""
    return Counter(
        ("receipt" if b"Subject: receipt" in mail.raw else "offer", mail.message_id) for mail in server.mailbox
    )


def test_two_kills_leave_no_more_in_doubt_than_there_are_connections_and_lose_nothing_transactional(
    tmp_path: Path,
) -> None:
    stages: tuple[Stage, Stage] = ("rcpt", "body")  # the first ones never arrive, the second ones do
    store = f"sqlite:///{tmp_path / 'store'}"
    with SmtpServer() as server:
        project = write_project(tmp_path / "project", server.port)
        told = []
        for life, stage in zip(("first", "second"), stages, strict=True):
            server.next(stage, Hang(), times=CONNECTIONS)
            told += live(project, store, life)["troubles"]
            server.hang_up()
        told += live(project, store, "last")["troubles"]

        mails = arrived(server)

    receipts = [count for (subject, _), count in mails.items() if subject == "receipt"]
    offers = [count for (subject, _), count in mails.items() if subject == "offer"]
    assert len(receipts) == PEOPLE, "everything transactional has arrived"
    assert sum(receipts) - len(receipts) <= CONNECTIONS * KILLS
    assert len(offers) >= PEOPLE - CONNECTIONS * KILLS
    assert sum(offers) == len(offers), "marketing is sent once"
    under_way = sum(int(each.partition(": ")[2].split()[0]) for each in told)
    assert under_way == CONNECTIONS * KILLS, told
