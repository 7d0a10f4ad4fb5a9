"""In which order are total caps answered under virtual time? By the instant, the person and the place in her decision.

Shards run ahead of each other, and so do people within a shard: somebody with later events has gone through more of her
timers than somebody without. So before anybody is answered who asks at an instant, all timers up to it fire everywhere.
Those who ask at the earliest instant are answered in one round, what was returned up to then going before. What follows
from an answer is asked in a round after it, at the same instant or later. None of that depends on the number of shards.

The counts are kept here: under virtual time there is one who drives all shards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from parcours.core.offers.totals import TotalAnswer, TotalAsk, TotalCount, TotalReturn
from parcours.journey.program import Program
from parcours.routing.ports import ShardPort
from parcours.shard.requests import AnswerTotals, CollectTotals

PassTo: TypeAlias = Callable[[int], Awaitable[None]]
"""Fires all timers before a time, everywhere, and waits until no receipt is outstanding."""


class TotalRounds:
    """Asks the shards what is asked, and answers.

    program   what is published now
    are_told  whether the answers are among the inputs, so that nobody is asked
    """

    def __init__(self, ports: Sequence[ShardPort], program: Program, pass_to: PassTo) -> None:
        self._ports = ports
        self.program = program
        self.are_told = False
        self._pass_to = pass_to
        self._counts: defaultdict[str, TotalCount] = defaultdict(TotalCount)
        self._returned: list[TotalReturn] = []

    @property
    def are_asked(self) -> bool:
        """Whether anybody may ask here."""
        return self.program.offers.has_totals and not self.are_told

    async def answer(self, before_ms: int, *, fires: bool = True) -> None:
        """Answer all that is asked before this time; everything has happened that comes before it from outside.

        fires  whether timers of an instant fire before it is answered what is asked then
        """
        while self.are_asked and (asked := await self._asked()):
            at = min(ask.at for _, _, ask in asked)
            if at >= before_ms:
                return
            await self._pass_to(at + fires)
            asked = [each for each in await self._asked() if each[2].at <= at]
            if all(ask.at == at for _, _, ask in asked):
                await self._answer_round(at, asked)
                await self._pass_to(at + fires)

    async def _asked(self) -> list[tuple[int, str, TotalAsk]]:
        """What is asked, with the shard and the person; what was returned meanwhile is noted."""
        asked: list[tuple[int, str, TotalAsk]] = []
        for number, port in enumerate(self._ports):
            told = await port.ask(CollectTotals())
            asked += ((number, person, ask) for person, ask in told.asks)
            self._returned += told.returned
        return asked

    async def _answer_round(self, at: int, asked: Sequence[tuple[int, str, TotalAsk]]) -> None:
        self._take_back(at)
        answers: dict[int, dict[str, list[TotalAnswer]]] = defaultdict(lambda: defaultdict(list))
        for number, person, ask in sorted(asked, key=lambda each: each[1].encode()):  # of one person as they were asked
            offer = self.program.offers.offers.get(ask.offer)
            why = self._counts[ask.offer].take(offer, at, self.program.timezone)
            answers[number][person].append(TotalAnswer(ask, "refused" if why else "granted", why))
        for number, by_person in answers.items():
            await self._ports[number].ask(AnswerTotals([*by_person.items()]))

    def _take_back(self, at: int) -> None:
        """What was returned up to an instant is there again."""
        for each in self._returned:
            if each.at <= at:
                self._counts[each.offer].give_back(each.decided_at, self.program.timezone)
        self._returned = [each for each in self._returned if each.at > at]
