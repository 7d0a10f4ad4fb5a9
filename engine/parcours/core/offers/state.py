"""What is remembered of the offers that somebody got: the newest of them with their marks, and counts for caps.

Times are milliseconds, the instants at which something took effect. It is small: `propositions_max` propositions,
`answered_requests_max` requests, and counts of `offer_counts_max` offers with caps and of those among the propositions,
each of which has at most `CAP_MAX` instants of a kind.
"""

from __future__ import annotations

from bisect import bisect_right, insort

import msgspec

from parcours.journey.model.offers import Mark


class Proposition(msgspec.Struct, array_like=True):
    """An offer that somebody got by a decision, at a placement.

    key          as core/delivery/proposition_key.py makes it, the same for ever
    is_fallback  there was none else
    marks        what became of it, each with its first time
    deliveries   the keys of the messages that show it
    for_message  it was decided for one, and is given back if that does not go out
    score        by which it was ranked, of one that was asked for by a request
    total        it was granted by whoever counts the offer for everybody, who is told if it is given back
    groups       those that the person was in, by the text of what rankings that learn tell people apart by
    """

    key: str
    offer: str
    decision: str
    placement: str
    at: int
    is_fallback: bool = False
    marks: dict[Mark, int] = {}
    deliveries: list[str] = []
    for_message: bool = False
    score: int | float | None = None
    total: bool = False
    groups: dict[str, str] = {}


class AnsweredRequest(msgspec.Struct, frozen=True, array_like=True):
    """A request by which somebody was given offers, or nothing.

    request  its id
    asked    a digest of what was asked for (`requests.digest_of`)
    keys     of the propositions that she got by it, the first asked for first
    """

    request: str
    at: int
    asked: str
    keys: tuple[str, ...] = ()


class Picked(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a run keeps of a decision: the first offer that it chose.

    key    of the proposition
    score  by which it was ranked, None where there is none
    """

    key: str
    offer: str
    decision: str
    placement: str
    score: int | float | None = None
    is_fallback: bool = False


class Count(msgspec.Struct, array_like=True):
    """How often something happened.

    ever   in all
    times  the newest instants in rising order, as far as the windows of caps reach
    """

    ever: int = 0
    times: list[int] = []

    def within(self, window_ms: int, now_ms: int) -> int:
        """How often in (now - window, now]."""
        return max(bisect_right(self.times, now_ms) - bisect_right(self.times, now_ms - window_ms), 0)

    def add(self, at: int, windows_ms: tuple[int, ...], most: int) -> None:
        """Count one more. Of instants the newest `most` are kept, and none that is before every window."""
        self.ever += 1
        if windows_ms:
            insort(self.times, at)
            first = bisect_right(self.times, at - max(windows_ms))
            self.times = self.times[max(first, len(self.times) - most) :]

    def take_back(self, at: int) -> None:
        """Count one less, of those at this instant."""
        self.ever = max(self.ever - 1, 0)
        if at in self.times:
            self.times.remove(at)


class Tally(msgspec.Struct, array_like=True):
    """What is counted of one offer for the caps of one person.

    unseen  when the offer was decided, of those that may still be shown
    newest  when any of it changed last
    """

    decided: Count = msgspec.field(default_factory=Count)
    shown: Count = msgspec.field(default_factory=Count)
    clicked: Count = msgspec.field(default_factory=Count)
    unseen: list[int] = []
    newest: int = 0

    def pending(self, pending_ms: int, now_ms: int) -> int:
        """How many were decided in (now - pending, now] and may still be shown."""
        return sum(now_ms - pending_ms < at <= now_ms for at in self.unseen)


class OffersKept(msgspec.Struct, array_like=True):
    """What is remembered of the offers that one person got.

    propositions  the oldest first
    tallies       by offer, of those that have caps
    answered      the oldest first
    """

    propositions: list[Proposition] = []
    tallies: dict[str, Tally] = {}
    answered: list[AnsweredRequest] = []
