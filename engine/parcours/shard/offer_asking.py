"""Asking: how often everybody together may get an offer is asked of the shard that counts it, for somebody's decision.

What has asked waits as if it had not happened, and the person stands still: her lines wait with their routers, all else
that happens to her waits here (stash.py). Once each answer is known it happens at its own time, and then the rest does.

    AskTotal     the person's shard asks; sent by the commit from which on she stands still
    AnswerTotal  one was counted for her, or there is none left
    ReturnTotal  nobody has got that one after all: what was granted too late, or has not been chosen, or did not go out

Where the offer is counted in her own shard, that is asked and answered on the spot. After `decision_timeout_ms`, half
of it where somebody asks for the decision, nobody waits any more: the answer is `unknown`, and one that comes later is
returned.

Under virtual time nobody is sent a message: whoever drives the shards takes what is asked, and answers in an order that
is the same for any number of them (simulation/total_rounds.py). A twin is told the answers by lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import TypeAlias

from parcours.config import Settings
from parcours.core.effect import Effects
from parcours.core.input import DecisionAsked, Input, PersonJoined, TimePassed, TotalsAnswered
from parcours.core.offers.totals import Answers, TotalAnswer, TotalAsk, TotalReturn, never_asked, unused
from parcours.shard.archiving import Archiving
from parcours.shard.found import TotalsAsked
from parcours.shard.names import Names
from parcours.shard.offer_totals import OfferTotals, name_of_offer
from parcours.shard.peer_messages import AnswerTotal, AskTotal, ReturnTotal, TotalMessage
from parcours.shard.peers import Peers
from parcours.shard.published import Published
from parcours.shard.stored_stash import restore_stash
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.work import Work

GoOn: TypeAlias = Callable[[Work, int, str], None]
"""Lets somebody go on who has stood still, if she waits for nothing else."""


class OfferAsking:
    """Of one shard. Live it asks other shards, and counts itself.

    go_on  is set by whoever carries out what has waited (claiming.py)
    """

    go_on: GoOn

    def __init__(
        self,
        names: Names,
        peers: Peers,
        published: Published,
        archiving: Archiving,
        time: Timekeeping,
        settings: Settings,
    ) -> None:
        self._names = names
        self._peers = peers
        self._published = published
        self._archiving = archiving
        self._time = time
        self._stash = time.stash
        self._settings = settings
        self.totals = OfferTotals()
        self._answers: dict[str, dict[TotalAsk, TotalAnswer]] = {}
        """By person, what is known to an input of hers that is about to be applied again."""

        self._deadlines: list[tuple[int, str]] = []
        self._returned: list[TotalReturn] = []

    def restore(self, own: Mapping[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot."""
        self.totals.restore(own)
        restore_stash(self._stash, own)
        for person in self._stash:
            self._note_deadline(person)
            self._names.wait(person)

    def forget_removed(self, work: Work) -> None:
        """Forget the counts of offers that are published no more."""
        self.totals.forget_removed(work, self._published.program, self._settings)

    def waits(self, person: str) -> bool:
        """Whether a decision about the person waits for an answer, which comes within `decision_timeout_ms`.

        It does until the commit of what has ended that, before which nobody may look at what she has got: the shard
        answers in the midst of a long work, too.
        """
        return person in self._stash.asking or (self._time.keeps_stash and person in self._stash.changed)

    # For whoever applies inputs

    def goes_on(self, person: str) -> bool:
        """Whether something of hers has its answers, and is about to be applied again."""
        return person in self._answers

    def answers(self, work: Work, person: str, given: Input) -> Answers:
        """What is known to this input. Nobody is asked where two people become one: neither could wait for it."""
        if type(given) is PersonJoined or work.is_guest(person):
            return never_asked
        return self._answers.get(person, {}).get

    def ask(self, work: Work, person: str, given: Input, asks: tuple[TotalAsk, ...]) -> bool:
        """Ask what an input misses; whether all is known at once. If not, the person stands still from now on."""
        known = self._answers.setdefault(person, {})
        if self._time.wakes_itself:
            for each in asks:
                self._ask(work, person, each, known)
            if all(each in known for each in asks):
                self._note(work, person)
                return True
            is_asked_for = type(given) is DecisionAsked
            patience_ms = self._settings.decision_timeout_ms // (2 if is_asked_for else 1)
            self._stash.ask(person, asks, known, work.stamp_ms + patience_ms)
            self._note_deadline(person)
            self._names.wait(person)
        else:
            self._stash.ask(person, asks, known, 0)
        del self._answers[person]
        return False

    def settle(self, work: Work, person: str, at: int, effects: Effects) -> None:
        """An input of this time has been applied: what was granted for it and not chosen is returned."""
        returned = effects.returned
        if (known := self._answers.get(person)) is not None:
            if self._time.hands_out:
                del self._answers[person]
                returned += unused(known.values(), effects.taken, at)
            elif effects.taken or all(each.at < at for each in known):
                del self._answers[person]
        for each in returned:
            self._return(work, each)

    # Live

    def take(self, work: Work, message: TotalMessage) -> None:
        """What a message of another shard leads to."""
        match message:
            case AskTotal(person=person, ask=ask):
                answer = self.totals.take(work, ask, self._published.program)
                self._peers.send(work, self._names.shard(person), AnswerTotal(person, answer))
            case AnswerTotal(person=person, answer=answer):
                if answer.ask in self._stash.missing(person):
                    self._take_answers(work, person, (answer,))
                elif answer.outcome == "granted":
                    self._return(work, TotalReturn(answer.ask.offer, answer.ask.at, work.stamp_ms))
            case ReturnTotal(returned=returned):
                self.totals.give_back(work, returned, self._published.program)

    def expire(self, work: Work) -> None:
        """Go on without answers that have not come in time."""
        while self._deadlines and self._deadlines[0][0] < work.stamp_ms:
            until, person = heappop(self._deadlines)
            if self._stash.until(person) == until:
                missing = self._stash.missing(person)
                self._take_answers(work, person, [TotalAnswer(each, "unknown", "no answer came") for each in missing])

    def next_ms(self) -> int | None:
        """Until then nobody has to go on without an answer; None if nobody waits for one."""
        while self._deadlines and self._stash.until(self._deadlines[0][1]) != self._deadlines[0][0]:
            heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def _ask(self, work: Work, person: str, ask: TotalAsk, known: dict[TotalAsk, TotalAnswer]) -> None:
        name = name_of_offer(ask.offer)
        if self._names.is_here(name):
            known[ask] = self.totals.take(work, ask, self._published.program)
        elif self._peers.has_room(shard := self._names.shard(name)):
            self._peers.send(work, shard, AskTotal(person, ask))
        else:
            known[ask] = TotalAnswer(ask, "unknown", "too many messages wait for the shard that counts")

    def _return(self, work: Work, returned: TotalReturn) -> None:
        name = name_of_offer(returned.offer)
        if not self._time.wakes_itself:
            self._returned.append(returned)
        elif self._names.is_here(name):
            self.totals.give_back(work, returned, self._published.program)
        else:
            self._peers.send(work, self._names.shard(name), ReturnTotal(returned))

    def _note_deadline(self, person: str) -> None:
        if (until := self._stash.until(person)) is not None:
            heappush(self._deadlines, (until, person))

    # Under virtual time

    def collect(self) -> TotalsAsked:
        """What is asked and not answered, and what was returned since the last call."""
        returned, self._returned = self._returned, []
        return TotalsAsked([*self._stash.asked()], returned)

    def take_answers(self, work: Work, answers: Iterable[tuple[str, Sequence[TotalAnswer]]]) -> None:
        """These people's questions are answered."""
        for person, answered in answers:
            self._take_answers(work, person, answered)

    def take_told(self, work: Work, person: str, told: TotalsAnswered) -> None:
        """A twin is told what was answered then: to what has asked already, or to what will ask at that instant."""
        if self._stash.missing(person):
            self._take_answers(work, person, told.answers)
        else:
            self._answers[person] = {each.ask: each for each in told.answers}

    def _take_answers(self, work: Work, person: str, answers: Iterable[TotalAnswer]) -> None:
        for each in answers:
            self._stash.take_answer(person, each)
        if not self._stash.missing(person):
            self._answers[person] = self._stash.answers(person)
            self._note(work, person)
            self._let_go_on(work, person)

    def _let_go_on(self, work: Work, person: str) -> None:
        """Apply again what has asked, and after it what has waited, until she stands still again."""
        going = self._stash.with_followers(person) if self._time.wakes_itself else []
        for name in going:
            self._time.put_aside(name, (TimePassed(work.stamp_ms),))  # timers that have waited are in no wheel any more
            self._names.go_on(name)
        self.go_on(work, self._names.slot(person), person)
        for name in going:
            if name in self._stash:
                self._names.wait(name)

    def _note(self, work: Work, person: str) -> None:
        """Keep what was answered as an input of the person."""
        if self._time.wakes_itself:
            given = TotalsAnswered(work.stamp_ms, tuple(self._answers[person].values()))
            self._archiving.note(work, person, given)
