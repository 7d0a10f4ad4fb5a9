"""The declarations of a project: the symbol table that its expressions and references are checked against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from parcours.channel import CALL, INBOX
from parcours.expression.definition_keys import DefinitionKeys
from parcours.expression.expression import Expression, ExpressionError, compile_expression, constant
from parcours.expression.kinds import ExpectedKind, in_words
from parcours.expression.names import ANYTHING, RUN_KINDS, UNREAD_EVENT, Names, Past, united
from parcours.expression.trees import Trees
from parcours.journey.model.actions import ActionDocument
from parcours.journey.model.document import MessageDocument
from parcours.journey.program import PAGE_EVENTS
from parcours.journey.read.documents import Documents
from parcours.journey.read.finding import Key, Margin
from parcours.wording import nearest, quoted

DEFAULT_ADDRESSES: Final[Mapping[str, str]] = {
    "email": "profile.email",
    "sms": "profile.phone",
    "push": "profile.push_token",
}
"""The address expressions of the built-in channels, unless profile.yaml names others."""

PAGE_PROPERTIES: Final[Mapping[str, str]] = {"name": "string", "category": "string"}
"""The properties of each page and screen call, declared or not."""

NEVER: Final = constant(False)
"""Stands in for an expression that does not compile, so that the rest of the document is still checked."""


def expression(margin: Margin, text: str, names: Names | None, *keys: Key) -> Expression:
    """The compiled expression; `false`, and a finding, where it cannot be compiled."""
    try:
        compiled = compile_expression(text, names)
    except ExpressionError as error:
        margin.error(str(error), *keys, value=text)
        return NEVER
    for caution in compiled.cautions:
        margin.warn(caution, *keys)
    return compiled


def condition(margin: Margin, text: str, names: Names | None, *keys: Key) -> Expression:
    """The compiled condition; a finding as well where its value can never be a boolean."""
    compiled = expression(margin, text, names, *keys)
    if compiled.kind not in ("boolean", "any"):
        margin.error(
            f"a condition is true or false, and this is {in_words(compiled.kind)}", *keys, value=text, runs=True
        )
    return compiled


def value(margin: Margin, text: str, names: Names | None, place: ExpectedKind, *keys: Key) -> Expression:
    """The compiled expression; a finding as well where its value can never be of the kind expected at this place."""
    compiled = expression(margin, text, names, *keys)
    if compiled is not NEVER and not place.takes(compiled.kind):
        margin.error(f"{place.expected}, and this is {in_words(compiled.kind)}", *keys, value=text, runs=True)
    return compiled


@dataclass(frozen=True, slots=True)
class Declarations:
    """The declared names: kinds of traits, kinds of properties by event type, messages, audiences, addresses...

    own_addresses  the channels whose address profile.yaml names, instead of the usual one
    past    the histories, consents and audiences that may be asked for
    saved   the audiences that campaigns save
    unscored  why an audience may not ask for a score, by its name, and "" for all others
    unread  keys that declare names, and names of messages, that could not be read: an unknown name may be one of theirs
    """

    traits: Mapping[str, str]
    events: Mapping[str, Mapping[str, str]]
    messages: Mapping[str, MessageDocument]
    audiences: frozenset[str]
    addresses: Mapping[str, str]
    own_addresses: frozenset[str]
    actions: Mapping[str, ActionDocument]
    channels: frozenset[str]
    past: Past
    unread: frozenset[str] = frozenset()
    unscored: Mapping[str, str] = field(default_factory=dict)
    definition_keys: DefinitionKeys = field(default_factory=DefinitionKeys)
    saved: frozenset[str] = frozenset()
    trees: Trees = field(default_factory=Trees, repr=False)

    def properties(self, margin: Margin, event: str, *keys: Key) -> Mapping[str, str]:
        """The properties of an event type; any are allowed, with a finding, where it is not declared."""
        if event in self.events:
            return self.events[event]
        if "events" not in self.unread and event != UNREAD_EVENT:
            margin.error(f"unknown event {quoted(event)}{nearest(event, self.events)}", *keys)
        return ANYTHING

    def check_audience(self, margin: Margin, audience: str, *keys: Key) -> None:
        """Note an audience that is not declared."""
        if audience not in self.audiences and "audiences" not in self.unread:
            margin.error(f"unknown audience {quoted(audience)}{nearest(audience, self.audiences)}", *keys)

    def check_channel(self, margin: Margin, channel: str, *keys: Key) -> None:
        """Note a channel that is neither installed nor declared."""
        if channel == CALL:
            margin.error(f"{CALL!r} is no channel: under this name go the outbound calls of actions.yaml", *keys)
        elif not self.has_channel(channel):
            margin.error(f"unknown channel {quoted(channel)}{nearest(channel, self.channels)}", *keys)

    def has_channel(self, channel: str) -> bool:
        """Whether a channel is installed or declared, or may be."""
        return channel in self.channels or "*" in self.channels

    def names(
        self,
        event: Mapping[str, str] | None = None,
        entry: Mapping[str, str] | None = None,
        run: bool = False,
        past: bool = True,
    ) -> Names:
        """The names in scope where these roots have a meaning; the profile always has."""
        return Names(
            self.traits, event, entry, RUN_KINDS if run else None, self.past if past else None, trees=self.trees
        )

    def names_of_audiences(self, lost: frozenset[str]) -> Names:
        """Those of an audience's condition, which asks for no audience with a condition: none depends on itself.

        lost  the audiences that could not be read
        """
        conditional = self.audiences - self.saved - lost
        return replace(self.names(), past=replace(self.past, conditional=conditional, unscored=self.unscored))


def declarations_of(
    documents: Documents,
    unread: frozenset[str] = frozenset(),
    installed: Iterable[str] | None = None,
    definition_keys: DefinitionKeys | None = None,
    trees: Trees | None = None,
) -> Declarations:
    """The declarations in the documents. Where one of them could not be read, any name is allowed.

    installed        the installed channels; None: those that the documents mention
    definition_keys  of audiences and event types that have been redefined
    """
    declared, any_property = documents.events.events, ANYTHING if "events" in unread else {}
    events: dict[str, Mapping[str, str]] = {}
    for name, event in declared.items():
        base = declared[event.of].kinds if event.of in declared else ANYTHING if event.of == UNREAD_EVENT else {}
        told = PAGE_PROPERTIES if {name, event.of} & {*PAGE_EVENTS.values()} else {}
        events[name] = united([base, {**told, **event.kinds}, any_property])
    channels = _channels(documents, unread) if installed is None else frozenset(installed)
    definition_keys = definition_keys or DefinitionKeys()
    keys = {name: definition_keys.event(name) for name in declared}
    return Declarations(
        traits={**documents.profile.kinds, **(ANYTHING if "traits" in unread else {})},
        events=events,
        messages={message.message: message for message in reversed(documents.messages)},
        audiences=frozenset(documents.audiences.audiences),
        addresses={**DEFAULT_ADDRESSES, **documents.profile.addresses},
        own_addresses=frozenset(documents.profile.addresses),
        actions=documents.actions.actions,
        channels=channels,
        past=Past(
            events={**events, **({"*": ANYTHING} if any_property else {})},
            channels=channels,
            purposes=_purposes(documents, unread),
            keys=keys,
            audiences={
                **{name: definition_keys.audience(name) for name in documents.audiences.audiences},
                **({"*": "*"} if "audiences" in unread else {}),
            },
            scores=frozenset({*documents.scores.scores, *({"*"} if "scores" in unread else ())}),
        ),
        unscored=_unscored(documents),
        unread=unread,
        definition_keys=definition_keys,
        saved=frozenset(documents.audiences.saved),
        trees=Trees() if trees is None else trees,
    )


def _channels(documents: Documents, unread: frozenset[str]) -> frozenset[str]:
    named = {*DEFAULT_ADDRESSES, *INBOX, *documents.settings.channels, *documents.profile.addresses} - {CALL}
    return frozenset(named | ({"*"} if {"channels", "addresses"} & unread else set()))


def _unscored(documents: Documents) -> dict[str, str]:
    """Why an audience may not ask for a score: when that would change somebody's membership is not known before."""
    why = "an audience asks for no score"
    kept = {name: each.keep.trait for name, each in documents.scores.scores.items() if each.keep is not None}
    named = {name: f"{why}: ask for the trait that keeps it, profile.{trait}" for name, trait in kept.items()}
    return {**named, "": f"{why}: let an update step of a journey keep it as a trait, and ask for that"}


def _purposes(documents: Documents, unread: frozenset[str]) -> frozenset[str]:
    """The purposes of messages, and of destinations; a message without one has its class for a purpose."""
    named = {message.purpose for message in documents.messages if message.purpose}
    asked = {each.consent.purpose for each in documents.destinations.of_members.values() if each.consent}
    return frozenset({"marketing", "transactional", *named, *asked, *({"*"} if "purpose" in unread else ())})


def union_of(declared: Declarations, events: Iterable[str]) -> Mapping[str, str]:
    """All properties of any of the events."""
    names = set(events)
    if names - declared.events.keys():
        return ANYTHING
    return united(declared.events[name] for name in sorted(names))
