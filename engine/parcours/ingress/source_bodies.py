"""What is told of sources, to programs and on the page, and what they are asked to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from parcours.errors import CallerError
from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import Problem, Request
from parcours.sources.pump import SourceState


class PartitionShown(msgspec.Struct, frozen=True):
    """
    name      by what people know it: of a file its name below the source's folder
    position  where reading goes on, null as long as that is not known
    lag       lines that no shard has answered, null where the log does not tell
    """

    partition: str
    name: str
    state: str
    position: int | None
    lag: int | None
    trouble: str | None


class SourceShown(msgspec.Struct, frozen=True):
    """`outcomes` are since the door was opened."""

    name: str
    paused: bool
    outcomes: dict[str, int]
    trouble: str | None
    partitions: list[PartitionShown]


class Sources(msgspec.Struct, frozen=True):
    """By name."""

    sources: list[SourceShown]


async def sources_told(door: Door) -> list[SourceShown]:
    """Those that the door reads."""
    return [_shown(each) for each in await answered(door.service.sources())]


async def paused_there(door: Door, request: Request, *, paused: bool) -> None:
    """Let nobody read on in the source of the address, or everybody. Raises Problem where it is not read here."""
    call = door.service.pause_source if paused else door.service.resume_source
    with unknown():
        await answered(call(request.params["name"]))


@contextmanager
def unknown() -> Iterator[None]:
    """Raises Problem for what the engine does not know."""
    try:
        yield
    except CallerError as error:
        raise Problem(404, "unknown", str(error)) from None


def _shown(source: SourceState) -> SourceShown:
    partitions = [
        PartitionShown(each.partition, each.name, each.state, each.position, each.lag, each.trouble)
        for each in source.partitions
    ]
    return SourceShown(source.source, source.paused, dict(source.outcomes), source.trouble, partitions)
