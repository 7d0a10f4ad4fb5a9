"""How does DBOS take carts? Each is a workflow of its own, in PostgreSQL: a durable sleep, then a step that reminds.

Workflows are coroutines of one event loop, of which any number can sleep, and CALLERS of them are started at a time. A
line is taken once its workflow is written down. No order ends a workflow here: all lines begin somebody's only cart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dbos import DBOS, DBOSConfig

from peers.carts import REMINDER, Sent, decode
from peers.telling import LOOK_EVERY_S, Told, Watch, asked, tell

CALLERS = 50

_sent: list[Sent] = []
"""DBOS finds workflows and steps by their names in a module, so they share what lies in it."""


@DBOS.step()
async def remind(person: str) -> None:
    _sent.append((person, REMINDER))


@DBOS.workflow()
async def abandoned_cart(person: str, patience_s: float) -> None:
    await DBOS.sleep_async(patience_s)
    await remind(person)


async def begun(lines: Sequence[bytes], patience_s: float) -> None:
    """Once all are."""
    left = iter(lines)

    async def caller() -> None:
        for line in left:
            await DBOS.start_workflow_async(abandoned_cart, decode(line).person, patience_s)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


async def told(lines: Sequence[bytes], patience_s: float) -> Told:
    watch = Watch(len(lines), patience_s)
    await begun(lines, patience_s)
    watch.taken()
    while not watch.due() or len(_sent) < len(lines):  # noqa: ASYNC110  # nobody tells when the last one is through
        await asyncio.sleep(LOOK_EVERY_S)
    return watch.told(_sent)


def main() -> None:
    one, lines = asked()
    DBOS(config=DBOSConfig(name="carts", system_database_url=one.store, log_level="ERROR"))
    DBOS.launch()
    told_of = asyncio.run(told(lines, one.patience_s))
    DBOS.destroy()
    tell(told_of)


if __name__ == "__main__":
    main()
