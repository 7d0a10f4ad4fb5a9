"""Whom is a provider's report about? By a delivery's key the router knows; of an address all shards are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from parcours.channel import Feedback
from parcours.core.identity import person_asked_for
from parcours.journey.program import Program
from parcours.routing.ports import ShardPort
from parcours.segment.reports import TEXT_RECEIVED, feedback_line, person_line
from parcours.shard.requests import FindReached


async def people_reached(ports: Sequence[ShardPort], channel: str, address: str) -> list[str]:
    """The names of everybody to whom something has left for this address of the channel lately, sorted.

    The address is in the form that the channel uses. Raises ShardUnavailable.
    """
    found = await asyncio.gather(*(port.ask(FindReached(channel, address)) for port in ports))
    return sorted(name for each in found for name in each)


async def report_lines(
    reports: Iterable[Feedback], channel: str, ports: Sequence[ShardPort], program: Program
) -> list[bytes]:
    """A line for each report on a delivery, and for each person whom another one is about.

    None for one of an address at which nobody was reached. Raises ShardUnavailable.
    """
    lines: list[bytes] = []
    for report in reports:
        if report.key:
            lines.append(feedback_line(report))
            continue
        if report.person:
            people = [person_asked_for(report.person)]
        else:
            people = await people_reached(ports, channel, report.address or "")
        as_event = TEXT_RECEIVED in program.events
        lines += [person_line(report, person, channel, as_event=as_event) for person in people]
    return lines
