"""Total caps: how often everybody together may get an offer, and what a decision asks of whoever counts that.

A person's state knows nothing of it, so a decision that would choose such an offer asks for one of it. All that a
decision misses is asked for together: as if each were granted it is made to its end, and once the answers are known it
is made again, from the beginning, by the input that has brought it about. Each answer is known then; what it misses
besides is asked for in turn. So it comes to what it would have come to if all answers had been known at once.

Whoever counts (`TotalCount`) is asked for one, and given back what nobody has got after all; he knows nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import msgspec

from parcours.expression.zones import zone
from parcours.instants import to_moment
from parcours.journey.offers import Offer

DAYS_MAX: Final = 400
"""Days of which it is remembered how often an offer was given: a timer may be that late where an engine was down."""

TotalOutcome: TypeAlias = Literal["granted", "refused", "unknown"]


class TotalAsk(msgspec.Struct, frozen=True, array_like=True):
    """One of an offer is asked for, for a person.

    origin  what asks: it tells it from all else that she asks for at this instant
    place   how many of the offer it has got before this one, at other placements
    at      the instant of the decision
    """

    offer: str
    origin: str
    place: int
    at: int


class TotalAnswer(msgspec.Struct, frozen=True, array_like=True):
    """What was answered. `unknown`: nothing, or not in time; `why` in words, where it is not granted."""

    ask: TotalAsk
    outcome: TotalOutcome
    why: str = ""


class TotalReturn(msgspec.Struct, frozen=True, array_like=True):
    """One of an offer that nobody has got after all.

    decided_at  the instant of the decision for which it was granted
    at          when that turned out
    """

    offer: str
    decided_at: int
    at: int


Answers: TypeAlias = Callable[[TotalAsk], TotalAnswer | None]
"""What was answered to that; None: it is to be asked."""


def supposed(ask: TotalAsk) -> TotalAnswer:
    """The answer where something is only tried: that there is some left. Nobody is asked, and nothing is taken."""
    return TotalAnswer(ask, "granted")


def never_asked(ask: TotalAsk) -> TotalAnswer:
    """The answer where nobody can be asked."""
    return TotalAnswer(ask, "unknown", "nobody could be asked")


class Unanswered(Exception):
    """A decision misses these answers: no error, it ends what is to be made again."""

    def __init__(self, asks: tuple[TotalAsk, ...]) -> None:
        super().__init__(asks)
        self.asks = asks


@dataclass(slots=True)
class TotalsAtHand:
    """What the decisions at hand know of total caps, and what they miss.

    missing  what has to be asked first, in the order in which it would be chosen
    taken    what was granted, and has been chosen
    """

    answers: Answers = supposed
    origin: str = ""
    missing: list[TotalAsk] = field(default_factory=list)
    taken: list[TotalAsk] = field(default_factory=list)

    def against(self, offer: Offer, at: int) -> TotalAnswer | None:
        """What was answered against choosing an offer; None where nothing was, or it is still to be asked."""
        if not offer.totals:
            return None
        place = sum(each.offer == offer.name for each in (*self.taken, *self.missing))
        ask = TotalAsk(offer.name, self.origin, place, at)
        answer = self.answers(ask)
        if answer is None:
            self.missing.append(ask)
        elif answer.outcome == "granted":
            self.taken.append(ask)
        else:
            return answer
        return None


class TotalCount(msgspec.Struct, array_like=True):
    """How often everybody together got an offer.

    days    the same by day (its ordinal) of the project's zone, of the newest DAYS_MAX
    newest  when it was asked for, or given back, last: the instant at which whoever counts heard of it
    """

    ever: int = 0
    days: dict[int, int] = {}
    newest: int = 0

    def take(self, offer: Offer | None, at: int, timezone: str) -> str:
        """Count one more, decided at this instant, unless a cap has no room for it: that is told in words then.

        An offer that is not published any more has no caps, and is counted all the same.
        """
        day = day_of(at, timezone)
        if len(self.days) >= DAYS_MAX and day < min(self.days):
            return "it was decided too long ago"
        for cap in () if offer is None else offer.totals:
            counted = self.days.get(day, 0) if cap.daily else self.ever
            if counted >= cap.max:
                return f"{counted} of {cap.max} for everybody{' that day' if cap.daily else ''}"
        self.ever += 1
        self.days[day] = self.days.get(day, 0) + 1
        if len(self.days) > DAYS_MAX:
            del self.days[min(self.days)]
        return ""

    def give_back(self, decided_at: int, timezone: str) -> None:
        """Count one less, of those decided at this instant."""
        day = day_of(decided_at, timezone)
        self.ever = max(self.ever - 1, 0)
        if self.days.get(day, 0) > 1:
            self.days[day] -= 1
        else:
            self.days.pop(day, None)


def day_of(at: int, timezone: str) -> int:
    """The ordinal of the day of an instant in a zone."""
    return to_moment(at).astimezone(zone(timezone)).toordinal()


def unused(answers: Collection[TotalAnswer], taken: Collection[TotalAsk], at: int) -> tuple[TotalReturn, ...]:
    """What was granted and has not been chosen after all."""
    left = (each.ask for each in answers if each.outcome == "granted" and each.ask not in taken)
    return tuple(TotalReturn(each.offer, each.at, at) for each in left)
