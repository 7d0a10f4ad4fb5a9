"""What becomes of the lines of one call? Answered lane by lane, and batch by batch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from parcours.shard.messages import LineOutcome


class Taken:
    """What became of the lines of one call: counts, and the rejected by their place in the call, from 0.

    accepted    durable and applied, or of an event that nothing listens to; `undeclared` of them have a name that the
                project does not declare
    alone       how many of those the router has answered by itself (alone.py)
    duplicate   recognised by their message id; `repeated` has their places, in no order
    rejected    (place, reason)
    done        this, once all lines have been answered; or why they are not. Then some of them may be all the same
    """

    __slots__ = ("_answered", "_left", "accepted", "alone", "done", "duplicate", "rejected", "repeated", "undeclared")

    def __init__(self, lines: int, done: asyncio.Future[Taken]) -> None:
        self.done = done
        self._answered: list[Sequence[int]] = []
        self.accepted = self.alone = 0
        self.duplicate = 0
        self.undeclared = 0
        self.rejected: list[tuple[int, str]] = []
        self.repeated: list[int] = []
        self._left = lines

    def count(self, outcomes: bytes, places: Sequence[int], reasons: Iterator[str]) -> None:
        """Lines at these places of the call have been answered; `reasons` yields those of rejected ones."""
        rejected = outcomes.count(LineOutcome.REJECTED)
        duplicate = outcomes.count(LineOutcome.DUPLICATE)
        if rejected:
            answered = zip(places, outcomes, strict=True)
            self.rejected += [(place, next(reasons)) for place, each in answered if each == LineOutcome.REJECTED]
        if duplicate:
            answered = zip(places, outcomes, strict=True)
            self.repeated += [place for place, each in answered if each == LineOutcome.DUPLICATE]
        self.duplicate += duplicate
        self.undeclared += outcomes.count(LineOutcome.UNDECLARED)
        self.accepted += len(outcomes) - duplicate - rejected
        self._answered.append(places)
        self.settle(len(places))

    def answer_alone(self, places: Sequence[int], undeclared: int) -> None:
        """Nothing listens to the lines at these places, and there is no more to be done for them."""
        self.accepted += len(places)
        self.alone += len(places)
        self.undeclared += undeclared
        self._answered.append(places)
        self.settle(len(places))

    def committed(self) -> list[int]:
        """The places of lines that are durable by now, whether they were new or not, or need not be."""
        rejected = {place for place, _ in self.rejected}
        return sorted(place for places in self._answered for place in places if place not in rejected)

    def settle(self, lines: int) -> None:
        """So many more lines have been dealt with."""
        self._left -= lines
        if self._left == 0 and not self.done.done():
            self.rejected.sort()
            self.done.set_result(self)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)
