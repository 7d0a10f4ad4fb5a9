"""What is not well with a journey? Its signs, the worst first; a journey without any is fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parcours.ingress.page.standing import Standing


@dataclass(frozen=True, slots=True)
class Sign:
    """
    word  as it stands in the column of health
    said  the same in a sentence
    step  where it shows, None: at the journey as a whole
    """

    word: str
    said: str
    step: str | None = None


def signs_of(of: Standing) -> Sequence[Sign]:
    """The signs that its counts tell of."""
    if not of.parked:
        return ()
    step = max(of.parked, key=lambda each: of.parked[each])
    many = sum(of.parked.values())
    said = "1 run is parked" if many == 1 else f"{many:,} runs are parked"
    return (Sign("parked", f"{said}, most of them at {step}" if len(of.parked) > 1 else f"{said} at {step}", step),)
