"""What a ranking that learns says of an offer: Thompson's rule, without chance, and the same wherever it is asked.

Of each offer is known how often it was looked at and how often what is wanted came of it. That is a belief about its
share, of which each person draws one value in each tick, by a hash of her name: so an offer of which little is known
comes first for some, and one that is known to do badly for nearly nobody. A normal stands in for the beta.
A share of people explores: who does in a tick, and what comes first for her then, go by a hash alone.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Final

from parcours.core.buckets import bucket_of, hash_of

_STANDARD: Final = NormalDist()

_BELOW_ONE: Final = 1 - 2**-53
"""The largest share that is none: the quantile of 1 is infinite."""


def drawn(prior: tuple[float, float], cases: tuple[int, int], names: tuple[str, str, str], tick: int) -> float:
    """The value that a person has for an offer in a tick.

    prior  cases with and without what is wanted that are believed beforehand
    cases  how often it was looked at, and how often what is wanted came of it; more of the latter than of the former
           (a code may be redeemed of what nobody clicked) count as the whole
    names  the decision, the offer and the person
    tick   the number of the newest tick
    """
    mean, spread = believed(prior, cases)
    return mean + spread * _STANDARD.inv_cdf(_share(*names, str(tick)))


def believed(prior: tuple[float, float], cases: tuple[int, int]) -> tuple[float, float]:
    """The mean and the standard deviation of what is believed of an offer's share."""
    looked_at, wanted = cases
    a, b = prior[0] + wanted, prior[1] + max(looked_at - wanted, 0)
    return a / (a + b), sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))


def explores(share: int, decision: str, person: str, tick: int) -> bool:
    """Whether the person gets any offer in a tick, of whom `share` in 10,000 do."""
    return share > 0 and bucket_of("explore", decision, "", person, str(tick)) < share


def by_chance(names: tuple[str, str, str], tick: int) -> float:
    """The value that a person who explores has for an offer in a tick: each order of offers is as probable."""
    return _share("explore", *names, str(tick))


def _share(*names: str) -> float:
    """A number above 0 and below 1, by a hash."""
    return min((2 * hash_of(*names) + 1) / 2**65, _BELOW_ONE)
