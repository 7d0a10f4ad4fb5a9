"""The macros, which evaluate an expression for each element of a list: all, exists, exists_one, filter and map."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias, TypeVar

from parcours.expression.values import MISSING, Evaluate, OutOfSteps, Scope, Steps

ELEMENTS_MAX: Final = 1_000
"""Beyond this many elements the macro's value is missing: one event must not hold up a shard."""

DEPTH_MAX: Final = 2
"""Macros inside macros; how far they go together is bounded by `macro_steps_max`."""

T = TypeVar("T")

Results: TypeAlias = Iterator[tuple[object, tuple[object, ...]]]
"""Each element with the values of the macro's bodies for it."""

Macro: TypeAlias = Callable[[Results], object]


def _every(results: Results) -> object:
    return all(values[0] is True for _, values in results)


def _some(results: Results) -> object:
    return any(values[0] is True for _, values in results)


def _exactly_one(results: Results) -> object:
    return sum(values[0] is True for _, values in results) == 1


def _kept(results: Results) -> object:
    return [element for element, values in results if values[0] is True]


def _mapped(results: Results) -> object:
    """`map`; with two bodies the first one is a filter. A missing value becomes null."""
    chosen = (values[-1] for _, values in results if len(values) == 1 or values[0] is True)
    return [None if value is MISSING else value for value in chosen]


MACROS: Final[Mapping[str, tuple[Macro, int, str]]] = {
    "all": (_every, 1, "boolean"),
    "exists": (_some, 1, "boolean"),
    "exists_one": (_exactly_one, 1, "boolean"),
    "filter": (_kept, 1, "list"),
    "map": (_mapped, 2, "list"),
}
"""By name: the macro, the most bodies that it takes after its variable, and the kind of its value."""


def bind(macro: Macro, elements: Evaluate, bodies: tuple[Evaluate, ...]) -> Evaluate:
    """A closure that runs the macro over the elements of a list or the keys of an object. Missing for all else."""

    def evaluate(scope: Scope) -> object:
        found = elements(scope)
        if not isinstance(found, list | dict) or len(found) > ELEMENTS_MAX:
            return MISSING
        return macro(_results(scope, list(found), bodies))

    return evaluate


def _results(scope: Scope, elements: list[object], bodies: tuple[Evaluate, ...]) -> Results:
    inner, outer, steps = scope.inner(), scope.variables, scope.steps
    assert steps is not None, "an expression with macros is evaluated by `bounded`"
    for element in elements:
        steps.take(len(bodies))
        inner.variables = (*outer, MISSING if element is None else element)
        yield element, tuple(body(inner) for body in bodies)


def bounded(text: str, evaluate: Callable[[Scope], T], otherwise: T) -> Callable[[Scope], T]:
    """A closure that counts the steps of all macros in an expression, and gives it up where they are too many."""

    def within_limits(scope: Scope) -> T:
        inner = scope.inner()
        inner.steps = Steps(scope.limits.macro_steps_max)
        try:
            return evaluate(inner)
        except OutOfSteps:
            scope.limits.exceeded(text)
            return otherwise

    return within_limits
