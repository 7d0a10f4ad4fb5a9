"""Lives of an engine that tells destinations while it takes lines, each killed at some place or time. See
test_killed_destinations.py.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random

from tests.engine.lives import Life, Place, die_at, fork_lives, say

from parcours import Engine, Project, Settings
from parcours.destinations.file import FileDestination
from parcours.destinations.webhook import WebhookDestination
from parcours.dispatch.registry import Registry
from parcours.shard.commits import Commits
from parcours.shard.shard import Shard

SHARDS = 2
PEOPLE = 12
BATCH = 4

PLACES: dict[str, Place] = {
    "before a commit": (Commits, "commit", False),
    "after a commit": (Commits, "commit", True),
    "before a claim or a receipt": (Shard, "exchange", False),
    "after a claim or a receipt": (Shard, "exchange", True),
    "before a line": (FileDestination, "_write", False),
    "after a line": (FileDestination, "_write", True),
    "before a request": (WebhookDestination, "_post", False),
    "after a request": (WebhookDestination, "_post", True),
}
"""Where a life may end itself."""


def line(number: int) -> dict[str, object]:
    """The line of a number: people move, change their address and their mind, come as visitors and log in."""
    chance = Random(number)
    who = chance.randrange(PEOPLE)
    said: dict[str, object] = {"userId": f"u{who}", "messageId": f"m{number}"}
    match chance.randrange(6):
        case 0 | 1:
            return {**said, "type": "identify", "traits": {"city": chance.choice(["Paris", "Paris", "Rome"])}}
        case 2:
            return {**said, "type": "identify", "traits": {"email": f"u{who}.{chance.randrange(3)}@mail.example"}}
        case 3:
            granted = chance.random() < 0.8
            return {**said, "type": "consent", "channel": "email", "purpose": "ads", "granted": granted}
        case 4:
            visitor = {"anonymousId": f"v{who}", "messageId": f"m{number}"}
            return {**visitor, "type": "track", "event": "Bought", "properties": {}}
        case _:
            return {**said, "type": "identify", "anonymousId": f"v{who}", "traits": {}}


def live(life: Life, project: Project) -> None:
    """Take lines until it is killed, or as many as it has, and end in good order then."""
    settings = Settings(ambiguous_resend_after_ms=20, retry_delays_ms=(20,), channel_pause_ms=20, attempts_max=100)
    if life.place is not None:
        die_at(PLACES[life.place], life.call)
    with Engine.open(
        project, f"sqlite:///{life.store}", shards=SHARDS, runtime="local", settings=settings,
        private_hosts=["127.0.0.0/8"],
    ) as engine:  # fmt: skip
        life.hand_in(engine, line, BATCH)
        say(troubles=engine.troubles())


def main(folder: str) -> None:
    Registry.installed()
    project = Project.load(Path(folder))
    fork_lives(lambda asked: live(Life(**json.loads(asked)), project))


if __name__ == "__main__":
    main(sys.argv[1])
