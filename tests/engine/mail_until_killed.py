"""Sends mail over a server that may hang, and tells when it does. Started, and killed, by test_killed_mails.py."""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING

from parcours import Engine, Project, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

SILENCE_MS = 300
POLL_S = 0.02
PEOPLE = 12


def say(word: str, **more: object) -> None:
    sys.stdout.write(f"{json.dumps({'word': word, **more})}\n")
    sys.stdout.flush()


def lines() -> list[Mapping[str, object]]:
    return [
        {"type": "track", "event": event, "userId": f"u{number}", "messageId": f"{event}{number}"}
        for number in range(PEOPLE)
        for event in ("Paid", "Promoted")
    ]


def main(folder: str, store: str, life: str) -> None:
    settings = Settings(ambiguous_resend_after_ms=1, channel_silence_ms=SILENCE_MS)
    project, never = Project.load(folder), threading.Event()
    with Engine.open(project, store, shards=2, runtime="local", settings=settings) as engine:
        say("open", troubles=engine.troubles())
        if life == "last":
            engine.drain(timeout_s=60)  # what is sent again is due a millisecond after the opening
            say("drained")
            return
        if life == "first":
            engine.ingest(lines()).result()
        while not any("has not answered" in trouble for trouble in engine.troubles()):
            never.wait(POLL_S)
        say("silent")
        never.wait()


main(*sys.argv[1:])
