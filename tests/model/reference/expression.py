"""What does a condition say about a person? A recursive-descent parser and a direct evaluator.

A value is a JSON value, an Instant or a Span; None stands for missing and for null alike.
A tree is a tuple whose first item names its kind.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.model.reference.times import parse_duration, parse_instant

Tree = tuple[Any, ...]
Scope = Mapping[str, Any]  # event, entry, profile, run: dicts or None; now: Instant; and the functions by name

TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.\d+|\d+)|(?P<string>"[^"]*"|'[^']*')|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]]))"""
)
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "in")


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    ms: int


@dataclass(frozen=True, slots=True, order=True)
class Span:
    ms: int


class Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = TOKEN.match(text, position)
            assert match is not None, f"cannot read {text[position:]!r} in {text!r}"
            kind = match.lastgroup
            assert kind is not None
            self.tokens.append((kind, match.group(kind)))
            position = match.end()
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position][1] if self.position < len(self.tokens) else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.peek()
        assert wanted is None or token == wanted, f"expected {wanted!r}, found {token!r}"
        self.position += 1
        return token

    def ternary(self) -> Tree:
        condition = self.either()
        if self.peek() != "?":
            return condition
        self.take("?")
        first = self.ternary()
        self.take(":")
        return ("if", condition, first, self.ternary())

    def either(self) -> Tree:
        left = self.both()
        while self.peek() == "||":
            self.take()
            left = ("||", left, self.both())
        return left

    def both(self) -> Tree:
        left = self.comparison()
        while self.peek() == "&&":
            self.take()
            left = ("&&", left, self.comparison())
        return left

    def comparison(self) -> Tree:
        left = self.sum()
        while self.peek() in COMPARISONS:
            left = ("compare", self.take(), left, self.sum())
        return left

    def sum(self) -> Tree:
        left = self.product()
        while self.peek() in ("+", "-"):
            left = ("arithmetic", self.take(), left, self.product())
        return left

    def product(self) -> Tree:
        left = self.unary()
        while self.peek() in ("*", "/", "%"):
            left = ("arithmetic", self.take(), left, self.unary())
        return left

    def unary(self) -> Tree:
        if self.peek() == "!":
            self.take()
            return ("!", self.unary())
        if self.peek() == "-":
            self.take()
            return ("minus", self.unary())
        return self.member()

    def member(self) -> Tree:
        tree = self.primary()
        while self.peek() == ".":
            self.take()
            name = self.take()
            tree = ("method", name, tree, self.arguments()) if self.peek() == "(" else ("get", tree, name)
        return tree

    def arguments(self) -> list[Tree]:
        return self.items("(", ")")

    def items(self, opening: str, closing: str) -> list[Tree]:
        self.take(opening)
        found: list[Tree] = []
        while self.peek() != closing:
            found.append(self.ternary())
            if self.peek() == ",":
                self.take()
        self.take(closing)
        return found

    def primary(self) -> Tree:
        if self.peek() == "(":
            self.take()
            inner = self.ternary()
            self.take(")")
            return inner
        if self.peek() == "[":
            return ("list", self.items("[", "]"))
        kind, text = self.tokens[self.position]
        self.take()
        if kind == "number":
            return ("value", float(text) if "." in text else int(text))
        if kind == "string":
            return ("value", text[1:-1])
        if text in ("true", "false", "null"):
            return ("value", {"true": True, "false": False, "null": None}[text])
        if self.peek() == "(":
            return ("call", text, self.arguments())
        return ("root", text)


@cache
def parse(text: str) -> Tree:
    parser = Parser(text)
    tree = parser.ternary()
    assert not parser.peek(), f"left over in {text!r}: {parser.peek()!r}"
    return tree


def value(text: str, scope: Scope) -> Any:
    return evaluate(parse(text), scope)


def holds(text: str | None, scope: Scope) -> bool:
    # No condition is met; a missing condition, or one that is no boolean, is false.
    return text is None or value(text, scope) is True


def evaluate(tree: Tree, scope: Scope) -> Any:
    match tree:
        case ("value", constant):
            return constant
        case ("list", items):
            return [evaluate(item, scope) for item in items]
        case ("root", name):
            return scope[name]
        case ("get", of, name):
            whole = evaluate(of, scope)
            return whole.get(name) if isinstance(whole, Mapping) else None
        case ("if", condition, first, second):
            return evaluate(first if evaluate(condition, scope) is True else second, scope)
        case ("||", left, right):
            return evaluate(left, scope) is True or evaluate(right, scope) is True
        case ("&&", left, right):
            return evaluate(left, scope) is True and evaluate(right, scope) is True
        case ("!", operand):
            return evaluate(operand, scope) is not True
        case ("minus", operand):
            number = evaluate(operand, scope)
            return -number if kind_of(number) == "number" else None
        case ("compare", sign, left, right):
            return compare(sign, evaluate(left, scope), evaluate(right, scope))
        case ("arithmetic", sign, left, right):
            return calculate(sign, evaluate(left, scope), evaluate(right, scope))
        case ("method", name, of, arguments):
            return METHODS[name](evaluate(of, scope), *(evaluate(argument, scope) for argument in arguments))
        case ("call", "has", [path]):
            return evaluate(path, scope) is not None
        case ("call", name, arguments):
            function: Callable[..., Any] = FUNCTIONS[name] if name in FUNCTIONS else scope[name]
            return function(*(evaluate(argument, scope) for argument in arguments))
        case _:
            raise AssertionError(f"no such expression: {tree!r}")


def kind_of(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case Instant():
            return "instant"
        case Span():
            return "span"
        case list():
            return "list"
        case _:
            return "other"


def compare(sign: str, left: Any, right: Any) -> bool:
    # A comparison with something missing or null is false, also `!=`.
    if left is None or right is None:
        return False
    if sign == "in":
        return isinstance(right, list) and any(compare("==", left, item) for item in right)
    # Integers and doubles compare as numbers; any other mix of types is false.
    if kind_of(left) != kind_of(right):
        return False
    match sign:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)


def calculate(sign: str, left: Any, right: Any) -> Any:
    # Arithmetic on a missing value is missing; so is arithmetic that has no sense.
    kinds = (kind_of(left), kind_of(right))
    if kinds == ("number", "number"):
        match sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case _:
                raise AssertionError(f"division is not modelled: {sign}")
    if kinds == ("text", "text") and sign == "+":
        return left + right
    if kinds == ("instant", "span"):
        return Instant(left.ms + right.ms) if sign == "+" else Instant(left.ms - right.ms)
    if kinds == ("span", "instant") and sign == "+":
        return Instant(left.ms + right.ms)
    if kinds == ("instant", "instant") and sign == "-":
        return Span(left.ms - right.ms)
    if kinds == ("span", "span"):
        return Span(left.ms + right.ms) if sign == "+" else Span(left.ms - right.ms)
    return None


def on_text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool | None]:
    def method(left: Any, right: Any) -> bool | None:
        return test(left, right) if isinstance(left, str) and isinstance(right, str) else None

    return method


def size(value: Any) -> int | None:
    return len(value) if isinstance(value, str | list) else None


def timestamp(value: Any) -> Instant | None:
    if isinstance(value, Instant):
        return value
    try:
        return Instant(parse_instant(value))
    except (TypeError, ValueError):
        return None


METHODS: dict[str, Callable[..., Any]] = {
    "startsWith": on_text(lambda left, right: left.startswith(right)),
    "endsWith": on_text(lambda left, right: left.endswith(right)),
    "contains": on_text(lambda left, right: right in left),
    "matches": on_text(lambda left, right: re.search(right, left) is not None),
    "size": size,
}


def moment(value: Any) -> Instant | None:
    # A whole number is Unix seconds.
    return Instant(value * 1000) if type(value) is int else timestamp(value)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "size": size,
    "timestamp": moment,
    "default": lambda value, instead: instead if value is None else value,
    "duration": lambda text: Span(parse_duration(text)),
}
