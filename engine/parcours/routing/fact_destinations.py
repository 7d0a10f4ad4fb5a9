"""A destination of facts as an engine is opened with it: which facts go there, what of them, and where that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from parcours.journey.model.insight import FactTable


@dataclass(frozen=True, slots=True)
class FactsTo:
    """
    name      in destinations.yaml
    kind      under which an installed distribution offers it
    settings  its own, secrets resolved
    tables    whose rows it takes
    columns   those that may hold personal data and go all the same
    hashed    whether only the SHA-256 of names goes
    batch     facts handed over together at most
    """

    name: str
    kind: str
    settings: Mapping[str, object] = field(repr=False)
    tables: frozenset[FactTable]
    columns: frozenset[str] = frozenset()
    hashed: bool = False
    batch: int = 500
