"""The compiler of event types: their rules and keys, what they say of places, and the namespaces of ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from parcours.expression.dotted import joined_path, split_path
from parcours.expression.kinds import ACCURACY, DEGREES, KEY, PLACE, WAY
from parcours.expression.names import Names
from parcours.journey import program
from parcours.journey.compile.declarations import Declarations, condition, value
from parcours.journey.identities import ANONYMOUS, USER, IdentityRule
from parcours.journey.model.document import EventDocument, EventsDocument
from parcours.journey.places import Crossing, Location
from parcours.journey.read.documents import Documents, Margins
from parcours.journey.read.finding import Margin


@dataclass(frozen=True, slots=True)
class EventCompiler:
    """The event types of a project; `margin` is that of events.yaml."""

    documents: Documents
    margin: Margin
    declared: Declarations

    def compile(self) -> dict[str, program.EventType]:
        """The event types, by their definition keys."""
        compiled: dict[str, program.EventType] = {}
        declared = self.documents.events.events
        for name, event in declared.items():
            margin = self.margin.below("events", name)
            names = Names({}, self.declared.events[name], trees=self.declared.trees)
            if event.of in declared and declared[event.of].of is not None:
                margin.error(f"{event.of!r} is itself recognised by a rule, build on a plain event", "of")
            key = self.declared.definition_keys.event(name)
            compiled[key] = program.EventType(
                name=key,
                of=event.of,
                rule=condition(margin, event.rule, names, "rule") if event.rule else None,
                namespace=event.key.namespace if event.key else None,
                key=value(margin, event.key.value, names, KEY, "key", "value") if event.key else None,
                caseless=event.key is not None and self._is_caseless(event.key.namespace),
                location=_location(event, names, margin),
                crossing=_crossing(event, names, margin),
            )
        return compiled

    def positions(self, compiled: Mapping[str, program.EventType]) -> dict[str, frozenset[str]]:
        """By event type, the properties by which it tells where its person is."""
        found: dict[str, frozenset[str]] = {}
        for name in self.documents.events.events:
            location = compiled[self.declared.definition_keys.event(name)].location
            if location is not None:
                paths = [split_path(path) for each in (location.latitude, location.longitude) for path in each.paths]
                found[name] = frozenset(joined_path(keys) for root, *keys in paths if root == "event" and keys)
        return found

    def cloud_types(self) -> dict[str, str]:
        """The event of each type of CloudEvents that is not called like its event."""
        names: dict[str, str] = {}
        for name, event in self.documents.events.events.items():
            if event.cloud_type is None:
                continue
            margin = self.margin.below("events", name)
            if event.of is not None:
                margin.error(f"{name!r} is recognised by a rule: give {event.of!r} the cloud_type", "cloud_type")
            elif event.cloud_type in names:
                margin.error(f"{names[event.cloud_type]!r} has the same cloud_type", "cloud_type")
            names[event.cloud_type] = name
        return names

    def identities(self) -> dict[str, IdentityRule]:
        """The rule of each namespace: of anonymous ids, of those that keys of events use, and of those declared."""
        declared = self.documents.profile.identities
        used = {event.key.namespace for event in self.documents.events.events.values() if event.key}
        rules = {name: IdentityRule(each.link, each.caseless) for name, each in declared.items()}
        names = {ANONYMOUS, *used, *declared} - {USER}
        return {name: rules.get(name, IdentityRule()) for name in sorted(names)}

    def _is_caseless(self, namespace: str) -> bool:
        identity = self.documents.profile.identities.get(namespace)
        return identity is not None and identity.caseless


def _location(event: EventDocument, names: Names, margin: Margin) -> Location | None:
    given, within = event.location, margin.below("location")
    if given is None:
        return None
    if event.of is not None:
        within.error(f"an event recognised by a rule is {event.of!r} as well: give that the location")
    return Location(
        value(within, given.lat, names, DEGREES, "lat"),
        value(within, given.lon, names, DEGREES, "lon"),
        None if given.accuracy is None else value(within, given.accuracy, names, ACCURACY, "accuracy"),
    )


def _crossing(event: EventDocument, names: Names, margin: Margin) -> Crossing | None:
    given, within = event.crossing, margin.below("crossing")
    if given is None:
        return None
    if event.of is not None:
        within.error(f"an event recognised by a rule is {event.of!r} as well: give that the crossing")
    return Crossing(value(within, given.place, names, PLACE, "place"), value(within, given.way, names, WAY, "way"))


def with_events(documents: Documents, events: Mapping[str, EventDocument], file: str, margins: Margins) -> Documents:
    """The documents with events that a file makes known, which no author declares."""
    declared = documents.events.events
    for name in events:
        if name in declared:
            margins.single["events"].error(f"{file} makes {name!r} known: leave it out here", "events", name)
    return replace(documents, events=EventsDocument(events={**declared, **events}))
