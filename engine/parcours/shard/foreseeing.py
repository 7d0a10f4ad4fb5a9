"""What would stopping a journey end, and what has its pause kept? Counted over people as they lie, and nothing changes.

Most people are in other journeys, or in none: a profile that does not hold the journey's name is not decoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from parcours.core.pause_buffer import KEPT_TIMERS
from parcours.core.profile import Profile, Run, decode_profile


class Foreseen(msgspec.Struct, frozen=True, array_like=True):
    """What a change of a journey would do to the people of a shard.

    runs        open runs, parked ones too
    making_up   those of them for which a pause has kept something, or that have a timer overdue
    deliveries  deliveries of them that have not left, and would be cancelled if they ended
    """

    runs: int = 0
    making_up: int = 0
    deliveries: int = 0


def foresee(people: Iterable[bytes], journey: str, now_ms: int) -> Foreseen:
    """What a change of the journey would do to these people."""
    name = journey.encode()
    runs = making_up = deliveries = 0
    for person in people:
        if name not in person:
            continue
        profile = decode_profile(person)
        own = [run for run in profile.runs if run.journey == journey]
        if own:
            behind = set(_behind(profile, own, journey, now_ms))
            runs += len(own)
            making_up += sum(run.number in behind for run in own)
            deliveries += sum(each.state in ("held", "queued") for run in own for each in run.deliveries)
    return Foreseen(runs, making_up, deliveries)


def _behind(profile: Profile, own: list[Run], journey: str, now_ms: int) -> Iterator[int]:
    """The numbers of the runs for which the pause has kept something: an occasion concerns all of the journey."""
    for kept in profile.kept:
        if kept.journey != journey or kept.kind == "lost":
            continue
        if kept.kind in ("occasion", "zone"):
            yield from (run.number for run in own)
        else:
            yield kept.run if kept.timer is None else kept.timer.run
    for timer in profile.timers:
        if timer.journey == journey and timer.kind in KEPT_TIMERS and timer.due < now_ms:
            yield timer.run
