"""What is asked and answered about campaigns: the bodies of the routes of campaigns.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from parcours.insight.summary import CampaignStepCount
from parcours.journey.publish.ledger import JourneyStateName


class CampaignShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    version    the newest one, by which the next run goes
    runs       how many have begun
    under_way  their numbers
    goal       how many people have reached it, over all runs
    next       when the next run begins by its schedule; None where none does, and while it is not open
    """

    name: str
    state: JourneyStateName
    version: int
    runs: int
    under_way: list[int]
    goal: int
    next: str | None


class Campaigns(msgspec.Struct, frozen=True):
    """
    ledger  the number of the newest change: whoever changes anything may say that this is what he knows
    """

    ledger: int
    campaigns: list[CampaignShown]


class RunListed(msgspec.Struct, frozen=True, kw_only=True):
    """
    began  the instant of its schedule, or when it was started by hand
    ended  None as long as it is under way
    by     the name of the key with which it was started, "" where nobody was named
    """

    run: int
    version: int
    state: Literal["under_way", "done", "failed", "stopped"]
    began: str
    ended: str | None
    by: str


class NotBegun(msgspec.Struct, frozen=True, kw_only=True):
    """An instant of the schedule with which no run began: missed, or skipped_running."""

    at: str
    why: str


class CampaignLooked(msgspec.Struct, frozen=True, kw_only=True):
    """What is listed of a campaign, and more.

    steps      the counts over all runs
    kept       the runs of which something is kept, the oldest first
    not_begun  the newest ones, the oldest first
    """

    name: str
    state: JourneyStateName
    version: int
    runs: int
    under_way: list[int]
    goal: int
    next: str | None
    steps: Mapping[str, CampaignStepCount]
    kept: list[RunListed]
    not_begun: list[NotBegun]
    ledger: int


class StepLooked(msgspec.Struct, frozen=True, kw_only=True):
    """
    at       as of when its sets were made; of a wait, and of reactions, when it was known who is in them
    begins   from when on its people are taken along, or its audience holds; None where nobody is, or not yet
    inflow   the rows that it took: the sum of its outputs, but for those that overlap, and of `dropped`
    outputs  how many are in each of its sets, as far as they are known
    dropped  how many are in none of them, by reason
    why      in words, where the run has ended at it or it did nothing, "" elsewhere
    """

    at: str
    begins: str | None
    inflow: int
    outputs: Mapping[str, int]
    dropped: Mapping[str, int]
    why: str


class RunLooked(msgspec.Struct, frozen=True, kw_only=True):
    """A run, with those of its steps of which something is known, in the order in which it was.

    at_hand  the steps that are not over, and from when on each is; of one that is about to begin that is yet to come
    """

    name: str
    run: int
    version: int
    state: Literal["under_way", "done", "failed", "stopped"]
    began: str
    ended: str | None
    by: str
    at_hand: Mapping[str, str]
    steps: Mapping[str, StepLooked]


class RunAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing has to be said, and nothing can be."""


class RunBegun(msgspec.Struct, frozen=True, kw_only=True):
    """The number of the run, under which it can be looked at."""

    name: str
    run: int
