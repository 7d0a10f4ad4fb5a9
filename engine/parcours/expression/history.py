"""The calls that ask for a person's history, consents, audiences or scores: count, sum, last, consent, in_audience and
score, margin and band.

They are checked at load time. Their arguments have to be literal texts, so that all histories, audiences and
scores that a project needs are known when it loads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from parcours.config import Settings
from parcours.expression.definition_keys import plain
from parcours.expression.duration import parse_duration
from parcours.expression.names import ANYTHING, Names, Past, kind_at
from parcours.expression.nodes import FunctionCall, Literal, Node
from parcours.expression.syntax import ExpressionError
from parcours.expression.trees import Trees
from parcours.expression.values import MISSING, Evaluate, Scope, from_ms
from parcours.wording import nearest, quoted

_FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "count": ("event", "window"),
    "sum": ("event", "property", "window"),
    "last": ("event",),
}
"""The arguments of each function; a condition may follow."""

SCORES: Final = ("score", "margin", "band")
"""What a score says of a person: its probability, its margin and its band."""

FUNCTIONS: Final = (*_FORMS, "consent", "in_audience", *SCORES)

_EXAMPLES: Final[Mapping[str, str]] = {
    "count": 'count("Order Completed", "90d")',
    "sum": 'sum("Order Completed", "total", "365d")',
    "last": 'last("Order Completed")',
    "consent": 'consent("email", "cart")',
    "in_audience": 'in_audience("loyal")',
    "score": 'score("buy-yoga")',
    "margin": 'margin("buy-yoga")',
    "band": 'band("buy-yoga")',
}

_OF_NUMBERS: Final = frozenset({"number", "integer", "any"})


@dataclass(frozen=True, slots=True)
class HistoryCall:
    """One call of count, sum or last. `path` leads to the number of a sum; `column` is where its condition begins."""

    event: str
    path: str | None
    condition: str | None
    window_ms: int | None
    kind: str = field(default="any", compare=False)
    column: int = field(default=1, compare=False)

    @property
    def key(self) -> str:
        """The key under which the history is kept, the same in each expression and version that asks for it."""
        return json.dumps([self.event, self.path, self.condition], ensure_ascii=False, separators=(",", ":"))


def asked_of(node: FunctionCall, names: Names | None) -> HistoryCall:
    """The history that a call of count, sum or last asks for. Raises ExpressionError."""
    past = _past(node, names)
    form = _FORMS[node.name]
    texts = _texts(node, len(form), len(form) + 1)
    given = dict(zip((*form, "condition"), texts, strict=False))
    places = dict(zip((*form, "condition"), node.arguments, strict=False))
    properties = _properties(past, given["event"], places["event"])
    kind = "any"
    if "property" in given:
        kind = _number(given["property"], given["event"], properties, places["property"])
    return HistoryCall(
        event=past.keys.get(given["event"], given["event"]),
        path=given.get("property"),
        condition=given["condition"].strip() if "condition" in given else None,
        window_ms=_window_ms(given["window"], places["window"]) if "window" in given else None,
        kind=kind,
        column=node.arguments[-1].column,
    )


def beyond_reach(node: Node, sign: str, number: object) -> str | None:
    """The caution about a count that is asked for more entries than a history keeps; None if it keeps enough."""
    if not isinstance(node, FunctionCall) or node.name != "count" or isinstance(number, bool):
        return None
    most = Settings().series_entries_max
    if not isinstance(number, int | float) or sign not in (">", ">=", "=="):
        return None
    if number + (1 if sign == ">" else 0) <= most:
        return None
    return f"a history keeps {most} entries unless series_entries_max is higher, so {node.text} is never as many"


def names_of_condition(asked: HistoryCall, names: Names | None) -> Names:
    """The names that the condition on a history may use: those of the event that arrives, and the profile's."""
    if names is None or names.past is None:
        return Names(ANYTHING, ANYTHING, now=False, trees=Trees() if names is None else names.trees)
    return Names(names.profile, names.past.events.get(plain(asked.event), ANYTHING), now=False, trees=names.trees)


def asking(name: str, asked: HistoryCall) -> Evaluate:
    """A closure that looks the history up in a scope."""
    key, window_ms = asked.key, asked.window_ms or 0
    if name == "count":
        return lambda scope: scope.history.count(key, window_ms, scope.now_ms)
    if name == "sum":
        return lambda scope: scope.history.sum(key, window_ms, scope.now_ms)

    def last(scope: Scope) -> object:
        instant = scope.history.last(key)
        return MISSING if instant is None else from_ms(instant)

    return last


def leaving(asked: HistoryCall) -> Callable[[Scope], Sequence[int]]:
    """The change times of a windowed history: the instant at which the window next loses an entry."""
    key, window_ms = asked.key, asked.window_ms or 0

    def instants(scope: Scope) -> Sequence[int]:
        instant = scope.history.next_exit(key, window_ms, scope.now_ms)
        return () if instant is None else (instant,)

    return instants


def consent_of(node: FunctionCall, names: Names | None) -> tuple[str, str]:
    """The channel and the purpose of a consent. Raises ExpressionError for an unknown one."""
    past = _past(node, names)
    channel, purpose = _texts(node, 2, 2)
    for kind, text, place, known in (
        ("channel", channel, node.arguments[0], past.channels),
        ("purpose", purpose, node.arguments[1], past.purposes),
    ):
        if text not in known and "*" not in known:
            raise ExpressionError(f"unknown {kind} {quoted(text)}{nearest(text, known)}", place.column)
    return channel, purpose


def consenting(channel: str, purpose: str) -> Evaluate:
    """A closure that looks up a consent."""
    return lambda scope: scope.history.consent(channel, purpose)


def audience_of(node: FunctionCall, names: Names | None) -> str:
    """The key of the audience that a membership is asked for. Raises ExpressionError for an unknown one."""
    past = _past(node, names)
    (name,) = _texts(node, 1, 1)
    place = node.arguments[0]
    if name not in past.audiences and "*" not in past.audiences:
        raise ExpressionError(f"unknown audience {quoted(name)}{nearest(name, past.audiences)}", place.column)
    if name in past.conditional:
        raise ExpressionError(
            f"an audience may ask only for audiences that campaigns save, and {quoted(name)} has a condition: "
            "write that condition here instead",
            place.column,
        )
    return past.audiences.get(name, name)


def belonging(audience: str) -> Evaluate:
    """A closure that looks up a membership, by the audience's key."""
    return lambda scope: scope.history.inside(audience, scope.now_ms, scope.limits)


def score_of(node: FunctionCall, names: Names | None) -> str:
    """The name of the score that is asked for. Raises ExpressionError for one that may not be asked for here."""
    past = _past(node, names)
    (name,) = _texts(node, 1, 1)
    place = node.arguments[0]
    if name not in past.scores and "*" not in past.scores:
        raise ExpressionError(f"unknown score {quoted(name)}{nearest(name, past.scores)}", place.column)
    if past.unscored is not None:
        raise ExpressionError(past.unscored.get(name, past.unscored[""]), place.column)
    return name


def scoring(function: str, score: str) -> Evaluate:
    """A closure that asks a score for its probability, margin or band."""

    said = attrgetter("probability" if function == "score" else function)

    def evaluate(scope: Scope) -> object:
        scored = scope.history.scored(score, scope.now_ms, scope.limits)
        return MISSING if scored is None else said(scored)

    return evaluate


def _past(node: FunctionCall, names: Names | None) -> Past:
    if names is None:
        return Past({"*": ANYTHING}, frozenset("*"), frozenset("*"), audiences={"*": "*"}, scores=frozenset("*"))
    if names.past is None:
        raise ExpressionError(f"{node.name}() has no meaning here", node.column)
    return names.past


def _texts(node: FunctionCall, fewest: int, most: int) -> list[str]:
    """The arguments, which have to be literal texts."""
    texts = [each.value for each in node.arguments if isinstance(each, Literal) and isinstance(each.value, str)]
    if len(texts) < len(node.arguments) or not fewest <= len(texts) <= most:
        condition = ", with a condition as one more text if need be" if most > fewest else ""
        raise ExpressionError(f"{node.name}() is written as {_EXAMPLES[node.name]}{condition}", node.column)
    return texts


def _properties(past: Past, event: str, place: Node) -> Mapping[str, str]:
    if event in past.events:
        return past.events[event]
    if "*" in past.events:
        return ANYTHING
    raise ExpressionError(f"unknown event {quoted(event)}{nearest(event, past.events)}", place.column)


def _number(path: str, event: str, properties: Mapping[str, str], place: Node) -> str:
    kind = kind_at(properties, path)
    if kind is None:
        raise ExpressionError(
            f"{quoted(event)} has no property {quoted(path)}{nearest(path, properties)}", place.column
        )
    if kind not in _OF_NUMBERS:
        raise ExpressionError(f"sum() adds numbers, and {quoted(path)} is declared as {kind}", place.column)
    return kind


def _window_ms(text: str, place: Node) -> int:
    try:
        window_ms = parse_duration(text)
    except ValueError as error:
        raise ExpressionError(f"{quoted(text)} is no window: {error}", place.column) from None
    if window_ms == 0:
        raise ExpressionError("a window is longer than nothing", place.column)
    return window_ms
