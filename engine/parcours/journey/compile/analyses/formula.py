"""The parser of a metric's formula: names of metrics and numbers with `+ - * /` and parentheses.

A name may hold dashes, so it goes on until anything else comes: `a-b` is one name, `a - b` a difference. What is all
digits, with a dot and digits behind it or not, is a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal, cast

from parcours.journey.analyses import Arithmetic, FormulaNode, MetricOf, Number

FORMULA_CHARACTERS_MAX: Final = 1_000
"""Characters of a formula: far more than a person can read."""

DEPTH_MAX: Final = 50
"""Parentheses within one another, and signs one behind the other: a bound on how deep a formula is."""

_PART: Final = re.compile(r"\s*(?:(?P<word>[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.[0-9])*)|(?P<sign>[-+*/()])|(?P<end>$))")
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?")

_ENDS: Final = ""


class FormulaError(ValueError):
    """A formula that cannot be read: the reason, with the column (from 1) of the mistake where there is one."""


def parse_formula(text: str) -> FormulaNode:
    """The formula as a tree. Raises FormulaError."""
    if len(text) > FORMULA_CHARACTERS_MAX:
        raise FormulaError(f"a formula has {FORMULA_CHARACTERS_MAX} characters at most")
    reader = _Reader(list(_parts(text)))
    root = reader.sum(0)
    if reader.next[1] != _ENDS:
        raise reader.unexpected("a sign or the end")
    return root


def metrics_in(node: FormulaNode) -> Iterator[str]:
    """The names of metrics in a formula, from left to right."""
    match node:
        case MetricOf():
            yield node.name
        case Arithmetic():
            yield from metrics_in(node.left)
            yield from metrics_in(node.right)
        case Number():
            return


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The words and signs with their columns; the last one is empty."""
    at = 0
    while True:
        found = _PART.match(text, at)
        if found is None:
            column = at + len(text[at:]) - len(text[at:].lstrip())
            raise FormulaError(f"{text[column]!r} has no meaning in a formula (column {column + 1})")
        part = found["word"] or found["sign"] or _ENDS
        yield found.end() - len(part) + 1, part
        if not part:
            return
        at = found.end()


@dataclass(slots=True)
class _Reader:
    parts: list[tuple[int, str]]
    at: int = 0

    @property
    def next(self) -> tuple[int, str]:
        return self.parts[self.at]

    def unexpected(self, expected: str) -> FormulaError:
        column, part = self.next
        there = f"and not {part!r}" if part else "and the formula ends"
        return FormulaError(f"{expected} is expected, {there} (column {column})")

    def sum(self, depth: int) -> FormulaNode:
        return self._chain(("+", "-"), depth)

    def _chain(self, signs: tuple[str, ...], depth: int) -> FormulaNode:
        """Terms of equal rank, taken together from the left."""
        node = self._below(signs, depth)
        for _ in range(DEPTH_MAX + 1):
            sign = self.next[1]
            if sign not in signs:
                return node
            self.at += 1
            node = Arithmetic(cast(Literal["+", "-", "*", "/"], sign), node, self._below(signs, depth))
        raise FormulaError(f"a formula has {DEPTH_MAX} signs of one rank in a row at most (column {self.next[0]})")

    def _below(self, signs: tuple[str, ...], depth: int) -> FormulaNode:
        return self._chain(("*", "/"), depth) if "+" in signs else self._term(depth)

    def _term(self, depth: int) -> FormulaNode:
        part = self.next[1]
        if part == "(":
            if depth == DEPTH_MAX:
                raise FormulaError(f"parentheses are nested {DEPTH_MAX} deep at most (column {self.next[0]})")
            self.at += 1
            node = self.sum(depth + 1)
            if self.next[1] != ")":
                raise self.unexpected("a sign or ')'")
            self.at += 1
            return node
        if part == _ENDS or part in "+-*/()":
            raise self.unexpected("a metric, a number or '('")
        self.at += 1
        if not _NUMBER.fullmatch(part):
            return MetricOf(part)
        if not isfinite(number := float(part)):
            raise FormulaError("this number is too large")
        return Number(number)
