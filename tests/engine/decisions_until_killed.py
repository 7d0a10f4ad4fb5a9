"""Lives of an engine that is asked which offers people get, each killed at some place or time.

Started by test_killed_decisions.py. What all lives have in common is imported once (lives.py), and the project is
loaded once. What one life is answered lies on disk before it makes anything of it, so the next ones hold it to that.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

from tests.engine.lives import Place, die_at, fork_lives, say

from parcours import Engine, Project, Settings
from parcours.config import DAY_MS
from parcours.dispatch.registry import Registry
from parcours.insight.exporter import opening, upkeep  # noqa: F401  # each life needs them
from parcours.service.acknowledgement import Acknowledgement
from parcours.service.decided import Asking, Decisions
from parcours.shard.offer_asking import OfferAsking
from parcours.shard.offer_totals import OfferTotals
from parcours.shard.peer_host import PeerHost
from parcours.shard.peer_messages import PeerAnswer, PeerBatch
from parcours.store.sqlite import SqliteStore

SHARDS = 2
PEOPLE = [f"u{number}" for number in range(36)]
"""Some of them live where an offer is counted for everybody, and some do not."""

AT_ONCE = 8
WAIT_S = 60.0
AGAIN = 30
"""How many of the newest answers each life asks for again; the last one asks for all."""

LAST_ROUNDS = 8

ROUNDS_MAX = 200
"""After so many rounds in which everybody asks nothing can be left of what there is little of."""

MARKED: Final = ((), (), ("shown",), ("shown",), ("clicked",), ("dismissed",))
"""What may become of an offer; never is one shown that was dismissed, so that a cap of what is shown is one."""

PLACES: dict[str, Place] = {
    "before a commit": (SqliteStore, "append", False),
    "after a commit": (SqliteStore, "append", True),
    "one is counted": (OfferTotals, "take", True),
    "one is given back": (OfferTotals, "give_back", False),
    "somebody stands still": (OfferAsking, "ask", True),
    "a message of another shard is taken": (OfferAsking, "take", True),
    "nobody waits any more": (OfferAsking, "expire", True),
}
"""Where a life may end itself."""


@dataclass(frozen=True)
class Life:
    """One life of the engine in a store.

    number      counts the lives of the store, from 0
    timeout_ms  for answers to decisions
    delay_ms    how long what one shard tells another is under way at most
    is_last     it ends in good order, once nobody can get any more of what there is little of
    place, call where it ends itself, and at which call of that (from 1)
    """

    store: str
    ledger: str
    number: int
    timeout_ms: int
    delay_ms: int
    is_last: bool
    place: str | None
    call: int

    def written(self) -> str:
        return json.dumps(asdict(self))


Given: TypeAlias = list[list[Any]]
"""For each decision that was asked for its name, its placement, and its offers: name, proposition, score."""


class Ledger:
    """What was asked and answered in all lives so far, in a file.

    asked    by request: whose it is, and of each decision its name, its placement and its count
    answers  by request, of those that were answered in time
    late     how often nobody answered in time
    marked   the marks that are acknowledged: proposition and mark
    """

    def __init__(self, path: Path) -> None:
        self.asked: dict[str, tuple[str, list[Asking]]] = {}
        self.answers: dict[str, Given] = {}
        self.late = 0
        self.marked: set[tuple[str, str]] = set()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        for line in path.read_bytes().splitlines():
            self._take(json.loads(line))

    def close(self) -> None:
        os.close(self._file)

    def write(self, **what: Any) -> None:
        """Have something on disk."""
        line = f"{json.dumps(what)}\n".encode()
        assert os.write(self._file, line) == len(line)
        os.fdatasync(self._file)
        self._take(json.loads(line))

    def _take(self, told: dict[str, Any]) -> None:
        for request, person, asked in told.get("asked", ()):
            self.asked[request] = person, [Asking(*each) for each in asked]
        if "answered" in told:
            self.answers[told["answered"]] = told["given"]
        self.late += "late" in told
        self.marked |= {(key, mark) for key, mark in told.get("marked", ())}


def given_of(told: Decisions) -> Given:
    return [
        [each.decision, each.placement, [[offer.name, offer.proposition, offer.score] for offer in each.offers]]
        for each in told.decisions
    ]


class Callers:
    """Those who call an engine in one of its lives."""

    def __init__(self, engine: Engine, ledger: Ledger, life: Life) -> None:
        self._engine, self._ledger, self._life = engine, ledger, life
        self._chance = Random(life.number)
        self._number = 0

    def _next(self) -> str:
        self._number += 1
        return f"life{self._life.number}-{self._number}"

    def begin(self) -> None:
        """Say who everybody is. A mail to every third one is given up when it is filled in."""
        told = [
            {
                "type": "identify",
                "userId": person,
                "messageId": f"identify-{person}",
                "traits": {"email": f"{person}@mail.example", "shy": number % 3 == 0},
            }
            for number, person in enumerate(PEOPLE)
        ]
        self._engine.ingest(told).result(WAIT_S)

    def ask_again(self) -> None:
        """What was asked before is asked again, whether it was answered or not."""
        answered = [*self._ledger.answers]
        again = answered if self._life.is_last else answered[-AGAIN:]
        open_ones = [request for request in self._ledger.asked if request not in self._ledger.answers]
        for some in _parts([*open_ones, *again]):
            self._asked(some)

    def go_round(self) -> None:
        """Something happens to some, others ask, and tell what becomes of what they get."""
        happened: list[Acknowledgement] = []
        for person in self._chance.sample(PEOPLE, AT_ONCE // 2):
            event = self._chance.choice(("Told", "Told", "Told", "Later", "Gone"))
            happened.append(self._engine.track(person, event, {}, message_id=self._next()))
        requests = [(self._next(), person, self._asking()) for person in self._chance.sample(PEOPLE, AT_ONCE)]
        self._marked(self._asked(self._noted(requests)))
        for each in happened:
            each.result(WAIT_S)

    def want_everything(self) -> None:
        """Everybody asks for what there is little of, until nobody gets any."""
        for _ in range(ROUNDS_MAX):
            requests = [(self._next(), person, [Asking("scarce", "agent", 2)]) for person in PEOPLE]
            answers = [given for some in _parts(self._noted(requests)) for _, given in self._asked(some)]
            if not any(offers for given in answers for _, _, offers in given):
                return
        raise AssertionError("there is no end of what there is little of")

    def _asking(self) -> list[Asking]:
        count = self._chance.choice((1, 1, 2, 3))
        first = Asking("best", self._chance.choice(("agent", "banner")), count)
        return [first, Asking("scarce", "agent", 1)] if self._chance.random() < 0.2 else [first]

    def _noted(self, requests: Sequence[tuple[str, str, list[Asking]]]) -> list[str]:
        """The ids of requests that are about to be made."""
        asked = [
            (request, person, [[each.decision, each.placement, each.count] for each in asked])
            for request, person, asked in requests
        ]
        self._ledger.write(asked=asked)
        return [request for request, _, _ in requests]

    def _asked(self, requests: Sequence[str]) -> list[tuple[str, Given]]:
        """Ask for all of these together; of each that is answered in time whose it is, and the answer."""
        asked = [self._ledger.asked[request] for request in requests]
        futures = [
            self._engine.decisions(person, asking, request_id=request)
            for request, (person, asking) in zip(requests, asked, strict=True)
        ]
        answered: list[tuple[str, Given]] = []
        for request, (person, _), future in zip(requests, asked, futures, strict=True):
            told = future.result(WAIT_S)
            if told.is_late:
                self._ledger.write(late=request)
                continue
            given, before = given_of(told), self._ledger.answers.get(request)
            if before is None:
                self._ledger.write(answered=request, given=given)
            else:
                assert given == before, f"{request} of {person}: {given} after {before}"
            answered.append((person, given))
        return answered

    def _marked(self, answers: Iterable[tuple[str, Given]]) -> None:
        """Tell what becomes of these offers, some of it twice."""
        marks = [
            (person, key, mark)
            for person, given in answers
            for _, _, offers in given
            for _, key, _ in offers
            for mark in self._chance.choice(MARKED)
        ]
        marks += self._chance.choices(marks, k=len(marks) // 4) if marks else []
        told = [self._engine.mark_offer(*each, message_id=self._next()) for each in marks]
        for each in told:
            each.result(WAIT_S)
        self._ledger.write(marked=[(key, mark) for _, key, mark in marks])


def _parts(requests: Sequence[str]) -> Iterator[Sequence[str]]:
    yield from (requests[at : at + AT_ONCE] for at in range(0, len(requests), AT_ONCE))


def slow_down(delay_ms: int, chance: Random) -> None:
    """Let what one shard tells another be under way for some time, by chance."""
    take = PeerHost.take

    async def later(host: PeerHost, batch: PeerBatch) -> PeerAnswer:
        await asyncio.sleep(chance.uniform(0, delay_ms / 1_000))
        return await take(host, batch)

    setattr(PeerHost, "take", later)  # noqa: B010  # a plain assignment is none that mypy lets pass


def live(life: Life, project: Project) -> None:
    """Ask and tell until this is killed; in the last life until nothing is left, and say so."""
    settings = Settings(
        decision_timeout_ms=life.timeout_ms,
        propositions_max=1_000,
        answered_requests_max=1_000,  # whatever was answered can be asked for again
        ambiguous_resend_after_ms=1,
        retry_delays_ms=(1,),
        export_every_ms=300 * DAY_MS,  # so that every fact can be read as it was told
        export_lag_max_ms=400 * DAY_MS,
    )
    if life.delay_ms:
        slow_down(life.delay_ms, Random(life.number))
    if life.place is not None:
        die_at(PLACES[life.place], life.call)
    store, ledger = f"sqlite:///{life.store}", Ledger(Path(life.ledger))
    with Engine.open(project, store, shards=SHARDS, runtime="local", settings=settings) as engine:
        callers = Callers(engine, ledger, life)
        callers.begin()
        callers.ask_again()
        for _ in range(LAST_ROUNDS) if life.is_last else count():
            callers.go_round()
        for _ in range(2):  # mails may have been given up after everybody had asked
            engine.drain(WAIT_S)
            callers.want_everything()
        say(troubles=engine.troubles())
    ledger.close()


def main(folder: str) -> None:
    Registry.installed()
    project = Project.load(Path(folder))
    fork_lives(lambda asked: live(Life(**json.loads(asked)), project))


if __name__ == "__main__":
    main(sys.argv[1])
