"""The checker of a scene: its names against the project's, and expectations that nothing could ever meet.

Without it a test with a misspelt step would pass by expecting nothing. What the live engine takes with a warning, such
as a trait that is not declared, is a warning here too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import assert_never

from parcours.channel import CALL
from parcours.core.delivery.feedback import CALL_OUTCOMES, is_possible
from parcours.core.identity import person_in
from parcours.core.offers.asking import objection
from parcours.expression.dotted import joined_path, split_path
from parcours.expression.names import kind_at
from parcours.instants import floor_ms
from parcours.journey.campaign_steps import SetRef
from parcours.journey.channels import channels_used, consents_known, leaving_steps, purposes_known
from parcours.journey.program import CallAction, Journey, Send
from parcours.journey.project import Project
from parcours.journey.read.finding import Key, Margin
from parcours.testing.cases.content import Fields
from parcours.testing.cases.declared import Declared
from parcours.testing.cases.document import (
    CampaignGiven,
    Case,
    ConsentGiven,
    DecisionExpected,
    DecisionGiven,
    DeliveryExpected,
    EventGiven,
    Expected,
    Given,
    IdentifyGiven,
    MarkGiven,
    MergeGiven,
    MoveExpected,
    NeverExpected,
    ReactionGiven,
    Scene,
    SetsExpected,
)
from parcours.testing.cases.message import MessageGiven
from parcours.testing.cases.moment import at_ms
from parcours.testing.cases.people import ids, is_hers, is_user, linked_ids, name_of
from parcours.testing.cases.sets import set_named, sets_of
from parcours.wording import nearest, quoted


class SceneChecker:
    """Checks one scene of a project."""

    def __init__(self, project: Project, scene: Scene, fields: Fields) -> None:
        self._fields = fields
        self._scene = scene
        self._program = project.program
        self._declared = Declared(project)
        self._journeys = {each.name: each for each in (*self._program.journeys, *self._program.taking)}
        self._campaigns = {campaign.name: campaign for campaign in self._program.campaigns}
        self._channels = channels_used(project.program)
        self._sources = project.documents.sources.sources
        self._offers = project.program.offers
        self._leaving = [each for journey in self._journeys.values() for each in _leaving(journey)]

    def check(self, margin: Margin) -> None:
        """Note what is wrong with the scene, and what is doubtful."""
        for who, traits in self._scene.people.items():
            self._declared.check_traits(traits or {}, margin.below("people", who))
        for place, given in enumerate(self._scene.given):
            self._given(given, margin.below("given", place))
            self._within(given.at, margin.below("given", place))
        for place, expected in enumerate(self._scene.expect) if isinstance(self._scene, Case) else ():
            self._expected(expected, margin.below("expect", place))
            if not isinstance(expected, NeverExpected | SetsExpected) and expected.at is not None:
                self._within(expected.at, margin.below("expect", place))

    def _within(self, moment: int | datetime, margin: Margin) -> None:
        """Note a moment at which nothing of the scene can happen."""
        start_ms = floor_ms(self._scene.start)
        at = at_ms(moment, start_ms)
        if at < start_ms:
            margin.error("this is before the start", "at")
        elif self._scene.until is not None and at > at_ms(self._scene.until, start_ms):
            margin.error("this is after `until`, and so would never be seen", "at")

    def _given(self, given: Given, margin: Margin) -> None:
        if isinstance(given, CampaignGiven):
            self._known(given.campaign, self._campaigns, "campaign", margin, "campaign")
            return
        if isinstance(given, MessageGiven):
            self._known(given.message, self._sources, "source", margin, "message")
            return
        self._known(given.who, self._scene.people, "person", margin, "who")
        match given:
            case EventGiven():
                self._known(given.event, self._declared.events, "event", margin, "event")
                self._told_by_key(given, margin)
                self._declared.check_properties(given.event, given.properties, margin.below("properties"))
            case ReactionGiven():
                self._sent_by(given, margin)
            case IdentifyGiven():
                self._identified(given, margin)
            case MergeGiven():
                self._known(given.merge, self._scene.people, "person", margin, "merge")
                self._takes_in(given.who, margin)
            case ConsentGiven():
                consent, below = given.consent, margin.below("consent")
                self._known(consent.channel, consents_known(self._program), "channel", below, "channel")
                self._known(consent.purpose, purposes_known(self._program), "purpose", below, "purpose")
            case DecisionGiven():
                self._known(given.decide, self._offers.decisions, "decision", margin, "decide")
                self._known(given.placement, self._offers.placements, "placement", margin, "placement")
                self._context(given, margin.below("context"))
            case MarkGiven():
                self._known(given.of, self._offers.offers, "offer", margin, "of")
            case _:
                assert_never(given)

    def _told_by_key(self, given: EventGiven, margin: Margin) -> None:
        """Note an event that is not of whoever has no id to be named by."""
        if "person" in ids(given.who, self._program):
            if not is_hers(given.event, given.properties, given.who, self._program):
                margin.error(f"no key of this event's type names {given.who!r} by these properties", "who")

    def _identified(self, given: IdentifyGiven, margin: Margin) -> None:
        linked = linked_ids(given.identify, self._program)
        traits = {name: value for name, value in given.identify.items() if name not in linked}
        self._declared.check_traits(traits, margin.below("identify"))
        if linked:
            self._takes_in(given.who, margin)
        known = {name_of(who, self._program) for who in self._scene.people}
        for namespace, value in linked.items():
            caseless = self._program.identities[namespace].caseless
            name = person_in(namespace, value, caseless=caseless)
            if name is None:
                margin.error("an id is a text or a whole number: one such as 7e3 needs quotes", "identify", namespace)
            elif name not in known:
                margin.error(f"unknown person {quoted(name)}{nearest(name, known)}", "identify", namespace)

    def _takes_in(self, who: str, margin: Margin) -> None:
        """Note somebody into whom nobody can be merged."""
        if not is_user(who, self._program):
            margin.error("only a user takes somebody in: whoever is merged is named by `identify` or `merge`", "who")

    def _sent_by(self, given: ReactionGiven, margin: Margin) -> None:
        if "person" in ids(given.who, self._program):
            margin.error("only a user or an anonymous person reacts in a test", "who")
        steps = leaving_steps(self._journeys.values(), given.of)
        if len(steps) > 1:
            names = " or ".join(f"{journey}.{step}" for journey, step in steps)
            margin.error(f"several journeys send at {given.of!r}, write {names}", "of")
        elif not steps:
            known = [f"{name}.{step}" for name, each in self._journeys.items() for step in each.steps]
            margin.error(f"no step {given.of!r} sends anything{nearest(given.of, known)}", "of")
        else:
            (journey, step), channels = next(iter(steps.items()))
            if given.channel is None and len(channels) > 1:
                margin.error(f"{journey}.{step} sends on {', '.join(channels)}: name the channel", "of")
            elif given.channel is not None:
                self._known(given.channel, channels, "channel", margin, "channel")
            if not is_possible(given.reaction, channels[0]):
                called = channels == (CALL,)
                what = f"a call is {' or '.join(sorted(CALL_OUTCOMES))}" if called else "only a call is answered"
                margin.error(f"{what}, and {journey}.{step} {'calls' if called else 'sends'}", "reaction")
            elif given.answer is not None:
                self._answer(given.answer, self._journeys[journey].steps[step], margin.below("answer"))

    def _answer(self, answer: Mapping[str, object], step: object, margin: Margin) -> None:
        """Check an answer: only the paths that its action declares are ever read."""
        declared = self._program.actions[step.action].answer if isinstance(step, CallAction) else {}
        for path in _paths(answer):
            if kind_at(declared, path) is None:
                hint = nearest(path, declared)
                margin.error(f"the action declares no {path!r} in its answer{hint}", split_path(path)[0])

    def _expected(self, expected: Expected, margin: Margin) -> None:
        before = len(margin.findings)
        match expected:
            case DeliveryExpected():
                self._place(expected.who, expected.journey, expected.step, margin)
                self._known(expected.channel, self._channels, "channel", margin, "channel")
                known = {*self._program.messages, *self._program.actions}
                self._known(expected.message, known, "message", margin, "message")
                self._said(expected, margin)
                named = [(key, getattr(expected, key)) for key in ("journey", "step", "message", "channel")]
            case MoveExpected():
                self._place(expected.who, expected.journey, expected.step, margin)
                named = []
            case DecisionExpected():
                self._decided(expected, margin)
                return
            case NeverExpected():
                self._known(expected.who, self._scene.people, "person", margin, "who")
                self._known(expected.never.channel, self._channels, "channel", margin, "never", "channel")
                self._known(expected.never.journey, self._journeys, "journey", margin, "never", "journey")
                named = [("journey", expected.never.journey), ("channel", expected.never.channel)]
                margin = margin.below("never")
            case SetsExpected():
                self._sets(expected, margin)
                return
            case _:
                assert_never(expected)
        if len(margin.findings) == before:
            self._leaves({key: name for key, name in named if name is not None}, margin)

    def _context(self, given: DecisionGiven, margin: Margin) -> None:
        if (decision := self._offers.decisions.get(given.decide)) is None:
            return
        for name, value in given.context.items():
            self._known(name, decision.context, f"context of {given.decide}", margin, name)
            if name in decision.context and (why := objection([given.decide], [], {name: value}, self._offers)):
                margin.error(why, name)

    def _decided(self, expected: DecisionExpected, margin: Margin) -> None:
        """Check the names of a decision, and of offers that it may choose."""
        self._known(expected.who, self._scene.people, "person", margin, "who")
        self._known(expected.decision, self._offers.decisions, "decision", margin, "decision")
        self._known(expected.placement, self._offers.placements, "placement", margin, "placement")
        if (decision := self._offers.decisions.get(expected.decision)) is None:
            return
        names = [each.name for each in decision.offers]
        for place, offer in enumerate(expected.offers or ()):
            self._known(offer, names, f"offer of {decision.name}", margin, "offers", place)
        for offer in expected.reasons:
            self._known(offer, names, f"offer of {decision.name}", margin, "reasons", offer)

    def _sets(self, expected: SetsExpected, margin: Margin) -> None:
        """Check the names of a campaign's sets."""
        campaign = self._campaigns.get(expected.campaign)
        if campaign is None:
            self._known(expected.campaign, self._campaigns, "campaign", margin, "campaign")
            return
        for name in expected.sets:
            step = campaign.steps.get(set_named(name).step)
            if step is None:
                self._known(name, sets_of(campaign), "set", margin, "sets", name)
            elif set_named(name).output not in step.outputs:
                known = " and ".join(str(SetRef(step.id, output)) for output in step.outputs)
                margin.error(f"{step.id} gives no set {quoted(name)}, but {known}", "sets", name)

    def _leaves(self, named: Mapping[str, str], margin: Margin) -> None:
        """Note names that are known each, and of which no step has all: what is expected so happens never."""
        left, sender = self._leaving, ""
        for key, name in named.items():
            fitting = [each for each in left if each[key] == name]
            if not fitting:
                known = ", ".join(sorted({each[key] for each in left}))
                said = f"does not send {name}, but {known}" if key == "message" else f"sends on {known}, not on {name}"
                margin.error(f"{key} {name} sends nothing" if key in ("journey", "step") else f"{sender} {said}", key)
                return
            left, sender = fitting, f"{sender}.{name}" if sender and key == "step" else sender or name

    def _said(self, expected: DeliveryExpected, margin: Margin) -> None:
        for key, named in (("content", expected.content), ("contains", expected.contains)):
            for name in named:
                self._known(name, self._fields.of(expected), "field", margin, key, name)

    def _place(self, who: str | None, journey: str | None, step: str | None, margin: Margin) -> None:
        self._known(who, self._scene.people, "person", margin, "who")
        self._known(journey, self._journeys, "journey", margin, "journey")
        within = [self._journeys[journey]] if journey in self._journeys else self._journeys.values()
        if step is not None and self._is_of_sets(journey, step):
            margin.error(f"{step} makes a set, and takes nobody along: ask for the size of its `sets`", "step")
            return
        self._known(step, {name for each in within for name in each.steps}, "step", margin, "step")

    def _is_of_sets(self, journey: str | None, step: str) -> bool:
        """Whether it is a step of that campaign which nobody comes to."""
        campaign = self._campaigns.get(journey or "")
        return campaign is not None and step in campaign.steps and step not in self._journeys[campaign.name].steps

    def _known(self, name: str | None, names: Collection[str], what: str, margin: Margin, *keys: Key) -> None:
        if name is not None and name not in names:
            margin.error(f"unknown {what} {quoted(name)}{nearest(name, list(names))}", *keys)


def _leaving(journey: Journey) -> Iterator[Mapping[str, str]]:
    """What a journey's steps send: for each delivery its journey, step, message and channel."""
    for step in journey.steps.values():
        if isinstance(step, Send):
            for channel in step.to:
                yield {"journey": journey.name, "step": step.id, "message": step.message, "channel": channel}
        elif isinstance(step, CallAction):
            yield {"journey": journey.name, "step": step.id, "message": step.action, "channel": CALL}


def _paths(value: Mapping[str, object], before: str = "") -> Iterator[str]:
    """The dotted path of every leaf of an object."""
    for name, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _paths(inner, f"{before}{joined_path([name])}.")
        else:
            yield before + joined_path([name])
