"""The names that an expression or a template may use, with their kinds, and the suggestion for a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from parcours.expression.dotted import joined_path, split_path
from parcours.expression.nodes import CONTEXT, MESSAGE, OFFER, OFFERS, OWN_ROOTS, ROW
from parcours.expression.trees import Trees

RUN_KINDS: Final[Mapping[str, str]] = {
    "id": "any",
    "entered_at": "timestamp",
    "correlation": "any",
    "step": "string",
}

ANYTHING: Final[Mapping[str, str]] = {"*": "any"}
"""Stands in for declarations that could not be read, so that one mistake is not reported again at every use."""

UNREAD_EVENT: Final = "\0"
"""Stands in for the event of an entry that could not be read, so that it is not reported as unknown as well."""


@dataclass(frozen=True, slots=True)
class Past:
    """The histories, consents, audiences and scores that an expression may ask for. "*" among names is any name.

    events              the properties of each event type, for its history
    channels, purposes  for which there may be consent
    keys                the definition key of each redefined event type, under which its history is kept
    audiences           the definition key of each audience
    conditional         those of them that may not be asked for here, because they have conditions of their own
    scores              the names of scores
    unscored            why none may be asked for here, by name, and "" for all others; None where each may be
    """

    events: Mapping[str, Mapping[str, str]]
    channels: frozenset[str]
    purposes: frozenset[str]
    keys: Mapping[str, str] = field(default_factory=dict)
    audiences: Mapping[str, str] = field(default_factory=dict)
    conditional: frozenset[str] = frozenset()
    scores: frozenset[str] = frozenset()
    unscored: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """The declared paths of each root and their kinds; None where the root has no meaning at this place.

    `event` and `entry` map dotted paths such as `cart.total` to a kind of `values.KINDS` or "any".
    row    the columns of a set or a table, which campaigns alone have
    context, offer  what the caller of a decision gives, and what is known of an offer, where offers are chosen
    offers what a run keeps of decisions, by the names that its steps give them
    message  the parts of a message of a source, each of which is named as a root is
    lists  of each column that holds a list of objects, the kinds of their keys
    sets   the names of the sets whose size may be asked for ("*" is any), None where size() is that of a value
    past   None where neither history, consent, audiences nor scores may be asked for
    now    whether `now` may be used
    trees  the syntax trees of the project's expressions
    """

    profile: Mapping[str, str] | None = field(default_factory=dict)
    event: Mapping[str, str] | None = None
    entry: Mapping[str, str] | None = None
    run: Mapping[str, str] | None = None
    past: Past | None = None
    now: bool = True
    trees: Trees = field(default_factory=Trees, repr=False, compare=False)
    row: Mapping[str, str] | None = None
    lists: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sets: frozenset[str] | None = None
    context: Mapping[str, str] | None = None
    offer: Mapping[str, str] | None = None
    offers: Mapping[str, str] | None = None
    message: Mapping[str, str] | None = None

    @property
    def own_roots(self) -> Mapping[str, tuple[str, ...]]:
        """The roots that have a meaning here and not everywhere, each with the path that it begins."""
        own = {root: (root,) for root in OWN_ROOTS if self.of(root) is not None}
        return own if self.message is None else {**own, **{part: (MESSAGE, part) for part in self.message}}

    def of(self, root: str) -> Mapping[str, str] | None:
        """The declared paths of one of the roots."""
        return {
            "event": self.event,
            "entry": self.entry,
            "profile": self.profile,
            "run": self.run,
            ROW: self.row,
            CONTEXT: self.context,
            OFFER: self.offer,
            OFFERS: self.offers,
            MESSAGE: self.message,
        }[root]


def kind_at(declared: Mapping[str, str], path: str) -> str | None:
    """The kind of a path: declared, below a declared object, or above a declared path. None if unknown."""
    if path in declared:
        return declared[path]
    if "*" in declared:
        return "any"
    parts = split_path(path)
    above = (joined_path(parts[:count]) for count in range(1, len(parts)))
    if any(declared.get(each) in ("object", "any") for each in above):
        return "any"
    return "object" if any(each.startswith(f"{path}.") for each in declared) else None


def united(declarations: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The paths of several event types together; a path that they declare differently is of any kind."""
    union: dict[str, str] = {}
    for declared in declarations:
        for path, kind in declared.items():
            union[path] = kind if union.get(path, kind) == kind else "any"
    return union
