"""What is answered about deliveries: the bodies of the route of deliveries.py."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from parcours.ingress.step_bodies import NewestFact
from parcours.insight.delivery_counts import OverTime

ChannelWord: TypeAlias = Literal["in order", "waits", "silent", "in trouble", "records", "not open"]
"""waits: nothing leaves but for a probe now and then; silent: it does not answer; in trouble: it does not start, or a
shard does not; records: what would leave is recorded; not open: the engine was opened without it
"""


class DeliveriesAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An empty text is as good as none.

    named  whoever is shown is named, to a key with the scope `people:read`: that is recorded as a look at each of them;
           and reasons are told as providers said them, not by the words and codes of a fixed list alone
    """

    channel: str = ""
    journey: str = ""
    outcome: str = ""
    named: bool = False


class ChannelShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    trouble     what keeps deliveries from leaving, None if nothing does
    next_try_s  how long until the next probe of one that waits
    rate        how many may leave, as `10/s`; None: as many as the channel can carry
    ready       deliveries that could leave now
    waiting     all others that have not come to an end: held, tried again later, or on their way
    """

    channel: str
    state: ChannelWord
    trouble: str | None
    next_try_s: float | None
    rate: str | None
    ready: int
    waiting: int


class OutcomeShown(OverTime, frozen=True, kw_only=True):
    """How often deliveries of a channel came to an outcome."""

    channel: str
    outcome: str


class GateShown(OverTime, frozen=True, kw_only=True):
    """How many deliveries of a channel a gate has refused or held."""

    channel: str
    gate: str


class ReasonShown(OverTime, frozen=True, kw_only=True):
    """How often something was the reason why deliveries of a channel came to their outcome."""

    channel: str
    reason: str


class Deliveries(msgspec.Struct, frozen=True, kw_only=True):
    """
    minutes, hours  how far the counts of that name reach back; the current one counts as far as it has gone
    reasons         the most frequent of all journeys and outcomes, those of the last hours first
    reasons_more    how many further ones there are
    newest          what has become of deliveries last
    """

    minutes: int
    hours: int
    channels: list[ChannelShown]
    outcomes: list[OutcomeShown]
    gates: list[GateShown]
    reasons: list[ReasonShown]
    reasons_more: int
    newest: list[NewestFact]
