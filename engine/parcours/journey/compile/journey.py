"""The compiler of one journey document: step by step, with every reference resolved.

Faults are noted in the document's margin and something harmless stands in for the faulty part, so that one pass finds
them all; the result is valid only if no error was noted.
"""

from __future__ import annotations

from dataclasses import dataclass

from parcours.expression.expression import Expression
from parcours.expression.kinds import CORRELATION
from parcours.journey import program
from parcours.journey.compile.analyses.scope import AnalysisScope
from parcours.journey.compile.declarations import Declarations, condition, value
from parcours.journey.compile.journey_names import JourneyNames
from parcours.journey.compile.schedules import instant_ms, midnight_ms
from parcours.journey.compile.steps import StepCompiler
from parcours.journey.model.document import (
    AudienceEntryDocument,
    EventEntryDocument,
    JourneyDocument,
    ReentryAfterDocument,
)
from parcours.journey.read.finding import Margin


@dataclass(frozen=True, slots=True)
class JourneyCompiler:
    """Compiles one journey; `timezone` is the project's, `analyses` what may be asked of its facts."""

    names: JourneyNames
    analyses: AnalysisScope
    margin: Margin
    timezone: str

    @property
    def document(self) -> JourneyDocument:
        return self.names.document

    @property
    def declared(self) -> Declarations:
        return self.names.declared

    def compile(self) -> program.Journey:
        document = self.document
        self._check_ids()
        entry = self._entry()
        exits = tuple(
            self.names.exit_rule(rule, self.margin.below("exit", number)) for number, rule in enumerate(document.exit)
        )
        goal, correlation, compiled = self._goal(), self._correlation(), self._steps()
        return program.Journey(
            name=document.journey,
            version=1,
            entry=entry,
            correlation=correlation,
            reentry_after_ms=_reentry_ms(document),
            exits=exits,
            goal=goal,
            timezone=document.timezone,
            starts_ms=midnight_ms(document.starts, 0, self.timezone),
            ends_ms=midnight_ms(document.ends, 1, self.timezone),
            priority=document.priority,
            first=document.steps[0].id,
            steps=compiled,
            entry_paths=_below("entry", self.names.kept),
            event_paths=_below("event", self.names.kept),
            description=document.description,
            tags=document.tags,
        )

    def _entry(self) -> program.EventEntry | program.ReadEntry | program.AudienceTrigger:
        entry, margin = self.document.entry, self.margin.below("entry")
        if isinstance(entry, EventEntryDocument):
            return program.EventEntry((self._entry_trigger(entry, margin),))
        if isinstance(entry, tuple):
            triggers = (self._entry_trigger(each, margin.below(number)) for number, each in enumerate(entry))
            return program.EventEntry(tuple(triggers))
        if isinstance(entry, AudienceEntryDocument):
            return self.names.audience_trigger(entry, margin)
        self.declared.check_audience(margin, entry.read, "read")
        audience = self.declared.definition_keys.audience(entry.read)
        return program.ReadEntry(audience, instant_ms(entry.at, self.timezone), entry.people_per_second, entry.rule)

    def _entry_trigger(self, entry: EventEntryDocument, margin: Margin) -> program.Trigger:
        names = self.declared.names(self.declared.properties(margin, entry.event, "event"))
        when = condition(margin, entry.when, names, "when") if entry.when else None
        return program.Trigger(self.declared.definition_keys.event(entry.event), when)

    def _goal(self) -> program.Goal | None:
        goal = self.document.goal
        if goal is None:
            return None
        return program.Goal(self.names.trigger(goal, self.margin.below("goal")), goal.within, goal.target)

    def _correlation(self) -> Expression | None:
        if self.document.correlation is None:
            return None
        names = self.declared.names(self.names.entry_names, past=False)
        return value(self.margin, self.document.correlation, names, CORRELATION, "correlation")

    def _check_ids(self) -> None:
        seen: set[str] = set()
        for number, step in enumerate(self.document.steps):
            if step.id in seen:
                self.margin.error(f"the step id {step.id!r} is given twice", "steps", number, "id")
            seen.add(step.id)

    def _steps(self) -> dict[str, program.Step]:
        listed = self.document.steps
        following = [*(step.id for step in listed[1:]), None]
        names = self.names.step_names()
        compiled: dict[str, program.Step] = {}
        for number, (step, after) in enumerate(zip(listed, following, strict=True)):
            margin = self.margin.below("steps", number)
            compiled[step.id] = StepCompiler(self.names, self.analyses, margin, names, after).compile(step)
        return compiled


def _reentry_ms(document: JourneyDocument) -> int | None:
    if isinstance(document.reentry, ReentryAfterDocument):
        return document.reentry.after
    return None if document.reentry == "never" else 0


def _below(root: str, paths: set[str]) -> frozenset[str]:
    return frozenset(path.removeprefix(f"{root}.") for path in paths if path.startswith(f"{root}."))
