"""Total caps in the core: what a decision misses, what it does with answers, and how everybody together is counted."""

from __future__ import annotations

import pytest
from tests.projects import write_texts

from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.core.advance import advance
from parcours.core.effect import Effects
from parcours.core.fact import Decided
from parcours.core.input import AskedAt, DecisionAsked, EventHappened, PersonJoined
from parcours.core.offers.totals import (
    DAYS_MAX,
    TotalAnswer,
    TotalAsk,
    TotalCount,
    TotalOutcome,
    TotalReturn,
    Unanswered,
    never_asked,
    unused,
)
from parcours.core.profile import Profile, decode_profile, encode_profile
from parcours.insight.offer_words import decision_sentence
from parcours.journey.offers import Offer
from parcours.journey.program import Program
from parcours.journey.project import Project

NOON = 1_774_008_000_000
"""20 March 2026, 12:00 UTC."""

SHOP = {
    "parcours.yaml": "project: shop\ntimezone: Europe/Rome\npolicies: {consent: {default: opt_out}}\n",
    "profile.yaml": "traits: {email: string}\n",
    "events.yaml": "events: {Told: {}, Gone: {}}\n",
    "offers.yaml": """\
        placements:
          one: {channel: web, format: text}
          two: {channel: web, format: text}
          hero: {channel: email, format: text}
        offers:
          few:
            priority: 9
            caps: [{max: 2, by: everybody}]
            content: {one: {text: F}, two: {text: F}, hero: {text: F}}
          day: {priority: 8, caps: [{max: 1, by: everybody, per: day}], content: {one: {text: D}, two: {text: D}}}
          rest: {content: {one: {text: R}, two: {text: R}, hero: {text: R}}}
        decisions:
          best: {choose: [{collection: all}]}
          both: {choose: [{collection: all}], count: 2}
          any: {choose: [{collection: all}], distinct: false}
          last: {choose: [{collection: all, when: 1 > 2}], fallback: few}
    """,
    "messages/hero.yaml": """\
        message: hero
        class: transactional
        offers: {hero: {decision: best, placement: {email: hero}}}
        email: {subject: Hello, text: "{{ offers.hero.content }}"}
    """,
    "journeys/tell.yaml": """\
        journey: tell
        entry: {event: Told}
        exit: [{event: Gone}]
        steps: [{id: tell, send: hero}, {id: stay, wait: 1d}]
    """,
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("shop")
    write_texts(folder, SHOP)
    return Project.load(folder).program


class Life:
    """A person, and what total caps have answered her; `asked` has round by round what was missing."""

    def __init__(self, program: Program, **outcomes: TotalOutcome) -> None:
        self.program = program
        self.profile = Profile()
        self.outcomes = outcomes
        self.asked: list[list[str]] = []
        self.known: dict[TotalAsk, TotalAnswer] = {}

    def decide(self, *asked: tuple[str, str]) -> list[list[str]]:
        effects = self.apply(DecisionAsked(NOON, "r1", tuple(AskedAt(*each) for each in asked)))
        return [[offer.offer for offer in each.offers] for each in effects.facts if isinstance(each, Decided)]

    def apply(self, given: DecisionAsked | EventHappened) -> Effects:
        before = encode_profile(self.profile)
        while True:
            try:
                return advance("u1", self.profile, given, self.program, Settings(), answers=self.known.get)
            except Unanswered as unanswered:
                self.asked.append([each.offer for each in unanswered.asks])
                self.profile = decode_profile(before)
                for each in unanswered.asks:
                    self.known[each] = TotalAnswer(each, self.outcomes.get(each.offer, "granted"))


def test_nothing_has_happened_where_an_answer_is_missing(program: Program) -> None:
    def nothing(ask: TotalAsk) -> None:
        del ask

    given = DecisionAsked(NOON, "r1", (AskedAt("best", "one"),))
    with pytest.raises(Unanswered) as missing:
        advance("u1", Profile(), given, program, Settings(), answers=nothing)

    assert missing.value.asks == (TotalAsk("few", "r1", 0, NOON),)


def test_all_that_is_missing_is_asked_for_together(program: Program) -> None:
    life = Life(program)

    assert life.decide(("both", "one"), ("any", "two")) == [["few", "day"], ["few"]]
    assert life.asked == [["few", "day", "few"]]


def test_what_follows_from_a_refusal_is_asked_for_in_a_round_after_it(program: Program) -> None:
    life = Life(program, few="refused", day="unknown")

    assert life.decide(("best", "one"), ("best", "two")) == [["rest"], []]
    assert life.asked == [["few", "day"]]


def test_what_was_granted_for_one_placement_may_go_to_another(program: Program) -> None:
    life = Life(program, few="refused")

    effects = life.apply(DecisionAsked(NOON, "r1", (AskedAt("best", "one"), AskedAt("best", "two"))))

    assert [[o.offer for o in each.offers] for each in effects.facts if isinstance(each, Decided)] == [
        ["day"],
        ["rest"],
    ]
    assert life.asked == [["few", "day"]] and unused(life.known.values(), effects.taken, NOON) == ()


def test_what_was_granted_and_not_chosen_is_returned() -> None:
    asks = [TotalAsk(offer, "r1", 0, NOON) for offer in ("few", "day", "rest")]
    answers = [TotalAnswer(ask, "refused" if ask.offer == "rest" else "granted") for ask in asks]

    assert unused(answers, asks[:1], NOON + 5) == (TotalReturn("day", NOON, NOON + 5),)


def test_the_reason_is_told(program: Program) -> None:
    life = Life(program, few="refused", day="unknown")

    (fact,) = (
        each for each in life.apply(DecisionAsked(NOON, "r1", (AskedAt("best", "one"),))).facts
        if isinstance(each, Decided)
    )  # fmt: skip

    letters = {offer: letter for offer, letter, *_ in fact.trace[0].looked}
    assert letters == {"few": "t", "day": "u", "rest": "c"}
    assert decision_sentence(fact) == (
        "best at one: rest (score 0); few: capped (score 9); day: perhaps capped (score 8)"
    )


def test_a_fallback_asks_for_nothing(program: Program) -> None:
    life = Life(program)

    assert life.decide(("last", "one")) == [["few"]] and life.asked == []


def test_to_try_supposes_that_there_is_some_left(program: Program) -> None:
    facts = advance("u1", Profile(), DecisionAsked(NOON, "", (AskedAt("both", "one"),)), program, Settings()).facts

    assert [[o.offer for o in each.offers] for each in facts if isinstance(each, Decided)] == [["few", "day"]]


def test_where_nobody_can_be_asked_the_next_offer_is_taken(program: Program) -> None:
    given = DecisionAsked(NOON, "", (AskedAt("both", "one"),))
    facts = advance("u1", Profile(), given, program, Settings(), answers=never_asked).facts

    assert [[o.offer for o in each.offers] for each in facts if isinstance(each, Decided)] == [["rest"]]


def test_what_a_cancelled_message_would_have_shown_is_returned(program: Program) -> None:
    life = Life(program)
    life.profile.traits = {"email": "anna@mail.example"}
    life.apply(EventHappened(NOON, ("Told",), {}))

    effects = life.apply(EventHappened(NOON + HOUR_MS, ("Gone",), {}))

    assert life.asked == [["few"]] and effects.returned == (TotalReturn("few", NOON, NOON + HOUR_MS),)


def test_what_a_visitor_was_to_be_shown_is_returned_where_her_history_is_not_used(program: Program) -> None:
    visitor = Life(program)
    visitor.profile.traits = {"email": "anna@mail.example"}
    visitor.apply(EventHappened(NOON, ("Told",), {}))

    joined = PersonJoined(NOON + HOUR_MS, "@anonymous/v", "identify", visitor.profile)
    effects = advance("u1", Profile(), joined, program, Settings())

    assert effects.returned == (TotalReturn("few", NOON, NOON + HOUR_MS),)


# Counting


def offer(program: Program, name: str) -> Offer:
    return program.offers.offers[name]


def test_everybody_together_is_counted_up_to_the_cap(program: Program) -> None:
    count, few = TotalCount(), offer(program, "few")

    assert [count.take(few, NOON, "UTC") for _ in range(3)] == ["", "", "2 of 2 for everybody"]
    count.give_back(NOON, "UTC")
    assert [count.take(few, NOON, "UTC") for _ in range(2)] == ["", "2 of 2 for everybody"]


def test_a_day_is_one_of_the_projects_zone(program: Program) -> None:
    count, day = TotalCount(), offer(program, "day")
    before_midnight = NOON + 10 * HOUR_MS + HOUR_MS // 2  # half past eleven in Rome

    assert count.take(day, NOON, "Europe/Rome") == ""
    assert count.take(day, before_midnight, "Europe/Rome") == "1 of 1 for everybody that day"
    assert count.take(day, before_midnight + HOUR_MS, "Europe/Rome") == ""
    count.give_back(NOON, "Europe/Rome")
    assert count.take(day, NOON + 1, "Europe/Rome") == ""


def test_days_are_remembered_as_far_as_there_is_room(program: Program) -> None:
    count, day = TotalCount(), offer(program, "day")
    for number in range(DAYS_MAX + 1):
        assert count.take(day, NOON + number * DAY_MS, "UTC") == ""

    assert len(count.days) == DAYS_MAX
    assert count.take(day, NOON, "UTC") == "it was decided too long ago"
    assert count.take(day, NOON + DAY_MS, "UTC") == "1 of 1 for everybody that day"
