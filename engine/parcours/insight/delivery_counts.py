"""What has become of deliveries in the last hour, in the last day and in all? By channel, of all journeys or of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from parcours.core.recent import Happened, Kind, Recent
from parcours.core.totals import Totals


class OverTime(msgspec.Struct, frozen=True, kw_only=True):
    """
    minutes  in the minutes that are counted, 60 unless the setting `figures` says otherwise
    hours    in the hours, 24 unless it does
    total    since the store began
    """

    minutes: int = 0
    hours: int = 0
    total: int = 0


OfChannels: TypeAlias = dict[tuple[str, str], OverTime]
"""By channel, and outcome, gate or reason."""


def outcome_counts(totals: Totals, recent: Recent, journey: str | None) -> OfChannels:
    """By channel and outcome; `journey` None is all of them."""
    ever = [
        ((channel, outcome), number)
        for (of, _, _, channel, outcome, _), number in totals.deliveries
        if journey in (None, of)
    ]
    return _over_time(recent, "delivery", journey, ever)


def gate_counts(totals: Totals, recent: Recent, journey: str | None) -> OfChannels:
    """By channel and the gate that refused or held."""
    ever = [
        ((channel, gate), number)
        for (of, _, _, channel, _, gate), number in totals.deliveries
        if gate and journey in (None, of)
    ]
    return _over_time(recent, "gate", journey, ever)


def reason_counts(totals: Totals, recent: Recent) -> OfChannels:
    """By channel and reason, of all journeys and whatever the outcome."""
    return _over_time(
        recent, "reason", None, [((channel, why), number) for (channel, _, why), number in totals.reasons]
    )


def _over_time(
    recent: Recent, kind: Kind, journey: str | None, ever: Iterable[tuple[tuple[str, str], int]]
) -> OfChannels:
    minutes, hours = (_happened(each, kind, journey) for each in (recent.minutes, recent.hours))
    total = _summed(ever)
    return {
        name: OverTime(minutes=minutes.get(name, 0), hours=hours.get(name, 0), total=total.get(name, 0))
        for name in sorted(minutes.keys() | hours.keys() | total.keys())
    }


def _happened(counts: Iterable[tuple[Happened, int]], kind: Kind, journey: str | None) -> Mapping[tuple[str, str], int]:
    return _summed(
        ((channel, told), number)
        for (each, of, channel, told), number in counts
        if each == kind and journey in (None, of)
    )


def _summed(counts: Iterable[tuple[tuple[str, str], int]]) -> dict[tuple[str, str], int]:
    summed: dict[tuple[str, str], int] = {}
    for name, number in counts:
        summed[name] = summed.get(name, 0) + number
    return summed
