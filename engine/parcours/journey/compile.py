"""How do a project's documents become its program? One pass that compiles all and notes every fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from parcours.journey import program
from parcours.journey.audience import now_misuse
from parcours.journey.compile_journey import JourneyCompiler
from parcours.journey.document import JourneyDocument, MessageDocument
from parcours.journey.documents import Documents, Margins
from parcours.journey.expression import Expression
from parcours.journey.finding import Margin
from parcours.journey.names import RUN_KINDS, Names, nearest
from parcours.journey.reading import note_invalid
from parcours.journey.shape import check_shape
from parcours.journey.steps import SendStep
from parcours.journey.surroundings import DEFAULT_ADDRESSES, Surroundings, expression, surroundings
from parcours.journey.templates import read_template, templates_in, unknown_name

Contents = Mapping[str, type[BaseModel]]
"""The `Content` model of each channel that is known."""


def compile_project(
    documents: Documents, margins: Margins, contents: Contents | None = None
) -> tuple[program.Program, Documents]:
    """The program, and the documents with each content as its channel's model left it.

    contents  the content models by channel; None leaves contents unchecked
    Faults go into the margins; the program is of use only if no error is among them.
    """
    compiler = _Compiler(documents, margins, contents, surroundings(documents, margins.unread))
    return compiler.compile()


@dataclass(frozen=True, slots=True)
class _Compiler:
    documents: Documents
    margins: Margins
    contents: Contents | None
    around: Surroundings

    def compile(self) -> tuple[program.Program, Documents]:
        settings, profile = self.documents.settings, self.margins.single["profile"]
        self._check_channels()
        self._check_addresses()
        events, audiences = self._events(), self._audiences()
        checked = tuple(
            self._checked(document, margin)
            for document, margin in zip(self.documents.messages, self.margins.messages, strict=True)
        )
        messages = {
            document.message: self._message(document, margin)
            for document, margin in zip(checked, self.margins.messages, strict=True)
        }
        paths = {name: message.paths for name, message in messages.items()}
        journeys = tuple(
            self._journey(document, margin, paths)
            for document, margin in zip(self.documents.journeys, self.margins.journeys, strict=True)
        )
        self._check_names()
        zone_names = Names(self.around.traits) if self.documents.profile.timezone != "profile.timezone" else None
        compiled = program.Program(
            project=settings.project,
            timezone=settings.timezone,
            profile_timezone=expression(profile, self.documents.profile.timezone, zone_names, "timezone"),
            trait_kinds=dict(self.documents.profile.traits),
            events=events,
            audiences=audiences,
            messages=messages,
            journeys=tuple(sorted(journeys, key=lambda journey: (-journey.priority, journey.name))),
            derived=_derived(events),
            moving=_incoming({name for journey in journeys for name in _event_names(journey)}, events),
            entering=_incoming({name for journey in journeys for name in _entry_names(journey)}, events),
        )
        documents = Documents(
            settings,
            self.documents.profile,
            self.documents.events,
            self.documents.audiences,
            checked,
            self.documents.journeys,
        )
        return compiled, documents

    @property
    def _channels(self) -> frozenset[str]:
        """The channels that a project may speak of."""
        if self.contents is not None:
            return frozenset(self.contents)
        declared = {*self.documents.settings.channels, *self.documents.profile.addresses}
        return frozenset({*DEFAULT_ADDRESSES, *declared})

    def _check_channels(self) -> None:
        for channel in self.documents.settings.channels:
            if channel not in self._channels:
                self.margins.single["project"].error(
                    f"unknown channel {channel!r}{nearest(channel, self._channels)}", "channels", channel
                )

    def _check_addresses(self) -> None:
        names, margin = self.around.names(), self.margins.single["profile"]
        for channel, text in self.documents.profile.addresses.items():
            expression(margin, text, names, "addresses", channel)

    def _events(self) -> dict[str, program.EventType]:
        compiled: dict[str, program.EventType] = {}
        declared = self.documents.events.events
        for name, event in declared.items():
            margin = self.margins.single["events"].below("events", name)
            names = Names({}, self.around.events[name])
            if event.of in declared and declared[event.of].of is not None:
                margin.error(f"{event.of!r} is itself recognised by a rule, build on a plain event", "of")
            compiled[name] = program.EventType(
                name=name,
                of=event.of,
                rule=expression(margin, event.rule, names, "rule") if event.rule else None,
                namespace=event.key.namespace if event.key else None,
                key=expression(margin, event.key.value, names, "key", "value") if event.key else None,
            )
        return compiled

    def _audiences(self) -> dict[str, Expression]:
        margin, names = self.margins.single["audiences"], self.around.names()
        for name, text in self.documents.audiences.audiences.items():
            if misuse := now_misuse(text):
                margin.error(misuse, "audiences", name, value=text)
        return {
            name: expression(margin, text, names, "audiences", name)
            for name, text in self.documents.audiences.audiences.items()
        }

    def _checked(self, document: MessageDocument, margin: Margin) -> MessageDocument:
        """The message with its contents as their models left them; a faulty content stays as written."""
        if not document.contents:
            margin.error("a message has content for one channel at least, such as email")
        checked: dict[str, object] = {}
        for channel, content in document.contents.items():
            checked[channel] = content
            if channel not in self._channels:
                margin.error(f"unknown channel {channel!r}{nearest(channel, self._channels)}", channel)
            elif self.contents is not None:
                checked[channel] = _validated(content, self.contents[channel], margin.below(channel))
        return MessageDocument.model_validate({**document.model_dump(by_alias=True), **checked})

    def _message(self, document: MessageDocument, margin: Margin) -> program.Message:
        names, paths = self._message_names(document.message), set[str]()
        for place, text in templates_in(document.contents):
            use = read_template(text)
            unknown = [unknown_name(path, names) for path in sorted(use.paths)]
            for complaint in (*use.complaints, *filter(None, unknown)):
                margin.error(complaint, *place)
            paths |= use.paths
        return program.Message(
            name=document.message,
            message_class=document.message_class,
            purpose=document.purpose or document.message_class,
            expires_ms=document.expires,
            contents=dict(document.contents),
            paths=frozenset(paths),
        )

    def _message_names(self, message: str) -> Names:
        """What its templates may name: what any journey that sends it knows, or any event if none does."""
        senders = [each for each in self.documents.journeys if _sends(each, message)]
        compilers = [self._journey_compiler(each, Margin("", []), {}) for each in senders]
        every = {path: kind for event in self.around.events.values() for path, kind in event.items()}
        if not senders:
            return Names(self.around.traits, every, every, RUN_KINDS)
        names = [compiler.step_names() for compiler in compilers]
        event = {path: kind for each in names for path, kind in (each.event or {}).items()}
        entry = {path: kind for each in names for path, kind in (each.entry or {}).items()}
        return Names(self.around.traits, event, entry, RUN_KINDS)

    def _journey_compiler(
        self, document: JourneyDocument, margin: Margin, paths: Mapping[str, frozenset[str]]
    ) -> JourneyCompiler:
        return JourneyCompiler(document, margin, self.around, paths, self.documents.settings.timezone)

    def _journey(
        self, document: JourneyDocument, margin: Margin, paths: Mapping[str, frozenset[str]]
    ) -> program.Journey:
        journey = self._journey_compiler(document, margin, paths).compile()
        if margin.file not in self.margins.faulty:
            check_shape(journey, [step.id for step in document.steps], margin)
        return journey

    def _check_names(self) -> None:
        _check_unique([each.message for each in self.documents.messages], self.margins.messages, "message")
        _check_unique([each.journey for each in self.documents.journeys], self.margins.journeys, "journey")


def _check_unique(names: Sequence[str], margins: Sequence[Margin], kind: str) -> None:
    first: dict[str, str] = {}
    for name, margin in zip(names, margins, strict=True):
        if name in first:
            margin.error(f"the {kind} {name!r} is already in {first[name]}", kind)
        first.setdefault(name, margin.file)


def _validated(content: Mapping[str, object], model: type[BaseModel], margin: Margin) -> Mapping[str, object]:
    try:
        return model.model_validate(content).model_dump()
    except ValidationError as error:
        note_invalid(error, model, margin)
        return content


def _sends(journey: JourneyDocument, message: str) -> bool:
    return any(isinstance(step, SendStep) and step.send == message for step in journey.steps)


def _derived(events: Mapping[str, program.EventType]) -> dict[str, tuple[program.EventType, ...]]:
    """The rule-based types of each event name, in the order of events.yaml."""
    derived: dict[str, tuple[program.EventType, ...]] = {}
    for event in events.values():
        if event.of is not None:
            derived[event.of] = (*derived.get(event.of, ()), event)
    return derived


def _entry_names(journey: program.Journey) -> set[str]:
    return {journey.entry.event} if isinstance(journey.entry, program.Trigger) else set()


def _event_names(journey: program.Journey) -> set[str]:
    """Every event type that the journey can be entered, left, credited or moved by."""
    names = _entry_names(journey) | {trigger.event for trigger in journey.exits}
    if journey.goal is not None:
        names.add(journey.goal.trigger.event)
    for step in journey.steps.values():
        if isinstance(step, program.WaitFor):
            names |= {each.trigger.event for each in step.listeners if isinstance(each, program.EventListener)}
    return names


def _incoming(names: set[str], events: Mapping[str, program.EventType]) -> frozenset[str]:
    """The names under which those types come in: a rule-based one comes as what it is built on."""
    return frozenset((events[name].of or name) if name in events else name for name in names)
