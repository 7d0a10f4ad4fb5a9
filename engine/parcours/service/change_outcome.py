"""What does a change of what is published come to? The same answer before it is made, dry, and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from parcours.errors import CallerError
from parcours.journey.publish.ledger import Named, Verb
from parcours.wording import shown_value

LEDGER_MAX: Final = 2**63 - 1

SAID: Final[dict[tuple[Named, Verb], str]] = {
    ("journey", "close"): "nobody enters {name!r} any more, and who is in it goes on",
    ("journey", "stop"): (
        "all runs of {name!r} end where they are, nothing more is sent for them, and nobody enters any more"
    ),
    ("journey", "pause"): (
        "nobody enters {name!r}, nobody in it moves, and nothing is sent for it until it is resumed"
    ),
    ("journey", "resume"): "the runs of {name!r} make up for what they have missed, and it goes on",
    ("campaign", "close"): "no run of {name!r} begins any more, and one that is under way goes on",
    ("campaign", "stop"): (
        "the runs of {name!r} end where they are, nothing more is sent for them, and none begins any more"
    ),
    ("campaign", "pause"): (
        "no run of {name!r} begins, no step of one does, and nothing is sent for it until it is resumed"
    ),
    ("campaign", "resume"): "the runs of {name!r} make up for what they have missed, and it goes on",
}


class RunsConcerned(msgspec.Struct, frozen=True):
    """How many open runs of the journeys that change stay where they are, end, or make up for what they have missed.

    Of a campaign, each person whom a run has taken along has one.
    """

    stay: int = 0
    end: int = 0
    make_up: int = 0


class ChangeOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a change does, or would do. Numbers are those of the moment before it.

    ledger                the number of the newest change: this one, if it has been made and is one
    dry                   nothing has been changed
    refused               why it cannot be made, a sentence each; all else is empty then
    deliveries_cancelled  of runs that end: those that have not begun to leave
    audiences_filled      audiences that are new or mean something else: who is in them is found out silently
    changes               what is otherwise afterwards, a sentence each; none where all is so already
    """

    ledger: int
    dry: bool = False
    refused: tuple[str, ...] = ()
    runs: RunsConcerned = RunsConcerned()
    deliveries_cancelled: int = 0
    audiences_filled: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """How a change is asked for.

    dry     only say what it would do
    ledger  the number of the newest change that the caller knows; None: whatever there is
    by      who asks, the name of a key
    """

    dry: bool = False
    ledger: int | None = None
    by: str = ""

    @classmethod
    def of(cls, dry: object, ledger: object, by: object) -> Order:
        """What a caller has given. Raises CallerError for what is of another kind."""
        if not isinstance(dry, bool):
            raise CallerError(f"dry={shown_value(dry)}: True or False is expected")
        if ledger is not None and (not isinstance(ledger, int) or isinstance(ledger, bool)):
            raise CallerError(f"ledger={shown_value(ledger)}: the number that an answer named is expected")
        if by is not None and not isinstance(by, str):
            raise CallerError(f"by={shown_value(by)}: a name is expected")
        return cls(dry, ledger, by or "")


def refused(ledger: int, reasons: Iterable[str]) -> ChangeOutcome:
    """The dry answer to what cannot be done."""
    return ChangeOutcome(ledger=ledger, dry=True, refused=tuple(reasons))
