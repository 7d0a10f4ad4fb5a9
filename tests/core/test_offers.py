"""Which offers somebody gets and why not the others, and what is remembered of those that she got."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isclose
from typing import Any

import msgspec
import pytest

from parcours.config import Settings
from parcours.core.delivery.delivery_key import place_in
from parcours.core.delivery.proposition_key import code_of, proposition_key, read_code
from parcours.core.identity import slot_of
from parcours.core.offers.answer import Answer
from parcours.core.offers.bandit import drawn
from parcours.core.offers.choosing import Asked, Asker, choose
from parcours.core.offers.lessons import Lesson
from parcours.core.offers.remembering import forget, give_back, joined, mark, remember
from parcours.core.offers.state import Count, OffersKept, Proposition, Tally
from parcours.expression.expression import Scope
from parcours.journey.model.document import EventsDocument, ProfileDocument, ProjectDocument
from parcours.journey.model.offers import CAP_MAX, Mark, OffersDocument
from parcours.journey.offers import Offers
from parcours.journey.project import Project

NOW = 1_772_442_000_000
HOUR = 3_600_000
DAY = 24 * HOUR
SETTINGS = Settings()
CONTENT = {"banner": {"text": "?"}}


def offers_of(offers: Mapping[str, Any], decision: Mapping[str, Any] | None = None, **rankings: Any) -> Offers:
    """Offers at the placement `banner`, and a decision `best` over all of them unless another one is given."""
    chosen = {"choose": [{"collection": "all"}], "count": 30, **(decision or {})}
    return Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument.model_validate({"traits": {"age": "number", "name": "string"}}),
        EventsDocument.model_validate({"events": {"Booked": {}}}),
        offers=OffersDocument.model_validate(
            {
                "placements": {each: {"channel": "web", "format": "text"} for each in ("banner", "side", "none")},
                "offers": {
                    name: {"content": CONTENT | {"side": {"text": "?"}}, **each} for name, each in offers.items()
                },
                "rankings": rankings,
                "decisions": {"best": {**chosen, "context": {"page": "string"}}},
            }
        ),
    ).program.offers


def asker(kept: OffersKept | None = None, now: int = NOW, **changes: Any) -> Asker:
    traits = changes.pop("traits", {})
    return Asker("sarah", Scope(profile=traits, now_ms=now), OffersKept() if kept is None else kept, **changes)


def names(answer: Answer) -> list[str]:
    return [each.offer for each in answer.chosen]


def reasons(answer: Answer, strategy: int = 0) -> dict[str, tuple[str, str]]:
    return {each.offer: (each.reason, each.why) for each in answer.tried[strategy].looked}


def one(offers: Offers, whom: Asker, placement: str = "banner", settings: Settings = SETTINGS) -> Answer:
    return choose(offers, whom, [Asked("best", placement)], settings, worded=True)[0]


def got(kept: OffersKept, offers: Offers, offer: str, at: int, key: str = "", settings: Settings = SETTINGS) -> str:
    """Remember that she got an offer; the key of it."""
    key = key or f"{offer}-{at}"
    assert remember(kept, offers, Proposition(key, offer, "best", "banner", at), settings)
    return key


def test_each_offer_has_the_first_thing_that_speaks_against_it() -> None:
    offers = offers_of(
        {
            "elsewhere": {"content": {"none": {"text": "?"}}, "starts": "2027-01-01"},
            "later": {"starts": "2026-03-02T09:00:00.001Z", "eligible": "false"},
            "past": {"ends": "2026-03-02T08:59:59.999Z", "eligible": "false"},
            "old": {"eligible": "profile.age > 60", "caps": [{"max": 1}]},
            "full": {"caps": [{"max": 5}, {"max": 1, "per": "30d"}]},
            "first": {"starts": "2026-03-02T09:00:00Z", "ends": "2026-03-02T09:00:00Z"},
        }
    )
    kept = OffersKept()
    got(kept, offers, "full", NOW - DAY)
    got(kept, offers, "old", NOW - DAY)

    answer = one(offers, asker(kept))

    assert names(answer) == ["first"]
    assert reasons(answer) == {
        "first": ("chosen", ""),
        "elsewhere": ("no_content", ""),
        "later": ("not_started", ""),
        "past": ("ended", ""),
        "old": ("not_eligible", "profile.age is missing"),
        "full": ("capped", "1 of 1 decided in 30 days"),
    }


def test_equals_go_by_priority_and_then_by_name_and_whoever_has_no_score_goes_last() -> None:
    offers = offers_of(
        {
            "b": {"attributes": {"rank": 1}},
            "a": {"attributes": {"rank": 1}},
            "B": {"attributes": {"rank": 1}},
            "high": {"attributes": {"rank": 1}, "priority": 1},
            "best": {"attributes": {"rank": 2.5}, "priority": -9},
            "gap": {"priority": 100},
            "less": {"attributes": {"rank": -1}},
            "nan": {"attributes": {"rank": 1e300}, "priority": 101},
        },
        {"choose": [{"collection": "all", "ranking": "gaps"}]},
        gaps={"formula": "offer.rank < 1e9 ? offer.rank * 1 : offer.rank * 1e300 - offer.rank * 1e300"},
    )

    answer = one(offers, asker())

    assert names(answer) == ["best", "high", "B", "a", "b", "less", "nan", "gap"]
    assert [each.score for each in answer.chosen] == [2.5, 1, 1, 1, 1, -1, None, None]


def test_strategies_fill_up_what_is_left_and_one_whose_condition_does_not_hold_is_passed_over() -> None:
    strategies = [
        {"collection": "all", "when": 'context.page == "yoga"'},
        {"collection": "all", "when": "profile.age > 3"},
        {"collection": "all"},
    ]
    offers = offers_of({"a": {}, "b": {"eligible": "profile.age > 50"}}, {"choose": strategies, "count": 1})

    answer = one(offers, asker(traits={"age": 9}))
    asked = [Asked("best", "banner", 2, {"page": "yoga"})]
    (two,) = choose(offers, asker(traits={"age": 60}), asked, SETTINGS)

    assert names(answer) == ["a"]
    assert [(each.strategy, each.unmet) for each in answer.tried] == [(0, "context.page is missing"), (1, None)]
    assert names(two) == ["a", "b"] and len(two.tried) == 1


def test_an_offer_comes_once_in_an_answer_unless_its_decision_does_not_mind() -> None:
    for distinct in (True, False):
        offers = offers_of({"a": {}, "b": {"priority": -1}}, {"count": 1, "distinct": distinct})
        asked = [Asked("best", "banner"), Asked("best", "side"), Asked("best", "side")]

        answers = choose(offers, asker(), asked, SETTINGS)

        assert [names(each) for each in answers] == ([["a"], ["b"], []] if distinct else [["a"], ["a"], ["b"]])


@pytest.mark.parametrize("first, then", [(True, False), (False, True), (False, False)])
def test_another_decision_gives_no_offer_again_that_stands_at_its_placement(first: bool, then: bool) -> None:
    choosing = {"choose": [{"collection": "all"}], "count": 1}
    placements = {"banner": {"channel": "web", "format": "text"}}
    offers = Project.of(
        ProjectDocument(project="shop"),
        offers=OffersDocument.model_validate(
            {
                "placements": placements,
                "offers": {name: {"content": {"banner": {"text": name}}} for name in "abc"},
                "decisions": {"one": {**choosing, "distinct": first}, "two": {**choosing, "distinct": then}},
            }
        ),
    ).program.offers

    answers = choose(offers, asker(), [Asked(each, "banner", 2) for each in ("one", "two")], SETTINGS)

    assert [names(each) for each in answers] == [["a", "b"], ["c"]]


def test_the_fallback_is_for_whom_there_is_nothing_else() -> None:
    last = {"eligible": "false", "ends": "2020-01-01", "caps": [{"max": 1}]}
    offers = offers_of({"a": {"eligible": "profile.age > 3"}, "last": last}, {"fallback": "last"})
    kept = OffersKept()
    got(kept, offers, "last", NOW)

    answers = choose(offers, asker(kept), [Asked("best", each) for each in ("banner", "side", "none")], SETTINGS)

    assert [names(each) for each in answers] == [["last"], ["last"], []]
    assert answers[0].chosen[0].is_fallback and answers[0].chosen[0].score is None
    assert names(one(offers, asker(kept, traits={"age": 4}))) == ["a"]


def test_whoever_wants_nothing_personal_gets_the_fallback() -> None:
    offers = offers_of({"a": {}, "last": {}}, {"fallback": "last"})

    answer = one(offers, asker(personalise=False))

    assert names(answer) == ["last"] and answer.chosen[0].is_fallback
    assert reasons(answer) == {"a": ("no_personalisation", ""), "last": ("no_personalisation", "")}


def test_a_cap_knows_what_the_same_answer_has_already() -> None:
    offers = offers_of({"a": {"caps": [{"max": 2, "of": "shown", "per": "1d"}]}}, {"distinct": False})

    answers = choose(offers, asker(), [Asked("best", at) for at in ("banner", "side", "banner")], SETTINGS)

    assert [names(each) for each in answers] == [["a"], ["a"], []]
    assert [reasons(each)["a"][0] for each in answers] == ["chosen", "chosen", "capped"]


@pytest.mark.parametrize("of", ["shown", "clicked"])
def test_what_was_not_seen_yet_counts_for_an_hour(of: str) -> None:
    offers, kept = offers_of({"a": {"caps": [{"max": 1, "of": of, "per": "30m"}]}}), OffersKept()
    key = got(kept, offers, "a", NOW)

    assert [names(one(offers, asker(kept, NOW + at))) for at in (0, HOUR - 1, HOUR)] == [[], [], ["a"]]
    assert mark(kept, offers, key, "clicked", NOW + 1, SETTINGS) == ("shown", "clicked")
    assert mark(kept, offers, key, "clicked", NOW + 2, SETTINGS) == ()
    after = [names(one(offers, asker(kept, NOW + at))) for at in (1, HOUR // 2, HOUR // 2 + 1)]
    assert after == [[], [], ["a"]]
    assert kept.propositions[0].marks == {"shown": NOW + 1, "clicked": NOW + 1}


def test_of_two_of_one_instant_the_one_that_was_not_seen_is_waited_for() -> None:
    offers, kept = offers_of({"a": {"caps": [{"max": 2, "of": "clicked"}]}}), OffersKept()
    seen, _ = got(kept, offers, "a", NOW, "seen"), got(kept, offers, "a", NOW, "unseen")

    for what, waiting in (("shown", 1), ("clicked", 1), ("dismissed", 1)):
        mark(kept, offers, seen, msgspec.convert(what, Mark), NOW, SETTINGS)
        assert len(kept.tallies["a"].unseen) == waiting, what

    assert names(one(offers, asker(kept))) == []
    assert give_back(kept, "unseen") is not None
    assert names(one(offers, asker(kept))) == ["a"]


def test_choosing_changes_nothing() -> None:
    offers, kept = offers_of({"a": {"caps": [{"max": 2}]}, "b": {}}), OffersKept()
    got(kept, offers, "a", NOW)
    whom = asker(kept, traits={"age": 3})
    before = msgspec.msgpack.encode((kept, whom.scope.context, whom.scope.offer))

    first, second = (choose(offers, whom, [Asked("best", "banner", 9, {"page": "x"})], SETTINGS) for _ in range(2))

    assert first == second
    assert msgspec.msgpack.encode((kept, whom.scope.context, whom.scope.offer)) == before


def test_what_was_dismissed_is_not_waited_for() -> None:
    offers, kept = offers_of({"a": {"caps": [{"max": 1, "of": "shown"}]}}), OffersKept()
    key = got(kept, offers, "a", NOW)

    assert mark(kept, offers, key, "dismissed", NOW, SETTINGS) == ("dismissed",)

    assert names(one(offers, asker(kept))) == ["a"]


def test_what_is_given_back_does_not_count() -> None:
    caps = [{"max": 1, "per": "1d"}, {"max": 1}, {"max": 1, "of": "shown"}]
    offers, kept = offers_of({"a": {"caps": caps}}), OffersKept()
    key = got(kept, offers, "a", NOW)
    assert names(one(offers, asker(kept))) == []

    assert give_back(kept, key) is not None

    assert names(one(offers, asker(kept))) == ["a"]
    assert give_back(kept, key) is None and mark(kept, offers, key, "shown", NOW, SETTINGS) is None
    shown = got(kept, offers, "a", NOW)
    mark(kept, offers, shown, "shown", NOW, SETTINGS)
    assert give_back(kept, shown) is None


def test_the_newest_propositions_can_be_marked_and_what_was_counted_stays() -> None:
    settings = Settings(propositions_max=2, propositions_for_ms=DAY)
    offers, kept = offers_of({"a": {"caps": [{"max": 3}]}}), OffersKept()
    keys = [got(kept, offers, "a", NOW + at, settings=settings) for at in range(3)]

    assert mark(kept, offers, keys[0], "shown", NOW + 3, settings) is None
    assert mark(kept, offers, keys[2], "shown", NOW + 3, settings) == ("shown",)
    assert mark(kept, offers, keys[1], "shown", NOW + 1 + DAY, settings) is None
    assert names(one(offers, asker(kept, NOW + 9 * DAY), settings=settings)) == []
    assert not remember(kept, offers, Proposition(keys[2], "a", "best", "banner", NOW + 4), settings)


def test_counts_are_bounded_and_an_offer_that_finds_no_room_does_not_come() -> None:
    settings = Settings(offer_counts_max=2)
    capped = {name: {"caps": [{"max": 9, "per": "1d"}]} for name in "abc"}
    offers, kept = offers_of({**capped, "free": {}}), OffersKept()
    for at in range(CAP_MAX + 5):
        got(kept, offers, "a", NOW + at, settings=settings)
    assert len(kept.tallies["a"].decided.times) == CAP_MAX

    answer = one(offers, asker(kept, NOW + DAY // 2), settings=settings)
    afterwards = one(offers, asker(kept, NOW + 3 * DAY), settings=settings)

    assert names(answer) == ["b", "free"] and names(afterwards) == ["a", "b", "free"]
    assert reasons(answer)["a"] == ("capped", f"{CAP_MAX} of 9 decided in 1 day")
    assert reasons(answer)["c"] == reasons(afterwards)["c"] == ("capped", "offer_counts_max")
    for each in names(afterwards):
        got(kept, offers, each, NOW + 3 * DAY, settings=settings)
    assert kept.tallies.keys() == {"a", "b"}


def test_what_is_seen_late_counts_though_there_was_no_room_meanwhile() -> None:
    settings = Settings(offer_counts_max=1)
    offers, kept = offers_of({name: {"caps": [{"max": 1, "of": "shown"}]} for name in "ab"}), OffersKept()
    key = got(kept, offers, "a", NOW, settings=settings)
    later = NOW + 2 * HOUR
    assert names(one(offers, asker(kept, later), settings=settings)) == ["a"]
    got(kept, offers, "b", later, settings=settings)
    assert kept.tallies.keys() == {"b"}

    mark(kept, offers, key, "shown", later, settings)

    answer = one(offers, asker(kept, later + 2 * HOUR), settings=settings)
    assert names(answer) == ["b"] and reasons(answer)["a"] == ("capped", "1 of 1 shown")


def test_the_words_of_a_cap_say_how_much_of_it_is_pending() -> None:
    caps = [{"max": 2, "of": "clicked", "per": "1d"}]
    offers, kept = offers_of({"a": {"caps": caps}, "b": {}}), OffersKept()
    first = got(kept, offers, "a", NOW)
    got(kept, offers, "a", NOW + 1)

    assert reasons(one(offers, asker(kept, NOW + 2)))["a"] == ("capped", "2 of 2 clicked in 1 day, 2 of them pending")
    mark(kept, offers, first, "clicked", NOW + 2, SETTINGS)
    assert reasons(one(offers, asker(kept, NOW + 3)))["a"] == ("capped", "2 of 2 clicked in 1 day, 1 of them pending")
    got(kept, offers, "a", NOW + 2 * HOUR)
    assert "a" in names(one(offers, asker(kept, NOW + 4 * HOUR)))


def test_counts_of_an_offer_that_is_gone_are_forgotten_in_time() -> None:
    offers, kept = offers_of({"a": {"caps": [{"max": 1}]}, "b": {}}), OffersKept()
    got(kept, offers, "a", NOW)
    without = offers_of({"b": {}})

    for days, left in ((400, {"a"}), (401, set())):
        forget(kept, without, NOW + days * DAY, SETTINGS)
        assert kept.tallies.keys() == left
    assert kept.propositions == []


def test_what_two_people_got_is_joined_by_time() -> None:
    offers, own, other = offers_of({"a": {"caps": [{"max": 2, "per": "1d"}]}}), OffersKept(), OffersKept()
    for at, kept, key in ((0, own, "x"), (1, other, "y"), (2, own, "z")):
        got(kept, offers, "a", NOW + at, key)

    both = joined(own, other, Settings(propositions_max=2))

    assert [each.key for each in both.propositions] == ["y", "z"]
    assert both.tallies["a"].decided == Count(3, [NOW, NOW + 1, NOW + 2])
    assert names(one(offers, asker(both, NOW + 2))) == [] and names(one(offers, asker(both, NOW + 2 * DAY))) == ["a"]


def test_what_two_people_got_at_one_instant_stays_in_the_order_in_which_each_got_it() -> None:
    offers, own, other = offers_of({"a": {}}), OffersKept(), OffersKept()
    for kept, key in ((own, "z"), (own, "y"), (other, "x"), (other, "b")):
        got(kept, offers, "a", NOW, key)

    assert [each.key for each in joined(own, other, SETTINGS).propositions] == ["z", "y", "x", "b"]


def test_what_is_kept_of_a_person_is_small_and_reads_back() -> None:
    offers, kept = offers_of({"a": {"caps": [{"max": 2, "of": "shown"}]}}), OffersKept()
    mark(kept, offers, got(kept, offers, "a", NOW, "k" * 37), "shown", NOW + 5, SETTINGS)

    packed = msgspec.msgpack.encode(kept)

    assert msgspec.msgpack.decode(packed, type=OffersKept) == kept
    assert len(packed) < 150
    assert kept.tallies == {"a": Tally(shown=Count(1), newest=NOW + 5)}


def test_a_key_is_the_same_for_ever_and_tells_where_its_person_is() -> None:
    key = proposition_key("shop", "sarah", "best", "banner", "r-77", 0)

    assert key == "2d669a7154146c55f5249e2faca76df1221d7" and code_of(key) == "JFJBRS86"
    assert place_in(key).slot == slot_of("sarah")
    others = [("shop", "sarah", "best", "banner", "r-77", 1), ("shop", "sarah", "best", "side", "r-77", 0)]
    assert len({key, *(proposition_key(*each) for each in others)}) == 3


def test_a_code_is_read_however_it_is_typed() -> None:
    codes = {code_of(str(number)) for number in range(1_000)}

    assert len(codes) == 1_000 and all(len(each) == 8 and read_code(each) == each for each in codes)
    code = next(each for each in sorted(codes) if "0" in each and "1" in each)
    typed = f" {code[:4]}-{code[4:]} ".lower().replace("0", "o").replace("1", "l")
    assert read_code(typed) == code


def test_a_ranking_that_learns_prefers_what_does_well_and_tries_what_is_new() -> None:
    rankings = {"learned": {"bandit": "clicked", "prior": [1, 19]}}
    choosing = {"choose": [{"collection": "all", "ranking": "learned"}], "count": 1}
    offers = offers_of({name: {} for name in ("good", "poor", "new")}, choosing, **rankings)
    first = dict.fromkeys(("good", "poor", "new"), 0)
    for tick in range(400):
        lessons = {"clicked of shown": Lesson({"": {"good": (2_000, 160), "poor": (2_000, 40)}})}
        now = NOW + tick * SETTINGS.decision_tick_ms
        (answer,) = choose(offers, asker(now=now, lessons=lessons), [Asked("best", "banner")], SETTINGS)
        first[answer.chosen[0].offer] += 1

    assert first["poor"] == 0 and first["good"] > first["new"] > 40


def test_a_draw_is_the_same_for_a_person_within_a_tick_and_never_endless() -> None:
    drawings = {drawn((1, 19), (100, 8), ("best", "a", person), tick) for person in "xy" for tick in (1, 2)}

    assert len(drawings) == 4
    assert drawn((1, 19), (100, 8), ("best", "a", "x"), 1) in drawings
    mean = (1 + 8) / (1 + 19 + 100)
    many = [drawn((1, 19), (100, 8), ("best", "a", "x"), tick) for tick in range(2_000)]
    assert isclose(sum(many) / len(many), mean, rel_tol=0.05) and max(map(abs, many)) < inf
    assert drawn((1, 1), (3, 5), ("best", "a", "x"), 1) < 2  # more codes redeemed than clicks
