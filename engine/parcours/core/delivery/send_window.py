"""The window of a campaign's send: when may somebody be sent to who comes too late for it?

Everybody is due while it is open. Live, a pause or an outage may pass its end: whoever has not left by then waits for
its next opening. A gate's own hold goes before the window, as it may last until it is shut each day: what is held so is
released when that gate opens, be the window open or not. Where the gate lets somebody go before that, because her time
zone has changed, the window binds her again.
"""

from __future__ import annotations

from parcours.core.parts import delay_at
from parcours.core.profile import DeliveryState, Run
from parcours.core.turn import Turn
from parcours.core.windows import moved_into
from parcours.expression.zones import zone
from parcours.journey.campaign_steps import LocalTime, Opening
from parcours.journey.program import Send


def due_in(turn: Turn, window: Opening | LocalTime, at: int, delay_ms: int) -> int:
    """When somebody is due in the window who would be at `at` (ms); `delay_ms` as in `moved_into`."""
    name = turn.zone_name() if window.zone == "profile" else window.zone
    return moved_into(window, at, delay_ms, zone(name))


def opens_again(turn: Turn, run: Run, delivery: DeliveryState) -> int | None:
    """Until when the window of its step holds the delivery, in ms; None if it does not.

    A time of day has no end that could be missed: what was due then leaves as soon as it can.
    """
    window = _opening_of(turn, run, delivery)
    if window is None or delivery.past_window:
        return None
    due = due_in(turn, window, turn.gates_at, delay_at(run, delivery.step))
    return None if due == turn.gates_at else due


def note_hold(turn: Turn, run: Run, delivery: DeliveryState, until_ms: int) -> None:
    """A gate holds the delivery until then: if its window is shut at that time, it binds it no more."""
    window = _opening_of(turn, run, delivery)
    delivery.past_window = window is not None and due_in(turn, window, until_ms, 0) != until_ms


def _opening_of(turn: Turn, run: Run, delivery: DeliveryState) -> Opening | None:
    journey = turn.program.journey(run.journey, run.version)
    step = None if journey is None else journey.steps.get(delivery.step)
    return step.window if isinstance(step, Send) and isinstance(step.window, Opening) else None
