"""Lives of an engine that reads the log and tells destinations, each killed at some place or time. See storm.py.

What all lives have in common is imported once (tests/engine/lives.py), and the project is loaded once.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.engine.lives import Place, die_at, fork_lives, say
from tests.sources.streams.messages import EVENT_BYTES_MAX, PEOPLE
from tests.sources.streams.project import FILE

from parcours import Engine, Project, Settings
from parcours.core.fact import Changed
from parcours.core.time_text import time_text
from parcours.destinations.file import FileDestination
from parcours.destinations.webhook import WebhookDestination
from parcours.dispatch.registry import Registry
from parcours.insight.exporter import opening, range_files, reading, upkeep  # noqa: F401  # each life needs them
from parcours.service import snapshots
from parcours.shard.batches import Batches
from parcours.sources import partition_reader, pump, session
from parcours.store.sqlite import SqliteStore

SHARDS: Final = 2
PATIENCE_S: Final = 90.0
READS_WITHIN_S: Final = 15.0
HANGS_S: Final = 600.0
"""A life that is not over by then ends with a word of where it is."""

PLACES: Final[dict[str, Place]] = {
    "before a record": (SqliteStore, "append", False),
    "after a record": (SqliteStore, "append", True),
    "before a partition has its reader": (Batches, "begin_reading", False),
    "after a partition has its reader": (Batches, "begin_reading", True),
    "before the position is told": (Batches, "tell_position", False),
    "after the position is told": (Batches, "tell_position", True),
    "in a snapshot for the file": (FileDestination, "_add", True),
    "before a snapshot is the file": (FileDestination, "_replace", False),
    "after a snapshot is the file": (FileDestination, "_replace", True),
    "in a snapshot for the webhook": (WebhookDestination, "add", True),
}
"""Where a life may end itself."""

OFTEN: Final = frozenset({"before a record", "after a record"})
"""Places to which a life comes many times a second; such a life ends once it reads, while lines are under way."""

SETTINGS: Final = Settings(
    journal_bytes_max=1 << 30,  # the journals stay whole, and are what the checker reads
    batch_events_max=20,
    event_bytes_max=EVENT_BYTES_MAX,
    message_ids_for_ms=1,
    hello_wait_s=1,
    ambiguous_resend_after_ms=20,
    retry_delays_ms=(20,),
    channel_pause_ms=20,
    attempts_max=100,
)


@dataclass(frozen=True)
class Life:
    """One life of the engine in a store.

    lasts_s      after which time it is killed; None: it ends in good order once all is at rest
    reads_first  whether that time begins only once it has read something, if the group lets it
    place, call  where it ends itself, and at which call of that (from 1)
    frozen_s     so long it is stopped in the middle of its time, and does not know
    written      how many messages there are in the log; None: it is still written to
    erased       whom it erases
    """

    store: str
    lasts_s: float | None = None
    reads_first: bool = False
    place: str | None = None
    call: int = 0
    frozen_s: float = 0.0
    written: int | None = None
    erased: tuple[str, ...] = ()

    def asked(self) -> str:
        return json.dumps(asdict(self))


def live(life: Life, project: Project) -> None:
    """Read and tell until all is at rest, or until it is killed."""
    pump.PARTITIONS_EVERY_S = session.TELL_EVERY_S = 0.05  # type: ignore[misc]  # no life has many seconds
    partition_reader.PAUSES_S = (0.05,)  # type: ignore[assignment,misc]
    snapshots.LOOK_EVERY_S = 0.1  # type: ignore[misc]
    faulthandler.dump_traceback_later(HANGS_S, exit=True)
    if life.place is not None and life.place not in OFTEN:
        die_at(PLACES[life.place], life.call)
    with Engine.open(
        project, f"sqlite:///{life.store}", shards=SHARDS, runtime="local", settings=SETTINGS,
        private_hosts=["127.0.0.0/8"],
    ) as engine:  # fmt: skip
        if life.lasts_s is not None and not life.reads_first:
            _be_killed(life.lasts_s, life.frozen_s)
        engine.read_sources(project)
        if life.lasts_s is not None and life.reads_first:
            deadline = time.monotonic() + READS_WITHIN_S
            while not engine.sources()[0].outcomes and time.monotonic() < deadline:
                time.sleep(0.02)
            if life.place in OFTEN:
                die_at(PLACES[life.place], life.call)
            _be_killed(life.lasts_s, life.frozen_s)
        for name in life.erased:
            engine.erase(name)
        if life.written is None:
            threading.Event().wait(PATIENCE_S)
            raise AssertionError("nothing has ended this life")
        _come_to_rest(engine, project.folder / FILE, life.written)
        say(**found_in(engine))


def _be_killed(after_s: float, frozen_s: float) -> None:
    """Be killed after this time, and before that maybe be stopped for a while."""
    signal.setitimer(signal.ITIMER_REAL, after_s + frozen_s)  # which ends a process that does not expect it
    if frozen_s:
        threading.Timer(after_s / 2, _freeze, [frozen_s]).start()


def _freeze(lasts_s: float) -> None:
    """Stop this process, and have it go on after this time."""
    subprocess.Popen(["sh", "-c", f"sleep {lasts_s}; kill -CONT {os.getpid()}"])
    os.kill(os.getpid(), signal.SIGSTOP)


def _come_to_rest(engine: Engine, file: Path, written: int) -> None:
    """All is read, what follows from it is told, and after that there have been snapshots for each destination."""

    _until(lambda: is_read(engine, written), lambda: f"all is read: {engine.sources()}, {engine.troubles()}")
    engine.drain(PATIENCE_S)
    for _ in range(2):
        since = time_text(time.time_ns() // 1_000_000)
        _until(lambda: _snapshot_in(file) > since, lambda: f"a snapshot after {since}: {engine.troubles()}")  # noqa: B023
    _until(lambda: not _troubles(engine), lambda: f"no trouble: {_troubles(engine)}")


def is_read(engine: Engine, written: int) -> bool:
    """Whether all partitions are read here, to their ends, and nothing of them is under way."""
    partitions = engine.sources()[0].partitions
    return all(each.lag == 0 for each in partitions) and sum(each.position or 0 for each in partitions) == written


def _troubles(engine: Engine) -> list[str]:
    """Those that go by themselves."""
    return [trouble for trouble in engine.troubles() if trouble.startswith(("source ", "the destination "))]


def _until(holds: Callable[[], bool], what: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"within {PATIENCE_S:g} s this has not come about: {what()}"
        time.sleep(0.05)


def _snapshot_in(file: Path) -> str:
    first = file.read_bytes().partition(b"\n")[0]
    return str(json.loads(first).get("snapshot", "")) if first else ""


def found_in(engine: Engine) -> dict[str, Any]:
    """What the engine knows: how often each has seen something, who moved into the audience and out when, letters."""
    counts, moves = {}, {}
    for number in range(PEOPLE):
        for name in (f"u{number}", f"@anonymous/v{number}"):
            profile = engine.profile(name)
            if profile is not None and profile.name == name and profile.counts:
                counts[name] = profile.counts["visits"]
        moves[f"u{number}"] = [
            (time_text(fact.at), fact.value)
            for fact in engine.facts(f"u{number}")
            if isinstance(fact, Changed) and (fact.what, fact.name) == ("audience", "vip")
        ]
    letters = [letter.reason for letter in engine.dead_letters()]
    return {"counts": counts, "moves": moves, "letters": letters, "outcomes": dict(engine.sources()[0].outcomes)}


def main(folder: str) -> None:
    Registry.installed()
    project = Project.load(Path(folder))
    fork_lives(lambda asked: live(Life(**json.loads(asked)), project))


if __name__ == "__main__":
    main(sys.argv[1])
