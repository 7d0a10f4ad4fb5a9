"""The dispatchers of a cluster: how many has a channel, and which of them has the deliveries of which shards?

A dispatcher is one process, so it sends no faster than one core lets it. A channel may have several, each with a
channel of its own that is opened with the same settings. They share the shards by their numbers, so no two of them
ever claim of the same shard: they have nothing to agree on, and when one ends what is in doubt is of its shards alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeVar

from parcours.dispatch.channel_state import ChannelState, joint_state, joint_troubles
from parcours.dispatch.destinations import SnapshotStep
from parcours.errors import SettingInvalid, ShardUnavailable
from parcours.journey.channels import channels_to_start
from parcours.journey.model.channel_keys import DISPATCHERS_KEY, dispatchers_of
from parcours.journey.program import Program
from parcours.routing.plan import Plan
from parcours.runtime.cluster.actor_port import answer_of

T = TypeVar("T")

log = logging.getLogger("parcours")

STATES_WITHIN_S: Final = 2.0
"""How long dispatchers may take to say how their channels stand; one that does not answer is in trouble anyway."""


class Share(NamedTuple):
    """One of the `of` dispatchers of a channel, by its number from 0 on."""

    channel: str
    number: int
    of: int

    def __str__(self) -> str:
        """The name of the dispatcher: no channel has a dot in its own."""
        return self.channel if self.of == 1 else f"{self.channel}.{self.number}"

    def shards(self, count: int) -> range:
        """Whose deliveries it sends, of so many shards."""
        return range(self.number, count, self.of)

    def part(self, count: int) -> float:
        """How much that is of so many shards, and so of what leaves by the channel."""
        return len(self.shards(count)) / count


def shares_of(plan: Plan) -> dict[str, list[Share]]:
    """The dispatchers of each of the plan's channels. Raises SettingInvalid for a number of them that is none.

    Under virtual time, where everything is in one order, each channel has one.
    """
    return {channel: _shares(channel, settings, plan) for channel, settings in plan.channels.items()}


def _shares(channel: str, settings: Mapping[str, object], plan: Plan) -> list[Share]:
    key = f"channels.{channel}.{DISPATCHERS_KEY}"
    try:
        asked = dispatchers_of(settings)
    except ValueError as error:
        raise SettingInvalid(f"{key}: {error}") from None
    of = 1 if plan.virtual else min(asked, plan.shards)
    if of < asked and not plan.virtual:
        log.warning("%s=%d: no more than one for each shard is started, shards=%d", key, asked, plan.shards)
    return [Share(channel, number, of) for number in range(of)]


class Dispatchers:
    """The actors of those that have been started. Lives on one event loop."""

    def __init__(self, plan: Plan) -> None:
        self._shares = shares_of(plan)
        self.actors: dict[Share, Any] = {}
        self.kept_back: set[str] = set()
        """The journeys of which nothing leaves now."""

    def missing(self, program: Program) -> list[Share]:
        """Those that this program needs and that have not been started."""
        needed = channels_to_start(self._shares, program)
        return [share for channel in needed for share in self._shares[channel] if share not in self.actors]

    def of_shard(self, number: int) -> dict[str, Any]:
        """Whom a shard wakes, by channel."""
        return {share.channel: actor for share, actor in self.actors.items() if number % share.of == share.number}

    async def keep_back(self, journey: str) -> None:
        """Let them know; one that is away sends nothing, and is told when it is assigned."""
        self.kept_back.add(journey)
        await asyncio.gather(*(_keep_back(actor, journey) for actor in self.actors.values()))

    async def tell_all(self, lane: str, step: SnapshotStep) -> None:
        """Let the destination's dispatcher, of which there is one, take a step of a snapshot."""
        (share,) = self._shares[lane]
        await answer_of(self.actors[share].tell_all.remote(step))

    async def troubles(self) -> list[str]:
        """What keeps deliveries from leaving, as far as it is told."""
        told = await _gathered({share: actor.trouble.remote() for share, actor in self.actors.items()})
        return [trouble for of_channel in _by_channel(told).values() for trouble in joint_troubles(of_channel)]

    async def channel_states(self) -> list[ChannelState]:
        """Where each channel stands of which a dispatcher answers within a moment."""
        asked = {share: answer_of(actor.state.remote()) for share, actor in self.actors.items()}
        told = await _gathered({share: asyncio.wait_for(each, STATES_WITHIN_S) for share, each in asked.items()})
        return [joint_state(of_channel) for of_channel in _by_channel(told).values()]


async def _gathered(asked: Mapping[Share, Awaitable[T]]) -> dict[Share, T]:
    """The answers of those that answer."""
    answers = await asyncio.gather(*asked.values(), return_exceptions=True)
    return {
        share: answer for share, answer in zip(asked, answers, strict=True) if not isinstance(answer, BaseException)
    }


def _by_channel(told: Mapping[Share, T]) -> dict[str, dict[str, T]]:
    """What dispatchers have told under their names, by channel."""
    found: dict[str, dict[str, T]] = {}
    for share, each in told.items():
        found.setdefault(share.channel, {})[str(share)] = each
    return found


async def _keep_back(dispatcher: Any, journey: str) -> None:
    with suppress(ShardUnavailable):
        await answer_of(dispatcher.keep_back.remote(journey))
