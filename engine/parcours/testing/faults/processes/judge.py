"""The judge: the ledgers of a storm, for the checker of the simulation, and what only real disks can break.

Read once the engine has ended: a shard's files have one reader at a time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from parcours.clock import SystemClock
from parcours.core.fact import Merged, NotMerged
from parcours.core.fact_block import decode_facts
from parcours.core.input import Input
from parcours.core.profile import Identity, Profile
from parcours.core.totals import Totals
from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.runtime.open_shard import open_shard
from parcours.shard.dead_letters import DeadLetter
from parcours.shard.messages import Batch
from parcours.shard.standing_still import standings
from parcours.store.address import open_store
from parcours.store.store import Store
from parcours.testing.faults.checker import check
from parcours.testing.faults.client import Line
from parcours.testing.faults.disk import Commit
from parcours.testing.faults.ledgers import Ledgers, ShardEnd
from parcours.testing.faults.processes.folders import Folders
from parcours.testing.faults.processes.ledger import read_words
from parcours.testing.faults.processes.project import APART, SETTINGS, SHARDS, SLOT_MAP
from parcours.testing.faults.provider import Attempt
from parcours.testing.faults.twin import Twin
from parcours.testing.faults.visitors import links

EXCUSED: Final = ("applied once", "acknowledged", "twin", "order")
"""Rules from which a person is excused of whom something is a dead letter: the twin does apply it."""


def names_of(shard: int, names: Iterable[str]) -> list[str]:
    """Those of these names that lie in a shard."""
    return sorted(name for name in names if SLOT_MAP.shard(name) == shard)


@dataclass(frozen=True, slots=True)
class LiveEnd:
    """A shard at the end, as it was alive.

    owned  whose each name is, and what lies under it unless it is somebody else's
    """

    owned: dict[str, tuple[str, Profile | None]]
    totals: Totals
    dead_letters: list[DeadLetter]


class _ProjectTwin(Twin):
    """The twin under another project than the simulation's, of those people with whom nobody is merged."""

    def __init__(self, project: Project, owners: dict[bytes, str]) -> None:
        super().__init__(SETTINGS, owners)
        self._program = project.program

    def _take(self, batch: Batch, at: int, aside: set[bytes]) -> None:
        numbered = [each for each in zip(batch.line_numbers, batch.lines, strict=True) if each[1] in self._owners]
        numbers, lines = [number for number, _ in numbered], [line for _, line in numbered]
        super()._take(replace(batch, line_numbers=numbers, lines=lines), at, aside)

    def _apply(self, person: str, given: Input) -> None:
        if person in APART:
            super()._apply(person, given)


@dataclass(frozen=True)
class _StormLedgers(Ledgers):
    project: Project | None = None

    @cached_property
    def twins(self) -> list[Twin]:
        owners = {line.data: line.person for line in self.lines if line.person in APART}
        assert self.project is not None
        twins: list[Twin] = []
        for shard in self.shards:
            twins.append(_ProjectTwin(self.project, owners))
            twins[-1].follow(shard.commits, shard.end_ms)
        return twins


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a storm came to.

    owners          processes that have had a shard, one after the other
    merged          visitors who became somebody known
    between_shards  those of them who moved to another shard
    met_moving      the kills that came while somebody was moving
    shared          log-ins on a device that was somebody else's
    """

    violations: tuple[str, ...] = ()
    checked: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    commits: int = 0
    owners: int = 0
    mails: int = 0
    ambiguous: int = 0
    dead_letters: int = 0
    merged: int = 0
    between_shards: int = 0
    met_moving: int = 0
    shared: int = 0


@dataclass(frozen=True, slots=True)
class StormEnd:
    """What is known at the end of a storm beside its store: the ledgers of client and mail server, the living shards.

    starts     how many drivers there have been
    killed_ns  when each process was killed
    address    of the store, by default that of the folders
    """

    lines: Sequence[Line]
    attempts: Sequence[Attempt]
    shards: Sequence[LiveEnd]
    starts: int
    killed_ns: Sequence[int] = ()
    address: str = ""


def judge(folders: Folders, end: StormEnd) -> Verdict:
    """Judge what a storm has left behind."""
    project = Project.load(folders.project)
    found = list[str]()
    shards = [_end(project, folders, number, end, found) for number in range(len(end.shards))]
    ledgers = _StormLedgers(
        end.lines, end.attempts, shards, SETTINGS, end.starts, found, merges=True, apart=APART, project=project
    )  # fmt: skip
    under_way = moves_of(ledgers)
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
        merged=sum(isinstance(fact, Merged) for fact in ledgers.facts),
        between_shards=len(under_way),
        shared=sum(isinstance(fact, NotMerged) and fact.reason == "shared" for fact in ledgers.facts),
        met_moving=sum(any(begun < at < over for begun, over in under_way) for at in end.killed_ns),
        ambiguous=sum(1 for fact in facts if fact.outcome == "unknown"),
    )


def _is_excused(violation: str, people: set[str]) -> bool:
    return violation.startswith(EXCUSED) and any(re.search(rf"\b{person}\b", violation) for person in people)


def _end(project: Project, folders: Folders, number: int, known: StormEnd, found: list[str]) -> ShardEnd:
    address, end = known.address or folders.address, known.shards[number]
    with closing(open_store(address, number)) as journal:
        commits = commits_of(journal, folders.ledger, number, found)
    plan = Plan(project, SHARDS, address, settings=SETTINGS)
    clock = SystemClock(SETTINGS.clock_jump_max_ms)
    again = open_shard(plan, number, clock, lambda channel: None)
    shard = again._shard  # what comes back is looked at on no loop
    restored = {name: profile for name in end.owned if (profile := shard.profile(name)) is not None}
    standing = standings(shard._slots.own.profiles)
    totals = shard.totals.totals()
    again._store.close()
    end_ms = max([clock.now_ms(), *(commit.stamp_ms for commit in commits[-1:])])  # other machines' clocks may be ahead
    states = {name: profile for name, each in end.owned.items() if (profile := _alive(name, *each, restored))}
    return ShardEnd(
        commits, states, restored, end.totals, totals, end_ms, standing_still=standing
    )  # fmt: skip


def _alive(name: str, owner: str, profile: Profile | None, restored: Mapping[str, Profile]) -> Profile | None:
    """What lies under a name. A living shard tells of one that has moved whose it is, and no more."""
    if owner == name:
        return profile
    again = restored.get(name)
    same = again is not None and again.identity is not None and again.identity.moved_to == owner
    return again if same else Profile(identity=Identity(moved_to=owner))


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
        commit = Commit(record.sequence, record.epoch, record.stamp_ms, word.given, word.opens, facts)
        commits.append(replace(commit, applied=word.applied, place=word.at_ns))
    return commits


def moves_of(ledgers: Ledgers) -> list[tuple[int, int]]:
    """When each move between two shards began, as a call was applied that links, and when it was over."""
    moves, begun = list[tuple[int, int]](), dict[str, int]()
    for commit in ledgers.commits_in_order:
        for fact in commit.facts:
            if isinstance(fact, Merged) and SLOT_MAP.shard(fact.person) != SLOT_MAP.shard(fact.name):
                moves.append((begun[fact.person], commit.place))
        for call in map(msgspec.json.decode, commit.applied or ()):
            if links(call):
                begun[call["userId"]] = commit.place
    return moves


def _unclaimed(ledgers: Ledgers) -> list[str]:
    """Mails that left without a durable claim."""
    arrived = Counter(attempt.key for attempt in ledgers.attempts)
    claimed = Counter(fact.key for facts in ledgers.outcomes.values() for fact in facts if fact.outcome == "claimed")
    return [
        f"claim: {key} arrived {times} times, and was claimed {claimed[key]} times"
        for key, times in arrived.items()
        if times > claimed[key]
    ]
