"""Requests of whoever conducts a campaign: people are taken to its steps, and it is asked what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from parcours.core.campaign_outcomes import Outcome, OutcomeAsked
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost

Part: TypeAlias = tuple[str, int, dict[str, object], int]
"""A name, when she is due (ms), her row as far as the step names it, and by how much a hold is longer for her (ms)."""


class TakeParts(Request[int], frozen=True, tag="parts"):
    """Slice `number` (from 0) of those whom a run of a campaign takes to a step, at the instant `at`.

    Each slice is taken once, in order; the answer is the number of the one that comes next.

    step  None: their runs end
    """

    campaign: str
    version: int
    run: int
    step: str | None
    at: int
    number: int
    parts: list[Part]

    async def put_to(self, host: ShardHost) -> int:
        return await host.campaigning(lambda steps: steps.take_parts(self))


class Tried(msgspec.Struct, frozen=True, array_like=True):
    """
    outcomes  channel, outcome, the gate that refused or held it, and how many deliveries
    refused   to how many people all would be refused
    """

    outcomes: list[tuple[str, str, str | None, int]]
    refused: int


class TryParts(Request[Tried], frozen=True, tag="try_parts"):
    """What would become of the deliveries if these people were taken to a send at the instant `at`? Nothing changes."""

    campaign: str
    version: int
    step: str
    at: int
    parts: list[Part]

    async def put_to(self, host: ShardHost) -> Tried:
        return await host.campaigning(lambda steps: steps.try_parts(self))


class SaveMembers(Request[int], frozen=True, tag="members_saved"):
    """Slice `number` (from 0) of those who enter and leave an audience that a campaign saves, at the instant `at`.

    Each slice is taken once, in order; the answer is the number of the one that comes next.

    save    by what slices belong together: campaign, run and step
    silent  whether journeys are told nothing of it
    """

    save: str
    audience: str
    silent: bool
    at: int
    number: int
    entered: list[str]
    left: list[str]

    async def put_to(self, host: ShardHost) -> int:
        return await host.campaigning(lambda steps: steps.save_members(self))


class MakeKnown(Request[int], frozen=True, tag="make_known"):
    """Slice `number` (from 0) of those whom a campaign identifies, at the instant `at`; else as for `SaveMembers`."""

    save: str
    at: int
    number: int
    people: list[str]

    async def put_to(self, host: ShardHost) -> int:
        return await host.campaigning(lambda steps: steps.make_known(self))


class ForgetSlices(Request[None], frozen=True, tag="forget_slices"):
    """Nothing more comes of a run of a campaign: how many slices of it were taken need not be known any more."""

    campaign: str
    run: int

    async def put_to(self, host: ShardHost) -> None:
        await host.campaigning(lambda steps: steps.forget_slices(self.campaign, self.run))


class TellOutcomes(Request[list[Outcome]], frozen=True, tag="outcomes"):
    """What has become of these people by the instant `at`, that instant included; in their order."""

    campaign: str
    run: int
    at: int
    asked: OutcomeAsked
    people: list[str]

    async def put_to(self, host: ShardHost) -> list[Outcome]:
        return await host.campaigning(lambda steps: steps.outcomes(self))
