"""What is a condition or a value that an author writes as text? CEL, compiled once, evaluated often.

An expression never fails on data: what is absent, null or of another kind makes a comparison false and
arithmetic missing. It reads nothing but its scope, so the same scope always gives the same value.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from parcours.journey.cel import Compiler, Operand
from parcours.journey.names import Names
from parcours.journey.syntax import ExpressionError, parse
from parcours.journey.values import MISSING, Evaluate, Missing, Scope, from_ms, kind_of, to_iso, to_json

__all__ = [
    "MISSING",
    "Expression",
    "ExpressionError",
    "Missing",
    "Names",
    "Scope",
    "compile_expression",
    "from_ms",
    "to_iso",
    "to_json",
]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Two are equal if their text and the kinds of their names are.

    text      as the author wrote it
    paths     the dotted names that it looks at, such as `event.cart.total`
    kinds     each path with its declared kind, "any" where there is none
    cautions  what is probably not meant, such as a comparison that can never be true
    """

    text: str
    paths: frozenset[str]
    kinds: tuple[tuple[str, str], ...]
    cautions: tuple[str, ...] = field(repr=False, compare=False)
    _evaluate: Evaluate = field(repr=False, compare=False)
    _paths: tuple[tuple[str, Operand], ...] = field(repr=False, compare=False)
    _comparisons: tuple[tuple[Operand, Operand], ...] = field(repr=False, compare=False)

    def value(self, scope: Scope) -> object:
        """What it comes to: plain data, a datetime, a timedelta, or MISSING. Raises for no data whatever."""
        return self._evaluate(scope)

    def holds(self, scope: Scope) -> bool:
        """Whether the condition is met: its value is true, and nothing else will do."""
        return self._evaluate(scope) is True

    def unmet(self, scope: Scope) -> str:
        """Why the condition does not hold: what is missing or of the wrong kind, else that it is false."""
        reasons = [f"{path} is missing" for path, operand in self._paths if operand.evaluate(scope) is MISSING]
        for left, right in self._comparisons:
            kinds = kind_of(left.evaluate(scope)), kind_of(right.evaluate(scope))
            if kinds[0] != kinds[1] and "missing" not in kinds:
                reasons.append(f"{left.text} is a {kinds[0]} and {right.text} a {kinds[1]}")
        return "; ".join(reasons) or f"{self.text} is false"


def compile_expression(text: str, names: Names | None = None) -> Expression:
    """Compile CEL text; with `names`, every name in it has to be declared there. Raises ExpressionError."""
    compiler = Compiler(names)
    try:
        operand = compiler.compile(parse(text))
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply", 1) from None
    return Expression(
        text=text,
        paths=frozenset(compiler.paths),
        kinds=tuple(sorted((path, each.kind) for path, each in compiler.paths.items())),
        cautions=tuple(compiler.cautions),
        _evaluate=operand.evaluate,
        _paths=tuple(sorted(compiler.paths.items(), key=lambda item: item[0])),
        _comparisons=tuple(compiler.comparisons),
    )
