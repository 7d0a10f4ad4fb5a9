"""Static analysis of Liquid templates: the names that a template uses, and its errors. It is rendered in dispatch."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import re2
from liquid.exceptions import LiquidError

from parcours.expression.dotted import joined_path, split_path
from parcours.expression.names import Names, kind_at
from parcours.expression.nodes import ROOTS, ROW
from parcours.journey.read.finding import KeyPath
from parcours.template.dialect import WORDS, Dialect, misused_filters
from parcours.template.rendering import PREFERENCES
from parcours.wording import nearest, quoted

_MARKS: Final = ("{{", "{%")


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """The analysis of one template: the dotted paths that it reads, with their root, and complaints in words.

    elements  each key that it reads of an object in a list of a row, with the path of the list below `row`
    """

    paths: frozenset[str]
    complaints: tuple[str, ...]
    elements: frozenset[tuple[str, str]] = frozenset()


@cache
def _dialect() -> Dialect:
    return Dialect()


def templates_in(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Every text within a channel's content that has Liquid in it, with its key path."""
    if isinstance(value, str):
        if any(mark in value for mark in _MARKS):
            yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from templates_in(each, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from templates_in(each, (*path, number))


def keys_with_templates(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The key path of every key within a channel's content that has Liquid in it: only values are filled in."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if any(mark in str(key) for mark in _MARKS):
                yield (*path, str(key))
            yield from keys_with_templates(each, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from keys_with_templates(each, (*path, number))


def read_template(text: str, own_roots: Collection[str] = (ROW,)) -> TemplateUse:
    """The names and the complaints of one template; `own_roots` are those that only some have."""
    try:
        template = _dialect().from_string(text)
        analysis = template.analyze(include_partials=False)
    except (LiquidError, RecursionError) as error:
        return TemplateUse(frozenset(), (f"not a Liquid template: {_reason(error)}{_foreign(text)}",))
    filters = _dialect().filters
    complaints = [
        f"unknown filter {quoted(name)}{nearest(name, filters)}" for name in analysis.filters if name not in filters
    ]
    complaints += misused_filters(template)
    paths: set[str] = set()
    elements: set[tuple[str, str]] = set()
    for root, variables in analysis.globals.items():
        if root == PREFERENCES:
            if any(len(variable.segments) > 1 for variable in variables):
                complaints.append(f"{root} is an address, which has nothing below it")
            continue
        if root not in (*ROOTS, *own_roots):
            hint = nearest(root, (*ROOTS, PREFERENCES)) or ", a name begins with profile, entry, event or run"
            complaints.append(f"unknown name {root}{hint}")
            continue
        paths |= {_dotted(variable.segments) for variable in variables}
        if root == ROW:
            elements |= {each for variable in variables if (each := _element(variable.segments)) is not None}
    bare = sorted(path for path in paths if "." not in path)
    complaints += [f"{path!r} alone is no value, name what is in it as in {path}.name" for path in bare]
    return TemplateUse(frozenset(paths.difference(bare)), tuple(complaints), frozenset(elements))


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if isinstance(error, LiquidError) else "nested too deeply"


_FOREIGN: Final = (
    (re.compile(r"&&"), "'&&' is written and"),
    (re.compile(r"\|\|"), "'||' is written or"),
    (re.compile(r"!(?!=)"), "'!' is written as unless, or as == false"),
    (re.compile(r"\?(?!\w)"), "a choice is written as {% if ... %}...{% else %}...{% endif %}"),
    (re.compile(r"[\w.]\("), "a method is written as a filter, as in {{ profile.name | upcase }}"),
)
"""What conditions and other languages write within a tag, and what Liquid writes instead."""


_TAG: Final = re2.compile(r"(?s)\{[{%](.*?)[}%]\}")
"""What stands within a tag. RE2 looks for the end once, where `re` does so from each mark that is never closed."""


def _foreign(text: str) -> str:
    """The hint for a template that cannot be read, from what stands in its tags outside of quotes."""
    tags = _TAG.findall(text)
    within = " ".join(re.sub(r"'[^']*'|\"[^\"]*\"", "''", tag) for tag in tags)
    return next((f": {hint}" for sign, hint in _FOREIGN if sign.search(within)), "")


def _dotted(segments: Sequence[object]) -> str:
    """The leading keys of a path: `entry.items[0].name` and `entry.items[run.step]` end at items."""
    keys: list[str] = []
    for segment in segments:
        if not isinstance(segment, str):
            break
        keys.append(segment)
    return joined_path(keys)


def _element(segments: Sequence[object]) -> tuple[str, str] | None:
    """The path below the root and the key of `row.wishlist[0].description`; None for anything else."""
    place = next((at for at, segment in enumerate(segments) if isinstance(segment, int)), None)
    if place is None or place + 1 >= len(segments):
        return None
    key = segments[place + 1]
    return (joined_path(map(str, segments[1:place])), key) if isinstance(key, str) else None


def resolved(path: str, names: Names) -> tuple[str, str | None]:
    """The path up to what is read of the data, and the complaint about one that is not declared.

    `size`, `first` and `last` are properties where they are declared, else what a path may ask of a list or a text.
    """
    root, *keys = split_path(path)
    declared = names.of(root)
    if declared is None:
        return path, None
    for place in range(1, len(keys)):
        holder, named = joined_path(keys[:place]), joined_path(keys[: place + 1])
        if keys[place] not in WORDS or any(f"{each}.".startswith(f"{named}.") for each in declared):
            continue
        kind = kind_at(declared, holder)
        if kind is not None and (kind != "object" or kind_at(declared, named) is not None):
            return f"{root}.{holder}", None
        if kind == "object" and keys[place] == "size":
            return path, f"unknown name {path}, the number of keys is {{{{ {root}.{holder} | size }}}}"
    if kind_at(declared, joined_path(keys)) is not None:
        return path, None
    return path, f"unknown name {path}{nearest(path, [f'{root}.{each}' for each in declared])}"
