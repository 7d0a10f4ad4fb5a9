"""What becomes of deliveries by channel and outcome, by gate, and for which reasons; how channels stand; the newest.

The same for JSON and for the screen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from parcours.dispatch.channel_state import ChannelState
from parcours.ingress.changes import answered
from parcours.ingress.delivery_bodies import (
    ChannelShown,
    ChannelWord,
    Deliveries,
    DeliveriesAsked,
    GateShown,
    OutcomeShown,
    ReasonShown,
)
from parcours.ingress.door import Door
from parcours.ingress.exchange import Request
from parcours.ingress.hidden_names import shown_reason
from parcours.ingress.keys import Key
from parcours.ingress.queries import queried
from parcours.ingress.steps import look_of, newest_shown
from parcours.insight.delivery_counts import OfChannels, OverTime, gate_counts, outcome_counts, reason_counts
from parcours.journey.channels import channels_used
from parcours.service.figures import EngineFigures
from parcours.service.live_report import LiveReport

PATH: Final = "/deliveries"

REASONS_MAX: Final = 20
"""Reasons that are told: a table is read, not searched."""


async def deliveries_told(door: Door, request: Request) -> Deliveries:
    """All of it, as the query asks. Raises Problem."""
    asked = queried(request, DeliveriesAsked)
    report = await answered(door.service.report())
    states = await answered(door.service.channel_states())
    figures = await door.figures.of_engine(door.service, request.received_ms)
    channels = _channels(door, report, states, figures)
    chosen = [each for each in channels if asked.channel in ("", each.channel)]
    totals, recent, journey = report.counters.totals, report.counters.recent, asked.journey or None
    looking = request if asked.named else replace(request, key=None)  # a screen that reloads itself looks at nobody
    reasons = _reasons(_of(asked.channel, reason_counts(totals, recent)), looking.key)
    newest = await answered(
        door.service.newest_deliveries(
            [each.channel for each in chosen], journey, asked.outcome or None, look=look_of(looking, PATH)
        )
    )
    return Deliveries(
        minutes=report.figures.recent_minutes,
        hours=report.figures.recent_hours,
        channels=chosen,
        outcomes=[
            OutcomeShown(channel=channel, outcome=outcome, minutes=n.minutes, hours=n.hours, total=n.total)
            for (channel, outcome), n in _of(asked.channel, outcome_counts(totals, recent, journey)).items()
            if asked.outcome in ("", outcome)
        ],
        gates=[
            GateShown(channel=channel, gate=gate, minutes=n.minutes, hours=n.hours, total=n.total)
            for (channel, gate), n in _of(asked.channel, gate_counts(totals, recent, journey)).items()
        ],
        reasons=reasons[:REASONS_MAX],
        reasons_more=max(0, len(reasons) - REASONS_MAX),
        newest=newest_shown(newest, looking),
    )


def _of(channel: str, counts: OfChannels) -> OfChannels:
    return {name: n for name, n in counts.items() if channel in ("", name[0])}


def _reasons(counts: OfChannels, key: Key | None) -> list[ReasonShown]:
    """Those that are the same for whoever asks are counted together."""
    shown: dict[tuple[str, str], OverTime] = {}
    for (channel, reason), n in counts.items():
        name = channel, shown_reason(reason, key)
        had = shown.get(name, OverTime())
        shown[name] = OverTime(minutes=had.minutes + n.minutes, hours=had.hours + n.hours, total=had.total + n.total)
    ranked = sorted(shown.items(), key=lambda each: (-each[1].hours, -each[1].total, each[0]))
    return [
        ReasonShown(channel=channel, reason=reason, minutes=n.minutes, hours=n.hours, total=n.total)
        for (channel, reason), n in ranked
    ]


def _channels(
    door: Door, report: LiveReport, states: Iterable[ChannelState], figures: EngineFigures
) -> list[ChannelShown]:
    """All channels that anything is sent on, or has been, by name."""
    told = [each.figures for each in figures.shards if each.figures is not None]
    ready, there = Counter[str](), Counter[str]()
    for each in told:
        ready.update(each.status.ready)
        there.update(each.outbox)
    by_name = {state.channel: state for state in states}
    counted = {channel for (_, _, _, channel, _, _), _ in report.totals.deliveries}
    names = sorted({*by_name, *there, *counted, *channels_used(door.service.program)})
    return [
        _channel(name, by_name.get(name), door.service.records, ready[name], there[name] - ready[name])
        for name in names
    ]


def _channel(name: str, state: ChannelState | None, records: Sequence[str], ready: int, waiting: int) -> ChannelShown:
    return ChannelShown(
        channel=name,
        state=_word(state, is_recorded=name in records),
        trouble=None if state is None else state.trouble,
        next_try_s=None if state is None else state.next_try_s,
        rate=None if state is None else state.rate,
        ready=ready,
        waiting=waiting,
    )


def _word(state: ChannelState | None, *, is_recorded: bool) -> ChannelWord:
    if state is None:
        return "records" if is_recorded else "not open"
    if state.breaker == "silent":
        return "silent"
    if state.breaker == "open":
        return "waits"
    return "in order" if state.trouble is None else "in trouble"
