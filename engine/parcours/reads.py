"""Who enters when an audience is read? Those who are in it at the instant, in the order of their names.

The order is over all shards, so it is fixed here and not in any of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from parcours.journey.program import Journey, Program, ReadEntry
from parcours.ports import ShardPort
from parcours.shard.messages import Reading


def read_entries(program: Program) -> list[tuple[Journey, ReadEntry]]:
    """The journeys with a read entry, in the order in which they fall due."""
    reads = [(journey, journey.entry) for journey in program.journeys if isinstance(journey.entry, ReadEntry)]
    return sorted(reads, key=lambda pair: (pair[1].at_ms, -pair[0].priority, pair[0].name))


async def read_audience(ports: Sequence[ShardPort], journey: Journey, entry: ReadEntry) -> None:
    """Let the members of the audience enter, person n (their names as bytes, in order) n / rate later.

    May be repeated after a failure: a shard takes the reading of one instant once.
    """
    people: list[tuple[bytes, int, str]] = []
    for shard, port in enumerate(ports):
        people += [(person.encode(), shard, person) for person in await port.members(entry.audience, entry.at_ms)]
    people.sort()
    shares: list[list[tuple[str, int]]] = [[] for _ in ports]
    for place, (_, shard, person) in enumerate(people):
        shares[shard].append((person, entry.at_ms + _delay_ms(place, entry.people_per_second)))
    for port, share in zip(ports, shares, strict=True):
        await port.read(Reading(journey.name, journey.version, entry.at_ms, share))


def _delay_ms(place: int, people_per_second: int | None) -> int:
    return 0 if people_per_second is None else place * 1000 // people_per_second
