"""The parser of expressions: CEL text to a parse tree, by cel-python's grammar, and that to a small syntax tree.

The grammar's parse tree has a level for every precedence; here each node is one construct that an author wrote, with
its own text and the column (from 1) at which it begins.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import cache_from_source, find_spec
from pathlib import Path as FilePath
from typing import Final, cast

from lark import Lark, Token, Tree, UnexpectedInput, UnexpectedToken
from lark.lexer import PatternRE, TerminalDef

from parcours.errors import AuthorError
from parcours.expression.nodes import (
    ROOTS,
    BinaryOperation,
    Chain,
    Choice,
    FunctionCall,
    Identifier,
    Index,
    ListOf,
    Literal,
    MapOf,
    Node,
    Path,
    Unary,
)
from parcours.expression.values import MISSING

TEXT_LENGTH_MAX: Final = 4_096
"""Characters of one expression: generous for a person's writing, and a bound on depth and memory."""


class ExpressionError(AuthorError):
    """An expression that cannot be compiled: the reason, and the column (from 1) of the mistake."""

    @property
    def message(self) -> str:
        return str(self.args[0])

    @property
    def column(self) -> int:
        return int(self.args[1])

    def __str__(self) -> str:
        return f"{self.message} (column {self.column})"


_TEXT: Final = r"""(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
_LONG_TEXT: Final = r'''(?:"""(?:\\[\s\S]|[^\\])*?"""|\'{3}(?:\\[\s\S]|[^\\])*?\'{3})'''

_TEXTS: Final[Mapping[str, str]] = {
    "STRING_LIT": f"[rR]?{_TEXT}",
    "MLSTRING_LIT": f"[rR]?{_LONG_TEXT}",
    "BYTES_LIT": f"[bB][rR]?(?:{_LONG_TEXT}|{_TEXT})",
}
"""Terminals that replace the grammar's own, which take exponential time for an unterminated text.

Those match a backslash in two ways, and try both again at each.
"""


def _read_texts_once(terminal: TerminalDef) -> None:
    if terminal.name in _TEXTS:
        terminal.pattern = PatternRE(_TEXTS[terminal.name])


@cache
def _parser() -> Lark:
    """The LALR parser of cel-python's grammar, read from its file.

    The grammar lies beside an evaluator that is not needed here: importing the package would double the time.
    """
    package = find_spec("celpy")
    assert package is not None and package.origin is not None, "cel-python is a dependency of Parcours"
    grammar = FilePath(package.origin).with_name("cel.lark").read_text(encoding="utf-8")
    return Lark(
        f"{grammar}\n// {dict(_TEXTS)!r}",  # a comment, so that tables of other terminals are not taken for these
        parser="lalr",
        start="expr",
        g_regex_flags=re.MULTILINE,
        lexer_callbacks={"IDENT": _name_or_boolean},
        edit_terminals=_read_texts_once,
        propagate_positions=True,
        maybe_placeholders=False,
        priority="invert",
        cache=_tables_file() or False,
    )


def _tables_file() -> str | None:
    """Where the parser's tables are kept: with what Python has compiled of this module, if it may keep anything.

    To compute them takes 0.25 s of every command. Lark does it anew for another grammar, version or Python, where the
    file cannot be read, and where there is no room for one.
    """
    if sys.dont_write_bytecode or sys.implementation.cache_tag is None:
        return None
    return str(FilePath(cache_from_source(__file__)).with_suffix(".lalr"))


# The grammar tells `true` and `false` from names by a callback, which has to keep the token's position.
def _name_or_boolean(token: Token) -> Token:
    return Token.new_borrow_pos("BOOL_LIT", token, token) if token in ("true", "false") else token


def parse(text: str) -> Node:
    """The syntax tree of the text. Raises ExpressionError."""
    if len(text) > TEXT_LENGTH_MAX:
        raise ExpressionError(f"the expression is longer than {TEXT_LENGTH_MAX} characters", TEXT_LENGTH_MAX)
    try:
        return _Reader(text).read(_parser().parse(text))
    except UnexpectedInput as error:
        raise _syntax_error(text, error) from None
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply", 1) from None


def _syntax_error(text: str, error: UnexpectedInput) -> ExpressionError:
    if not text.strip():
        return ExpressionError("the expression is empty", 1)
    start: int = getattr(error, "pos_in_stream", None) or 0
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return ExpressionError("the expression ends too early", len(text) + 1)
    if re.match(r"=([^=]|$)", text[start:]):
        return ExpressionError("a single '=' compares nothing, write '=='", start + 1)
    return ExpressionError(f"it cannot be read from {text[start:][:20]!r} on{_foreign(text, start)}", start + 1)


_FOREIGN: Final = (
    (re.compile(r"(?i)and\b|&(?!&)"), "'and' is written &&"),
    (re.compile(r"(?i)or\b|\|(?!\|)"), "'or' is written ||"),
    (re.compile(r"(?i)not\b"), "'not' is written !"),
    (re.compile(r"<>"), "'not equal' is written !="),
    (re.compile(r"(?i)is\b"), "whether there is a value is asked by has(...)"),
)
"""What other languages write, by how the rest of the text begins, and what CEL writes instead."""


def _foreign(text: str, start: int) -> str:
    """The hint for what is written as in another language; parsers stop at it, or just behind its first word."""
    before = re.search(r"\S+\s*$", text[:start])
    for place in (start, before.start() if before else start):
        for begins, hint in _FOREIGN:
            if begins.match(text, place):
                return f": {hint}"
    return ""


_PASSED_THROUGH: Final = (
    *("expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary"),
    *("member", "primary", "paren_expr"),
)
"""Rules of the grammar that mean nothing where they have a single child."""

_SIGNS: Final[Mapping[str, str]] = {
    "relation_eq": "==",
    "relation_ne": "!=",
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
    "relation_in": "in",
    "addition_add": "+",
    "addition_sub": "-",
    "multiplication_mul": "*",
    "multiplication_div": "/",
    "multiplication_mod": "%",
    "unary_not": "!",
    "unary_neg": "-",
    "conditionaland": "&&",
    "conditionalor": "||",
}


class _Reader:
    """Reads one parse tree into nodes; `text` is the expression that it was parsed from."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._builders: Mapping[str, Callable[[Tree[Token]], Node]] = {
            "expr": self._choice,
            "conditionalor": self._chain,
            "conditionaland": self._chain,
            "relation": self._binary,
            "addition": self._binary,
            "multiplication": self._binary,
            "unary": self._unary,
            "member_dot": self._select,
            "member_index": self._index,
            "member_dot_arg": self._method,
            "ident_arg": self._function,
            "ident": self._identifier,
            "literal": self._literal,
            "list_lit": self._list,
            "map_lit": self._map,
        }

    def read(self, tree: Tree[Token]) -> Node:
        while len(tree.children) == 1 and tree.data in _PASSED_THROUGH:
            tree = cast("Tree[Token]", tree.children[0])
        build = self._builders.get(str(tree.data))
        if build is None:
            source, column = self._place(tree)
            raise ExpressionError(f"{source!r} is a form of CEL that is not supported", column)
        return build(tree)

    def _place(self, tree: Tree[Token]) -> tuple[str, int]:
        start = tree.meta.start_pos
        return self._text[start : tree.meta.end_pos], start + 1

    def _all(self, tree: Tree[Token]) -> list[Node]:
        return [self.read(child) for child in tree.children if isinstance(child, Tree)]

    def _arguments(self, tree: Tree[Token]) -> tuple[Node, ...]:
        """The nodes of the list at the end of this tree; none where the author left it empty."""
        last = tree.children[-1] if tree.children else None
        has_list = isinstance(last, Tree) and last.data in ("exprlist", "mapinits")
        return tuple(self._all(cast("Tree[Token]", last))) if has_list else ()

    def _choice(self, tree: Tree[Token]) -> Node:
        return Choice(*self._place(tree), *self._all(tree))

    def _chain(self, tree: Tree[Token]) -> Node:
        """`a && b && c` nests to the left in the parse tree; its node is flat."""
        rule, place, operands = tree.data, self._place(tree), list[Node]()
        while tree.data == rule and len(tree.children) == 2:
            left, right = cast("list[Tree[Token]]", tree.children)
            operands.append(self.read(right))
            tree = left
        operands.append(self.read(tree))
        return Chain(*place, _SIGNS[str(rule)], tuple(reversed(operands)))

    def _binary(self, tree: Tree[Token]) -> Node:
        outer, right = cast("list[Tree[Token]]", tree.children)
        (left,) = self._all(outer)
        return BinaryOperation(*self._place(tree), _SIGNS[str(outer.data)], left, self.read(right))

    def _unary(self, tree: Tree[Token]) -> Node:
        sign, operand = cast("list[Tree[Token]]", tree.children)
        return Unary(*self._place(tree), _SIGNS[str(sign.data)], self.read(operand))

    def _select(self, tree: Tree[Token]) -> Node:
        base, key = self.read(cast("Tree[Token]", tree.children[0])), str(tree.children[1])
        return self._below(tree, base, Literal(key, base.column, key))

    def _index(self, tree: Tree[Token]) -> Node:
        base, key = self._all(tree)
        return self._below(tree, base, key)

    def _below(self, tree: Tree[Token], base: Node, key: Node) -> Node:
        """A literal key below a path makes a longer path; any other key is an index."""
        if isinstance(base, Path) and isinstance(key, Literal) and isinstance(key.value, str):
            return Path(*self._place(tree), (*base.names, key.value))
        return Index(*self._place(tree), base, key)

    def _method(self, tree: Tree[Token]) -> Node:
        target, name = self.read(cast("Tree[Token]", tree.children[0])), str(tree.children[1])
        return FunctionCall(*self._place(tree), name, target, self._arguments(tree))

    def _function(self, tree: Tree[Token]) -> Node:
        return FunctionCall(*self._place(tree), str(tree.children[0]), None, self._arguments(tree))

    def _identifier(self, tree: Tree[Token]) -> Node:
        token = cast(Token, tree.children[0])
        if token.type == "BOOL_LIT":
            return self._literal(tree)
        return Path(*self._place(tree), (str(token),)) if token in ROOTS else Identifier(*self._place(tree))

    def _list(self, tree: Tree[Token]) -> Node:
        return ListOf(*self._place(tree), self._arguments(tree))

    def _map(self, tree: Tree[Token]) -> Node:
        flat = self._arguments(tree)
        return MapOf(*self._place(tree), tuple(zip(flat[::2], flat[1::2], strict=True)))

    def _literal(self, tree: Tree[Token]) -> Node:
        source, column = self._place(tree)
        kind = cast(Token, tree.children[0]).type
        if kind in ("STRING_LIT", "MLSTRING_LIT"):
            return Literal(source, column, _unquoted(source, column))
        if kind == "BYTES_LIT":
            raise ExpressionError("bytes are not supported, write a text", column)
        return Literal(source, column, _scalar(kind, source))


def _scalar(kind: str, source: str) -> object:
    if kind == "NULL_LIT":
        return MISSING
    if kind == "BOOL_LIT":
        return source == "true"
    if kind == "FLOAT_LIT":
        return float(source)
    return int(source.rstrip("uU"), 16 if "x" in source.lower() else 10)


_ESCAPED: Final = re.compile(r"""([^\\]|\\[abfnrtvxuU0-7"'\\])*""", re.DOTALL)


def _unquoted(source: str, column: int) -> str:
    """The value of a text literal, read as Python's, after escapes that only Python knows have been refused."""
    try:
        if source[0] not in "rR" and not _ESCAPED.fullmatch(source):
            raise ValueError(source)
        return str(ast.literal_eval(source))
    except (ValueError, SyntaxError):
        raise ExpressionError(f"the text {source} holds an escape that CEL does not know", column) from None
