"""What an analysis can refer to: events and their properties, traits, segments, audiences, and splits of journeys.

In a condition on an event `now` is the event's own time. Facts have no personal data, so an expression of an analysis
may name neither a personal trait nor such a property. They have events as they came in: one that is recognised by a
rule is compiled to the event that arrives, with its rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, assert_never

from parcours.expression.dotted import joined_path, split_path
from parcours.expression.expression import Expression, ExpressionError, compile_expression
from parcours.expression.kinds import ExpectedKind
from parcours.expression.names import Names, kind_at
from parcours.journey.analyses import ByAudience, ByProperty, BySegments, ByTrait, ByVariant, Grouping
from parcours.journey.compile.analyses.splits import check_split
from parcours.journey.compile.declarations import NEVER, Declarations, condition, union_of, value
from parcours.journey.disclosure import Disclosure
from parcours.journey.model.analysis_forms import (
    AudienceSplit,
    ExperimentSplit,
    SegmentsSplit,
    SplitForm,
    trigger_of,
)
from parcours.journey.model.triggers import EventTriggerDocument
from parcours.journey.parts import Trigger
from parcours.journey.place_uses import PLACE_EVENTS
from parcours.journey.read.documents import Documents, Margins
from parcours.journey.read.finding import Key, KeyPath, Margin
from parcours.wording import nearest, quoted

AnalysisKind: TypeAlias = Literal["metrics", "segments", "funnels", "flows", "attributions", "cohorts", "audiences"]

ONE: Final[Mapping[AnalysisKind, str]] = {
    "metrics": "metric",
    "segments": "segment",
    "funnels": "funnel",
    "flows": "flow",
    "attributions": "attribution",
    "cohorts": "cohort",
    "audiences": "audience",
}
"""What one of each kind is called."""

NUMBER: Final = ExpectedKind("a number is expected", ("number", "integer"))

_MANIFOLD: Final = ("object", "list")


@dataclass(frozen=True, slots=True)
class AnalysisScope:
    """The scope of all analyses of a project.

    names  those that are given in insight/, by kind; "*" among them if there may be others
    """

    documents: Documents
    declared: Declarations
    disclosure: Disclosure
    margins: Margins
    names: Mapping[AnalysisKind, frozenset[str]]

    @classmethod
    def of(
        cls, documents: Documents, declared: Declarations, disclosure: Disclosure, margins: Margins
    ) -> AnalysisScope:
        """The scope that all documents of insight/ together make."""
        lost = [path for margin in margins.insight for path in margins.lost.get(margin.file, ())]
        names = {
            kind: frozenset(
                {name for each in documents.insight for name in getattr(each, kind)}
                | {str(path[1]) for path in lost if path[0] == kind and len(path) > 1}
                | ({"*"} if kind in margins.unread else set())
            )
            for kind in ONE
        }
        return cls(documents, declared, disclosure, margins, names)

    def has_lost(self, kind: AnalysisKind, name: str) -> bool:
        """Whether something of an analysis could not be read."""
        lost = (path for margin in self.margins.insight for path in self.margins.lost.get(margin.file, ()))
        return any(path[:2] == (kind, name) for path in lost)

    def check_known(self, kind: AnalysisKind, name: str, margin: Margin, *keys: Key) -> None:
        """Note a name that no document of insight/ gives."""
        known = self.names[kind]
        if name not in known and "*" not in known:
            margin.error(f"unknown {ONE[kind]} {quoted(name)}{nearest(name, known)}", *keys)

    def segment(self, name: str | None, margin: Margin) -> str | None:
        """The segment whose people are taken; a finding where there is none of this name."""
        if name is not None:
            self.check_known("segments", name, margin, "segment")
        return name

    def trigger(self, form: str | EventTriggerDocument, margin: Margin, *keys: Key) -> Trigger:
        """The event that is written at these keys, by its name or with a condition."""
        document = trigger_of(form)
        at = keys if isinstance(form, str) else (*keys, "event")
        return self.event(document.event, document.when, margin, at, (*keys, "when"))

    def event(self, name: str, when: str | None, margin: Margin, at: KeyPath, when_at: KeyPath) -> Trigger:
        """The event of this name and its condition, and where in the document each of them is written."""
        self.declared.properties(margin, name, *at)
        self._warn_of_not_kept(name, margin, at)
        met = None if when is None else self.condition(when, [name], margin, *when_at)
        declared = self.documents.events.events.get(name)
        if declared is None or declared.of is None or declared.rule is None:
            return Trigger(name, met)
        return Trigger(declared.of, self._recognised(name, declared.rule, met, margin, at))

    def plain_event(self, name: str, margin: Margin, *keys: Key) -> str:
        """An event that is named without a condition, so that one with a rule has no place here."""
        self.declared.properties(margin, name, *keys)
        declared = self.documents.events.events.get(name)
        if declared is not None and declared.of is not None:
            margin.error(f"{name!r} is recognised by a rule: name {declared.of!r} here", *keys)
        self._warn_of_not_kept(name, margin, keys)
        return name

    def _recognised(self, name: str, rule: str, met: Expression | None, margin: Margin, at: KeyPath) -> Expression:
        """That an event is one of a type, and meets a condition besides."""
        names, text = self._names([name]), rule if met is None else f"({rule}) && ({met.text})"
        try:
            recognised = compile_expression(rule, Names({}, self.declared.events[name], trees=self.declared.trees))
        except ExpressionError:
            return NEVER  # events.yaml has a finding
        if met is NEVER:
            return NEVER
        try:
            both = compile_expression(text, names)
        except ExpressionError as error:
            margin.error(f"this and the rule of {name!r} cannot be met together: {error.message}", *at)
            return NEVER
        if (personal := self._personal(recognised, [name])) is not None:
            margin.error(f"{name!r} cannot be recognised in facts: its rule reads {personal}, which is personal", *at)
        return both

    def _warn_of_not_kept(self, name: str, margin: Margin, at: KeyPath) -> None:
        """Note an event that the settings leave out of what is kept."""
        declared = self.documents.events.events.get(name)
        arriving = name if declared is None or declared.of is None else declared.of
        if arriving in PLACE_EVENTS:
            told = f"no event {arriving!r} is kept, for it never came in"
            margin.warn(f"{told}: ask the table `changes` in SQL, where `what` is 'place'", *at)
        elif declared is not None and self.not_kept([arriving]):
            margin.warn(f"{arriving!r} is not kept: parcours.yaml leaves it out under insight: events", *at)

    def not_kept(self, arriving: Iterable[str]) -> list[str]:
        """Those of these names of events that the settings leave out of what is kept."""
        kept = self.documents.settings.insight.events
        return sorted(name for name in arriving if kept == "none" or (not isinstance(kept, str) and name not in kept))

    def condition(self, text: str, events: Sequence[str], margin: Margin, *keys: Key) -> Expression:
        """A condition on an event, which is one of these."""
        return self._told(condition(margin, text, self._names(events), *keys), events, margin, *keys)

    def number(self, text: str, events: Sequence[str], margin: Margin, *keys: Key) -> Expression:
        """A number of an event, which is one of these."""
        return self._told(value(margin, text, self._names(events), NUMBER, *keys), events, margin, *keys)

    def of_person(self, text: str, margin: Margin, *keys: Key) -> Expression:
        """A condition on the traits of a person, as the table of people has them."""
        names = Names(self.declared.traits, now=False, trees=self.declared.trees)
        return self._told(condition(margin, text, names, *keys), (), margin, *keys)

    def _names(self, events: Iterable[str]) -> Names:
        return Names(None, union_of(self.declared, events), trees=self.declared.trees)

    def _told(self, expression: Expression, events: Sequence[str], margin: Margin, *keys: Key) -> Expression:
        """The expression; a finding as well where it reads what is personal."""
        if (personal := self._personal(expression, events)) is not None:
            margin.error(f"{personal} is personal, so that facts do not have it", *keys, value=expression.text)
        return expression

    def _personal(self, expression: Expression, events: Sequence[str]) -> str | None:
        """A path of the expression that no fact has; None if there is none."""
        for path in sorted(expression.paths):
            root, *keys = split_path(path)
            if keys and root == "profile" and self.disclosure.is_personal(keys):
                return path
            if keys and root == "event" and self._is_personal(keys, events):
                return path
        return None

    def _is_personal(self, keys: Sequence[str], events: Sequence[str]) -> bool:
        """Whether a property is personal in each of the events that have it."""
        path, declared = joined_path(keys), self.declared.events
        having = [each for each in events if each in declared and kind_at(declared[each], path) is not None]
        return bool(having) and all(self.disclosure.is_personal_property(each, keys) for each in having)

    def split(self, form: SplitForm, first: str, margin: Margin) -> Grouping:
        """What groups go by; `first` is the event of whose properties one may be named."""
        match form:
            case str() if form.startswith("profile."):
                return ByTrait(self._trait(form, margin, "split"))
            case str():
                return ByProperty(self.property(form, [first], margin, "split"))
            case AudienceSplit():
                self.declared.check_audience(margin, form.audience, "split", "audience")
                return ByAudience(form.audience)
            case ExperimentSplit():
                check_split(form.experiment, self.documents, self.margins, margin.below("split", "experiment"))
                journey, _, step = form.experiment.partition(".")
                return ByVariant(journey, step)
            case SegmentsSplit():
                for number, name in enumerate(form.segments):
                    self.check_known("segments", name, margin, "split", "segments", number)
                return BySegments(*form.segments)
            case _:
                assert_never(form)

    def _trait(self, text: str, margin: Margin, *keys: Key) -> str:
        _, *parts = split_path(text)
        path = joined_path(parts)
        kind = kind_at(self.declared.traits, path)
        if kind is None:
            margin.error(f"unknown trait {quoted(path)}{nearest(path, self.declared.traits)}", *keys)
        elif self.disclosure.is_personal(parts):
            margin.error(f"{text} is personal, so that facts do not have it", *keys)
        elif kind in _MANIFOLD:
            margin.error(f"{text} is no single value", *keys)
        return path

    def property(self, text: str, events: Sequence[str], margin: Margin, *keys: Key) -> str:
        """The path of a property of any of the events, which is written as `event.PATH`."""
        _, *parts = split_path(text)
        path, properties = joined_path(parts), union_of(self.declared, events)
        kind = "any" if "events" in self.declared.unread else kind_at(properties, path)
        if kind is None:
            margin.error(f"unknown property {quoted(path)}{nearest(path, properties)}", *keys)
        elif self._is_personal(parts, events):
            margin.error(f"{text} is personal, so that facts do not have it", *keys)
        elif kind in _MANIFOLD:
            margin.error(f"{text} is no single value", *keys)
        return path
