"""The chooser gives made-up people the offers that an independent one gives them, with the same reasons."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from random import Random
from typing import Any

import pytest
from tests.model.choices import MARKS, NOW, PLACES, document, somebody, world
from tests.model.reference.chooser import DAY, HOUR, Choosing, Got, Somebody

from parcours.config import Settings
from parcours.core.delivery.proposition_key import proposition_key
from parcours.core.history import PersonHistory
from parcours.core.offers.answer import Answer, Chosen
from parcours.core.offers.choosing import Asked, Asker, choose
from parcours.core.offers.lessons import Lesson
from parcours.core.offers.remembering import give_back, mark, remember
from parcours.core.offers.state import OffersKept, Proposition
from parcours.core.offers.totals import TotalAnswer, TotalAsk, TotalCount, TotalsAtHand, unused
from parcours.core.profile import Profile
from parcours.core.series_entries import SeriesEntries
from parcours.expression.expression import Scope
from parcours.journey.model.document import EventsDocument, ProfileDocument, ProjectDocument
from parcours.journey.model.offers import OffersDocument
from parcours.journey.program import Program
from parcours.journey.project import Project

PAUSES = (0, 1, HOUR // 2 - 1, HOUR // 2, HOUR - 1, HOUR, DAY - 1, DAY, 7 * DAY, 30 * DAY)


def compiled(world: dict[str, Any]) -> Program:
    return Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument.model_validate({"traits": {"age": "number", "weight": "number"}}),
        EventsDocument.model_validate({"events": {"Booked": {}}}),
        offers=OffersDocument.model_validate(document(world)),
    ).program


class Counts:
    """How often all people together got each offer, as whoever counts that has it, and as it happened."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.by_offer: dict[str, TotalCount] = defaultdict(TotalCount)
        self.everybody: list[Got] = []

    def answer(self, ask: TotalAsk) -> TotalAnswer:
        why = self.by_offer[ask.offer].take(self.program.offers.offers[ask.offer], ask.at, self.program.timezone)
        return TotalAnswer(ask, "refused" if why else "granted", why)

    def give_back(self, offer: str, decided_at: int) -> None:
        self.by_offer[offer].give_back(decided_at, self.program.timezone)

    def check(self) -> None:
        """Nothing that was granted and not used is kept from everybody."""
        had = Counter(each.offer for each in self.everybody if not each.returned and not each.is_fallback)
        for name, count in self.by_offer.items():
            assert (count.ever, sum(count.days.values())) == (had[name], had[name])


class Life:
    """One person, whom both choosers know."""

    def __init__(
        self, chance: Random, world: dict[str, Any], program: Program, settings: Settings, counts: Counts
    ) -> None:
        self.chance, self.world, self.program, self.settings = chance, world, program, settings
        self.counts = counts
        self.person: Somebody = somebody(chance)
        self.kept, self.keys, self.seen = OffersKept(), list[str](), Counter[str]()
        self.profile = Profile(traits=self.person.traits)
        for series in program.series.get("Booked", ()):
            entries = self.profile.series.setdefault(series.key, SeriesEntries())
            for at in self.person.booked:
                entries.add(at, 1)

    def ask(self, now: int) -> None:
        """Ask both for the same, compare what they say, and let it come true."""
        asked = [self._asked() for _ in range(self.chance.choice((1, 1, 2, 3)))]
        silent = {name for name in self.world["offers"] if self.chance.random() < 0.1}
        choosing = Choosing(self.world, self.person, now, self.counts.everybody, silent)

        answers, taken = self._chosen(asked, now, silent)

        for each, answer in zip(asked, answers, strict=True):
            chosen, reasons = choosing.answer(each.decision, each.placement, each.count, dict(each.context))
            assert [(got.offer, got.strategy) for got in answer.chosen] == [(name, at) for name, _, at in chosen]
            for got, (_, score, _) in zip(answer.chosen, chosen, strict=True):
                assert got.score == (score if not isinstance(score, float) else pytest.approx(score, rel=1e-9))
            assert told(answer) == reasons
            self.seen.update(look.reason for tried in answer.tried for look in tried.looked)
            self.seen["answers"] += 1
            self.seen["fallback"] += bool(answer.chosen and answer.chosen[0].is_fallback)
        for answer in answers:
            for place, got in enumerate(answer.chosen):
                self._got(answer, got, place, now, taken)
        self.counts.check()

    def _chosen(self, asked: list[Asked], now: int, silent: set[str]) -> tuple[tuple[Answer, ...], list[TotalAsk]]:
        """What is chosen once all is known that total caps have to answer, and what was granted for it and used."""
        known: dict[TotalAsk, TotalAnswer] = {}
        while True:
            scope = Scope(profile=self.person.traits, now_ms=now, history=PersonHistory(self.profile, self.program))
            totals = TotalsAtHand(known.get, str(len(self.keys)))
            knows = lessons(self.world, self.program)
            asker = Asker(self.person.name, scope, self.kept, self.person.personalise, knows, totals)
            answers = choose(self.program.offers, asker, asked, self.settings)
            if not totals.missing:
                break
            for ask in totals.missing:
                known[ask] = TotalAnswer(ask, "unknown") if ask.offer in silent else self.counts.answer(ask)
        for each in unused(known.values(), totals.taken, now):
            self.counts.give_back(each.offer, each.decided_at)
        return answers, totals.taken

    def _asked(self) -> Asked:
        context = {"page": self.chance.randint(-1, 2)} if self.chance.random() < 0.7 else {}
        decision, placement = self.chance.choice(("best", "second")), self.chance.choice(PLACES)
        return Asked(decision, placement, self.chance.choice((None, None, 1, 4)), context)

    def _got(self, answer: Answer, got: Chosen, place: int, now: int, taken: list[TotalAsk]) -> None:
        key = proposition_key("shop", self.person.name, answer.decision, answer.placement, str(len(self.keys)), place)
        is_total = not got.is_fallback and any(each.offer == got.offer for each in taken)
        proposition = Proposition(key, got.offer, answer.decision, answer.placement, now, total=is_total)
        assert remember(self.kept, self.program.offers, proposition, self.settings)
        self.keys.append(key)
        self.person.past.append(Got(got.offer, now, got.is_fallback))
        self.counts.everybody.append(self.person.past[-1])

    def happen(self, now: int) -> None:
        """Something becomes of an offer that she got lately."""
        if not self.keys:
            return
        number = self.chance.randrange(max(len(self.keys) - 6, 0), len(self.keys))
        if self.chance.random() < 0.15:
            back = give_back(self.kept, self.keys[number])
            if back is not None and back.total:
                self.counts.give_back(back.offer, back.at)
            self.person.took_back(number, self.settings.propositions_max)
        else:
            what: Any = self.chance.choice(MARKS)
            mark(self.kept, self.program.offers, self.keys[number], what, now, self.settings)
            self.person.marked(number, what, now, self.settings.propositions_max)


def lessons(world: dict[str, Any], program: Program) -> dict[str, Lesson]:
    """What each ranking knows; groups are named by a hash of what tells people apart and its value."""
    told: dict[str, Lesson] = {}
    for ranking in program.offers.learned:
        _, _, _, cases, *more = world["rankings"][ranking.name]
        if len(more) > 1:
            name = hashlib.blake2b(f"profile.{more[1]}\0001".encode()).hexdigest()[:16]
            told[ranking.subject] = Lesson({"": cases[""], name: cases["1"]})
        else:
            told[ranking.subject] = Lesson({"": cases})
    return told


def told(answer: Answer) -> dict[int, Any]:
    return {
        tried.strategy: None if tried.unmet is not None else {look.offer: look.reason for look in tried.looked}
        for tried in answer.tried
    }


@pytest.mark.parametrize("block", range(8))
def test_everybody_gets_what_an_independent_chooser_gives_her(block: int) -> None:
    seen = Counter[str]()
    for seed in range(block * 10, block * 10 + 10):
        chance = Random(seed)
        made = world(chance)
        program, settings = compiled(made), Settings(propositions_max=chance.choice((3, 50)))
        counts = Counts(program)
        for _ in range(5):
            life, now = Life(chance, made, program, settings, counts), NOW
            for _ in range(16):
                now += chance.choice(PAUSES)
                try:
                    life.ask(now) if chance.random() < 0.6 else life.happen(now)
                except AssertionError as error:
                    raise AssertionError(f"seed {seed} at {now - NOW}: {made} {life.person}") from error
            seen += life.seen
    assert seen["answers"] > 500
    assert not {
        "chosen", "outranked", "no_content", "not_started", "ended", "not_eligible", "capped", "already_chosen",
        "no_personalisation", "capped_total", "capped_total_unknown", "fallback",
    } - seen.keys()  # fmt: skip
