"""The names in scope for each part of a journey: its events, answers and audiences; and the paths used so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from parcours.expression.names import ANYTHING, Names, united
from parcours.journey import program
from parcours.journey.compile.declarations import Declarations, union_of
from parcours.journey.compile.offers.chosen import OFFER_PARTS, paths_of_chosen
from parcours.journey.compile.triggers import compiled_audience_trigger, compiled_trigger
from parcours.journey.model import steps
from parcours.journey.model.document import JourneyDocument
from parcours.journey.model.triggers import AudienceTriggerDocument, EventTriggerDocument
from parcours.journey.offers import NO_OFFERS, Offers
from parcours.journey.read.finding import KeyPath, Margin
from parcours.journey.read.stand_ins import STEP_KIND


@dataclass(frozen=True, slots=True)
class JourneyNames:
    """The scopes of one journey.

    paths  the paths that each message, action and decision reads, by `send NAME`, `call NAME` and `decide NAME`
    offers what offers.yaml says
    kept   collects the paths of events that a run has to keep
    lost   what could not be read of the journey
    """

    document: JourneyDocument
    declared: Declarations
    paths: Mapping[str, frozenset[str]] = field(default_factory=dict)
    lost: frozenset[KeyPath] = frozenset()
    offers: Offers = NO_OFFERS
    kept: set[str] = field(default_factory=set)

    @property
    def ids_unread(self) -> bool:
        """Whether there may be steps with other ids than are known."""
        return any(path[:1] == ("steps",) and path[2:] in ((), ("id",)) for path in self.lost)

    def has_lost(self, step: str, key: str) -> bool:
        """Whether a key of the step of this id could not be read, or something within it."""
        places = {("steps", number, key) for number, each in enumerate(self.document.steps) if each.id == step}
        return any(path[:3] in places for path in self.lost)

    @property
    def entry_events(self) -> list[str]:
        return [each.event for each in self.document.entry_events]

    @property
    def entry_names(self) -> Mapping[str, str]:
        """The names that `entry` has; none where people enter by an audience."""
        any_entry = [self._every()] if ("entry",) in self.lost else []
        return united([union_of(self.declared, self.entry_events), *any_entry])

    def _every(self) -> Mapping[str, str]:
        """What any event or answer may have, for a part that could not be read."""
        return united([*self.declared.events.values(), *(each.answer for each in self.declared.actions.values())])

    @property
    def _listeners_unread(self) -> bool:
        kinds: tuple[KeyPath, ...] = ((), (STEP_KIND,), ("wait_for",))
        return any(path[:1] == ("steps",) and path[2:] in kinds for path in self.lost)

    def step_names(self) -> Names:
        """The names in scope for a step: `event` is whichever event, or answer to a call, moved the run last."""
        events, answers = self.entry_events, list[Mapping[str, str]]()
        for listener, reaction_lost in self._listeners():
            if isinstance(listener, steps.EventListenerDocument):
                events.append(listener.event)
            elif isinstance(listener, steps.ReactionListenerDocument) and (
                reaction_lost or listener.reaction == "answered"
            ):
                answers.append(self._answer(listener.of))
        if self._listeners_unread:
            answers.append(self._every())
        names = self.declared.names(united([union_of(self.declared, events), *answers]), self.entry_names, run=True)
        decided = [each for each in self.document.steps if isinstance(each, steps.DecideStep)]
        return replace(names, offers=self._decided(decided)) if decided else names

    def _decided(self, decided: list[steps.DecideStep]) -> Mapping[str, str]:
        """The paths that `offers` has: those of the first offer that each of these steps may choose."""
        if self._listeners_unread or not OFFER_PARTS.isdisjoint(self.declared.unread):
            return ANYTHING
        return united(
            paths_of_chosen(each.as_, decision.offers)
            for each in decided
            if (decision := self.offers.decisions.get(each.decide)) is not None
        )

    def _listeners(self) -> Iterator[tuple[steps.ListenerDocument, bool]]:
        """Each listener, and whether the reaction that it waits for could not be read."""
        for number, step in enumerate(self.document.steps):
            for place, listener in enumerate(step.wait_for if isinstance(step, steps.WaitForStep) else ()):
                yield listener, ("steps", number, "wait_for", place, "reaction") in self.lost

    def _answer(self, call: str) -> Mapping[str, str]:
        """The paths of a call step's answer; any where there is no such step or action."""
        names = [each.call for each in self.document.steps if isinstance(each, steps.CallStep) and each.id == call]
        actions = [self.declared.actions[name] for name in names if name in self.declared.actions]
        return actions[0].answer if actions else ANYTHING

    def exit_rule(
        self, rule: EventTriggerDocument | AudienceTriggerDocument, margin: Margin
    ) -> program.Trigger | program.AudienceTrigger:
        if isinstance(rule, AudienceTriggerDocument):
            return self.audience_trigger(rule, margin)
        return self.trigger(rule, margin)

    def audience_trigger(self, trigger: AudienceTriggerDocument, margin: Margin) -> program.AudienceTrigger:
        return compiled_audience_trigger(trigger, self.declared, margin)

    def audience_listener(
        self, listener: steps.AudienceListenerDocument, margin: Margin, after: str | None
    ) -> program.AudienceListener:
        self.declared.check_audience(margin, listener.audience, "audience")
        key = self.declared.definition_keys.audience(listener.audience)
        change: program.AudienceChange = "entered" if listener.change in ("entered", "inside") else "left"
        return program.AudienceListener(key, change, after, at_once=listener.change in ("inside", "outside"))

    def trigger(self, trigger: EventTriggerDocument, margin: Margin) -> program.Trigger:
        """An exit, goal or listener, whose paths of the entry the run keeps."""
        compiled = compiled_trigger(trigger, self.declared, self.entry_names, margin)
        if compiled.when is not None:
            self.kept.update(path for path in compiled.when.paths if path.startswith("entry."))
        return compiled
