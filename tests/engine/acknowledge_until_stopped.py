"""Hands in events for ever and prints person and message id of each one acknowledged. Started by test_local.py."""

from __future__ import annotations

import itertools
import sys

from parcours.journey.project import Project
from parcours.service.engine import Engine

PEOPLE = 7


def main(folder: str, store: str) -> None:
    with Engine.open(Project.load(folder), store, shards=2, runtime="local", records=["email"]) as engine:
        for number in itertools.count():
            person, message_id = f"u{number % PEOPLE}", f"m{number}"
            acknowledged = engine.track(person, "Seen", message_id=message_id).result()
            assert acknowledged.accepted == 1
            sys.stdout.write(f"{person} {message_id} .\n")
            sys.stdout.flush()


main(sys.argv[1], sys.argv[2])
