"""The simulation of a project's journeys over recorded events, under virtual time.

The production code path runs unchanged; only the clock is that of the events. Every channel records, unless channels
are given to deliver on. Equal input gives equal facts, for any runtime and number of shards.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, closing
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import NoneType
from typing import TypeAlias

from msgspec import UNSET
from msgspec.structs import replace

from parcours import collector
from parcours.arguments import check_callable, check_kind, check_method, check_whole
from parcours.campaigns.campaign_line import FAILED, CampaignLine
from parcours.closing import close_all
from parcours.config import COUNT_MAX, Settings, settings_of
from parcours.core.fact import Fact
from parcours.core.identity import SlotMap
from parcours.core.remarks import StepRemark
from parcours.core.totals import Parked
from parcours.core.turn import Crowd
from parcours.errors import CallerError
from parcours.insight.campaign_counts import CampaignTally
from parcours.insight.summary import EventCount, Reasons, Summary, Tally, remarks_by_place
from parcours.instants import EARLIEST_MS, LATEST_MS
from parcours.journey.channels import ways_out
from parcours.journey.project import Project, check_project
from parcours.routing.calls import recorded_lines
from parcours.routing.plan import Plan, RecordedAnswers
from parcours.routing.router import Router
from parcours.runtime.runtimes import RuntimeName, open_runtime
from parcours.shard.publication_facts import first_versions
from parcours.simulation.agenda import Looks
from parcours.simulation.campaigning import CampaignsAsked, check_asked, new_coordinator
from parcours.simulation.kept_facts import KeptFacts
from parcours.simulation.linked import Group, LinkedNames
from parcours.simulation.people_look import PeopleLook
from parcours.simulation.recorded import Recorded, RecordingReader, in_order, sorted_by_time
from parcours.simulation.score_cut import ScoreCut
from parcours.simulation.source_files import SourceFiles
from parcours.simulation.told_inputs import ToldInputs, told_inputs
from parcours.simulation.virtual import Accepted, Drive, Facts

Progress: TypeAlias = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a simulation.

    facts      of everybody, in the order of happening for each person, and which versions of journeys were published at
               the time of the first event; none if they were handed to `facts`
    summary    their counts
    reasons    why deliveries did not arrive, counted
    limits     how often each setting's limit was reached
    unknown_zones  how often somebody was given each of the time zones that do not exist
    remarks    with `rendering`: how many deliveries have each remark of their channel's check, by (journey, step,
               channel, remark)
    not_merged  how often another id was said to be somebody's, and was not merged, by the call
    targets    the goal's target of each journey that has one, in percent
    parked     how many runs were parked, by (journey, step, reason)
    failed     the runs of campaigns that ended because a step of theirs could not be made
    largest_group  of the names that the lines link, the most that may be one person: they were simulated side by side
    unsettled  without `until_ms`: whether something was still due `loop_horizon_ms` after the last event
    reads_ended  without `until_ms`: the journeys whose reads recur without end, and ended with the last event
    """

    facts: Sequence[Fact]
    summary: Summary
    reasons: Reasons
    limits: Counter[str]
    targets: Mapping[str, float | None]
    unsettled: bool = False
    unknown_zones: Counter[str] = field(default_factory=Counter)
    remarks: Counter[StepRemark] = field(default_factory=Counter)
    not_merged: Counter[str] = field(default_factory=Counter)
    reads_ended: tuple[str, ...] = ()
    parked: Counter[Parked] = field(default_factory=Counter)
    largest_group: Group | None = None
    failed: tuple[CampaignLine, ...] = ()


def simulate(
    project: Project,
    lines: Iterable[bytes] | bytes | bytearray | memoryview,
    *,
    until_ms: int | None = None,
    sort: bool = True,
    runtime: RuntimeName = "local",
    shards: int = 1,
    crowd: Crowd | None = None,
    channels: Mapping[str, Mapping[str, object]] | None = None,
    rendering: RecordedAnswers | None = None,
    settings: Settings | None = None,
    rejected: Callable[[int, str], None] | None = None,
    progress: Progress | None = None,
    facts: Facts | None = None,
    accepted: Accepted | None = None,
    linked: Callable[[Group], None] | None = None,
    campaigns: CampaignsAsked | None = None,
    look: PeopleLook | None = None,
    cuts: Sequence[ScoreCut] = (),
    sources: SourceFiles | None = None,
) -> Result:
    """Run recorded events (NDJSON lines, or a block of them) through the project's journeys.

    All of them are read before the first is applied: names that any of them links live together from the beginning.
    They wait in memory, and in temporary files where that is not enough.

    until_ms  timers due up to and including this time fire; without it, until nothing is due any more,
              or `loop_horizon_ms` after the last event. A read that recurs by a rule without COUNT and UNTIL ends
              with the last event then; of all others 400 may come after it
    sort      put the events in the order of their timestamps; else EventsUnsorted names the first one that is not.
              The inputs of a store (`parcours store inputs`) are always put in order; simulated, they are its twin
    crowd     how simulated people react to what they are sent
    channels  settings of channels that really deliver; the others record
    rendering renders recorded deliveries (`RecordedRendering.of`), so that a template that fails for a person,
              and a content that its channel refuses, are seen, and its remarks counted; without it every recorded
              delivery counts as sent
    rejected  called with number (from 1) and reason of each line that cannot be used
    progress  called with the lines handed over so far, their total, and the virtual time in ms
    facts     called with lists of facts as they happen, those of each person in the order of happening; the result
              then holds none, and needs no memory for them
    accepted  called with lists of the lines that were accepted, with their times
    linked    called with the largest group of names that are linked, if any are, once all lines have been read
    look      at everybody, with which the simulation ends; cuts, for scores, each at its instant
    sources   files that stand for the project's sources; their lines follow the others, and are numbered on
    campaigns where the files of campaigns go, which of them begin by hand, and who is told what their steps make
    Raises CallerError or SettingInvalid for what none of these can be, ChannelUnknown, EventsUnsorted; ExtraMissing
    where campaigns need a library; OSError where temporary files find no room.
    """
    _check_project_and_bounds(project, until_ms, channels)
    _check_answering(crowd, rendering)
    _check_callables(rejected=rejected, progress=progress, facts=facts, accepted=accepted, linked=linked)
    asked = campaigns or CampaignsAsked()
    check_asked(project, asked)
    (looks := Looks(look, cuts)).check(project)
    told, each = _heard(lines, sources, sort=sort)
    plan = _plan(project, shards, channels or {}, told, crowd, settings, rendering)
    reading = RecordingReader(plan.settings, LinkedNames(project.program, plan.settings), told)
    kept: list[Fact] = []
    counting = _Counting(plan, facts or kept.extend, asked.told)
    with collector.spared(), closing(reading.events(each)) as read:
        ordered = sorted_by_time(read if sort or told is not None else in_order(read))
        drive = asyncio.run(
            _run(plan, runtime, ordered, reading, until_ms, told, counting, progress, accepted, linked, asked, looks)
        )
    unusable = sorted([*reading.unusable, *drive.rejected])
    for number, reason in unusable if rejected else ():
        rejected(number, reason)  # type: ignore[misc]
    result = counting.result(drive, kept, read=reading.read, unusable=len(unusable))
    return dataclasses.replace(result, largest_group=reading.groups.largest)


def _heard(
    lines: Iterable[bytes] | bytes | bytearray | memoryview, sources: SourceFiles | None, *, sort: bool
) -> tuple[ToldInputs | None, Iterator[object]]:
    """What lines tell if they are the inputs of a store, and all lines with those of sources. Raises CallerError."""
    told, each = told_inputs(recorded_lines(lines))
    if sources is None:
        return told, each
    if told is not None:
        raise CallerError("the inputs of a store have what came from sources: no files stand for them")
    if not sort:
        raise CallerError("what comes from sources is put in order of time: it goes with sort=True")
    return told, sources.after(each)


def _plan(
    project: Project,
    shards: int,
    channels: Mapping[str, Mapping[str, object]],
    told: ToldInputs | None,
    crowd: Crowd | None,
    settings: Settings | None,
    rendering: RecordedAnswers | None,
) -> Plan:
    return Plan(
        project=project,
        shards=shards,
        store="volatile:",
        channels=dict(channels),
        records=_records(project, told, channels, crowd),
        virtual=True,
        told=told is not None,
        crowd=crowd,
        settings=_settings(settings, told),
        rendering=rendering,
    )


def _records(
    project: Project, told: ToldInputs | None, channels: Mapping[str, object], crowd: Crowd | None
) -> tuple[str, ...]:
    """The channels that only record. Raises CallerError where a store's inputs are to be delivered or reacted to."""
    if told is not None and (channels or crowd is not None):
        raise CallerError("the inputs of a store say what became of its deliveries: nothing is sent, and nobody reacts")
    records = ways_out(project.program) if told is None else told.records
    return tuple(name for name in records if name not in channels)


def _settings(settings: Settings | None, told: ToldInputs | None) -> Settings:
    """What a store has taken is not too long, though there is more in its line now."""
    found = settings_of(settings)
    return found if told is None else found.model_copy(update={"event_bytes_max": COUNT_MAX})


def _check_answering(crowd: object, rendering: object) -> None:
    check_method("crowd", crowd, "reactions")
    check_method("rendering", rendering, "answering")


def _check_callables(**functions: object) -> None:
    for argument, function in functions.items():
        check_callable(argument, function)


def _check_project_and_bounds(project: object, until_ms: object, channels: object) -> None:
    check_project("simulate", project)
    if until_ms is not None:
        check_whole("until_ms", until_ms, EARLIEST_MS, LATEST_MS)
    check_kind("channels", channels, (Mapping, NoneType), "a mapping of channels to their settings")
    for name, settings in channels.items() if isinstance(channels, Mapping) else ():
        check_kind("channels", name, str, "the name of a channel")
        check_kind(f"channels[{name!r}]", settings, Mapping, "a mapping of settings")


async def _run(
    plan: Plan,
    runtime_name: RuntimeName,
    ordered: AbstractAsyncContextManager[Iterator[Recorded]],
    reading: RecordingReader,
    until_ms: int | None,
    told: ToldInputs | None,
    counting: _Counting,
    progress: Progress | None,
    accepted: Accepted | None,
    linked: Callable[[Group], None] | None,
    asked: CampaignsAsked,
    looks: Looks,
) -> Drive:
    program = plan.project.program

    def passing(fed: int, at_ms: int) -> None:
        if progress is not None:
            progress(fed, reading.usable, at_ms)

    def begins(at_ms: int) -> None:
        counting([*first_versions(plan.project, at_ms)])  # no shard knows when time begins

    runtime = open_runtime(runtime_name, plan)
    homes: asyncio.Future[Mapping[str, int]] = asyncio.get_running_loop().create_future()
    started = asyncio.ensure_future(runtime.start(homes))
    try:
        # The file is read while Ray starts, which takes seconds.
        async with ordered as events, AsyncExitStack() as stack:
            groups = reading.groups
            homes.set_result(groups.homes)
            if linked is not None and groups.largest is not None:
                linked(groups.largest)
            await started
            slot_map = SlotMap(plan.shards, groups.homes)
            router = Router("simulation", runtime.ports, program, plan.settings, slot_map)
            coordinator = None
            if (program.campaigns or program.keeping) and told is None:
                folder = Path(stack.enter_context(TemporaryDirectory(prefix="parcours-campaigns-")))
                if program.keeping:
                    kept = stack.enter_context(closing(KeptFacts(folder, program, plan.settings)))
                    accepted = counting.keep(kept, accepted)
                coordinator = new_coordinator(
                    plan.project, runtime.ports, slot_map, plan.settings, folder, asked, counting.tell,
                    find=kept.find if program.keeping else None,
                )  # fmt: skip
            drive = Drive(
                runtime.ports, router, program, plan.settings, passing, counting, begins, accepted, coordinator, looks
            )
            if told is None:
                await drive.run(events, until_ms)
            else:
                await drive.live_through(events, told, plan.project, until_ms)
    except BaseException as error:
        homes.cancel()
        # A start that is under way would go on acquiring what has been given back.
        started_or_not = asyncio.gather(started, return_exceptions=True)
        await close_all([lambda: started_or_not, runtime.stop], after=error)
        raise
    await runtime.stop()
    return drive


class _Counting:
    """Counts facts on their way to the result or the caller."""

    def __init__(self, plan: Plan, facts: Facts, told: Callable[[CampaignLine], None]) -> None:
        program = plan.project.program
        self._journeys = (*program.journeys, *program.taking)
        self._tally = Tally(self._journeys, plan.settings)
        self._campaigns = CampaignTally((*program.campaigns, *program.keeping))
        self._failed: list[CampaignLine] = []
        self._told = told
        self._facts = facts
        self._newest_ms: int | None = None
        self._kept: KeptFacts | None = None

    def keep(self, kept: KeptFacts, accepted: Accepted | None) -> Accepted:
        """Facts are handed over to be asked besides; returns who takes events for both."""
        self._kept = kept

        def take(events: list[Recorded]) -> None:
            kept.add_events(events)
            if accepted is not None:
                accepted(events)

        return take

    def __call__(self, facts: list[Fact]) -> None:
        if self._kept is not None:
            self._kept.add(facts)
        self._tally.add(facts)
        self._newest_ms = _newest(self._newest_ms, max(map(_at, facts), default=None))
        self._facts(facts)

    def tell(self, line: CampaignLine) -> None:
        """Count what a step of a campaign has made."""
        self._campaigns.add(line)
        if line.step is not None and line.output == FAILED:
            self._failed.append(line)
        self._told(line)

    def result(self, drive: Drive, kept: list[Fact], *, read: int, unusable: int) -> Result:
        lines = EventCount(read=read, duplicate=drive.duplicate, rejected=unusable, undeclared=drive.undeclared)
        summary = self._tally.summary(lines, _newest(self._newest_ms, drive.last_ms))
        used = drive.accepted - drive.undeclared - summary.events.unmatched
        remarks = Counter(dict(drive.remarks))
        counted = self._campaigns.counts({name: each.goal for name, each in summary.journeys.items()})
        summary = replace(
            summary,
            journeys={name: each for name, each in summary.journeys.items() if name not in counted},
            events=replace(summary.events, used=used),
            campaigns=counted or UNSET,
            remarks=remarks_by_place(remarks) or UNSET,
        )
        targets = {j.name: j.goal.target_percent for j in self._journeys if j.goal is not None}
        tally = self._tally
        return Result(
            facts=kept,
            summary=summary,
            reasons=tally.reasons(),
            limits=tally.limits(),
            targets=targets,
            unsettled=drive.unsettled,
            unknown_zones=tally.unknown_zones(),
            remarks=remarks,
            not_merged=tally.not_merged(),
            reads_ended=tuple(drive.reads_ended),
            parked=tally.parked(),
            failed=tuple(self._failed),
        )


_at = attrgetter("at")


def _newest(*times_ms: int | None) -> int | None:
    return max((time_ms for time_ms in times_ms if time_ms is not None), default=None)
