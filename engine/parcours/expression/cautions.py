"""What can never have a value, or never be true, by the declared kinds of its parts? Each is a warning for the author.

Kinds that only data can tell are "any", and nothing is said of them. A date is a text to every operator and function.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from parcours.expression.functions import Signature
from parcours.expression.kinds import in_words
from parcours.expression.operand import Operand

_SCALARS: Final = frozenset({"string", "number", "boolean", "timestamp", "duration"})
_UNORDERED: Final = frozenset({"list", "object"})

_NUMBERS: Final = (("number", "number"),)

_FITTING: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "+": (
        *_NUMBERS,
        ("string", "string"),
        ("list", "list"),
        ("timestamp", "duration"),
        ("duration", "timestamp"),
        ("duration", "duration"),
    ),
    "-": (*_NUMBERS, ("timestamp", "timestamp"), ("timestamp", "duration"), ("duration", "duration")),
    "*": _NUMBERS,
    "/": _NUMBERS,
    "%": _NUMBERS,
}
"""The kinds on the left and on the right for which each arithmetic operator has a value."""

NEGATED: Final = frozenset({"number", "duration"})
"""The kinds that minus has a value for, which is of the same kind."""


def of_condition(operand: Operand) -> Iterator[str]:
    """What is no boolean, used as a condition."""
    if operand.kind not in ("boolean", "any"):
        yield f"{operand.text} is {in_words(operand.kind)}, and so never true as a condition"


def of_comparison(sign: str, left: Operand, right: Operand) -> Iterator[str]:
    """Sides of kinds that are never equal and have no order."""
    kinds = {_as_text(left), _as_text(right)}
    if "missing" in kinds:
        yield "a comparison with null is never true, ask has(...) or !has(...) instead"
    elif sign == "in":
        if right.kind in _SCALARS or right.kind == "date":
            yield f"'in' looks into a list or an object, and {_told(right)}"
        elif right.kind == "object" and _as_text(left) not in ("string", "any"):
            yield f"the keys of an object are texts, and {_told(left)}, so it is never true"
    elif "any" not in kinds and len(kinds) == 2:
        yield f"{_told(left)} and {right.text} {_kind(right)}, so it is never true"
    elif sign not in ("==", "!=") and (odd := next((each for each in (left, right) if each.kind in _UNORDERED), None)):
        yield f"{_told(odd)}, which has no order, so it is never true"


def of_arithmetic(text: str, sign: str, left: Operand, right: Operand) -> Iterator[str]:
    """Operands for which the operator has no value, whatever they are."""
    fitting = _FITTING[sign]
    if any(_may_be(left, (first,)) and _may_be(right, (second,)) for first, second in fitting):
        return
    odd = [
        each
        for each, kinds in ((left, {first for first, _ in fitting}), (right, {second for _, second in fitting}))
        if not _may_be(each, kinds)
    ]
    blamed = odd or [left, right]
    told = " and ".join([_told(blamed[0]), *(f"{each.text} {_kind(each)}" for each in blamed[1:])])
    dates = [each.text for each in (left, right) if each.kind == "date"]
    advice = f"; its midnight in UTC is timestamp({dates[0]})" if dates and sign in "+-" else ""
    yield f"{text} never has a value, for {told}{advice}"


def of_negation(text: str, operand: Operand) -> Iterator[str]:
    """Minus what is neither a number nor a duration."""
    if not _may_be(operand, NEGATED):
        yield f"{text} never has a value, for {_told(operand)}"


def of_call(text: str, name: str, signature: Signature, given: Sequence[Operand]) -> Iterator[str]:
    """Arguments of which the function or method has no value."""
    for operand, kinds in zip(given, signature.takes, strict=False):  # the last ones may be left out
        if _may_be(operand, kinds):
            continue
        instant = name.startswith("get") and _as_text(operand) == "string" and operand is given[0]
        advice = f"; write timestamp({operand.text}).{name}()" if instant else ""
        yield f"{text} never has a value, for {_told(operand)}{advice}"
        return


def of_index(text: str, base: Operand, key: Operand) -> Iterator[str]:
    """What has no elements, or none of this key."""
    if not any(
        _may_be(base, (kind,)) and _may_be(key, (by,)) for kind, by in (("list", "number"), ("object", "string"))
    ):
        odd = base if not _may_be(base, _UNORDERED) else key
        yield f"{text} never has a value, for {_told(odd)}"


def of_macro(text: str, elements: Operand) -> Iterator[str]:
    """What has no elements to go through."""
    if not _may_be(elements, _UNORDERED):
        yield f"{text} never has a value, for {_told(elements)}"


def _as_text(operand: Operand) -> str:
    return "string" if operand.kind == "date" else operand.kind


def _may_be(operand: Operand, kinds: Sequence[str] | frozenset[str] | set[str]) -> bool:
    return operand.kind == "any" or _as_text(operand) in kinds


def _kind(operand: Operand) -> str:
    return in_words(operand.kind)


def _told(operand: Operand) -> str:
    return "null has no kind" if operand.kind == "missing" else f"{operand.text} is {_kind(operand)}"
