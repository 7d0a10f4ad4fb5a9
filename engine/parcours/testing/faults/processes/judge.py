"""The judge: the ledgers of a storm, for the checker of the simulation, and what only real disks can break.

Read once the engine has ended: a shard's files have one reader at a time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from parcours.clock import SystemClock
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SlotMap
from parcours.core.profile import Profile
from parcours.core.totals import Totals
from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.runtime.open_shard import open_shard
from parcours.shard.dead_letters import DeadLetter
from parcours.store.address import open_store
from parcours.store.store import Store
from parcours.testing.faults.checker import check
from parcours.testing.faults.client import Line
from parcours.testing.faults.disk import Commit
from parcours.testing.faults.ledgers import Ledgers, ShardEnd
from parcours.testing.faults.processes.folders import Folders
from parcours.testing.faults.processes.ledger import read_words
from parcours.testing.faults.processes.project import PEOPLE, SETTINGS, SHARDS
from parcours.testing.faults.provider import Attempt
from parcours.testing.faults.twin import Twin

SLOT_MAP: Final = SlotMap(SHARDS)

EXCUSED: Final = ("applied once", "acknowledged", "twin", "order")
"""Rules from which a person is excused of whom something is a dead letter: the twin does apply it."""


def people_of(shard: int) -> list[str]:
    return [person for person in PEOPLE if SLOT_MAP.shard(person) == shard]


@dataclass(frozen=True, slots=True)
class LiveEnd:
    """A shard at the end, as it was alive."""

    states: dict[str, Profile | None]
    totals: Totals
    dead_letters: list[DeadLetter]


class _ProjectTwin(Twin):
    """The twin under another project than the simulation's."""

    def __init__(self, project: Project, owners: dict[bytes, str]) -> None:
        super().__init__(SETTINGS, owners)
        self._program = project.program


@dataclass(frozen=True)
class _StormLedgers(Ledgers):
    project: Project | None = None

    @cached_property
    def twins(self) -> list[Twin]:
        owners = {line.data: line.person for line in self.lines}
        assert self.project is not None
        twins: list[Twin] = []
        for shard in self.shards:
            twins.append(_ProjectTwin(self.project, owners))
            twins[-1].follow(shard.commits, shard.end_ms)
        return twins


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a storm came to.

    owners  processes that have had a shard, one after the other
    """

    violations: tuple[str, ...] = ()
    checked: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    commits: int = 0
    owners: int = 0
    mails: int = 0
    ambiguous: int = 0
    dead_letters: int = 0


@dataclass(frozen=True, slots=True)
class StormEnd:
    """What is known at the end of a storm beside its store: the ledgers of client and mail server, the living shards.

    starts  how many drivers there have been
    """

    lines: Sequence[Line]
    attempts: Sequence[Attempt]
    shards: Sequence[LiveEnd]
    starts: int


def judge(folders: Folders, end: StormEnd) -> Verdict:
    """Judge what a storm has left behind."""
    project = Project.load(folders.project)
    found = list[str]()
    shards = [_end(project, folders, number, each, found) for number, each in enumerate(end.shards)]
    ledgers = _StormLedgers(end.lines, end.attempts, shards, SETTINGS, end.starts, found, project=project)
    checked: Counter[str] = Counter()
    letters = [letter for each in end.shards for letter in each.dead_letters]
    violations = [*check(ledgers, checked), *_unclaimed(ledgers)]
    facts = [fact for outcomes in ledgers.outcomes.values() for fact in outcomes]
    return Verdict(
        tuple(each for each in violations if not _is_excused(each, {letter.person for letter in letters})),
        checked,
        commits=sum(len(shard.commits) for shard in shards),
        owners=sum(len({commit.epoch for commit in shard.commits}) for shard in shards),
        dead_letters=len(letters),
        lines=len(end.lines),
        mails=len(end.attempts),
        ambiguous=sum(1 for fact in facts if fact.outcome == "unknown"),
    )


def _is_excused(violation: str, people: set[str]) -> bool:
    return violation.startswith(EXCUSED) and any(re.search(rf"\b{person}\b", violation) for person in people)


def _end(project: Project, folders: Folders, number: int, end: LiveEnd, found: list[str]) -> ShardEnd:
    address = f"sqlite:///{folders.store}"
    with closing(open_store(address, number)) as journal:
        commits = commits_of(journal, folders.ledger, number, found)
    plan = Plan(project, SHARDS, address, settings=SETTINGS)
    clock = SystemClock(SETTINGS.clock_jump_max_ms)
    again = open_shard(plan, number, clock, lambda channel: None)
    shard = again._shard  # what comes back is looked at on no loop
    restored = {person: profile for person in people_of(number) if (profile := shard.profile(person)) is not None}
    totals = shard.totals.totals()
    again._store.close()
    states = {person: profile for person, profile in end.states.items() if profile is not None}
    return ShardEnd(commits, states, restored, end.totals, totals, clock.now_ms())


def commits_of(store: Store, ledger: Path, number: int, found: list[str]) -> list[Commit]:
    """The records of a shard's journal, each with the word of the owner who wrote it; `found` gets violations."""
    words, seen = read_words(ledger, number)
    found += seen
    commits: list[Commit] = []
    for record in store.records():
        where = f"shard {number}, record {record.sequence}"
        before = commits[-1] if commits else None
        if record.sequence != (1 if before is None else before.sequence + 1):
            found.append(f"journal: {where} does not follow the one before")
        if before is not None and record.epoch < before.epoch:
            found.append(f"stale epoch: {where} came under {record.epoch}, after one under {before.epoch}")
        if before is not None and record.stamp_ms < before.stamp_ms:
            found.append(f"journal: {where} has an earlier stamp than the record before")
        word = words.get((record.epoch, record.sequence))
        if word is None:
            found.append(f"stale epoch: nobody has said that {where} would be written under {record.epoch}")
            continue
        facts = decode_facts(record.facts, where)
        commits.append(Commit(record.sequence, record.epoch, record.stamp_ms, word.given, word.opens, facts))
    return commits


def _unclaimed(ledgers: Ledgers) -> list[str]:
    """Mails that left without a durable claim."""
    arrived = Counter(attempt.key for attempt in ledgers.attempts)
    claimed = Counter(fact.key for facts in ledgers.outcomes.values() for fact in facts if fact.outcome == "claimed")
    return [
        f"claim: {key} arrived {times} times, and was claimed {claimed[key]} times"
        for key, times in arrived.items()
        if times > claimed[key]
    ]
