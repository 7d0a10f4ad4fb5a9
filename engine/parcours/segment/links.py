"""Whom does a call say to be one person? The names that it links to somebody, in the order in which they are asked for.

What is known from the call alone is told here: that an id is none, or that its namespace is never linked. Whether a
name can be merged otherwise depends on whom it belongs to, which whoever owns its slot knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from parcours.config import Settings
from parcours.core.fact import JoiningCall
from parcours.core.identity import ANONYMOUS, id_of, is_no_id, person_in, user_name
from parcours.core.input import Link
from parcours.journey.program import Program
from parcours.segment.line import UNREADABLE, Call, DetailedCall, Unusable, decode_text
from parcours.segment.person import checked_name
from parcours.segment.told import MERGE

LINKING: Final = frozenset({"identify", "alias", MERGE})
"""The types of lines that may link names."""


@dataclass(frozen=True, slots=True)
class Links:
    """What a call links.

    person      to whom, by her name; empty if it links nobody to anybody
    links       each name once: first the anonymous id, then those of `context.externalIds` as they stand there
    undeclared  the namespaces of external ids that the project does not declare, one for each such id
    unusable    how many other ids cannot be anybody's: no text and no whole number, too long, or with a NUL in them
    """

    person: str = ""
    links: tuple[Link, ...] = ()
    undeclared: tuple[str, ...] = ()
    unusable: int = 0


NO_LINKS: Final = Links()


class _Context(msgspec.Struct, rename="camel", gc=False):
    external_ids: msgspec.Raw = msgspec.Raw()


_context = msgspec.json.Decoder(_Context).decode
_items = msgspec.json.Decoder(list[object]).decode
_value = msgspec.json.Decoder().decode


def links_of(call: Call, program: Program, settings: Settings) -> Links:
    """The names that a call links to its person. A track, page, screen or consent call links none, whatever its ids.

    Raises Unusable for a merge line without the two names, and for a user id that nobody can have.
    """
    if call.type not in LINKING or not isinstance(call, DetailedCall) or not (call.user_id or call.type == MERGE):
        return NO_LINKS
    if call.type == MERGE:
        return _merge(call, settings)
    assert call.user_id, "as the first line says"
    gathering = _Gathering(checked_name(user_name(call.user_id), settings), program, settings)
    if call.type == "alias":
        gathering.alias(call)
    else:
        if call.anonymous_id:
            gathering.add(ANONYMOUS, call.anonymous_id, "identify")
        gathering.external(call)
    return gathering.links()


def plain_link(call: DetailedCall, *, caseless: bool) -> str | None:
    """The only name that an identify links, that of its anonymous id; "" where it links none; None where there may be
    more to it. A look, without decoding anything.

    caseless  anonymous ids count in lower case
    """
    if call.type != "identify" or _may_hold_ids(call.context):
        return None
    anonymous_id = call.anonymous_id
    if not anonymous_id:
        return ""
    return f"@{ANONYMOUS}/{anonymous_id.lower() if caseless else anonymous_id}"


def _merge(call: DetailedCall, settings: Settings) -> Links:
    name = decode_text(call.name, "name")
    if not call.user_id or not name:
        raise Unusable("a merge needs the userId of who stays and the name of who is merged")
    return Links(checked_name(user_name(call.user_id), settings), (Link(checked_name(name, settings), MERGE),))


class _Gathering:
    """The links of one call, as they are found."""

    def __init__(self, person: str, program: Program, settings: Settings) -> None:
        self._person = person
        self._rules = program.identities
        self._settings = settings
        self._is_nobody = is_no_id(id_of(person))
        self._found: dict[str, Link] = {}
        self._undeclared: list[str] = []
        self._unusable = 0

    def links(self) -> Links:
        return Links(self._person, tuple(self._found.values()), tuple(self._undeclared), self._unusable)

    def add(self, namespace: str, value: object, call: JoiningCall, user: str | None = None) -> None:
        rule = self._rules.get(namespace)
        name = person_in(namespace, value, caseless=rule is not None and rule.caseless)
        if name is None or not self._can_be(name) or (user is not None and not self._can_be(user)):
            self._unusable += 1
            return
        why_not: Literal["no_id", "never"] | None = None
        if self._is_nobody or is_no_id(id_of(name)):
            why_not = "no_id"
        elif rule is not None and rule.link == "never":
            why_not = "never"
        self._found.setdefault(name, Link(name, call, user, why_not))

    def alias(self, call: DetailedCall) -> None:
        """A previous id may be that of an anonymous person, or of a user; an anonymous id is what it says."""
        try:
            previous = _value(call.previous_id) if bytes(call.previous_id) else None
        except UNREADABLE:  # an object with what no decoder takes in it
            self._unusable += 1
            return
        if previous is None or previous == "":
            if call.anonymous_id:
                self.add(ANONYMOUS, call.anonymous_id, "alias")
            return
        user = person_in("user", previous)
        self.add(ANONYMOUS, previous, "alias", None if user == self._person else user)

    def external(self, call: DetailedCall) -> None:
        """The ids of the context, as far as they are of a declared namespace."""
        for item in _external_ids(call.context):
            namespace = item.get("type") if isinstance(item, dict) else None
            if not isinstance(item, dict) or not isinstance(namespace, str) or _is_mended(item.get("id")):
                self._unusable += 1
            elif namespace not in self._rules:
                self._undeclared.append(namespace)
            else:
                self.add(namespace, item.get("id"), "external")

    def _can_be(self, name: str) -> bool:
        try:
            checked_name(name, self._settings)
        except Unusable:
            return False
        return True


def _may_hold_ids(context: msgspec.Raw) -> bool:
    """Whether there may be external ids in a context; a look, without decoding it. Any letter may be an escape."""
    text = bytes(context)
    return b"externalIds" in text or b"\\u" in text


def _external_ids(context: msgspec.Raw) -> list[object]:
    """The items of the list, and one that is none for what is no list: an identify is not refused for its context."""
    if not _may_hold_ids(context):  # as in nearly all of them
        return []
    try:
        given = _context(context).external_ids
        return [] if bytes(given) in (b"", b"null") else _items(given)
    except UNREADABLE:
        return [None]


def _is_mended(value: object) -> bool:
    """Whether an id may have held half a character: with another in its place it would be somebody else's."""
    return isinstance(value, str) and "\ufffd" in value
