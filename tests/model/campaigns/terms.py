"""What does an expression say of a person or of a row? Terms that are CEL text and a Python function at once.

A term is built from smaller ones, its text together with its function, so that nothing here reads CEL. A value is a
boolean, a number, a text, an instant, a span, a list or an object; None is what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from tests.model.reference.expression import Instant, Span, calculate, compare, timestamp
from tests.model.reference.times import parse_duration, to_text

Value = Any
Row = Mapping[str, Value]


class Known(Protocol):
    """The person whom a term asks."""

    traits: dict[str, Value]

    def past(self, event: str, window_ms: int | None, now_ms: int) -> list[tuple[int, Mapping[str, Value]]]: ...

    def consents(self, channel: str, purpose: str) -> bool: ...

    def is_in(self, audience: str, now_ms: int) -> bool: ...


@dataclass(frozen=True)
class Scope:
    """What a term may look at. `person` is None for a row of nobody, and `sizes` are those of sets, in a test."""

    now_ms: int
    run: int = 0
    began_ms: int = 0
    person: Known | None = None
    row: Row | None = None
    sizes: Callable[[str], int] | None = None


@dataclass(frozen=True)
class Term:
    """`kind` is that of its values: boolean, number, string, timestamp, list or object."""

    text: str
    of: Callable[[Scope], Value]
    kind: str

    def holds(self, scope: Scope) -> bool:
        return self.of(scope) is True


def plain(value: Value) -> Value:
    """A value of a row as expressions have it: money is a number."""
    return float(value) if isinstance(value, Decimal) else value


def literal(value: Value) -> Term:
    if isinstance(value, Instant):
        return Term(f"timestamp({json.dumps(to_text(value.ms))})", lambda scope: value, "timestamp")
    kind = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
    return Term(json.dumps(value, ensure_ascii=False), lambda scope: value, kind)


def trait(name: str, kind: str) -> Term:
    def value(scope: Scope) -> Value:
        found = None if scope.person is None else scope.person.traits.get(name)
        return timestamp(found) if kind == "timestamp" else found

    return Term(f"profile.{name}", value, kind)


def column(name: str, kind: str, field: str | None = None) -> Term:
    def value(scope: Scope) -> Value:
        found = None if scope.row is None else scope.row.get(name)
        if field is not None:
            found = found.get(field) if isinstance(found, dict) else None
        return plain(found)

    return Term(f"row.{name}" + ("" if field is None else f".{field}"), value, kind)


def event_property(name: str, kind: str) -> Term:
    """What an event says; its properties stand where rows do."""
    return Term(f"event.{name}", lambda scope: None if scope.row is None else scope.row.get(name), kind)


def element(name: str, place: int, field: str, kind: str) -> Term:
    """A field of one of the objects in a column's list."""

    def value(scope: Scope) -> Value:
        found = None if scope.row is None else scope.row.get(name)
        if not isinstance(found, list) or place >= len(found):
            return None
        return plain(found[place].get(field))

    return Term(f"row.{name}[{place}].{field}", value, kind)


NOW = Term("now", lambda scope: Instant(scope.now_ms), "timestamp")
RUN_BEGAN = Term("run.entered_at", lambda scope: Instant(scope.began_ms), "timestamp")


def is_run(campaign: str, number: int) -> Term:
    """Whether it is a certain run of a campaign, for what is asked of sets."""
    return Term(f'(run.id == "{campaign}/{number}")', lambda scope: scope.run == number, "boolean")


def count(event: str, window: str) -> Term:
    text, window_ms = f'count("{event}", "{window}")', parse_duration(window)
    return Term(text, lambda scope: len(_past(scope, event, window_ms)), "number")


def total(event: str, name: str, window: str) -> Term:
    window_ms = parse_duration(window)

    def value(scope: Scope) -> Value:
        found = [properties.get(name) for _, properties in _past(scope, event, window_ms)]
        return sum(each for each in found if isinstance(each, int | float) and not isinstance(each, bool))

    return Term(f'sum("{event}", "{name}", "{window}")', value, "number")


def last(event: str) -> Term:
    def value(scope: Scope) -> Value:
        found = _past(scope, event, None)
        return Instant(found[-1][0]) if found else None

    return Term(f'last("{event}")', value, "timestamp")


def _past(scope: Scope, event: str, window_ms: int | None) -> list[tuple[int, Mapping[str, Value]]]:
    return [] if scope.person is None else scope.person.past(event, window_ms, scope.now_ms)


def consent(channel: str, purpose: str) -> Term:
    text = f'consent("{channel}", "{purpose}")'
    return Term(text, lambda scope: scope.person is not None and scope.person.consents(channel, purpose), "boolean")


def membership(audience: str) -> Term:
    def value(scope: Scope) -> Value:
        return scope.person is not None and scope.person.is_in(audience, scope.now_ms)

    return Term(f'in_audience("{audience}")', value, "boolean")


def set_size(name: str | None) -> Term:
    """The size of a set, in a test; of the set at hand without a name."""

    def value(scope: Scope) -> Value:
        assert scope.sizes is not None, "only a test asks for sizes"
        return scope.sizes(name or "")

    return Term("size()" if name is None else f'size("{name}")', value, "number")


def compared(left: Term, sign: str, right: Term) -> Term:
    text = f"({left.text} {sign} {right.text})"
    return Term(text, lambda scope: compare(sign, left.of(scope), right.of(scope)), "boolean")


def one_of(left: Term, values: Sequence[Value]) -> Term:
    listed = ", ".join(literal(each).text for each in values)
    return Term(f"({left.text} in [{listed}])", lambda scope: compare("in", left.of(scope), list(values)), "boolean")


def both(left: Term, right: Term) -> Term:
    return Term(f"({left.text} && {right.text})", lambda scope: left.holds(scope) and right.holds(scope), "boolean")


def either(left: Term, right: Term) -> Term:
    return Term(f"({left.text} || {right.text})", lambda scope: left.holds(scope) or right.holds(scope), "boolean")


def negated(term: Term) -> Term:
    return Term(f"!{term.text}", lambda scope: not term.holds(scope), "boolean")


def has(term: Term) -> Term:
    return Term(f"has({term.text})", lambda scope: term.of(scope) is not None, "boolean")


def calculated(left: Term, sign: str, right: Term) -> Term:
    text = f"({left.text} {sign} {right.text})"
    return Term(text, lambda scope: calculate(sign, left.of(scope), right.of(scope)), left.kind)


def later(term: Term, length: str) -> Term:
    """An instant so much later, or earlier."""
    sign, span = ("-", length[1:]) if length.startswith("-") else ("+", length)
    length_ms = parse_duration(span)
    text = f'({term.text} {sign} duration("{span}"))'
    return Term(text, lambda scope: calculate(sign, term.of(scope), Span(length_ms)), "timestamp")


def instead(term: Term, value: Value) -> Term:
    def of(scope: Scope) -> Value:
        found = term.of(scope)
        return value if found is None else found

    return Term(f"default({term.text}, {literal(value).text})", of, term.kind)


def chosen(condition: Term, first: Term, second: Term) -> Term:
    text = f"({condition.text} ? {first.text} : {second.text})"
    kind = first.kind if first.kind == second.kind else "any"
    return Term(text, lambda scope: (first if condition.holds(scope) else second).of(scope), kind)


def lower(term: Term) -> Term:
    return _of_text(f"{term.text}.lower()", term, str.lower, "string")


def length(term: Term) -> Term:
    def value(scope: Scope) -> Value:
        found = term.of(scope)
        return len(found) if isinstance(found, str | list | dict) else None

    return Term(f"size({term.text})", value, "number")


def begins(term: Term, text: str) -> Term:
    quoted = json.dumps(text, ensure_ascii=False)
    return _of_text(f"{term.text}.startsWith({quoted})", term, lambda found: found.startswith(text), "boolean")


def within(term: Term, text: str) -> Term:
    quoted = json.dumps(text, ensure_ascii=False)
    return _of_text(f"{term.text}.contains({quoted})", term, lambda found: text in found, "boolean")


def _of_text(text: str, term: Term, change: Callable[[str], Value], kind: str) -> Term:
    def value(scope: Scope) -> Value:
        found = term.of(scope)
        return change(found) if isinstance(found, str) else None

    return Term(text, value, kind)


def written(document: Any) -> Any:
    """A document in which each term stands for its text."""
    if isinstance(document, Term):
        return document.text
    if isinstance(document, Mapping):
        return {name: written(inner) for name, inner in document.items()}
    if isinstance(document, list | tuple):
        return [written(inner) for inner in document]
    return document
