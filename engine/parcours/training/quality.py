"""How good is a model? Judged by people whom it has never seen, with the probabilities that it would tell live."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import fsum, log
from typing import Final

import msgspec

BINS: Final = 10

PROBABILITY_MIN: Final = 1e-6
"""The last decimal of a probability: a loss is that of at least this, or one sure mistake would be infinitely bad."""


class CalibrationBin(msgspec.Struct, frozen=True):
    """Cases whose probability is from `at_least` on: what was predicted of them on average, and how many it was."""

    at_least: float
    cases: int
    predicted: float
    happened: float


class LiftBin(msgspec.Struct, frozen=True):
    """A tenth of the cases, those of the highest probability first: how often it happened, as a multiple of all."""

    cases: int
    happened: float
    lift: float


class Quality(msgspec.Struct, frozen=True):
    """
    auc       how probable it is that of two cases the one with the outcome has the higher probability; 0.5 is chance
    log_loss  the mean of -log of the probability of what came to be
    brier     the mean squared distance of the probability from it
    """

    cases: int
    positive: int
    auc: float
    log_loss: float
    brier: float
    calibration: tuple[CalibrationBin, ...]
    lift: tuple[LiftBin, ...]


def quality_of(probabilities: Sequence[float], happened: Sequence[bool]) -> Quality:
    """The quality of what was predicted, of cases with both outcomes."""
    pairs = list(zip(probabilities, happened, strict=True))
    return Quality(
        cases=len(pairs),
        positive=sum(happened),
        auc=_auc(pairs),
        log_loss=fsum(_loss(each if did else 1 - each) for each, did in pairs) / len(pairs),
        brier=fsum((each - did) ** 2 for each, did in pairs) / len(pairs),
        calibration=tuple(_calibration(pairs)),
        lift=tuple(_lift(pairs)),
    )


def _loss(probability: float) -> float:
    return -log(max(probability, PROBABILITY_MIN))


def _auc(pairs: Iterable[tuple[float, bool]]) -> float:
    """From the ranks of those with the outcome; of equal probabilities each has the middle rank."""
    ranks, positive, before = 0.0, 0, 0
    for _, same in groupby(sorted(pairs), key=lambda pair: pair[0]):
        tied = [did for _, did in same]
        ranks += sum(tied) * (before + (len(tied) + 1) / 2)
        positive, before = positive + sum(tied), before + len(tied)
    return (ranks - positive * (positive + 1) / 2) / (positive * (before - positive))


def _calibration(pairs: Sequence[tuple[float, bool]]) -> Iterable[CalibrationBin]:
    for number in range(BINS):
        within = [pair for pair in pairs if min(int(pair[0] * BINS), BINS - 1) == number]
        if within:
            size = len(within)
            predicted, happened = fsum(each for each, _ in within) / size, sum(did for _, did in within) / size
            yield CalibrationBin(number / BINS, size, predicted, happened)


def _lift(pairs: Sequence[tuple[float, bool]]) -> Iterable[LiftBin]:
    ordered = sorted(pairs, key=lambda pair: -pair[0])
    overall = sum(did for _, did in ordered) / len(ordered)
    for number in range(BINS):
        within = ordered[number * len(ordered) // BINS : (number + 1) * len(ordered) // BINS]
        if within:
            happened = sum(did for _, did in within) / len(within)
            yield LiftBin(len(within), happened, happened / overall)
