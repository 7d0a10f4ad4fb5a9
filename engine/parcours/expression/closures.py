"""The closures that an expression compiles to; frequent shapes have a specialised form, which makes them fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter

import re2

from parcours.expression import operators
from parcours.expression.functions import Function
from parcours.expression.values import MISSING, Evaluate, Scope, is_number


def always(value: object) -> Evaluate:
    return lambda scope: value


def or_null(value: object) -> object:
    return None if value is MISSING else value


def reading(root: str, keys: tuple[str, ...]) -> Evaluate:
    """A closure that reads a path. Paths of one and two keys, which nearly all are, have a form of their own."""
    properties: Callable[[Scope], Mapping[str, object]] = attrgetter(root)
    first, *others = keys
    if not others:

        def read_one(scope: Scope) -> object:
            value = properties(scope).get(first)
            return MISSING if value is None else value

        return read_one

    def read_all(scope: Scope) -> object:
        value = properties(scope).get(first)
        for key in others:
            if type(value) is not dict:
                return MISSING
            value = value.get(key)
        return MISSING if value is None else value

    return read_all


def converting(read: Evaluate, convert: Callable[[object], object]) -> Evaluate:
    return lambda scope: convert(read(scope))


# Chains of two and three, the most frequent lengths, are spared the generator of `all` and `any`.
def all_hold(conditions: tuple[Evaluate, ...]) -> Evaluate:
    if len(conditions) == 2:
        left, right = conditions
        return lambda scope: left(scope) is True and right(scope) is True
    if len(conditions) == 3:
        first, second, third = conditions
        return lambda scope: first(scope) is True and second(scope) is True and third(scope) is True
    return lambda scope: all(condition(scope) is True for condition in conditions)


def any_holds(conditions: tuple[Evaluate, ...]) -> Evaluate:
    if len(conditions) == 2:
        left, right = conditions
        return lambda scope: left(scope) is True or right(scope) is True
    if len(conditions) == 3:
        first, second, third = conditions
        return lambda scope: first(scope) is True or second(scope) is True or third(scope) is True
    return lambda scope: any(condition(scope) is True for condition in conditions)


def against_literal(sign: str, first: Evaluate, literal: object) -> Evaluate:
    compare: operators.Compare
    if isinstance(literal, list):
        if sign == "in" and all(type(item) is str for item in literal):
            texts = frozenset(literal)
            return lambda scope: type(value := first(scope)) is str and value in texts
    # The kind of one side is known, so one test of the other side's kind will do. `type` and not `isinstance`, since a
    # bool is an int to Python.
    elif sign in operators.SCALAR_COMPARISONS and not isinstance(literal, bool):
        compare = operators.SCALAR_COMPARISONS[sign]
        if is_number(literal):
            return lambda scope: (
                ((kind := type(value := first(scope))) is int or kind is float) and compare(value, literal)
            )
        return lambda scope: type(value := first(scope)) is str and compare(value, literal)
    general = operators.COMPARISONS[sign]
    return lambda scope: general(first(scope), literal)


def found(compiled: re2._Regexp[str], text: object) -> object:
    try:
        return compiled.search(text) is not None if isinstance(text, str) else MISSING
    except UnicodeError:
        return MISSING


def applied(function: Function, values: tuple[Evaluate, ...]) -> Evaluate:
    if len(values) == 1:
        (only,) = values
        return lambda scope: function(only(scope))
    return lambda scope: function(*(value(scope) for value in values))
