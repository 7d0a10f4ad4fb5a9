"""A shard that tells its store what each commit is made of. Everything that it does is the real shard's doing.

It is told by two seams that the shard has anyway: its timekeeping, which is asked about every claim and receipt, and
the beginning of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Final

from parcours.config import Settings
from parcours.core.input import Input, ReceiptArrived, Settlement
from parcours.journey.program import Program
from parcours.journey.publish.publications import PublicationCompiler, Publications
from parcours.shard.dead_letters import DeadLetter, batch_of
from parcours.shard.messages import Answer, Batch, Claims, LineOutcome
from parcours.shard.outbox import Claim, Ready
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.shard import Shard
from parcours.shard.timekeeping import LiveTime
from parcours.shard.work import Work
from parcours.testing.faults.disk import Answered, Claimed, ProcessStore, SetAside
from parcours.testing.faults.inboxes import lay
from parcours.testing.faults.layout import SLOT_MAP
from parcours.testing.faults.project import shop

COUNTS: Final = frozenset({LineOutcome.ACCEPTED, LineOutcome.UNDECLARED})
"""What becomes of a line that counts."""


class ObservedTime(LiveTime):
    """Live time that notes which deliveries are claimed and answered for."""

    def __init__(self, store: ProcessStore) -> None:
        super().__init__()
        self._store = store

    def stamp_ms(self, last_ms: int, now_ms: int) -> int:
        self._store.given.clear()  # a work begins
        return super().stamp_ms(last_ms, now_ms)

    def claimed_at(self, ready: Ready, stamp_ms: int) -> int:
        self._store.given.append(Claimed(ready.person, ready.key))
        return super().claimed_at(ready, stamp_ms)

    def answered(self, claim: Claim, receipt: Settlement, stamp_ms: int) -> list[ReceiptArrived]:
        self._store.settles(claim, receipt)
        self._store.given.append(Answered(claim.person, receipt))
        return super().answered(claim, receipt, stamp_ms)


class RunCompiler(PublicationCompiler):
    """Compiles each publication of a run once: shards are opened all the time here, and this would take most of it."""

    def __init__(self) -> None:
        super().__init__(shop())
        self._programs: dict[tuple[int, int], Program] = {}

    def _compile(self, all_published: Publications, number: int) -> Program:
        key = number, all_published.ledger.publication
        if key not in self._programs:
            self._programs[key] = super()._compile(all_published, number)
        return self._programs[key]


class ObservedShard(Shard):
    """The shard of this number over a store of a process."""

    def __init__(
        self,
        number: int,
        store: ProcessStore,
        settings: Settings,
        compiler: RunCompiler,
        check: Callable[[Input], None],
        *,
        exports: bool,
    ) -> None:
        """`check` raises what the engine is to raise at an input."""
        project = shop()
        time = ObservedTime(store)
        super().__init__(
            number,
            SLOT_MAP,
            project.program,
            store,
            settings,
            time=time,
            project=project,
            exports=exports,
            inbox=lay,
        )
        self._observed = store
        store.applied = self._applied
        self._published._compiler = compiler
        self._moving.offer = self._failing(check)  # type: ignore[method-assign, assignment]  # an engine with a mistake
        self._dead_letters.set_aside = self._noting()  # type: ignore[method-assign, assignment]  # nobody is told of it otherwise

    def _failing(self, check: Callable[[Input], None]) -> Callable[[Work, int, str, Input], None]:
        offer = self._moving.offer

        def fail(work: Work, slot: int, person: str, given: Input) -> None:
            offer(work, slot, person, given)
            check(given)

        return fail

    def _noting(self) -> Callable[[Work, int, str, bytes | None, bytes, str | None], str]:
        set_aside = self._dead_letters.set_aside

        def note(work: Work, at: int, person: str, line: bytes | None, mark: bytes, owner: str | None = None) -> str:
            assert line is not None, "no timer is faulty"
            self._observed.given.append(SetAside(line))
            return set_aside(work, at, person, line, mark, owner)

        return note

    def _applied(self, batch: Batch) -> tuple[bytes, ...]:
        """The lines of the batch that is being committed which count."""
        answer = self._intake.answer(batch.number)
        deferred = {each.place for each in answer.deferred}
        outcomes = enumerate(answer.outcomes)
        places = [place for place, outcome in outcomes if outcome in COUNTS and place not in deferred]
        return tuple(batch.lines[place] for place in places)

    def open(self, now_ms: int, *, expected_epoch: int | None = None) -> None:
        super().open(now_ms, expected_epoch=expected_epoch)
        self._observed.opens = False

    def exchange(self, asked: ExchangeDeliveries, now_ms: int) -> Claims:
        self._observed.asked = asked
        try:
            return super().exchange(asked, now_ms)
        finally:
            self._observed.asked = None

    def hold(self, *, held: bool) -> None:
        self._observed.changes = True
        try:
            super().hold(held=held)
        finally:
            self._observed.changes = False

    def publish(self, publications: Publications) -> None:
        self._observed.changes = True
        if self._published.is_news(publications):
            self._observed.publications = publications
            known = self._published
            if publications.ledger.number > known.ledger.number and not (known.held or known.fresh):
                self._observed.took_in_motion(publications.ledger.number)
        try:
            super().publish(publications)
        finally:
            self._observed.changes, self._observed.publications = False, None

    def apply_letters(self, letters: Sequence[DeadLetter], now_ms: int, *, are_ours: bool) -> Answer:
        self._observed.batch = batch_of(letters)
        try:
            return super().apply_letters(letters, now_ms, are_ours=are_ours)
        finally:
            self._observed.batch = None

    def taking(self, batch: Batch, now_ms: int) -> Generator[None, None, Answer]:
        self._observed.batch = batch
        try:
            return (yield from super().taking(batch, now_ms))
        finally:
            self._observed.batch = None
