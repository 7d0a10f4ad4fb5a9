"""Names that use one another in a circle, such as queries of tables and formulas of metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def circles(uses: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Each circle as a way from a name back to itself; a name is in one of them at most.

    uses  the names that each name uses; those without a line of their own use none
    """
    told = set[str]()
    for name in uses:
        if name not in told and (way := _way_back(uses, name)) is not None:
            told.update(way)
            yield [*way, name]


def _way_back(uses: Mapping[str, Sequence[str]], name: str) -> list[str] | None:
    """The names on a way from this one back to itself."""
    ways: list[list[str]] = [[name]]
    seen = set[str]()
    while ways:
        way = ways.pop(0)
        for used in uses.get(way[-1], ()):
            if used == name:
                return way
            if used not in seen:
                seen.add(used)
                ways.append([*way, used])
    return None
