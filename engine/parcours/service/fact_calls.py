"""Questions about the facts of everybody to a running engine: what it has exported, and what it has not yet."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from parcours.background import in_thread
from parcours.campaigns.told_lines import told_lines
from parcours.config import Settings
from parcours.errors import CallerError
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.rows import Telling
from parcours.insight.warehouse.opening import TailRows, check_extra, open_warehouse
from parcours.insight.warehouse.viewed import Viewed
from parcours.journey.program import Program
from parcours.service.host import Host
from parcours.service.journey_control import JourneyControl
from parcours.service.people_calls import check_bool, check_text
from parcours.shard.messages import Look, TailSlice
from parcours.shard.requests import NoteLook, ReadTail
from parcours.store.campaign_files import CAMPAIGNS

if TYPE_CHECKING:
    from parcours.insight.warehouse.warehouse import Warehouse

INTERRUPT_EVERY_S: Final = 0.05
"""Pause before a query that has not ended is interrupted again."""


@dataclass(frozen=True, slots=True)
class SqlAnswer:
    """What a query gives.

    columns   their names
    rows      the values of each; times are aware datetimes in UTC
    is_cut    whether there are more rows, beyond `sql_rows_max` and `sql_bytes_max`
    as_of_ms  the instant up to which everything is known; None where nothing is
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    is_cut: bool
    as_of_ms: int | None


class FactCalls(ABC):
    """Those of a service."""

    _host: Host
    _control: JourneyControl
    _address_secret: str | None
    _sql_turns: asyncio.Lock

    @abstractmethod
    def _check_open(self) -> None:
        """Raises CallerError unless it is open, on the running loop."""

    def sql(
        self, query: str, *, stitch: bool = False, exported: bool = False, look: Look | None = None
    ) -> Coroutine[Any, Any, SqlAnswer]:
        """Ask facts in SQL: one query over the tables and views that docs/insight.md tells of.

        It runs beside the event loop, in this process, and can read the facts of this store and nothing else. One is
        answered at a time, and others wait.
        stitch    what was before a merge is the person's, whatever the project says
        exported  what is not exported yet is left out, and no shard is asked
        look      who asks, which is recorded as one fact, about nobody
        Raises CallerError for what is no such query, and for one that takes longer than `sql_timeout_s`; ExtraMissing,
        StoreBroken, ShardUnavailable.
        """
        check_text("query", query)
        check_bool("stitch", stitch)
        check_bool("exported", exported)
        return self._sql(query, look, stitch=stitch, exported=exported)

    async def _sql(self, query: str, look: Look | None, *, stitch: bool, exported: bool) -> SqlAnswer:
        self._check_open()
        check_extra()
        store = self._host.store_folder
        if store is None:
            raise CallerError("the store lies in memory: no facts are kept as files")
        if look is not None:
            await self._host.ports[0].ask(NoteLook([""], look))
        async with self._sql_turns:  # each may take as much memory as there is for it
            return await self._answer_of(store, query, stitch=stitch, exported=exported)

    async def _answer_of(self, store: Path, query: str, *, stitch: bool, exported: bool) -> SqlAnswer:
        program = self._control.current
        viewed = Viewed.of(program).stitched() if stitch else Viewed.of(program)
        tail = None if exported else (await self._tail_rows(program, store)).tail()
        settings = self._host.settings
        with ExitStack() as opened:

            def enter() -> Warehouse:
                return opened.enter_context(open_warehouse(facts_folder(store), viewed, settings, tail))

            warehouse = await in_thread(enter)  # and so it is closed though nobody waits for it any more
            asked = asyncio.ensure_future(asyncio.to_thread(_answer, warehouse, query, settings))
            try:
                await asyncio.wait([asked], timeout=settings.sql_timeout_s)
                is_late = not asked.done()
            finally:
                while not asked.done():
                    warehouse.interrupt()  # which is lost on a query that is about to begin
                    await asyncio.wait([asked], timeout=INTERRUPT_EVERY_S)
            if is_late and asked.exception() is not None:
                raise CallerError(f"the query takes longer than sql_timeout_s, {settings.sql_timeout_s:g} s")
            return asked.result()

    async def _tail_rows(self, program: Program, store: Path) -> TailRows:
        """What shards and campaigns have told and may not have exported; the newest of it is as of now."""
        rows = TailRows()
        await in_thread(partial(rows.add_outputs, facts_folder(store), partial(told_lines, store / CAMPAIGNS)))
        for shard, port in enumerate(self._host.ports):
            telling = Telling.of(shard, program, self._address_secret)
            part = await port.ask(ReadTail())
            await asyncio.to_thread(_take, rows, part, telling)
            while part.after is not None:
                part = await port.ask(ReadTail(part.after, part.through))
                await asyncio.to_thread(_take, rows, part, telling)
        return rows


def _take(rows: TailRows, part: TailSlice, telling: Telling) -> None:
    """Whoever was erased is noted beside the files, which is looked up later."""
    rows.add(part.records, telling, part.known_ms, lambda person: 0)


def _answer(warehouse: Warehouse, query: str, settings: Settings) -> SqlAnswer:
    answer = warehouse.sql(query)
    given: list[tuple[Any, ...]] = []
    left_bytes = settings.sql_bytes_max
    for row in (row for some in answer.rows for row in some):
        left_bytes -= sum(len(value) for value in row if isinstance(value, str | bytes))
        if left_bytes < 0 or len(given) == settings.sql_rows_max:
            return SqlAnswer(tuple(answer.columns), given, True, answer.as_of_ms)
        given.append(row)
    return SqlAnswer(tuple(answer.columns), given, False, answer.as_of_ms)
