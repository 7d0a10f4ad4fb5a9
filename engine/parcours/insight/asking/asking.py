"""An analysis of facts: what it needs is asked for, and handed to the function that counts."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from parcours.insight.analyses.attribution import Attributed, attribute
from parcours.insight.analyses.cohort import CohortResult, cohort
from parcours.insight.analyses.flow import FlowResult, flow
from parcours.insight.analyses.funnel import FunnelResult, funnel
from parcours.insight.analyses.funnel_people import funnel_people
from parcours.insight.analyses.happenings import Events, Happening, label
from parcours.insight.analyses.metric import MetricResult, counted_for, metric
from parcours.insight.analyses.metric_total import worth_of
from parcours.insight.analyses.paths import Conversion, Touch, TouchedPerson
from parcours.insight.analyses.triggers import Triggers
from parcours.insight.asking.groups import Groups
from parcours.insight.warehouse import told_rows
from parcours.journey.analyses import (
    Attribution,
    ByProperty,
    Cohort,
    DeliveryCount,
    Flow,
    Funnel,
    Metric,
    Sum,
)
from parcours.journey.parts import Trigger

if TYPE_CHECKING:
    from parcours.insight.warehouse.questions import Questions
    from parcours.journey.model.insight import FactTable
    from parcours.journey.program import Program

ASKED: Final = ""
"""What the metric at hand is called among those of the project, none of which has this name."""

_name = attrgetter("event")

P = TypeVar("P", Events, TouchedPerson)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Answered(Generic[R]):
    """
    people  how many have any of the events, deliveries or touches that were looked at
    """

    result: R
    people: int


class Asking:
    """Asks facts for the analyses of a project, one after the other.

    program      whose segments, metrics, traits and zone they are
    from_ms      the window: from this instant on, and before `to_ms`; None leaves it open
    known_until  the instant (ms) up to which everything is known; None where nothing is
    Its methods raise CallerError where facts lack what is asked for, AnalysisRefused, StoreBroken.
    """

    def __init__(
        self,
        questions: Questions,
        program: Program,
        from_ms: int | None = None,
        to_ms: int | None = None,
        *,
        known_until: int | None,
    ) -> None:
        self._questions, self._program = questions, program
        self._from_ms, self._to_ms = from_ms, to_ms
        self._end = min(known_until or 0, math.inf if to_ms is None else to_ms - 1)
        self._groups = Groups(questions, program, from_ms, to_ms)

    @property
    def tables(self) -> AbstractSet[FactTable]:
        """Those that were read for the answers so far, of which every row may count."""
        return self._questions.tables

    def funnel(self, asked: Funnel) -> Answered[FunnelResult]:
        """Count units through the steps."""
        people = _People()
        units = people.having({each.name for each in asked.steps}, self._units(asked))
        return Answered(funnel(asked, units, self._groups.by(asked.split)), people.count)

    def funnel_people(self, asked: Funnel, who: str) -> list[str]:
        """Those who reached a step, were lost after one, or are in a group, as `funnel_people` has it.

        Whoever was merged into somebody else is nobody any more, and what she did before counts by her old name only
        where it is not the other's: so she is left out.
        """
        found = funnel_people(asked, self._units(asked), who, self._groups.by(asked.split))
        merged = self._questions.merged_away()
        return [person for person in found if person not in merged] if merged else found

    def flow(self, asked: Flow) -> Answered[FlowResult]:
        """Count what units did around the anchor."""
        people = _People()
        told = self._questions.happenings(
            None,
            self._from_ms,
            self._to_ms,
            unit=asked.by,
            properties=asked.key is not None or asked.anchor.when is not None,
            in_any_order=True,
        )
        units = people.having({asked.anchor.name}, self._of(asked.segment, told))
        return Answered(flow(asked, units), people.count)

    def attribution(self, asked: Attribution) -> Answered[Attributed]:
        """Credit conversions of the window to touches, which may lie before it."""
        people = _People()
        # Conversions before the window part touches that belong to them from those of the window.
        since = None if self._from_ms is None else self._from_ms - asked.lookback_ms
        told = self._questions.touched(asked.touches, asked.key, [asked.conversion.name], since, self._to_ms)
        inside = None if asked.segment is None else self._groups.people_of(asked.segment)
        paths = (self._path(asked, each) for each in told if inside is None or each.person in inside)
        return Answered(attribute(people.all(paths), asked, int(self._end), self._questions.go_on), people.count)

    def cohort(self, asked: Cohort) -> Answered[CohortResult]:
        """Count who came back."""
        people, names = _People(), {asked.starts.name, asked.returns.name}
        units = people.having(names, self._of(asked.segment, self._events([asked.starts, asked.returns])))
        zone = ZoneInfo(self._program.timezone)
        return Answered(cohort(asked, units, zone, int(self._end) + 1), people.count)

    def metric(self, asked: Metric) -> Answered[MetricResult]:
        """The value of a metric, which need not be one of the project."""
        metrics = {**self._program.analyses.metrics, ASKED: asked}
        counted = counted_for(ASKED, metrics).values()
        events = [each for each in counted if not isinstance(each, DeliveryCount)]
        segments = {each.segment for each in counted if each.segment is not None}
        inside = {name: self._groups.people_of(name) for name in sorted(segments)}
        people, triggers = _People(), [each.of for each in events]
        valued = any(isinstance(each, Sum) for each in events)
        told = people.all(self._events(triggers, properties=valued)) if triggers else ()
        outcomes = sorted({each.outcome for each in counted if isinstance(each, DeliveryCount)})
        return Answered(
            metric(ASKED, metrics, told, people.all(self._deliveries(outcomes)), segments=inside), people.count
        )

    def _units(self, asked: Funnel) -> Iterable[Events]:
        """What a funnel needs of the events of its units: those that it names, and what follows each of them."""
        triggers = [*asked.steps, *asked.exclude]
        conditions = any(each.when is not None for each in triggers)
        told = self._questions.happenings(
            {each.name for each in triggers},
            self._from_ms,
            self._to_ms,
            unit=asked.by,
            properties=conditions or asked.value is not None or isinstance(asked.split, ByProperty),
            following=True,
            in_any_order=True,
        )
        return self._of(asked.segment, told)

    def _events(self, triggers: Collection[Trigger], *, properties: bool = False) -> Iterator[Events]:
        """The events of these names, by person."""
        conditions = any(each.when is not None for each in triggers)
        names = {each.name for each in triggers}
        return self._questions.happenings(
            names, self._from_ms, self._to_ms, properties=properties or conditions, in_any_order=True
        )

    def _deliveries(self, outcomes: Iterable[str]) -> Iterator[Events]:
        """Deliveries as happenings that are called by what they came to."""
        for outcome in outcomes:
            for person, count in self._questions.deliveries(outcome, self._from_ms, self._to_ms):
                yield Events(person, 0, [Happening(0, outcome)] * count)

    def _of(self, segment: str | None, units: Iterable[Events]) -> Iterable[Events]:
        if segment is None:
            return units
        inside = self._groups.people_of(segment)
        return (each for each in units if each.person in inside)

    def _path(self, asked: Attribution, told: told_rows.Touched) -> TouchedPerson:
        """What touched a person and what she did, each with its place among both."""
        converts, touches, conversions = Triggers([asked.conversion]), list[Touch](), list[Conversion]()
        for order, each in enumerate(told.happened):
            if isinstance(each, told_rows.Touch):
                touches.append(Touch(each.at, order, label(each.key), each.visit))
            elif converts.bits(each.happening):
                at = each.happening.at
                worth = 1.0 if asked.value is None else worth_of(asked.value, each.happening)
                conversions.append(Conversion(at, order, worth, each.visit, at >= (self._from_ms or 0)))
        return TouchedPerson(told.person, touches, conversions)


class _People:
    """Counts people while what is theirs goes by."""

    def __init__(self) -> None:
        self._seen = set[str]()

    @property
    def count(self) -> int:
        return len(self._seen)

    def having(self, names: Collection[str], units: Iterable[Events]) -> Iterator[Events]:
        """Those with an event of these names."""
        wanted = frozenset(names)
        for unit in units:
            if unit.person not in self._seen and not wanted.isdisjoint(map(_name, unit.happenings)):
                self._seen.add(unit.person)
            yield unit

    def all(self, told: Iterable[P]) -> Iterator[P]:
        """Everybody."""
        for each in told:
            self._seen.add(each.person)
            yield each
