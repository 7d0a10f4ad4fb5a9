"""Destinations on /engine: what has become of changes of members and of facts, and how much waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from parcours.ingress.engine_bodies import DestinationShown
from parcours.ingress.page.frame import name
from parcours.ingress.page.rows import stacking
from parcours.insight.page.markup import Child, Markup, element, together

COLUMNS: Final = ("Destination", "Takes", "So far", "Waiting")


def destinations_part(destinations: Sequence[DestinationShown]) -> Markup | None:
    """All that have been told anything, or are to be; None where there are none."""
    if not destinations:
        return None
    return together(
        element("h2", "Destinations"),
        stacking("Destinations", COLUMNS, [_row(each) for each in destinations], ("Waiting",)),
    )


def _row(of: DestinationShown) -> Sequence[Child]:
    waiting = f"{of.waiting:,} {'records' if of.takes == 'facts' else 'changes'}" if of.waiting else "nothing"
    return name(of.name), of.takes, _counts(of.outcomes), waiting


def _counts(outcomes: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {outcome}" for outcome, number in outcomes.items() if number) or "nothing"
