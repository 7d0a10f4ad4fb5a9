"""Syntax trees of expressions by their text: parsed once for a project, and handed to other processes with it.

Setting up the parser takes a process longer than compiling a small project. So a project keeps the trees of its
compilation, and a process that gets the project never needs the grammar.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from parcours.expression.nodes import Node
from parcours.expression.operand import Operand
from parcours.expression.sharing import PartKey
from parcours.expression.syntax import parse

TEXTS_REMEMBERED: Final = 1_024
"""Texts whose tree a process caches: all of a large project's, which says `profile.email` again and again."""

_parsed = lru_cache(maxsize=TEXTS_REMEMBERED)(parse)


class Trees:
    """The syntax trees of one compilation, parsed or taken over.

    known  the trees parsed in another process, by text
    parts  what chains that read nothing but an event were compiled to (sharing.py)
    """

    def __init__(self, known: Mapping[str, Node] | None = None) -> None:
        self._known = dict(known or {})
        self.parts: dict[PartKey, Operand] = {}

    def of(self, text: str) -> Node:
        """The syntax tree of the text. Raises ExpressionError."""
        tree = self._known.get(text)
        if tree is None:
            tree = self._known[text] = _parsed(text)
        return tree

    def known(self) -> dict[str, Node]:
        """Every tree so far, by text."""
        return dict(self._known)
