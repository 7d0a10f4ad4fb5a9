"""A storm: engines that read a topic and tell destinations live and die, a stranger takes partitions away meanwhile.

`python -m tests.sources.streams.storm --seed 7 --kills 20` carries out the storms of a seed and prints what they came
to; the exit code is 1 if a promise was broken. What happens follows from the seed; when it happens, from the machine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from tests.engine.lives import ROOT, Lives
from tests.engine.test_destinations import Desk
from tests.sources.streams.checker import Ended, Member, applied_in, check, erased, whole_lines
from tests.sources.streams.life import OFTEN, PLACES, SHARDS, Life
from tests.sources.streams.messages import Written, meant
from tests.sources.streams.project import BUYERS, FILE, write_project

from parcours.testing.doubles.kafka import Kafka

PARTITIONS: Final = 4
PER_SECOND: Final = 200
LIVES_MAX: Final = 20
"""Of one storm: its journals stay whole."""

LONGEST_LIFE_S: Final = 1.5
FROZEN_S: Final = 3.0
"""Longer than the group waits for a member."""

SESSION_S: Final = 2
"""The mock cluster throws out whoever waits so long for others to come back. With less a busy machine gets nowhere."""

POLL_WITHIN_MS: Final = 5_000
"""Who was thrown out so is not told, and asks again three seconds after that: by default, in five minutes."""

HEARTBEAT_MS: Final = 200
ERASED: Final = ("u1", "u2", "u3")
PATIENCE_S: Final = 60.0


@dataclass(slots=True)
class Season:
    """What storms came to: how lives ended, what strangers did, how many messages there were, what was broken."""

    at: Counter[str] = field(default_factory=Counter)
    strangers: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.at.total() - self.at["the end"]

    def __str__(self) -> str:
        said = ", ".join(f"{times} {where}" for where, times in sorted(self.at.items()))
        strangers = ", ".join(f"{times} {how}" for how, times in sorted(self.strangers.items()))
        return f"{self.messages} messages, {self.kills} kills ({said}); strangers: {strangers}; {dict(self.outcomes)}"


def storms(seed: int, kills: int, folder: Path) -> Season:
    """Carry out storms until there have been so many kills."""
    season = Season()
    with Kafka() as kafka, Desk() as desk:
        for number in itertools.count():
            if season.kills >= kills or season.violations:
                return season
            most = min(LIVES_MAX, kills - season.kills)
            _Storm(kafka, desk, seed + number, most, folder / f"storm-{seed + number}", season).carry_out()
    raise AssertionError("unreachable")


class _Storm:
    """One topic, one store and one folder of a project."""

    def __init__(self, kafka: Kafka, desk: Desk, seed: int, lives: int, folder: Path, season: Season) -> None:
        self._kafka = kafka
        self._desk = desk
        self._seed = seed
        self._kills = lives
        self._chance = Random(seed)
        self._season = season
        self._project = folder / "shop"
        self._store = str(folder / "store")
        self._topic = f"events-{seed}"
        self._files: list[Sequence[Member]] = []

    def carry_out(self) -> None:
        self._desk.requests.clear()
        self._kafka.create(self._topic, PARTITIONS)
        write_project(self._project, source_of(self._kafka, self._topic), self._desk.url)
        with closing(Lives("tests.sources.streams.life", str(self._project))) as lives:
            with (
                self._beside("writer", self._kafka.servers, self._topic, str(self._seed), str(PER_SECOND)),
                self._beside("stranger", json.dumps(self._member()), self._topic, str(self._seed)),
            ):
                for _ in range(self._kills):
                    self._live(lives, self._next())
            log = log_of(self._kafka, self._topic)
            self._season.messages += len(log)
            ended = self._ended(lives, log)
            self._season.violations += check(ended)
            self._season.violations += self._erase(lives, ended, log)

    def _member(self) -> dict[str, object]:
        """Settings of a stranger, who is in the group as an engine is."""
        return {
            "bootstrap.servers": self._kafka.servers,
            "group.id": self._topic,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": SESSION_S * 1_000,
            "heartbeat.interval.ms": HEARTBEAT_MS,
            "enable.auto.commit": False,
            "log_level": 0,
        }

    def _next(self) -> Life:
        """How the next life ends: at a place, or at any time, maybe after a while of which it knows nothing."""
        chance = self._chance
        if chance.random() < 0.5:
            place = chance.choice([*PLACES])
            call = chance.randint(1, 60 if place in OFTEN else 4)
            return Life(self._store, LONGEST_LIFE_S, reads_first=True, place=place, call=call)
        reads_first, lasts_s = chance.random() < 0.7, chance.uniform(0.02, LONGEST_LIFE_S)
        return Life(self._store, lasts_s, reads_first, frozen_s=FROZEN_S if chance.random() < 0.3 else 0.0)

    def _live(self, lives: Lives, life: Life) -> list[dict[str, Any]]:
        ended, said = lives.live(life.asked())
        assert ended in (0, -signal.SIGKILL, -signal.SIGALRM), f"{ended}: {said[-3:]}"
        if ended == -signal.SIGKILL and life.place is not None:
            where = life.place
        else:
            where = "the end" if not ended else "frozen" if life.frozen_s else "any time"
        self._season.at[where] += 1
        self._files.append(whole_lines(self._project / FILE))
        return said

    def _ended(self, lives: Lives, log: Sequence[Written], people: tuple[str, ...] = ()) -> Ended:
        """What there is once a last life has come to rest, and has erased these people first."""
        found = self._live(lives, Life(self._store, written=len(log), erased=people))[-1]
        self._season.outcomes += Counter(found["outcomes"])
        told = [change for request in self._desk.requests for change in request]
        applied = [] if people else applied_in(f"sqlite:///{self._store}", SHARDS)  # an erasure is in the journals, too
        return Ended(
            meant(log), applied, found["counts"], found["letters"],
            found["moves"], told, whole_lines(self._project / FILE), whole_lines(self._project / BUYERS), self._files,
        )  # fmt: skip

    def _erase(self, lives: Lives, before: Ended, log: Sequence[Written]) -> list[str]:
        """Erase some people, though whoever does it is killed first."""
        self._live(lives, Life(self._store, self._chance.uniform(0.1, 1.0), erased=ERASED))
        return erased(before, self._ended(lives, log, ERASED), ERASED)

    @contextmanager
    def _beside(self, module: str, *arguments: str) -> Iterator[None]:
        """A process that runs meanwhile, and says at its end what it has done."""
        command = [sys.executable, "-m", f"tests.sources.streams.{module}", *arguments]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
            try:
                yield
            except BaseException:
                process.kill()
                raise
            said = json.loads(process.communicate(timeout=PATIENCE_S)[0])
        if module == "stranger":
            self._season.strangers += Counter(said)
        else:
            assert said["left"] == 0, "all is written"


def source_of(kafka: Kafka, topic: str) -> dict[str, object]:
    """What sources.yaml has of a topic, whose group has its name."""
    options = {
        "session.timeout.ms": SESSION_S * 1_000,
        "heartbeat.interval.ms": HEARTBEAT_MS,
        "max.poll.interval.ms": POLL_WITHIN_MS,
    }
    return {"kafka": {"servers": kafka.servers, "topic": topic, "group": topic, "options": options}}


def log_of(kafka: Kafka, topic: str) -> list[Written]:
    """All that has been written, partition by partition."""
    settings = {"bootstrap.servers": kafka.servers, "group.id": "checker", "enable.auto.commit": False}
    with closing(Consumer({**settings, "log_level": 0})) as consumer:
        found: list[Written] = []
        for partition in range(PARTITIONS):
            _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
            consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
            while not found or (found[-1].partition, found[-1].offset) != (str(partition), end - 1):
                for each in consumer.consume(1_000, 1.0):
                    assert each.error() is None, each.error()
                    offset = each.offset()
                    assert offset is not None, "it comes from the log"
                    found.append(Written(str(partition), offset, each.value()))
        return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="the folder in which all is left")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parcours-storms-") as fresh:
        season = storms(arguments.seed, arguments.kills, arguments.keep or Path(fresh))
    sys.stdout.write("".join(f"{line}\n" for line in (season, *season.violations)))
    return 1 if season.violations else 0


if __name__ == "__main__":
    sys.exit(main())
