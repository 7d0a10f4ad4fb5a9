"""Have people changed since a score was trained? Their numbers now, against the histogram of training, bin by bin.

The population stability index is the sum over the bins of (now - then) × ln(now / then), of shares. It is 0 where
nothing has changed; from `WATCH` on it is worth a look, from `ACT` on the score should be trained again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from math import fsum, log
from typing import Final, Literal

import msgspec

from parcours.errors import CallerError

WATCH: Final = 0.1
ACT: Final = 0.25

SHARE_MIN: Final = 1e-4
"""The share of a bin without anybody, as is usual: its logarithm would be infinite."""


class Bins(msgspec.Struct, frozen=True):
    """A histogram: a number up to the first edge is in the first bin, and one above the last edge in the last."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class TrainingBins(msgspec.Struct, frozen=True):
    features: Mapping[str, Bins]
    score: Bins


class _File(msgspec.Struct, frozen=True):
    bins: TrainingBins | None = None


class Drift(msgspec.Struct, frozen=True):
    """How far the numbers of one feature, or of the score (`name` is None), are from those of training."""

    name: str | None
    index: float
    verdict: Literal["fine", "watch", "act"]


def bins_of(text: str) -> TrainingBins:
    """The histograms in the file of a model. Raises CallerError where there are none that can be used."""
    try:
        bins = msgspec.json.decode(text, type=_File).bins
    except (msgspec.MsgspecError, RecursionError) as error:
        raise CallerError(f"the model's file has no histograms of its training that can be read: {error}") from None
    if bins is None:
        raise CallerError("the model's file has no histograms of its training: it was made elsewhere")
    for each in (*bins.features.values(), bins.score):
        sorted_edges = list(each.edges) == sorted(each.edges)
        if len(each.counts) != len(each.edges) + 1 or min(each.counts) < 0 or not any(each.counts) or not sorted_edges:
            raise CallerError("a histogram in the model's file has other bins than edges, or nobody in them")
    return bins


def counts_in(edges: Sequence[float], numbers: Iterable[float]) -> list[int]:
    """How many of these numbers are in each bin."""
    counts = [0] * (len(edges) + 1)
    for number in numbers:
        counts[bisect_left(edges, number)] += 1
    return counts


def drift_of(name: str | None, then: Bins, numbers: Sequence[float]) -> Drift:
    """The drift of some people's numbers, of whom there is at least one."""
    counts, whole, people = counts_in(then.edges, numbers), sum(then.counts), len(numbers)
    pairs = [
        (max(now / people, SHARE_MIN), max(before / whole, SHARE_MIN))
        for now, before in zip(counts, then.counts, strict=True)
    ]
    index = fsum((now - before) * log(now / before) for now, before in pairs)
    return Drift(name, index, "act" if index >= ACT else "watch" if index >= WATCH else "fine")
