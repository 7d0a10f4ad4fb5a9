"""Erasures of a running engine: they are asked for, carried on until nothing is left, and told of."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from parcours.core.identity import SlotMap
from parcours.errors import ErasureWaits, ParcoursError, ShardUnavailable
from parcours.insight.exporter.erased import note_erased
from parcours.routing.ports import ShardPort, until_answered
from parcours.shard.erasures import Erased, Erasure, job_of, slot_of_erasure
from parcours.shard.requests import (
    A,
    EndErasedSets,
    Erase,
    EraseAgain,
    EraseTraces,
    GetErasures,
    GetNames,
    Request,
    StepErasures,
)
from parcours.store.erasure_log import LOG, LoggedErasure, add_to_log, read_log

log = logging.getLogger("parcours")

LOOK_EVERY_S: Final = 60.0
"""How often it is looked whether an erasure can go on that waited for the exporter, or for facts to lapse."""

PAUSE_S: Final = 0.02
"""Between two steps, so that everybody else has a turn."""

MOVE_PAUSE_S: Final = 0.05
"""Before a person is asked for again who is about to become one with somebody: most have done so by then."""

WAITS_MAX_S: Final = 20.0
"""How long whoever asks waits for that, and for destinations to be told: one that cannot be reached may take hours."""

ID_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """
    what  of which copies it is said whether they are free of her
    """

    what: str
    done: bool


@dataclass(frozen=True, slots=True)
class ErasureJob:
    """How far an erasure is.

    asked_at  when she was forgotten, in ms since 1970: from then on nobody is told anything of her
    lapses_at  until when facts lie in the journal where they are not exported, None where that holds up nothing
    """

    id: str
    asked_at: int
    rows: tuple[ErasureRow, ...]
    lapses_at: int | None = None

    @property
    def done(self) -> bool:
        return all(row.done for row in self.rows)

    @classmethod
    def of(cls, erasure: Erasure, facts_for_ms: int | None) -> ErasureJob:
        """facts_for_ms: how long facts lie in the journal that nobody exports; None for ever, or if somebody does."""
        rows = (
            ErasureRow("profile, inbox, outbox, dead letters, addresses reached", True),
            ErasureRow("images", erasure.images),
            ErasureRow("journal", erasure.journal),
            ErasureRow("exported facts and inputs", erasure.exports),
            ErasureRow("campaigns: sets, copied tables, exported lists", erasure.sets),
        )
        waits = facts_for_ms is not None and not erasure.journal
        return cls(erasure.id, erasure.at, rows, erasure.at + (facts_for_ms or 0) if waits else None)


class ErasuresUnderWay:
    """Lives on the loop of its host.

    folder       of the store, where the log lies, and what is exported; None for a store in memory
    forget_sets  takes those who were erased out of all files of campaigns
    """

    def __init__(
        self,
        ports: Sequence[ShardPort],
        slot_map: SlotMap,
        folder: Path | None,
        forget_sets: Callable[[Sequence[Erasure]], Awaitable[None]],
    ) -> None:
        self._ports = ports
        self._slot_map = slot_map
        self._folder = folder
        self._forget_sets = forget_sets
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.troubles: list[str] = []

    async def start(self) -> None:
        """Erase again whom the log has and a shard has not, as after a backup was restored; then carry on."""
        if self._folder is not None:
            log_path = self._folder / LOG
            for number, port in enumerate(self._ports):
                told = partial(self._told, number)
                known = {each.id for each in (await until_answered(told)).erasures}
                for each in read_log(log_path).values():
                    slot = slot_of_erasure(each.id)
                    if each.id not in known and slot is not None and self._slot_map.owner(slot) == number:
                        again = EraseAgain(slot, each.id, bytes.fromhex(each.salt), bytes.fromhex(each.person))
                        await until_answered(partial(port.ask, again))
                await until_answered(told)
        self._task = asyncio.ensure_future(self._go_on())

    async def stop(self) -> None:
        """What is under way goes on when the store is opened again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def erase(self, person: str, by: str) -> Erasure:
        """Forget a person under all her names; durable, and in the log, when it returns.

        Her other names go first, so that none is left that leads to her; then she, if she has no further one by then,
        and once each destination has been told that she has left. Until that has happened nothing is answered, so
        whoever asks does so again after a crash in between. Raises ErasureWaits where it takes too long.
        """
        names = await self._ask(person, GetNames(person))
        if names.moved_to is not None:
            return await self.erase(names.moved_to, by)
        job, forgotten = secrets.token_hex(ID_BYTES), list[str]()
        loop = asyncio.get_running_loop()
        until_s = loop.time() + WAITS_MAX_S
        erasure: Erasure | None = None
        while erasure is None:
            for name, ids in (await self._ask(person, GetNames(person))).names.items():
                id_of_name = f"{job}.{len(forgotten)}"
                if name not in forgotten and await self._forget(name, id_of_name, by, ids=ids) is not None:
                    forgotten.append(name)
            erasure = await self._forget(person, job, by, forgotten)
            if erasure is None:
                if loop.time() > until_s:
                    raise ErasureWaits
                await asyncio.sleep(MOVE_PAUSE_S)
        await self._erase_traces(person, forgotten, erasure, by)
        self._news.set()
        return erasure

    async def _forget(
        self, person: str, job: str, by: str, names: Sequence[str] = (), ids: Sequence[tuple[int, bytes]] = ()
    ) -> Erasure | None:
        """Have the shard of a name forget it; `job` is what stands behind the slot in the erasure's id."""
        slot = self._slot_map.slot(person)
        asked = Erase(person, f"{slot:04}-{job}", secrets.token_bytes(16), by, list(names), list(ids))
        erasure = await self._ask(person, asked)
        await self._told(self._slot_map.owner(slot))
        return erasure

    async def _erase_traces(self, person: str, names: Sequence[str], erasure: Erasure, by: str) -> None:
        """Of messages between shards, and of lines that had to wait, each may have some that name her."""
        for number, port in enumerate(self._ports):
            if number != self._slot_map.shard(person):
                slot = self._slot_map.owned_by(number)[0]
                name, salt = f"{slot:04}-{erasure.job}.shard", secrets.token_bytes(16)
                asked = EraseTraces(slot, person, list(names), name, salt, by)
                while True:
                    if await port.ask(asked):
                        break
                    await asyncio.sleep(MOVE_PAUSE_S)
                await self._told(number)

    async def _ask(self, person: str, request: Request[A]) -> A:
        return await self._ports[self._slot_map.shard(person)].ask(request)

    async def find(self, name: str) -> Erasure | None:
        """The erasure of this id, as far as it is under all names of the person and in all shards."""
        if not job_of(name):
            return None
        told = [each for port in self._ports for each in (await port.ask(GetErasures())).erasures]
        same = [each for each in told if each.job == job_of(name)]
        found = next((each for each in same if each.id == name), None)
        if found is None:
            return None
        return replace(
            found,
            images=all(each.images for each in same),
            journal=all(each.journal for each in same),
            exports=all(each.exports for each in same),
            sets=all(each.sets for each in same),
        )

    async def _go_on(self) -> None:
        while True:
            self._news.clear()
            self.troubles = []
            for number, port in enumerate(self._ports):
                try:
                    await self._told(number)
                    await _carry_on(port)
                except ShardUnavailable:
                    continue  # its runtime looks after it
                except (ParcoursError, OSError) as error:
                    self.troubles.append(f"erasures of shard {number} do not go on: {error}")
                    log.warning("%s", self.troubles[-1])
            await self._leave_sets()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._news.wait()

    async def _leave_sets(self) -> None:
        """Take all of whom that is not known yet out of the files of campaigns, and say so to their shards."""
        try:
            told = [(await port.ask(GetErasures())).erasures for port in self._ports]
            waiting = [[each for each in erasures if not each.sets] for erasures in told]
            if any(waiting):
                await self._forget_sets([each for erasures in waiting for each in erasures])
            for port, erasures in zip(self._ports, waiting, strict=True):
                if erasures:
                    await port.ask(EndErasedSets([each.id for each in erasures]))
        except ShardUnavailable:
            return  # its runtime looks after it
        except (ParcoursError, OSError) as error:
            self.troubles.append(f"files of campaigns still have people who were erased: {error}")
            log.warning("%s", self.troubles[-1])

    async def _told(self, shard: int) -> Erased:
        """The erasures of a shard, which are in the log by then, and known to whoever reads exported files."""
        erased = await self._ports[shard].ask(GetErasures())
        if self._folder is not None and erased.erasures:
            logged = [LoggedErasure(each.id, each.at, each.salt.hex(), each.person.hex()) for each in erased.erasures]
            add_to_log(self._folder / LOG, logged)
            note_erased(self._folder, shard, erased)
        return erased


async def _carry_on(port: ShardPort) -> None:
    """Take the steps that can be taken now."""
    more = True
    while more:
        more = await port.ask(StepErasures())
        await asyncio.sleep(PAUSE_S if more else 0)
