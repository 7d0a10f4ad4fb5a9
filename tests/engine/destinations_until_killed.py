"""Lives of an engine that tells destinations while it takes lines, each killed at some place or time. See
test_killed_destinations.py.
"""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from tests.engine.lives import Place, die_at, fork_lives, say

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


@dataclass(frozen=True)
class Life:
    """One life of the engine in a store.

    first        the number of the first line to be handed in
    lines        how many there are; the life ends in good order once all is told. None: until it is killed
    lasts_s      after which time from its opening it is killed, None where it is not
    place, call  where it ends itself, and at which call of that (from 1)
    """

    store: str
    first: int
    lines: int | None
    lasts_s: float | None
    place: str | None
    call: int

    def written(self) -> str:
        return json.dumps(asdict(self))


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
    """Take lines, and say of each batch that it is taken."""
    settings = Settings(ambiguous_resend_after_ms=20, retry_delays_ms=(20,), channel_pause_ms=20, attempts_max=100)
    if life.place is not None:
        die_at(PLACES[life.place], life.call)
    with Engine.open(
        project, f"sqlite:///{life.store}", shards=SHARDS, runtime="local", settings=settings,
        private_hosts=["127.0.0.0/8"],
    ) as engine:  # fmt: skip
        if life.lasts_s is not None:
            signal.setitimer(signal.ITIMER_REAL, life.lasts_s)  # which ends a process that does not expect it
        number, until = life.first, None if life.lines is None else life.first + life.lines
        while until is None or number < until:
            engine.ingest([line(each) for each in range(number, number + BATCH)]).result(30)
            number += BATCH
            say(taken=number)
        engine.drain(30)
        say(troubles=engine.troubles())


def main(folder: str) -> None:
    Registry.installed()
    project = Project.load(Path(folder))
    fork_lives(lambda asked: live(Life(**json.loads(asked)), project))


if __name__ == "__main__":
    main(sys.argv[1])
