"""Expressions: the conditions and values that authors write, as CEL text compiled once and evaluated often.

An expression never fails on data: what is absent, null or of another kind makes a comparison false and arithmetic
missing. It reads nothing but its scope, so the same scope always gives the same value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from parcours.expression.cel import ExpressionCompiler
from parcours.expression.change_times import ChangeTimes
from parcours.expression.compared import texts_compared, texts_confined
from parcours.expression.history import HistoryCall, names_of_condition
from parcours.expression.macros import bounded
from parcours.expression.names import Names
from parcours.expression.nodes import Literal, Node
from parcours.expression.operand import Why
from parcours.expression.roots import with_roots
from parcours.expression.syntax import ExpressionError
from parcours.expression.trees import Trees
from parcours.expression.values import (
    MISSING,
    NO_HISTORY,
    Evaluate,
    History,
    Missing,
    Scope,
    from_ms,
    to_iso,
    to_json,
)

__all__ = [
    "MISSING",
    "NO_HISTORY",
    "Expression",
    "ExpressionError",
    "History",
    "Missing",
    "Names",
    "Scope",
    "Series",
    "compile_expression",
    "from_ms",
    "to_iso",
    "to_json",
    "united_series",
]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Two are equal if their text and the kinds of their names are.

    text      as the author wrote it
    paths     the dotted names that it reads, such as `event.cart.total`
    series    the histories that it asks for, each once
    asked     each call of a history, with its own window
    consented the channel and the purpose of each consent that it asks for
    audiences the keys of the audiences that it asks for (definition_keys.py)
    scores    the names of the scores that it asks for
    sets      the sets whose size it asks for; "" is the set at hand
    kind      of its value, in the words of events.yaml; "any" where only data can tell
    literal   whether it is a literal, the same in any scope
    kinds     each path with its declared kind, "any" where there is none
    compares_now  whether the passing of time may change it otherwise than by what leaves a window
    compared  by path, the literal texts with which it is compared
    confined  by path, the literal texts of which it has to be one
    cautions  warnings for the author, such as a comparison that can never be true
    """

    text: str
    paths: frozenset[str]
    kinds: tuple[tuple[str, str], ...]
    cautions: tuple[str, ...] = field(repr=False, compare=False)
    _evaluate: Evaluate = field(repr=False, compare=False)
    _why: Why = field(repr=False, compare=False)
    series: tuple[Series, ...] = ()
    kind: str = "any"
    literal: bool = field(default=False, compare=False)
    _turns: tuple[ChangeTimes, ...] = field(default=(), repr=False, compare=False)
    asked: tuple[HistoryCall, ...] = field(default=(), repr=False, compare=False)
    consented: tuple[tuple[str, str], ...] = ()
    audiences: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    compares_now: bool = field(default=False, compare=False)
    compared: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)
    confined: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def consents(self) -> bool:
        """Whether it asks for consent."""
        return bool(self.consented)

    def value(self, scope: Scope) -> object:
        """Evaluate it: plain data, a datetime, a timedelta, or MISSING. Raises for no data whatever."""
        return self._evaluate(scope)

    def holds(self, scope: Scope) -> bool:
        """Whether the condition is met: its value is exactly true."""
        return self._evaluate(scope) is True

    def unmet(self, scope: Scope) -> str:
        """Why the condition does not hold: for each failing part, that it is missing, of another kind, or false."""
        reasons = self._why(scope)
        if len(reasons) == 1:
            return reasons[0]
        return "; ".join(dict.fromkeys(reasons)) or f"{self.text} is false"

    def next_change(self, scope: Scope) -> int | None:
        """The earliest instant (ms) after now at which the value may change by the passing of time alone.

        None: it never does. Meant for conditions in which `now` is only compared with timestamps plus or
        minus durations, as in audiences; elsewhere a change by the clock may go unseen.
        """
        earliest = None
        for turn in self._turns:  # loops and no generators: this is asked for each event that an audience counts
            for instant in turn(scope):
                if instant > scope.now_ms and (earliest is None or instant < earliest):
                    earliest = instant
        return earliest


@dataclass(frozen=True, slots=True)
class Series:
    """An event history kept per person: the instants of some events and, for a sum, a number of each.

    key        stable text of event, property and condition
    property   the dotted path of the number; None where only instants count
    condition  tested when the event arrives; it sees `event` and `profile`
    window_ms  the longest window that is asked for; None: only the last instant ever is
    """

    key: str
    event: str
    property: str | None
    condition: Expression | None
    window_ms: int | None

    def wider(self, other: Series) -> Series:
        """The same series, kept for the longer of the two windows."""
        windows = [each for each in (self.window_ms, other.window_ms) if each is not None]
        return replace(self, window_ms=max(windows, default=None))


def united_series(series: Iterable[Series]) -> dict[str, Series]:
    """Each series once, by key, kept for the longest window that any of them asks for."""
    united: dict[str, Series] = {}
    for each in series:
        united[each.key] = united[each.key].wider(each) if each.key in united else each
    return united


def compile_expression(text: str, names: Names | None = None) -> Expression:
    """Compile CEL text; with `names`, every name in it has to be declared there. Raises ExpressionError."""
    return _compiled(text, (Trees() if names is None else names.trees).of(text), names)


def constant(value: bool) -> Expression:
    """An expression whose value is always this one."""
    text = "true" if value else "false"
    return _compiled(text, Literal(text, 1, value), None)


def _compiled(text: str, tree: Node, names: Names | None) -> Expression:
    compiler = ExpressionCompiler(names)
    try:
        tree = tree if names is None else with_roots(tree, names.own_roots)
        operand, why = compiler.explained(tree)
        compared, confined = texts_compared(tree), texts_confined(tree)
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply", 1) from None
    series = united_series(_series(asked, names) for asked in compiler.asked)
    evaluate, turns = operand.evaluate, tuple(compiler.turns)
    if compiler.macros:
        nothing: Sequence[int] = ()
        turns = tuple(bounded(text, each, nothing) for each in turns)
        why = bounded(text, why, ["it takes more than macro_steps_max steps"])
        evaluate = bounded(text, evaluate, MISSING)
    return Expression(
        text=text,
        paths=frozenset(compiler.paths),
        kinds=tuple(sorted((path, each.kind) for path, each in compiler.paths.items())),
        cautions=(*compiler.cautions, *(each for one in series.values() for each in _cautions(one))),
        _evaluate=evaluate,
        _why=why,
        series=tuple(series.values()),
        kind=operand.kind,
        literal=operand.literal,
        _turns=turns,
        asked=tuple(dict.fromkeys(compiler.asked)),
        consented=tuple(dict.fromkeys(compiler.consented)),
        audiences=tuple(dict.fromkeys(compiler.audiences)),
        sets=tuple(dict.fromkeys(compiler.sets)),
        scores=tuple(dict.fromkeys(compiler.scores)),
        compares_now=len(turns) > sum(each.window_ms is not None for each in compiler.asked),
        compared=compared,
        confined=confined,
    )


def _cautions(series: Series) -> list[str]:
    condition = series.condition
    return [] if condition is None else [f"in the condition {condition.text!r}: {each}" for each in condition.cautions]


def _series(asked: HistoryCall, names: Names | None) -> Series:
    condition = None
    if asked.condition is not None:
        try:
            condition = compile_expression(asked.condition, names_of_condition(asked, names))
        except ExpressionError as error:
            raise ExpressionError(f"in the condition {asked.condition!r}: {error.message}", asked.column) from None
    return Series(asked.key, asked.event, asked.path, condition, asked.window_ms)
