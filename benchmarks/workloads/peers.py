"""What do the carts cost beside other engines? The same lines in turn by Parcours and by each peer, in the same run.

Parcours takes them at its two rates: `kept`, with every line on disk and its duplicates recognised, and `answered`,
with `insight: {events: none}`, so that routers answer what nothing listens to. A peer is a process of its own, anew in
each round, with the interpreter `--theirs`/NAME/bin/python that has what benchmarks/peers/NAME.txt names; its module
there tells its ways. All get the same lines, decode them, and let a cart wait for `--patience` seconds by the clock of
the machine. As long as no reminder goes out before the last line is taken, who gets one does not depend on how fast
anybody is: each has to send exactly what the lines say, and to the same people as Parcours, or no figure is told.

`rate` is of the lines, until the last is taken; `cpu` is of the lines and of the reminders, without the wait between.
Behind each peer come the ratios of Parcours to it, those to `bytewax` with what is wanted of them. DBOS, to which a
cart is a program of its own, gets lines of which each begins one, and so does Parcours once more before it.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import msgspec
from measuring import engines
from measuring.engines import Target
from measuring.shape import EVENTS_PER_SECOND, Answer, Figure, Measured
from measuring.stores import server
from peers.carts import CHECKOUT, Sent, decode, lets_in, reminded
from peers.telling import LOOK_EVERY_S, Asked, Told
from throughput import ARCHIVED, shop
from workload import events

from workloads.ingest import BLOCK_EVENTS, feed, taken, wait_until_sent

CASES = {
    "bytewax": ("bytewax", "all"),
    "bytewax-listened": ("bytewax", "listened"),
    "bytewax-recovery": ("bytewax", "recovery"),
    "flink": ("flink", "process"),
    "flink-thread": ("flink", "thread"),
    "dbos": ("dbos", "workflows"),
}
"""The peer of each, whose module is peers/on_PEER.py, and the way in which it is to do it."""

LIBRARIES = {"bytewax": "bytewax", "dbos": "dbos", "flink": "pyflink"}
"""What a peer imports."""

DBOS = "dbos"
"""The peer that begins journeys and takes no other lines. It has a PostgreSQL of its own in each round."""

REMINDERS = "SELECT person, message FROM deliveries WHERE outcome = 'sent'"

RATIOS = {
    "kept, rate": Figure("times", "more"),
    "kept, cpu": Figure("times", "less"),
    "answered, rate": Figure("times", "more"),
    "answered, cpu": Figure("times", "less"),
}
"""Of Parcours at a rate to a peer."""

AIMED_AT = "bytewax"
"""The case to which there are targets, which stand beside its ratios."""

WANTED = {
    "kept, rate": "kept, rate (wanted: at least 3)",
    "kept, cpu": "kept, cpu (wanted: at most 0.6)",
    "answered, rate": "answered, rate (wanted: at least 3)",
    "answered, cpu": "answered, cpu (wanted: at most 0.45)",
}


@dataclass(frozen=True)
class Feed:
    """Lines, as Parcours gets them and as the peers do, and what has to be sent."""

    blocks: list[bytes]
    file: Path
    count: int
    wanted: list[Sent]

    @classmethod
    def of(cls, made: Iterable[bytes], file: Path) -> Feed:
        lines = list(made)
        file.write_bytes(b"\n".join(lines))
        blocks = [b"\n".join(lines[first : first + BLOCK_EVENTS]) for first in range(0, len(lines), BLOCK_EVENTS)]
        return cls(blocks, file, len(lines), reminded(lines))


@dataclass(frozen=True)
class Outcome:
    """Of one case, once the last reminder is out."""

    measured: Measured
    sent: list[Sent]


class Peers:
    """The workload."""

    name: ClassVar[str] = "peers"
    counted: ClassVar[str] = "event"
    figures: ClassVar[Mapping[str, Figure]] = {
        "rate": EVENTS_PER_SECOND,
        **RATIOS,
        **{WANTED[name]: figure for name, figure in RATIOS.items()},
    }

    def __init__(self, asked: Namespace) -> None:
        self._cases = asked.cases
        self._pythons = {peer: python_of(peer, asked.theirs) for peer, _ in map(CASES.__getitem__, self._cases)}
        self._patience_s, self._settle_s = asked.patience, asked.settle
        self._lies = TemporaryDirectory(prefix="parcours-benchmark-")
        self._shop = Feed.of(events(asked.events, asked.people), Path(self._lies.name, "shop.ndjson"))
        self._carts = Feed.of(
            checkouts(asked.carts if DBOS in self._pythons else 0), Path(self._lies.name, "carts.ndjson")
        )
        self._target = Target.of(asked)

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        engines.add_options(parser, elsewhere=False)
        parser.add_argument("--events", type=int, default=200_000)
        parser.add_argument("--people", type=int, default=20_000)
        parser.add_argument("--patience", type=float, default=20, help="seconds, longer than anybody takes the lines")
        parser.add_argument("--settle", type=float, default=3, help="seconds before the lines, in which an exporter "
                            "that has just been started loads its libraries")  # fmt: skip
        parser.add_argument("--carts", type=int, default=2_000, help="that DBOS begins, and Parcours beside it")
        parser.add_argument("--cases", nargs="*", choices=[*CASES], default=[*CASES], help="beside Parcours")
        parser.add_argument("--theirs", metavar="DIR", help="has an environment for each peer, called like "
                            "it; without it they run in this one")  # fmt: skip

    def run(self, number: int) -> Iterator[Measured]:
        ours = {rate: self._ours(f"Parcours, {rate}", rate, self._shop) for rate in ARCHIVED}
        yield from (outcome.measured for outcome in ours.values())
        for case in self._cases:
            lines, beside = self._shop, ours
            if CASES[case][0] == DBOS:
                lines, beside = self._carts, {"kept": self._ours("Parcours, carts", "kept", self._carts)}
                yield beside["kept"].measured
            theirs = self._theirs(case, lines)
            yield theirs.measured
            yield compared(beside, theirs)

    def _ours(self, case: str, rate: str, lines: Feed) -> Outcome:
        with self._target.engine(shop(f"{self._patience_s:g}s", rate)) as opened:
            time.sleep(self._settle_s)
            meter, begun_s = opened.meter(), time.monotonic()
            outcomes = feed(opened.engine, lines.blocks)
            seconds, cpu_s = time.monotonic() - begun_s, Counter(meter.seconds())
            if seconds >= self._patience_s:
                raise SystemExit(f"{case}: the lines took longer than the carts wait: --patience has to be longer")
            time.sleep(begun_s + self._patience_s - time.monotonic())
            meter = opened.meter()
            time.sleep(seconds)
            wait_until_sent(opened.engine, LOOK_EVERY_S)
            cpu_s.update(meter.seconds())
            answer = opened.engine.insight().sql(REMINDERS)
        assert not answer.is_cut, "sql_rows_max lets through more than anybody is sent"
        sent = [(person, message) for person, message in answer.rows]
        outcome = outcome_of(case, Told(lines.count, seconds, dict(cpu_s), sent), lines)
        outcome.measured.answers.extend(taken(outcomes, lines.count))
        return outcome

    def _theirs(self, case: str, lines: Feed) -> Outcome:
        peer, way = CASES[case]
        place = "here" if peer == DBOS else None
        with TemporaryDirectory(prefix="parcours-benchmark-") as folder, server(place) as url:
            asked = msgspec.json.encode(Asked(str(lines.file), self._patience_s, way, folder, url or "")).decode()
            command = [self._pythons[peer], "-m", f"peers.on_{peer}", asked]
            done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, check=False)
        if done.returncode:
            raise SystemExit(f"{case}: {done.stderr.decode().strip()}")
        told = msgspec.json.decode(done.stdout.splitlines()[-1], type=Told)
        return outcome_of(case, told, lines)


def checkouts(count: int) -> Iterator[bytes]:
    """Lines of so many people, each of whom begins a journey."""
    numbers = itertools.count()
    lines = events(2 * count, count, shares={CHECKOUT: 1}, whose=lambda chance: next(numbers))
    return itertools.islice((line for line in lines if lets_in(decode(line))), count)


def outcome_of(case: str, told: Told, lines: Feed) -> Outcome:
    cpu_us = {name: spent_s / told.lines * 1e6 for name, spent_s in told.cpu_s.items()}
    answers = [
        Answer("reminders", len(told.sent), len(lines.wanted)),
        alike(told.sent, lines.wanted, "the lines say"),
    ]
    return Outcome(Measured(case, {"rate": told.lines / told.seconds}, cpu_us, answers), told.sent)


def alike(sent: Sequence[Sent], wanted: Sequence[Sent], who: str) -> Answer:
    """Both as often as they are there."""
    one, other = Counter(sent), Counter(wanted)
    return Answer(f"reminders that are not what {who}", ((one - other) + (other - one)).total(), 0)


def compared(ours: Mapping[str, Outcome], theirs: Outcome) -> Measured:
    """Parcours to the peer."""
    figures = dict[str, float]()
    for rate, outcome in ours.items():
        one, other = outcome.measured, theirs.measured
        figures[f"{rate}, rate"] = one.figures["rate"] / other.figures["rate"]
        figures[f"{rate}, cpu"] = sum(one.cpu_us.values()) / sum(other.cpu_us.values())
    if theirs.measured.case == AIMED_AT:
        figures = {WANTED[name]: ratio for name, ratio in figures.items()}
    answers = [alike(theirs.sent, outcome.sent, f"Parcours sends, {rate}") for rate, outcome in ours.items()]
    return Measured(f"to {theirs.measured.case}", figures, answers=answers)


def python_of(peer: str, theirs: str | None) -> str:
    """The interpreter of a peer. Raises SystemExit where it lacks the peer's library."""
    python = sys.executable if theirs is None else str(Path(theirs, peer, "bin", "python").absolute())
    library, needs = LIBRARIES[peer], f"benchmarks/peers/{peer}.txt"
    try:
        subprocess.run([python, "-c", f"import {library}"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit(
            f"{python} has no {library}: pip install -r {needs} there, or name the --cases that can be measured"
        ) from None
    return python


WORKLOAD = Peers
