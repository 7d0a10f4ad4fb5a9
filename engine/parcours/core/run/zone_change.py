"""Changes of the person's time zone: what waits for the end of her quiet hours is judged anew under the new one.

That happens once for an input, after all that it has caused, so what it causes in turn is not looked at again: each
delivery passes all gates at its release in any case. The deliveries of a paused journey are judged when it is resumed,
in the place that the change has among the inputs it missed.
"""

from __future__ import annotations

from collections.abc import Callable

from parcours.core.archive import under_way
from parcours.core.delivery import sending
from parcours.core.delivery.holding import tell_wait
from parcours.core.occasion import Occasion
from parcours.core.pause_buffer import keep_zone_change
from parcours.core.profile import Run, Timer
from parcours.core.run.updates import follow_updates
from parcours.core.run.walk import leave_send
from parcours.core.turn import Turn


def follow_zone(turn: Turn, go_through: Callable[[Turn, Occasion], None]) -> None:
    """Judge held deliveries anew if the input has changed the person's time zone."""
    if turn.zone_before == turn.zone_name():
        return
    for journey in sorted(_paused(turn)):
        keep_zone_change(turn, journey)
    _judge(turn, [timer for timer in _releases(turn) if not turn.is_paused(timer.journey)])
    if turn.updated is not None:
        follow_updates(turn, go_through)


def judge_held(turn: Turn, journey: str) -> None:
    """Judge the journey's held deliveries anew."""
    _judge(turn, [timer for timer in _releases(turn) if timer.journey == journey])


def _paused(turn: Turn) -> set[str]:
    """The paused journeys of which deliveries are held."""
    archived = [
        run
        for name, archive in turn.profile.archives.items()
        if archive.under_way.number and turn.is_paused(name)
        for run in under_way(archive)
    ]
    return {
        run.journey
        for run in (*turn.profile.runs, *turn.ended, *archived)
        if turn.is_paused(run.journey) and any(delivery.state == "held" for delivery in run.deliveries)
    }


def _releases(turn: Turn) -> list[Timer]:
    """The timers of held deliveries, in the order in which they were set."""
    return sorted((each for each in turn.profile.timers if each.kind == "release"), key=lambda timer: timer.sequence)


def _judge(turn: Turn, releases: list[Timer]) -> None:
    judged: list[Run] = []
    for timer in releases:
        if timer in turn.profile.timers:  # the run of an earlier one may have ended this one's
            turn.profile.timers.remove(timer)
            released = sending.release(turn, timer.key, standing=timer)
            if released is not None:
                leave_send(turn, released)
                judged.append(released)
    for run in judged:  # once all are judged: until when a run waits is known only then
        tell_wait(turn, run)
