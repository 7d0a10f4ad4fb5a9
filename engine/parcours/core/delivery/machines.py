"""Whose are the clicks that come by links: the person's, or a machine's that looks into her mail before she does?

Filters follow every link of a mail, within moments of its arrival. So a click is a machine's that comes before a person
can have read anything, and so are clicks on two links at once. That there is a second one is known only when it comes:
until then a click is kept as a timer, and it is the person's once that fires.

What a machine does is told, once, and is heard by no listener: it marks nothing, and the state of the delivery stays
what it is.
"""

from __future__ import annotations

from typing import Final

from parcours.core.delivery.deliveries import reach
from parcours.core.fact import Outcome
from parcours.core.profile import DeliveryState, Run
from parcours.core.turn import Turn

TOO_SOON_MS: Final = 2_000
"""Nobody has a mail before her, has read it and clicks, so soon after it has left."""

TOGETHER_MS: Final = 1_000
"""Nobody follows two links within it."""

BY_MACHINES: Final[dict[str, Outcome]] = {"opened": "opened", "clicked": "clicked"}
"""The reactions that a machine may have, with the outcome that tells each."""

_A_MACHINE_S: Final = "\0"
"""Begins the detail of a timer whose click is known to be a machine's, as no address does."""


def take_click(turn: Turn, run: Run, delivery: DeliveryState, link: str) -> None:
    """Somebody or something has followed a link of the delivery."""
    kept = [timer for timer in turn.profile.timers if timer.kind == "click" and timer.key == delivery.key]
    if _is_too_soon(turn.at, delivery) or any(timer.detail.lstrip(_A_MACHINE_S) != link for timer in kept):
        turn.profile.timers = [timer for timer in turn.profile.timers if timer not in kept]
        for timer in kept:
            note_machine(turn, run, delivery, "clicked", timer.detail.lstrip(_A_MACHINE_S))
        note_machine(turn, run, delivery, "clicked", link)
        turn.set_timer(turn.at + TOGETHER_MS, "click", run, delivery.key, _A_MACHINE_S + link)
    elif link not in delivery.links and all(timer.detail != link for timer in kept):
        turn.set_timer(turn.at + TOGETHER_MS, "click", run, delivery.key, link)


def is_a_machine_s(detail: str) -> bool:
    """Whether the click of a timer with this detail is nobody's."""
    return detail.startswith(_A_MACHINE_S)


def _is_too_soon(at: int, delivery: DeliveryState) -> bool:
    """Whether no person can have read it yet; of what is not answered for nobody can say when it has left."""
    return at < delivery.left_at + TOO_SOON_MS if delivery.left_at else delivery.state == "claimed"


def note_machine(turn: Turn, run: Run, delivery: DeliveryState, reaction: str, link: str | None) -> None:
    """Tell what a machine did with the delivery, as far as that is news and there is room for it."""
    what = link if reaction == "clicked" and link is not None else reaction
    size = sum(map(len, delivery.machines)) + len(what)
    if what in delivery.machines or size > turn.settings.links_bytes_max:
        return
    delivery.machines[what] = turn.at
    reach(turn, run, delivery, BY_MACHINES[reaction], reason=link, link=link, is_machine=True)
