"""The compiler of a whole project: one pass over its documents that notes every fault."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from pydantic import BaseModel, ValidationError

from parcours.channel import CALL, INBOX
from parcours.expression.definition_keys import DefinitionKeys
from parcours.expression.dotted import joined_path, split_path
from parcours.expression.expression import Expression, compile_expression
from parcours.expression.kinds import ADDRESS, REGION, TIME_ZONE
from parcours.expression.names import ANYTHING, Names, united
from parcours.expression.nodes import OFFERS, ROOTS, ROW
from parcours.expression.trees import Trees
from parcours.journey import program
from parcours.journey.compile.analyses.project import compiled_analyses
from parcours.journey.compile.analyses.scope import AnalysisScope
from parcours.journey.compile.audience import now_misuse
from parcours.journey.compile.campaigns.found import keeping_campaigns
from parcours.journey.compile.campaigns.project import check_rows, compiled_campaigns, saved_audiences
from parcours.journey.compile.campaigns.tables import compiled_tables, lost_names
from parcours.journey.compile.campaigns.taking import taking_people
from parcours.journey.compile.content_check import ContentChecks, findings_of
from parcours.journey.compile.declarations import (
    DEFAULT_ADDRESSES,
    Declarations,
    condition,
    declarations_of,
    expression,
    value,
)
from parcours.journey.compile.destinations import compiled_destinations
from parcours.journey.compile.events import EventCompiler
from parcours.journey.compile.index import indexed
from parcours.journey.compile.journey import JourneyCompiler
from parcours.journey.compile.journey_names import JourneyNames
from parcours.journey.compile.offers.events import with_offer_events
from parcours.journey.compile.offers.messages import MessageOffersCompiler, paths_of_offers
from parcours.journey.compile.offers.project import compiled_offers
from parcours.journey.compile.places.project import compiled_places, with_place_events
from parcours.journey.compile.places.used import check_places
from parcours.journey.compile.policies import compile_policies
from parcours.journey.compile.scores import compiled_scores
from parcours.journey.compile.shape import check_entry, check_shape
from parcours.journey.compile.sources import check_map, compiled_map
from parcours.journey.compile.templates import keys_with_templates, read_template, resolved, templates_in
from parcours.journey.disclosure import Disclosure, disclosure_of
from parcours.journey.model.actions import CallsDocument
from parcours.journey.model.channel_keys import key_faults
from parcours.journey.model.document import JourneyDocument, MessageDocument
from parcours.journey.model.steps import CallStep, DecideStep, SendStep
from parcours.journey.offers import Offers
from parcours.journey.places import Places
from parcours.journey.read.channel_settings import check_settings
from parcours.journey.read.documents import Documents, Margins
from parcours.journey.read.finding import Margin
from parcours.journey.read.reading import note_invalid
from parcours.journey.read.stand_ins import STEP_KIND

ContentModels = Mapping[str, type[BaseModel]]
"""The `Content` model of each known channel."""


def compile_project(
    documents: Documents,
    margins: Margins,
    contents: ContentModels | None = None,
    definition_keys: DefinitionKeys | None = None,
    trees: Trees | None = None,
    checks: ContentChecks = MappingProxyType({}),
) -> tuple[program.Program, Documents]:
    """The program, and the documents with each content as its channel's model normalised it.

    contents         the content models by channel; None leaves contents unchecked
    definition_keys  of audiences and event types that have been redefined
    trees            syntax trees of its expressions, to which those parsed now are added
    checks           the channels' checks, asked of contents that are the same for everybody
    Faults go into the margins; the program may be used only if no error is among them.
    """
    places = compiled_places(documents, margins)
    told = with_offer_events(with_place_events(documents, places, margins), margins)
    compiler = _Compiler(
        told,
        margins,
        contents,
        checks,
        declarations_of(told, margins.unread, contents, definition_keys, trees),
        places,
    )
    compiled, checked = compiler.compile()
    check_places(told, compiled, margins)
    keyed = "events" in margins.unread or any(each.key is not None for each in told.events.events.values())
    for name, source in documents.sources.sources.items():
        margin = margins.single["sources"].below("sources", name)
        fields = compiled_map(source, margin, compiler.declared.trees)
        if source.map is not None:
            check_map(fields, margin.below("map"), keyed=keyed)
    return compiled, replace(checked, events=documents.events)


@dataclass(frozen=True, slots=True)
class _Compiler:
    documents: Documents
    margins: Margins
    contents: ContentModels | None
    checks: ContentChecks
    declared: Declarations
    places: Places

    def compile(self) -> tuple[program.Program, Documents]:
        settings, profile = self.documents.settings, self.margins.single["profile"]
        self._check_channels()
        addresses = self._addresses()
        event_types = EventCompiler(self.documents, self.margins.single["events"], self.declared)
        events = event_types.compile()
        disclosure = self._disclosure(addresses, {} if settings.places.record else event_types.positions(events))
        analyses = AnalysisScope.of(self.documents, self.declared, disclosure, self.margins)
        audiences = self._audiences()
        checked = tuple(
            self._checked(document, margin)
            for document, margin in zip(self.documents.messages, self.margins.messages, strict=True)
        )
        offers = compiled_offers(self.documents, self.margins, self.declared)
        messages = {
            document.message: self._message(document, margin, offers)
            for document, margin in zip(checked, self.margins.messages, strict=True)
        }
        actions = self._actions()
        paths = {
            **{f"send {name}": message.paths | paths_of_offers(message, offers) for name, message in messages.items()},
            **{f"call {name}": _paths(action) for name, action in actions.items()},
            **{f"decide {name}": decision.paths() for name, decision in offers.decisions.items()},
        }
        journeys = tuple(
            replace(self._journey(document, margin, analyses, paths, offers), messages=messages, actions=actions)
            for document, margin in zip(self.documents.journeys, self.margins.journeys, strict=True)
        )
        tables = compiled_tables(self.documents, self.declared, self.margins)
        campaigns = compiled_campaigns(self.documents, self.margins, self.declared, analyses, tables, messages)
        self._check_names()
        policies = compile_policies(settings, self.margins.single["project"], self.declared)
        usual_zone = self.documents.profile.timezone == "profile.timezone"  # whether or not it is declared
        zone_names = Names(ANYTHING if usual_zone else self.declared.traits, trees=self.declared.trees)
        asked = compiled_analyses(analyses)
        compiled = program.Program(
            project=settings.project,
            timezone=settings.timezone,
            profile_timezone=value(profile, self.documents.profile.timezone, zone_names, TIME_ZONE, "timezone"),
            trait_kinds=self.documents.profile.kinds,
            events=events,
            audiences=audiences,
            messages=messages,
            journeys=tuple(sorted(journeys, key=lambda journey: (-journey.priority, journey.name))),
            actions=actions,
            policies=policies,
            addresses=addresses,
            region=settings.region,
            insight=settings.insight,
            identities=event_types.identities(),
            anonymous_history=settings.anonymous_history,
            cloud_types=event_types.cloud_types(),
            disclosure=disclosure,
            profile_region=self._profile_region(),
            campaigns=campaigns,
            taking=tuple(taking_people(each) for each in campaigns),
            tables=tables,
            saved_audiences=saved_audiences(self.documents, self.declared),
            analyses=asked,
            places=self.places,
            scores=compiled_scores(self.documents, self.margins, self.declared),
            offers=offers,
            destinations=compiled_destinations(self.documents, self.margins, self.declared, addresses),
            keeping=keeping_campaigns(asked, self.declared.definition_keys, settings.timezone),
        )
        return indexed(compiled), replace(self.documents, messages=checked)

    def _disclosure(self, addresses: Mapping[str, Expression], positions: Mapping[str, frozenset[str]]) -> Disclosure:
        paths = [split_path(path) for each in addresses.values() for path in each.paths]
        named = {joined_path(keys) for root, *keys in paths if root == "profile" and keys}
        return disclosure_of(self.documents.profile.traits, named, self.documents.events.events, positions)

    def _profile_region(self) -> Expression | None:
        text, names = self.documents.profile.region, self.declared.names(past=False)
        return None if text is None else value(self.margins.single["profile"], text, names, REGION, "region")

    def _check_channels(self) -> None:
        margin = self.margins.single["project"]
        for channel, settings in self.documents.settings.channels.items():
            for key, words in key_faults(settings):
                margin.error(words, "channels", channel, key)
            if channel == CALL:
                check_settings(settings, CallsDocument, margin.below("channels", CALL))
            else:
                self.declared.check_channel(margin, channel, "channels", channel)

    def _addresses(self) -> dict[str, Expression]:
        """The address expression of each channel, as far as the profile declares the traits for it."""
        names, margin = self.declared.names(past=False), self.margins.single["profile"]
        given = self.documents.profile.addresses
        usual = {
            channel: text
            for channel, text in DEFAULT_ADDRESSES.items()
            if channel not in given and text.removeprefix("profile.") in self.documents.profile.kinds
        }
        for channel in sorted(INBOX & given.keys()):
            margin.error(f"on {channel!r} everybody's address is her own inbox: name none", "addresses", channel)
        addresses = {
            channel: value(margin, text, names, ADDRESS, "addresses", channel) for channel, text in given.items()
        }
        anything = Names(ANYTHING, trees=self.declared.trees)
        return addresses | {channel: compile_expression(text, anything) for channel, text in usual.items()}

    def _audiences(self) -> dict[str, program.Audience]:
        margin = self.margins.single["audiences"]
        names = self.declared.names_of_audiences(lost_names(self.margins, "audiences"))
        for name, text in self.documents.audiences.conditions.items():
            if misuse := now_misuse(text, self.declared.trees):
                margin.error(misuse, "audiences", name, value=text)
        compiled = [
            program.Audience(
                self.declared.definition_keys.audience(name), condition(margin, text, names, "audiences", name)
            )
            for name, text in self.documents.audiences.conditions.items()
        ]
        return {audience.name: audience for audience in compiled}

    def _checked(self, document: MessageDocument, margin: Margin) -> MessageDocument:
        """The message with its contents as their models normalised them; a faulty content stays as written."""
        if not document.contents and document.message not in self.declared.unread:
            margin.error("a message has content for one channel at least, such as email")
        checked: dict[str, object] = {}
        for channel, content in document.contents.items():
            checked[channel] = content
            self.declared.check_channel(margin, channel, channel)
            if self.contents is not None and channel in self.contents:
                checked[channel] = self._validated(content, channel, margin.below(channel))
        return MessageDocument.model_validate({**document.model_dump(by_alias=True), **checked})

    def _validated(self, content: Mapping[str, object], channel: str, margin: Margin) -> Mapping[str, object]:
        assert self.contents is not None, "only the contents of known channels are validated"
        model = self.contents[channel]
        try:
            validated = model.model_validate(content)
        except ValidationError as error:
            note_invalid(error, model, margin)
            return content
        if not list(templates_in(content)):  # it says the same to everybody
            for finding in findings_of(self.checks.get(channel), validated):
                if finding.refused:
                    margin.error(f"the channel would refuse it: {finding.text}")
                else:
                    margin.warn(finding.text)
        return validated.model_dump()

    def _message(self, document: MessageDocument, margin: Margin, offers: Offers) -> program.Message:
        names, paths = self._names_in("send", document.message), set[str]()
        showing = self._showing(document, margin, offers)
        shown = showing.compile()
        own_roots = (ROW, OFFERS) if shown else (ROW,)
        names = replace(names, offers=showing.names(shown)) if shown else names
        for place in keys_with_templates(document.contents):
            margin.error("a key is sent as it stands: only values are filled in", *place)
        for place, text in templates_in(document.contents):
            use = read_template(text, own_roots)
            read = [resolved(path, names) for path in sorted(use.paths)]
            for complaint in (*use.complaints, *filter(None, (unknown for _, unknown in read))):
                margin.error(complaint, *place)
            paths |= {path for path, _ in read}
            showing.check_used(shown, place, (path for path, _ in read))
        check_rows(document, self.documents, self.margins, margin)
        return program.Message(
            name=document.message,
            message_class=document.message_class,
            purpose=document.purpose or document.message_class,
            expires_ms=document.expires,
            contents=dict(document.contents),
            paths=frozenset(path for path in paths if split_path(path)[0] != OFFERS),
            dates=tuple(sorted(_dates_in(names, paths))),
            is_tracked=document.message_class == "marketing" if document.track is None else document.track,
            withdraw=self._withdrawing(document, margin),
            offers=shown,
        )

    def _showing(self, document: MessageDocument, margin: Margin, offers: Offers) -> MessageOffersCompiler:
        senders = {
            each.journey: [step for step in each.steps if isinstance(step, DecideStep)]
            for each in self.documents.journeys
            if _uses(each, "send", document.message)
        }
        return MessageOffersCompiler(document, offers, senders, self._steps_unread(), self.declared, margin)

    def _withdrawing(self, document: MessageDocument, margin: Margin) -> tuple[str, ...]:
        """The keys of the events that take the message back out of an inbox."""
        if document.withdraw and document.contents and INBOX.isdisjoint(document.contents):
            margin.warn(f"nothing is taken back that has left; only {' and '.join(sorted(INBOX))} can be", "withdraw")
        for number, event in enumerate(document.withdraw):
            self.declared.properties(margin, event, "withdraw", number)
        return tuple(self.declared.definition_keys.event(event) for event in document.withdraw)

    def _actions(self) -> dict[str, program.Action]:
        compiled: dict[str, program.Action] = {}
        for name, action in self.documents.actions.actions.items():
            margin, names = self.margins.single["actions"].below("actions", name), self._names_in("call", name)
            compiled[name] = program.Action(
                name=name,
                url=action.url,
                method=action.method,
                headers=dict(action.headers),
                query={key: expression(margin, text, names, "query", key) for key, text in action.query.items()},
                body={key: expression(margin, text, names, "body", key) for key, text in action.body.items()},
                timeout_ms=action.timeout,
                answer=dict(action.answer),
            )
        return compiled

    def _names_in(self, kind: Literal["send", "call"], name: str) -> Names:
        """The names in scope for a message or action: all those of journeys that use it, else those of any event."""
        senders = [each for each in self.documents.journeys if _uses(each, kind, name)]
        names = [JourneyNames(each, self.declared).step_names() for each in senders]
        if not senders or self._steps_unread():
            every = united(self.declared.events.values())
            names.append(self.declared.names(every, every, run=True))
        event, entry = united(each.event or {} for each in names), united(each.entry or {} for each in names)
        return self.declared.names(event, entry, run=True)

    def _steps_unread(self) -> bool:
        """Whether there may be steps that send or call something, and that could not be read."""
        lost = [path for margin in self.margins.journeys for path in self.margins.lost.get(margin.file, ())]
        return "journey" in self.declared.unread or any(
            path[:1] == ("steps",) and path[2:] in ((), (STEP_KIND,), ("send",), ("call",)) for path in lost
        )

    def _journey(
        self,
        document: JourneyDocument,
        margin: Margin,
        analyses: AnalysisScope,
        paths: Mapping[str, frozenset[str]],
        offers: Offers,
    ) -> program.Journey:
        lost = self.margins.lost.get(margin.file, frozenset())
        timezone = self.documents.settings.timezone
        names = JourneyNames(document, self.declared, paths, lost, offers=offers)
        journey = JourneyCompiler(names, analyses, margin, timezone).compile()
        if all(path[0] in _APART for path in lost):
            check_shape(journey, [step.id for step in document.steps], margin)
            check_entry(journey, margin, timezone)
        return journey

    def _check_names(self) -> None:
        _check_unique([("message", each.message) for each in self.documents.messages], self.margins.messages)
        journeys = [("journey", each.journey) for each in self.documents.journeys]
        campaigns = [("campaign", each.campaign) for each in self.documents.campaigns]
        _check_unique([*journeys, *campaigns], [*self.margins.journeys, *self.margins.campaigns])


_APART: Final = frozenset({"journey", "description", "tags", "correlation", "priority"})
"""The keys of a journey that say nothing about who enters it, and what way they take."""


def _check_unique(names: Sequence[tuple[str, str]], margins: Sequence[Margin]) -> None:
    """Note names, each with its kind, that are given again: kinds that are checked together have one name space."""
    first: dict[str, tuple[str, str]] = {}
    for (kind, name), margin in zip(names, margins, strict=True):
        if name in first:
            other, file = first[name]
            what = f"the {kind} {name!r} is already in {file}"
            margin.error(what if other == kind else f"the {other} in {file} has this name already", kind)
        first.setdefault(name, (kind, margin.file))


def _uses(journey: JourneyDocument, kind: Literal["send", "call"], name: str) -> bool:
    if kind == "send":
        return any(isinstance(step, SendStep) and step.send == name for step in journey.steps)
    return any(isinstance(step, CallStep) and step.call == name for step in journey.steps)


def _dates_in(names: Names, paths: Collection[str]) -> Iterator[str]:
    """The declared dates among the paths, and below them."""
    for root in ROOTS:
        for path, kind in (names.of(root) or {}).items():
            whole = split_path(f"{root}.{path}")
            if kind == "date" and any(joined_path(whole[:end]) in paths for end in range(1, len(whole) + 1)):
                yield joined_path(whole)


def _paths(action: program.Action) -> frozenset[str]:
    return frozenset(path for value in action.expressions for path in value.paths)
