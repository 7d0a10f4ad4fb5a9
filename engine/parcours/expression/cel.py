"""The compiler of expressions: one walk over a syntax tree at load time turns it into a closure.

Each node becomes an `Operand`: a closure over the scope, and what is known about it without data. The walk checks every
name and every call, so that evaluation cannot fail, and it specialises the frequent shapes: a path of any length is one
closure, chains of `&&` and `||` are flat, and a comparison with a literal skips the general test of kinds. A new
operator is a row in operators.py, a new function in functions.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import assert_never

import re2

from parcours.expression import cautions, closures, history, nodes, operators, reasons
from parcours.expression.change_times import MIRRORED, ChangeTimes, change_times
from parcours.expression.dotted import joined_path
from parcours.expression.functions import FUNCTIONS, METHODS, Function, Signature, matches, pattern
from parcours.expression.macros import DEPTH_MAX, MACROS, bind
from parcours.expression.names import Names, kind_at
from parcours.expression.nodes import OWN_ROOTS, ROOTS, ROW
from parcours.expression.operand import Condition, Operand, Why
from parcours.expression.sharing import shared
from parcours.expression.syntax import ExpressionError
from parcours.expression.values import MISSING, Evaluate, Scope, from_ms, kind_of, to_date, to_timestamp
from parcours.expression.zones import zone_names
from parcours.wording import nearest, quoted


@dataclass(slots=True)
class ExpressionCompiler:
    """The compiler's state for one expression; its lists tell afterwards what the expression reads and what to warn of.

    paths        each path that is read
    comparisons  both sides of each comparison, so that a reason can name unlike kinds
    cautions     warnings for the author
    asked        each call of count, sum or last
    turns        when its comparisons with `now` change by the passing of time
    consented    the channel and the purpose of each consent that it asks for
    audiences    the keys of the audiences that it asks for
    scores       the names of the scores that it asks for
    sets         the sets whose size it asks for
    variables    the macro variables in scope, outermost first
    elements     of each of them the kinds of the keys that its objects are declared to have
    """

    names: Names | None
    paths: dict[str, Operand] = field(default_factory=dict)
    comparisons: list[tuple[Operand, Operand]] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    asked: list[history.HistoryCall] = field(default_factory=list)
    turns: list[ChangeTimes] = field(default_factory=list)
    consented: list[tuple[str, str]] = field(default_factory=list)
    audiences: list[str] = field(default_factory=list)
    scores: list[str] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)
    macros: bool = False
    variables: tuple[str, ...] = ()
    elements: tuple[Mapping[str, str], ...] = ()

    def compile(self, node: nodes.Node) -> Operand:
        match node:
            case nodes.Literal():
                return Operand(closures.always(node.value), node.text, kind_of(node.value), literal=True)
            case nodes.Path():
                return self._path(node)
            case nodes.Identifier():
                return self._name(node)
            case nodes.Unary():
                return self._unary(node)
            case nodes.BinaryOperation():
                return self._comparison(node) if node.sign in operators.COMPARISONS else self._arithmetic(node)
            case nodes.Chain():
                return self._chain(node)
            case nodes.Choice():
                return self._choice(node)
            case nodes.Index():
                return self._index(node)
            case nodes.FunctionCall():
                return self._call(node)
            case nodes.ListOf():
                return self._list(node)
            case nodes.MapOf():
                return self._map(node)
        assert_never(node)

    def _path(self, node: nodes.Path) -> Operand:
        root, *keys = node.names
        if not keys:
            raise ExpressionError(f"{root!r} alone is no value, name what is in it as in {root}.name", node.column)
        kind, read = self._declared(node, root, keys), closures.reading(root, tuple(keys))
        fields = self.names.lists.get(joined_path(keys), {}) if self.names is not None and root == ROW else {}
        operand = _of_kind(read, node.text, kind, from_ms if root == "run" else to_timestamp, fields)
        self.paths[joined_path(node.names)] = operand
        return operand

    def _declared(self, node: nodes.Path, root: str, keys: list[str]) -> str:
        if self.names is None:
            return "timestamp" if node.names == ("run", "entered_at") else "any"
        declared = self.names.of(root)
        if declared is None:
            raise ExpressionError(f"{root!r} has no meaning here", node.column)
        path = joined_path(keys)
        kind = kind_at(declared, path)
        if kind is None:
            hint = nearest(f"{root}.{path}", [f"{root}.{each}" for each in declared])
            raise ExpressionError(f"unknown name {root}.{path}{hint}", node.column)
        return kind

    def _name(self, node: nodes.Identifier) -> Operand:
        if node.text in self.variables:
            place = self.variables.index(node.text)
            return Operand(lambda scope: scope.variables[place], node.text, fields=self.elements[place])
        if node.text == "now":
            if self.names is not None and not self.names.now:
                raise ExpressionError("'now' has no meaning here", node.column)
            return Operand(lambda scope: from_ms(scope.now_ms), "now", "timestamp", moved=())
        if node.text in OWN_ROOTS:
            raise ExpressionError(f"{node.text!r} has no meaning here", node.column)
        roots = [*ROOTS, *(sorted(self.names.own_roots) if self.names is not None else ())]
        hint = nearest(node.text, [*roots, "now", *self.variables])
        advice = hint or f", a name begins with {', '.join(roots[:-1])} or {roots[-1]}"
        raise ExpressionError(f"unknown name {node.text}{advice}", node.column)

    def explained(self, node: nodes.Node) -> tuple[Operand, Why]:
        """The compiled part, and the function that words why it does not hold."""
        before = len(self.comparisons)
        operand = self.compile(node)
        if operand.why is not None:
            return operand, operand.why
        named = sorted({joined_path(each.names) for each in reasons.always_read(node)})
        looked = {path: self.paths[path] for path in named}
        decided = isinstance(node, nodes.BinaryOperation) and node.sign in operators.COMPARISONS
        return operand, reasons.of_leaf(operand, looked, self.comparisons[before:], decided=decided)

    def _condition(self, node: nodes.Node) -> Condition:
        operand, why = self.explained(node)
        self.cautions += cautions.of_condition(operand)
        return Condition(operand.evaluate, why)

    def _unary(self, node: nodes.Unary) -> Operand:
        if node.sign == "!":
            holds = self._condition(node.operand).holds
            why = reasons.of_negation(node.text)
            return Operand(lambda scope: holds(scope) is not True, node.text, "boolean", why=why)
        operand = self.compile(node.operand)
        self.cautions += cautions.of_negation(node.text, operand)
        value, kind = operand.evaluate, operand.kind if operand.kind in cautions.NEGATED else "any"
        return Operand(lambda scope: operators.negate(value(scope)), node.text, kind, operand.exact)

    def _chain(self, node: nodes.Chain) -> Operand:
        conditions = tuple(self._condition(each) for each in node.operands)
        join = closures.all_hold if node.sign == "&&" else closures.any_holds
        holds = join(tuple(each.holds for each in conditions))
        operand = Operand(holds, node.text, "boolean", why=reasons.of_chain(conditions))
        return operand if self.names is None else shared(operand, node, self.paths, self.names.trees.parts)

    def _choice(self, node: nodes.Choice) -> Operand:
        condition = self._condition(node.condition)
        (then, unmet_then), (otherwise, unmet_otherwise) = self.explained(node.then), self.explained(node.otherwise)
        holds, yes, no = condition.holds, then.evaluate, otherwise.evaluate
        kind = then.kind if then.kind == otherwise.kind else "any"
        why = reasons.of_choice(condition, unmet_then, unmet_otherwise)
        return Operand(lambda scope: yes(scope) if holds(scope) is True else no(scope), node.text, kind, why=why)

    def _arithmetic(self, node: nodes.BinaryOperation) -> Operand:
        left, right = self.compile(node.left), self.compile(node.right)
        self.cautions += cautions.of_arithmetic(node.text, node.sign, left, right)
        exact = left.exact or right.exact
        sign = "exact /" if node.sign == "/" and exact else node.sign
        compute, first, second = operators.ARITHMETIC[sign], left.evaluate, right.evaluate
        kind = "number" if left.kind == right.kind == "number" else "any"
        # Only `now` plus or minus something can be solved for the instant of its change (change_times.py): `now * 2`,
        # or `now` on both sides, is not `moved`.
        stays = left.moved is None or right.moved is not None or node.sign not in ("+", "-")
        moved = None if stays else (*(left.moved or ()), (node.sign, second))
        return Operand(lambda scope: compute(first(scope), second(scope)), node.text, kind, exact, moved=moved)

    def _comparison(self, node: nodes.BinaryOperation) -> Operand:
        left, right = self.compile(node.left), self.compile(node.right)
        if not self.variables and node.sign != "in":
            self.comparisons.append((left, right))
        self.cautions += cautions.of_comparison(node.sign, left, right)
        if caution := history.beyond_reach(node.left, node.sign, _literal_of(node.right)):
            self.cautions.append(caution)
        self._turn(node.sign, left, right)
        first, second, literal = left.evaluate, right.evaluate, _literal_of(node.right)
        if literal is not MISSING:
            return Operand(closures.against_literal(node.sign, first, literal), node.text, "boolean")
        compare = operators.COMPARISONS[node.sign]
        return Operand(lambda scope: compare(first(scope), second(scope)), node.text, "boolean")

    def _turn(self, sign: str, left: Operand, right: Operand) -> None:
        """Note when a comparison with `now` changes. Within a macro that depends on the element, and is not noted."""
        if sign not in MIRRORED or self.variables:
            return
        if left.moved is not None and right.moved is None:
            self.turns.append(change_times(sign, left.moved, right.evaluate))
        elif right.moved is not None and left.moved is None:
            self.turns.append(change_times(MIRRORED[sign], right.moved, left.evaluate))

    def _index(self, node: nodes.Index) -> Operand:
        container, element = self.compile(node.base), self.compile(node.key)
        self.cautions += cautions.of_index(node.text, container, element)
        base, key = container.evaluate, element.evaluate
        named = _literal_of(node.key)
        kind = container.fields.get(named, "any") if isinstance(named, str) else "any"
        fields = container.fields if element.kind == "number" else {}
        return _of_kind(lambda scope: operators.index(base(scope), key(scope)), node.text, kind, fields=fields)

    def _list(self, node: nodes.ListOf) -> Operand:
        items = tuple(self.compile(item).evaluate for item in node.items)
        return Operand(lambda scope: [closures.or_null(item(scope)) for item in items], node.text, "list")

    def _map(self, node: nodes.MapOf) -> Operand:
        pairs = tuple((self._key(key), self.compile(value).evaluate) for key, value in node.pairs)
        return Operand(lambda scope: {key: closures.or_null(value(scope)) for key, value in pairs}, node.text, "object")

    def _key(self, node: nodes.Node) -> str:
        key = _literal_of(node)
        if not isinstance(key, str):
            raise ExpressionError("a key of an object is written as a text", node.column)
        return key

    def _call(self, node: nodes.FunctionCall) -> Operand:
        if node.target is None:
            return self._has(node) if node.name == "has" else self._function(node)
        if node.name in MACROS:
            return self._macro(node, node.target)
        return self._apply(node, METHODS, (node.target, *node.arguments), 1)

    def _function(self, node: nodes.FunctionCall) -> Operand:
        if node.name == "size" and self.names is not None and self.names.sets is not None:
            return self._size_of_set(node, self.names.sets)
        if node.name == "consent":
            self.consented.append(history.consent_of(node, self.names))
            return Operand(history.consenting(*self.consented[-1]), node.text, "boolean")
        if node.name == "in_audience":
            self.audiences.append(history.audience_of(node, self.names))
            return Operand(history.belonging(self.audiences[-1]), node.text, "boolean")
        if node.name in history.SCORES:
            self.scores.append(history.score_of(node, self.names))
            kind = "string" if node.name == "band" else "number"
            return Operand(history.scoring(node.name, self.scores[-1]), node.text, kind, exact=kind == "number")
        if node.name in history.FUNCTIONS:
            return self._history(node)
        if node.name == "default":
            return self._default(node)
        return self._apply(node, FUNCTIONS, node.arguments, 0)

    def _size_of_set(self, node: nodes.FunctionCall, known: frozenset[str]) -> Operand:
        """The size of the set at hand, or of the one that is named."""
        given = [_literal_of(each) for each in node.arguments]
        if len(given) > 1 or not all(isinstance(each, str) for each in given):
            raise ExpressionError('size() is written as size(), or as size("STEP.OUTPUT") of another set', node.column)
        name = str(given[0]) if given else ""
        if name and not {name, "*"} & known:
            raise ExpressionError(f"unknown set {quoted(name)}{nearest(name, known)}", node.column)
        self.sets.append(name)
        return Operand(lambda scope: scope.sizes.get(name, MISSING), node.text, "number")

    def _history(self, node: nodes.FunctionCall) -> Operand:
        asked = history.asked_of(node, self.names)
        self.asked.append(asked)
        if asked.window_ms is not None:
            self.turns.append(history.leaving(asked))
        kind = "timestamp" if node.name == "last" else "number"
        return Operand(history.asking(node.name, asked), node.text, kind, exact=asked.kind == "number")

    def _apply(
        self,
        node: nodes.FunctionCall,
        table: Mapping[str, Signature],
        arguments: tuple[nodes.Node, ...],
        before: int,
    ) -> Operand:
        if node.name not in table:
            raise ExpressionError(f"unknown function {node.name}(){_meant(node)}", node.column)
        function, fewest, most, kind, _ = table[node.name]
        if not fewest <= len(arguments) - before <= most:
            wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise ExpressionError(
                f"{node.name}() takes {wanted} argument(s), not {len(arguments) - before}", node.column
            )
        if function is matches:
            function, arguments = _prepared(arguments)
        if self.names is not None:
            self._judge_literal(node, function, [_literal_of(argument) for argument in arguments])
        operands = [self.compile(argument) for argument in arguments]
        self.cautions += cautions.of_call(node.text, node.name, table[node.name], operands)
        return Operand(closures.applied(function, tuple(each.evaluate for each in operands)), node.text, kind)

    def _judge_literal(self, node: nodes.FunctionCall, function: Function, given: list[object]) -> None:
        """Refuse a written date, duration or zone that is none: it would be missing for everybody."""
        if node.name in ("timestamp", "duration") and given[0] is not MISSING and function(*given) is MISSING:
            wanted = "time such as 2026-03-02T09:00:00Z" if node.name == "timestamp" else "duration such as 90m"
            raise ExpressionError(f"{given[0]!r} is no {wanted}", node.column)
        if (
            node.name.startswith("get")
            and len(given) > 1
            and isinstance(given[1], str)
            and given[1] not in zone_names()
        ):
            hint = nearest(given[1], zone_names())
            raise ExpressionError(f"{given[1]!r} is no time zone{hint}", node.column)

    def _has(self, node: nodes.FunctionCall) -> Operand:
        if len(node.arguments) != 1 or not isinstance(node.arguments[0], nodes.Path | nodes.Index):
            raise ExpressionError("has() asks for one name, as in has(profile.city)", node.column)
        value = self.compile(node.arguments[0]).evaluate
        return Operand(lambda scope: value(scope) is not MISSING, node.text, "boolean")

    def _default(self, node: nodes.FunctionCall) -> Operand:
        if len(node.arguments) != 2:
            raise ExpressionError("default() is written as default(profile.score, 0)", node.column)
        given, instead = map(self.compile, node.arguments)
        value, other = given.evaluate, instead.evaluate
        kind = given.kind if instead.kind in (given.kind, "missing") else "any"

        def decide(scope: Scope) -> object:
            found = value(scope)
            return other(scope) if found is MISSING else found

        return Operand(decide, node.text, kind, exact=given.exact or instead.exact)

    def _macro(self, node: nodes.FunctionCall, target: nodes.Node) -> Operand:
        macro, most, kind = MACROS[node.name]
        variable, *bodies = node.arguments or (None,)
        if not isinstance(variable, nodes.Identifier) or not 1 <= len(bodies) <= most:
            raise ExpressionError(f"{node.name}() is written as list.{node.name}(x, condition on x)", node.column)
        if len(self.variables) == DEPTH_MAX:
            raise ExpressionError(f"macros nest at most {DEPTH_MAX} deep", node.column)
        container, outer, elements = self.compile(target), self.variables, self.elements
        self.cautions += cautions.of_macro(node.text, container)
        self.variables, self.elements = (*outer, variable.text), (*elements, container.fields)
        compiled = tuple(self.compile(body).evaluate for body in bodies)
        self.variables, self.elements, self.macros = outer, elements, True
        fields = container.fields if node.name == "filter" else {}
        return Operand(bind(macro, container.evaluate, compiled), node.text, kind, fields=fields)


def _of_kind(
    read: Evaluate,
    text: str,
    kind: str,
    instant: Callable[[object], object] = to_timestamp,
    fields: Mapping[str, str] = MappingProxyType({}),
) -> Operand:
    """What is read, as a value of the kind that is declared: texts of times and dates are those.

    instant  what makes a timestamp of what is read
    """
    source = None
    if kind == "timestamp":
        read, source = closures.converting(read, instant), read
    elif kind == "date":
        read, source = closures.converting(read, to_date), read
    return Operand(read, text, "number" if kind == "integer" else kind, kind == "number", source=source, fields=fields)


def _meant(node: nodes.FunctionCall) -> str:
    """What the author of an unknown call may have meant: the other way to write it, or the nearest name."""
    by_name, behind = [*FUNCTIONS, *history.FUNCTIONS, "has", "default"], [*METHODS, *MACROS]
    if node.target is None and node.name in behind:
        return f": it is written behind its value, as in profile.name.{node.name}(...)"
    if node.target is not None and node.name in by_name:
        return f": it is written before its value, as in {node.name}(...)"
    return nearest(node.name, [*by_name, *behind])


def _literal_of(node: nodes.Node) -> object:
    """The value of a literal or of a list of literals; MISSING for everything else."""
    if isinstance(node, nodes.Literal):
        return node.value
    if isinstance(node, nodes.ListOf) and node.items:
        items = [_literal_of(item) for item in node.items]
        return MISSING if MISSING in items else items
    return MISSING


def _prepared(arguments: tuple[nodes.Node, ...]) -> tuple[Function, tuple[nodes.Node, ...]]:
    """Compile the literal pattern of a `matches` call at load time, so that a bad one is an error of the author."""
    text, expression = arguments
    literal = _literal_of(expression)
    if not isinstance(literal, str):
        return matches, arguments
    try:
        return partial(closures.found, pattern(literal)), (text,)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise ExpressionError(f"{expression.text} is no RE2 pattern: {reason}", expression.column) from None
