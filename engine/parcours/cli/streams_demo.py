"""The demo of streams on the command line: what came, what went out to two systems, and whether all agree."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from parcours.demo.streams import StreamsDemo
    from parcours.service.service import Service


def show_streams_demo(*, shards: int, json: bool) -> None:
    """Run it in a temporary folder. Raises ExtraMissing; Exit where anybody has other members than the others."""
    import asyncio

    from parcours.cli.extras import extra
    from parcours.clock import SystemClock
    from parcours.config import Settings
    from parcours.errors import naming

    with extra("The demo of streams", "demo,http,kafka"):
        import parcours.serving  # noqa: F401  # the door is opened once all of it is there
        from parcours.demo.streams import run_streams_demo

    typer.echo("Orders and clicks are on their way; it takes a quarter of a minute.", err=True)
    clock = SystemClock(Settings().clock_jump_max_ms)
    with naming(gettempdir()), TemporaryDirectory(prefix="parcours-demo-") as above:
        try:
            demo = asyncio.run(run_streams_demo(Path(above), clock, open_door, shards=shards))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None  # the door has heard the signal
    for line in told(demo):
        typer.echo(line)
    if json:
        typer.echo(figures(demo))
    if not (demo.agree and demo.each_once):
        raise typer.Exit(1)


def told(demo: StreamsDemo) -> list[str]:
    """What has come and gone, and whether all agree."""
    outcomes = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in demo.outcomes.items() if count)
    sets = {
        "by the recording": demo.expected,
        "in the file": demo.file,
        "at the webhook": demo.webhook,
        "by the engine": demo.members,
    }
    return [
        f"Over HTTP came {demo.clicks:,} clicks of {demo.people:,} people.",
        f"From Kafka came {demo.orders:,} orders: {outcomes}.",
        "The engine was closed when half of them had come, and opened again. Then a week went by.",
        f"Orders that were applied: {sum(demo.confirmed.values()):,}; "
        + ("every one of them once." if demo.each_once else "NOT every one of them once."),
        f"All members were told at once as of {demo.snapshot}.",
        "Lapsed buyers: " + ", ".join(f"{len(members):,} {where}" for where, members in sets.items()) + ".",
        "They are the same people." if demo.agree else "They are NOT the same people.",
    ]


def figures(demo: StreamsDemo) -> str:
    """The demo's results as one line of JSON."""
    import msgspec

    return msgspec.json.encode(
        {
            "clicks": demo.clicks,
            "people": demo.people,
            "orders": demo.orders,
            "outcomes": {name: count for name, count in sorted(demo.outcomes.items()) if count},
            "applied": sum(demo.confirmed.values()),
            "each_once": demo.each_once,
            "lapsed": len(demo.expected),
            "agree": demo.agree,
        }
    ).decode()


@asynccontextmanager
async def open_door(open_service: Callable[[], Service]) -> AsyncIterator[tuple[str, Service]]:
    """The engine's own door, at a free port of this machine.

    Whoever has opened it is cancelled where a signal ends it.
    """
    import asyncio

    from parcours.ingress.settings import ServeSettings
    from parcours.serving import Serving

    opened: asyncio.Future[tuple[str, Service]] = asyncio.get_running_loop().create_future()
    reading, writing = os.pipe()
    serving = Serving(
        lambda settings: open_service(),
        ServeSettings(port=0, notice_s=0),
        announce=lambda address, service: opened.set_result((address, service)),
        ends_with=reading,
    )
    running = asyncio.ensure_future(serving.run())
    try:
        either: list[asyncio.Future[Any]] = [running, opened]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not opened.done():
            await running
        task = asyncio.current_task()
        assert task is not None, "this runs in one"

        def give_up(_: object) -> None:
            task.cancel()

        running.add_done_callback(give_up)
        yield await opened
        running.remove_done_callback(give_up)
    finally:
        os.close(writing)
        await running
        os.close(reading)
