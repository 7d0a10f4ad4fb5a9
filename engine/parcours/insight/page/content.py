"""What a page of figures tells, before anybody knows how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Cell: TypeAlias = object
"""Of CSV: a text, a number, or None for what is missing. Not rounded."""


@dataclass(frozen=True, slots=True)
class CsvTable:
    """Rows for other programs; the names of the columns are the first of them."""

    name: str
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table to look at.

    rows   texts, rounded as they are shown
    names  how many of the first columns are of words; the others are of numbers
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with what it is of; `beside` is what it is a part of, or how much of it."""

    name: str
    value: str
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One thing that was counted, such as a journey or a funnel.

    notes    sentences about it; `warnings` are those that nobody should miss
    picture  SVG as the functions that draw write it, for a page that has the style sheets
    said     what the picture is of, for those who do not look
    """

    title: str
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    picture: str | None = None
    said: str = ""
    tables: Sequence[ShownTable] = ()
    files: Sequence[CsvTable] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """Blocks of one kind. `notes` stand above them, and are all there is where nothing was counted."""

    title: str
    blocks: Sequence[Block]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PageContent:
    """A whole page; `sentences` tell of what it is, and as of when."""

    title: str
    sentences: Sequence[str]
    chapters: Sequence[Chapter]
