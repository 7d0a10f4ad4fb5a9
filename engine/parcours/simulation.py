"""What would have happened? A project's journeys over recorded events, under virtual time.

The production code path runs unchanged; only the clock is that of the events. Every channel records,
unless channels are given to deliver on. Equal input gives equal facts, whatever the runtime and the
number of shards.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from parcours.config import Settings
from parcours.core.event import Unusable, timestamp_of
from parcours.core.fact import Fact
from parcours.core.turn import Crowd
from parcours.errors import EventsUnsorted
from parcours.insight.summary import EventCount, Reasons, Summary, Tally
from parcours.journey.project import Project
from parcours.plan import Plan, channels_used
from parcours.router import Router
from parcours.shells import RuntimeName, open_runtime
from parcours.virtual import Drive, Recorded


@dataclass(frozen=True, slots=True)
class Result:
    """
    facts    of everybody, in the order of happening for each person
    summary  what they add up to
    reasons  why deliveries did not arrive, counted
    limits   how often each setting's bound was reached
    targets  the goal's target of each journey that has one, in percent
    """

    facts: list[Fact]
    summary: Summary
    reasons: Reasons
    limits: Counter[str]
    targets: Mapping[str, float | None]


def simulate(
    project: Project,
    lines: Iterable[bytes],
    *,
    until_ms: int | None = None,
    sort: bool = True,
    runtime: RuntimeName = "local",
    shards: int = 1,
    crowd: Crowd | None = None,
    channels: Mapping[str, Mapping[str, object]] | None = None,
    settings: Settings | None = None,
    rejected: Callable[[int, str], None] | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Result:
    """Run recorded events (NDJSON lines) through the project's journeys.

    until_ms  timers due up to and including this time fire; without it, until nothing is due any more
    sort      put the events in the order of their timestamps; else EventsUnsorted names the first one that is not
    crowd     how simulated people react to what they are sent
    channels  settings of channels that really deliver; the others record
    rejected  is told number (from 1) and reason of each line that cannot be used
    progress  is told how many lines have been handed over, and how many there are
    """
    plan = Plan(
        project=project,
        shards=shards,
        store="volatile:",
        channels=dict(channels or {}),
        records=tuple(name for name in channels_used(project) if name not in (channels or {})),
        virtual=True,
        crowd=crowd,
        settings=settings or Settings(),
    )
    reading = _Reading(plan.settings)
    events = list(reading.events(lines))
    events = sorted(events, key=_time) if sort else list(_in_order(events))
    return asyncio.run(_run(plan, runtime, events, reading, until_ms, rejected, progress))


async def _run(
    plan: Plan,
    runtime_name: RuntimeName,
    events: list[Recorded],
    reading: _Reading,
    until_ms: int | None,
    rejected: Callable[[int, str], None] | None,
    progress: Callable[[int, int | None], None] | None,
) -> Result:
    program = plan.project.program
    runtime = open_runtime(runtime_name, plan)
    try:
        await runtime.start()
        router = Router("simulation", runtime.ports, program, plan.settings)
        drive = Drive(
            runtime.ports,
            router,
            program,
            plan.settings,
            (lambda fed, _: progress(fed, len(events))) if progress else None,
        )
        facts = await drive.run(events, until_ms)
    finally:
        await runtime.stop()
    unusable = sorted([*reading.unusable, *drive.rejected])
    for number, reason in unusable if rejected else ():
        rejected(number, reason)  # type: ignore[misc]
    return _result(plan, facts, drive, read=reading.read, unusable=len(unusable), events=events)


def _result(
    plan: Plan, facts: list[Fact], drive: Drive, *, read: int, unusable: int, events: list[Recorded]
) -> Result:
    journeys = plan.project.program.journeys
    tally = Tally(journeys)
    tally.add(facts)
    newest = max([fact.at for fact in facts] + [event.at for event in events[-1:]], default=None)
    counted = EventCount(read=read, duplicate=drive.duplicate, rejected=unusable, undeclared=drive.undeclared)
    summary = tally.summary(counted, newest)
    used = drive.accepted - drive.undeclared - summary.events.unmatched
    summary.events = msgspec.structs.replace(summary.events, used=used)
    targets = {j.name: j.goal.target_percent for j in journeys if j.goal is not None}
    return Result(facts, summary, tally.reasons(), tally.limits(), targets)


class _Reading:
    """Reads timestamps off lines; what has none that can be used is kept apart with its reason."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.read = 0
        self.unusable: list[tuple[int, str]] = []

    def events(self, lines: Iterable[bytes]) -> Iterator[Recorded]:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            self.read += 1
            try:
                yield Recorded(timestamp_of(line, self._settings), number, line)
            except Unusable as reason:
                self.unusable.append((number, str(reason)))


def _time(event: Recorded) -> int:
    return event.at


def _in_order(events: Iterable[Recorded]) -> Iterator[Recorded]:
    last_ms = None
    for event in events:
        if last_ms is not None and event.at < last_ms:
            raise EventsUnsorted(f"line {event.number} is earlier than the line before it")
        last_ms = event.at
        yield event
