"""Parse trees of expressions by their text: read once for a project, and handed to other processes with it.

Reading takes cel-python's grammar, which a process needs longer to set up than to compile a small project. So a project
keeps the trees that its compilation has read, and whoever gets the project never needs the grammar.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from parcours.expression.nodes import Node
from parcours.expression.syntax import parse

TEXTS_REMEMBERED: Final = 1_024
"""Texts whose tree a process keeps: all of a large project's, which says `profile.email` again and again."""

_parsed = lru_cache(maxsize=TEXTS_REMEMBERED)(parse)


class Trees:
    """The parse trees that one compilation looks at, read or taken over.

    known  what has been read in another process, by text
    """

    def __init__(self, known: Mapping[str, Node] | None = None) -> None:
        self._known = dict(known or {})

    def of(self, text: str) -> Node:
        """The tree of the text. Raises ExpressionError."""
        tree = self._known.get(text)
        if tree is None:
            tree = self._known[text] = _parsed(text)
        return tree

    def known(self) -> dict[str, Node]:
        """Every tree so far, by text."""
        return dict(self._known)
