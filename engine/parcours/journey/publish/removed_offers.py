"""Which decisions and placements would be gone for whom? A publication may not take from open runs what they ask for.

A decision is no part of a journey's version: runs decide by the newest offers. A run whose version asks for a decision
that there is no more would get nothing, and nobody would hear of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from parcours.journey.parts import Decide
from parcours.journey.program import Journey, Program
from parcours.wording import quoted


def removed_from_runs(before: Program, after: Program, runs: Mapping[tuple[str, int], int]) -> list[str]:
    """Why these offers cannot be published: a sentence for each decision and placement that open runs would miss.

    runs  how many are open of each version
    """
    asked = Counter[tuple[str, str, str]]()
    for journey in after.versions():
        for gone in removed_from(journey, before, after):
            asked[(*gone, journey.name)] += runs.get((journey.name, journey.version), 0)
    return [
        f"the {what} {quoted(name)} is gone, and {_runs(number)} of older versions of {quoted(journey)} "
        f"{'asks' if number == 1 else 'ask'} for it: leave it until they are over, or stop them"
        for (what, name, journey), number in sorted(asked.items())
        if number
    ]


def removed_from(journey: Journey, before: Program, after: Program) -> set[tuple[str, str]]:
    """The decisions and placements that a version asks for, and that are taken from it."""
    decisions = before.offers.decisions.keys() - after.offers.decisions.keys()
    placements = before.offers.placements.keys() - after.offers.placements.keys()
    return {each for each in _asked(journey) if each[1] in (decisions if each[0] == "decision" else placements)}


def _asked(journey: Journey) -> Iterator[tuple[str, str]]:
    for step in journey.steps.values():
        if isinstance(step, Decide):
            yield "decision", step.decision
            yield "placement", step.placement
    for message in journey.messages.values():
        for offer in message.offers:
            if offer.decision is not None:
                yield "decision", offer.decision
            for placement in offer.placements.values():
                yield "placement", placement


def _runs(number: int) -> str:
    return "1 open run" if number == 1 else f"{number:,} open runs"
