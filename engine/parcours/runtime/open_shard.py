"""The opening of a shard from its store, as the plan says, for both runtimes."""

from __future__ import annotations

import logging
from collections.abc import Callable

from parcours.channel import CALL
from parcours.clock import Clock, SystemClock
from parcours.closing import close_after
from parcours.core.remarks import RemarkCounter
from parcours.dispatch.addressing import InstalledAddresses
from parcours.dispatch.dead_codes import InstalledDeadCodes
from parcours.dispatch.inbox_rendering import InboxRendering
from parcours.dispatch.registry import Registry
from parcours.journey.channels import channels_of
from parcours.routing.plan import Plan
from parcours.shard.fact_positions import FactsAsked
from parcours.shard.host import ShardHost
from parcours.shard.outbox import accept
from parcours.shard.shard import Shard
from parcours.shard.timekeeping import LiveTime, Timekeeping, ToldTime, VirtualTime
from parcours.store.address import open_store
from parcours.store.store import Store

log = logging.getLogger("parcours")


def open_shard(
    plan: Plan,
    number: int,
    clock: Clock,
    wake: Callable[[str], None],
    expected_epoch: int | None = None,
    registry: Registry | None = None,
    stopped: Callable[[Exception], None] | None = None,
    store: Store | None = None,
) -> ShardHost:
    """Open one of the plan's shards from its store, which has to be held under the expected epoch, if there is one.

    registry  the channels that judge addresses and codes, without it those that are installed
    stopped   is told the error if the shard stops while nobody asks it for anything
    store     the shard's store, if it is not the one at the plan's address
    """
    program = plan.project.program
    sent_on = sorted({channel for journey in program.versions() for channel in channels_of(journey)} - {CALL})
    remarks = RemarkCounter(plan.settings.remarks_max)
    rendered = None if plan.rendering is None else plan.rendering.answering(program, remarks)
    store = store or open_store(plan.store, number, is_successor=expected_epoch is not None, is_owner=True)
    try:
        shard = Shard(
            number,
            plan.slot_map,
            program,
            store,
            plan.settings,
            time=_time_of(plan),
            records=plan.records,
            answer=rendered or accept,
            inbox=rendered or InboxRendering(registry),
            crowd=plan.crowd,
            normalize=InstalledAddresses(registry, sent_on),
            project=plan.project,
            dead_codes=InstalledDeadCodes(registry),
            exports=plan.exports,
            facts_to=_facts_asked(plan),
        )
        shard.open(clock.now_ms(), expected_epoch=expected_epoch)
        if isinstance(clock, SystemClock) and not plan.virtual:
            clock.begin_at(shard.holding().stamp_ms)
        for trouble in shard.standing.troubles(clock.now_ms()):
            log.warning("shard %d: %s", number, trouble)
        return ShardHost(shard, store, clock, wake, remarks, stopped)
    except BaseException as error:
        close_after(error, store.close)  # whoever tries again finds it free
        raise


def _facts_asked(plan: Plan) -> FactsAsked:
    names = [each.name for each in plan.facts_to]
    return FactsAsked(names, any("events" in each.tables for each in plan.facts_to))


def _time_of(plan: Plan) -> Timekeeping:
    if plan.virtual:
        return ToldTime() if plan.told else VirtualTime()
    return LiveTime()
