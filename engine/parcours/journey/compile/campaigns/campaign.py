"""The compiler of one campaign document: its head, and step by step what each takes and gives.

Faults are noted in the document's margin and something harmless stands in for the faulty part, so that one pass finds
them all; the result is valid only if no error was noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from parcours.journey import campaign_steps as compiled
from parcours.journey.campaign_program import CampaignProgram, Seed, Table
from parcours.journey.compile.campaigns.act_steps import ACT_STEPS, ActStepCompiler
from parcours.journey.compile.campaigns.flow import check_flow
from parcours.journey.compile.campaigns.limits import warn_of_limits
from parcours.journey.compile.campaigns.scope import UNKNOWN, CampaignScope
from parcours.journey.compile.campaigns.set_steps import SetStepCompiler
from parcours.journey.compile.campaigns.stages import stages_of
from parcours.journey.compile.campaigns.tables import with_their_sources
from parcours.journey.compile.schedules import check_schedule, instant_ms, midnight_ms, shown_instant
from parcours.journey.compile.triggers import compiled_audience_trigger, compiled_trigger
from parcours.journey.model.campaign import CampaignDocument
from parcours.journey.model.campaign_acts import RUN_PLACE
from parcours.journey.model.triggers import AudienceTriggerDocument
from parcours.journey.parts import AudienceTrigger, Goal, Message, Schedule, Trigger
from parcours.journey.read.finding import Margin

NEVER_RUNS: Final = "no run begins: all instants of the schedule lie outside the dates of the campaign"


@dataclass(frozen=True, slots=True)
class CampaignCompiler:
    """Compiles one campaign; `timezone` is the project's."""

    scope: CampaignScope
    margin: Margin
    timezone: str

    @property
    def document(self) -> CampaignDocument:
        return self.scope.document

    def compile(self, messages: Mapping[str, Message]) -> CampaignProgram:
        document = self.document
        exits = tuple(self._exit(number) for number in range(len(document.exit)))
        goal, seeds, schedule = self._goal(), self._seeds(), self._schedule()
        steps = self._steps()
        whole = CampaignProgram(
            name=document.campaign,
            version=1,
            schedule=schedule,
            overlapping=document.overlap == "allowed",
            timezone=document.timezone or self.timezone,
            starts_ms=midnight_ms(document.starts, 0, self.timezone),
            ends_ms=midnight_ms(document.ends, 1, self.timezone),
            exits=exits,
            goal=goal,
            priority=document.priority,
            seeds=seeds,
            steps=steps,
            stages=stages_of(steps),
            description=document.description,
            tags=document.tags,
            messages={name: messages[name] for name in _messages_of(steps) if name in messages},
            tables=tables_of(steps, self.scope.tables),
        )
        self._check(whole)
        return whole

    def _check(self, campaign: CampaignProgram) -> None:
        """What shows only once all steps are known."""
        self._check_files(campaign)
        self._check_saves(campaign)
        self._check_seeds(campaign)
        if not self._is_faulty():
            warn_of_limits(campaign, self.margin)
            check_flow(campaign.steps, self.margin)
        if campaign.schedule is not None and not {("starts",), ("ends",)} & self.scope.lost:
            check_schedule(
                campaign.schedule.at_ms,
                campaign.schedule.rule,
                campaign.starts_ms,
                campaign.ends_ms,
                self.timezone,
                NEVER_RUNS,
                self.margin.below("schedule"),
            )

    def _is_faulty(self) -> bool:
        """Whether an error has been told of this document, so that what is odd about it may only follow from that."""
        return bool(self.scope.lost) or any(
            each.file == self.margin.file and each.severity == "error" for each in self.margin.findings
        )

    def _exit(self, number: int) -> Trigger | AudienceTrigger:
        rule, margin = self.document.exit[number], self.margin.below("exit", number)
        if isinstance(rule, AudienceTriggerDocument):
            return compiled_audience_trigger(rule, self.scope.declared, margin)
        return compiled_trigger(rule, self.scope.declared, {}, margin)

    def _goal(self) -> Goal | None:
        goal = self.document.goal
        if goal is None:
            return None
        trigger = compiled_trigger(goal, self.scope.declared, {}, self.margin.below("goal"))
        return Goal(trigger, goal.within, goal.target)

    def _seeds(self) -> tuple[Seed, ...]:
        return tuple(Seed(each.addresses, each.as_person) for each in self.document.seeds)

    def _schedule(self) -> Schedule | None:
        schedule = self.document.schedule
        return None if schedule is None else Schedule(instant_ms(schedule.at, self.timezone), schedule.rule)

    def _steps(self) -> dict[str, compiled.CampaignStep]:
        steps: dict[str, compiled.CampaignStep] = {}
        for number, step in enumerate(self.document.steps):
            margin = self.margin.below("steps", number)
            if step.id in self.scope.made:
                margin.error(f"the step id {step.id!r} is given twice", "id")
            if self.scope.is_lost(number):
                self.scope.made[step.id] = UNKNOWN
                continue
            if isinstance(step, ACT_STEPS):
                steps[step.id], made = ActStepCompiler(self.scope, margin, number).compile(step)
            else:
                steps[step.id], made = SetStepCompiler(self.scope, margin, number).compile(step)
            self.scope.made[step.id] = made if self.scope.is_whole(number) else UNKNOWN
        return steps

    def _place(self, step: str) -> int:
        return next(number for number, each in enumerate(self.document.steps) if each.id == step)

    def _check_files(self, campaign: CampaignProgram) -> None:
        seen: dict[str, str] = {}
        for name, step in campaign.steps.items():
            if not isinstance(step, compiled.Export):
                continue
            margin = self.margin.below("steps", self._place(name), "export")
            if step.file in seen:
                margin.error(f"the step {seen[step.file]!r} writes this file already", "file")
            elif RUN_PLACE not in step.file and campaign.schedule is not None and campaign.schedule.rule is not None:
                margin.warn(f"each run writes over the file of the one before: put {RUN_PLACE} into its name", "file")
            seen.setdefault(step.file, name)

    def _check_seeds(self, campaign: CampaignProgram) -> None:
        """Each address gets each send once, and some send has to go where it is."""
        if any(path[:1] == ("seeds",) for path in self.scope.lost):
            return
        seen = set[tuple[str, str]]()
        sends = [step for step in campaign.steps.values() if isinstance(step, compiled.SendToSet)]
        for number, seed in enumerate(campaign.seeds):
            margin = self.margin.below("seeds", number)
            for channel, address in seed.addresses.items():
                if (channel, address) in seen:
                    margin.error(f"{address} is a seed already, and each gets every send once", channel)
                seen.add((channel, address))
            used = dict.fromkeys(channel for step in sends for channel in step.to)
            if not self._is_faulty() and used.keys().isdisjoint(seed.addresses):
                going = f"they go by {' and '.join(used)}" if used else "there are none"
                margin.warn(f"it has no address for any of the campaign's sends: {going}")

    def _check_saves(self, campaign: CampaignProgram) -> None:
        seen: dict[str, str] = {}
        for name, step in campaign.steps.items():
            if isinstance(step, compiled.Save):
                if step.audience in seen:
                    margin = self.margin.below("steps", self._place(name))
                    margin.error(f"the step {seen[step.audience]!r} saves this audience already", "save")
                seen.setdefault(step.audience, name)


def tables_of(steps: Mapping[str, compiled.CampaignStep], tables: Mapping[str, Table]) -> dict[str, Table]:
    """The tables that the steps read, and those that their queries read."""
    named = set[str]()
    for step in steps.values():
        if isinstance(step, compiled.ReadTable):
            named.add(step.table)
        elif isinstance(step, compiled.Enrich):
            named |= {each.table for each in step.enrichments}
    return {name: tables[name] for name in with_their_sources(named, tables)}


def _messages_of(steps: Mapping[str, compiled.CampaignStep]) -> list[str]:
    return sorted({step.message for step in steps.values() if isinstance(step, compiled.SendToSet)})


def note_overdue(schedule: Schedule | None, margin: Margin, now_ms: int) -> None:
    """Note what is scheduled once, at an instant that is past: it can be tried out, and not published."""
    if schedule is not None and schedule.rule is None and schedule.at_ms < now_ms:
        said = f"no run would begin: {shown_instant(schedule.at_ms)} is past, and there is no rule"
        margin.below("schedule").draft(said, "at")
