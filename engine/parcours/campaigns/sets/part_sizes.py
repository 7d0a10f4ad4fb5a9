"""How many rows has each part of a set that is divided exactly?"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction


def part_sizes(rows: int, shares: Sequence[Decimal | None]) -> list[int]:
    """Each share of the rows rounded down; what is left goes to the largest fractions, of equal ones to the first.

    shares  per cent, 100 together; None: all are of one size
    """
    exact = [rows * (Fraction(1, len(shares)) if share is None else Fraction(share) / 100) for share in shares]
    sizes = [int(each) for each in exact]
    by_fraction = sorted(range(len(exact)), key=lambda place: (sizes[place] - exact[place], place))
    for place in by_fraction[: rows - sum(sizes)]:
        sizes[place] += 1
    return sizes


def size_of_share(rows: int, share: Decimal) -> int:
    """So many per cent of the rows, rounded down."""
    return int(rows * Fraction(share) / 100)
