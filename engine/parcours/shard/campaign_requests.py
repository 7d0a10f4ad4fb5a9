"""Requests of whoever conducts a campaign: people are taken to its steps, and it is asked what became of them.

A set keeps the names that people had when it was made. Where one has moved to another shard by now the answer says so,
and whoever conducts it turns there with the name of the owner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from parcours.core.campaign_outcomes import Outcome, OutcomeAsked
from parcours.core.effect import Outgoing
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost

Part: TypeAlias = tuple[str, int, dict[str, object], int]
"""A name, when she is due (ms), her row as far as the step names it, and by how much a hold is longer for her (ms)."""

SeedAddress: TypeAlias = tuple[str, str]
"""A channel, and an address of a campaign's own there."""


class Away(msgspec.Struct, frozen=True, array_like=True):
    """
    place  of the name in what was asked
    owner  who has it by now, in another shard; "": nobody can say now, so it is to be asked for again
    """

    place: int
    owner: str


class Taken(msgspec.Struct, frozen=True, array_like=True):
    """
    next  the number of the slice that comes next
    away  who of the slice is not here; told again if the slice is handed over again
    """

    next: int
    away: list[Away]


class TakeParts(Request[Taken], frozen=True, tag="parts"):
    """Slice `number` (from 0) of those whom a run of a campaign takes to a step, at the instant `at`.

    Each slice is taken once, in order, and so are those that are `AGAIN`; live it is as of the shard's own time.

    step   None: their runs end
    seeds  by name, channels and addresses of the campaign's own that get a copy of what she is sent
    cut    their runs end before their time
    part   where the step is a split, the number of the part that they fell into: slices are numbered in each part
    since  an instant (ms): whoever was forgotten then or later is left out, and is not made known anew by her old name
    """

    campaign: str
    version: int
    run: int
    step: str | None
    at: int
    number: int
    parts: list[Part]
    seeds: dict[str, tuple[SeedAddress, ...]] = msgspec.field(default_factory=dict)
    cut: bool = False
    since: int = 0
    part: int | None = None

    async def put_to(self, host: ShardHost) -> Taken:
        return await host.step(lambda shard, now: shard.campaigning.take_parts(self, now))


class Tried(msgspec.Struct, frozen=True, array_like=True):
    """
    outcomes  channel, outcome, the gate that refused or held it, and how many deliveries
    refused   to how many people all would be refused
    away      who is not here, and has been tried in no way
    """

    outcomes: list[tuple[str, str, str | None, int]]
    refused: int
    away: list[Away] = []


class TryParts(Request[Tried], frozen=True, tag="try_parts"):
    """What would become of the deliveries if these people were taken to a send at the instant `at`? Nothing changes.

    Live it is as of the shard's own time.
    """

    campaign: str
    version: int
    step: str
    at: int
    parts: list[Part]

    async def put_to(self, host: ShardHost) -> Tried:
        return await host.step(lambda shard, now: shard.campaigning.try_parts(self, now))


class Composed(msgspec.Struct, frozen=True, array_like=True):
    """
    copies  what would go out
    owner   None where she is here; else as for `Away`, and nothing has been composed
    """

    copies: list[Outgoing]
    owner: str | None = None


class ComposeCopies(Request[Composed], frozen=True, tag="compose_copies"):
    """What would go to these addresses with a person's data if she were taken to a send now? Nothing changes.

    row  of the set, as far as the send names it
    """

    campaign: str
    version: int
    step: str
    at: int
    person: str
    row: dict[str, object]
    seeds: tuple[SeedAddress, ...]

    async def put_to(self, host: ShardHost) -> Composed:
        return await host.step(lambda shard, now: shard.campaigning.compose_copies(self, now))


class StageMembers(Request[Taken], frozen=True, tag="stage_members"):
    """Slice `number` (from 0) of those who enter and leave an audience once a campaign's save is in force (`LetSave`).

    save   by what slices belong together: campaign, run and step
    since  as for `TakeParts`
    """

    save: str
    number: int
    entered: list[str]
    left: list[str]
    since: int = 0

    async def put_to(self, host: ShardHost) -> Taken:
        return await host.step(lambda shard, now: shard.campaigning.stage_members(self, now))


class LetSave(Request[None], frozen=True, tag="let_save"):
    """From the instant `at` on, which the shard has not passed, the staged slices of a save hold. One that is held
    goes on.

    attempt  that of the `Hold` before it (attempts.py); None under virtual time, where no call is late
    silent   whether journeys are told nothing of it
    """

    attempt: int | None
    save: str
    audience: str
    silent: bool
    at: int

    async def put_to(self, host: ShardHost) -> None:
        await host.begin(self.attempt, lambda shard: shard.campaigning.let_save(self))


class MakeKnown(Request[Taken], frozen=True, tag="make_known"):
    """Slice `number` (from 0) of those whom a campaign identifies, at the instant `at`; else as for `TakeParts`.

    save  by what slices belong together: campaign, run and step
    """

    save: str
    at: int
    number: int
    people: list[str]
    since: int = 0

    async def put_to(self, host: ShardHost) -> Taken:
        return await host.step(lambda shard, now: shard.campaigning.make_known(self, now))


class ForgetSlices(Request[None], frozen=True, tag="forget_slices"):
    """Nothing more comes of a run of a campaign: nothing need be known of its slices and saves any more."""

    campaign: str
    run: int

    async def put_to(self, host: ShardHost) -> None:
        await host.step(lambda shard, now: shard.campaigning.forget_slices(self.campaign, self.run))


class Become(msgspec.Struct, frozen=True, array_like=True):
    """What has become of people.

    early     the shard's time has not passed the instant: nothing is told
    outcomes  of each whose name was asked for, in their order; None of those who are away
    """

    early: bool
    outcomes: list[Outcome | None] = []
    away: list[Away] = []


class TellOutcomes(Request[Become], frozen=True, tag="outcomes"):
    """What has become of these people by the instant `at`, that instant included?"""

    campaign: str
    run: int
    at: int
    asked: OutcomeAsked
    people: list[str]

    async def put_to(self, host: ShardHost) -> Become:
        return await host.step(lambda shard, now: shard.campaigning.outcomes(self, now))
