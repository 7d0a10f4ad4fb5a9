"""What becomes of an offer that somebody got: marks, what they count for, the events that they are, and goals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.core.conftest import Story, project_of
from tests.core.test_decisions import HOUR, MINUTE, starts

from parcours.core.delivery.proposition_key import code_of
from parcours.core.fact import OfferMarked, Unmatched
from parcours.insight.sentences import sentence
from parcours.journey.model.offers import Mark

DAY = 24 * HOUR

OFFERS = """
placements: {agent: {channel: agent, format: text}}
offers:
  free:
    tags: [yoga, class]
    priority: 4
    caps: [{max: 1, of: shown}]
    goal: {event: Bought, when: event.total > 10, within: 1h}
    content: {agent: {text: Free}}
  news: {content: {agent: {text: News}}}
decisions: {best: {choose: [{collection: all}]}}
"""

LISTENING = """
journey: trip
entry: {event: Offer Clicked, when: event.offer == "free" && "yoga" in event.tags && event.placement == "agent"}
reentry: always
steps:
  - {id: clicked, end: true}
"""

PLAIN = """
journey: trip
entry: {event: Start}
reentry: always
steps: [{id: pick, decide: best, placement: agent, as: best}, {id: over, end: true}]
"""

REDEEMED = "Redeemed: {properties: {code: string}}"


def shop_of(journey: str = PLAIN) -> Story:
    return Story(project_of(journey, offers=OFFERS, events=REDEEMED).program)


def gets(story: Story, at: int) -> str:
    """She starts, and gets an offer; its proposition."""
    return starts(story, at).offers[0].proposition


def marks(story: Story, at: int, proposition: str, mark: str) -> Story:
    return story.call(at, type="proposition", userId="sarah", proposition=proposition, mark=mark)


def told(story: Story) -> list[tuple[int, str, str]]:
    return [(each.at, each.offer, each.mark) for each in story.facts if isinstance(each, OfferMarked)]


def kept_marks(story: Story) -> list[dict[Mark, int]]:
    kept = story.profile.offers
    return [] if kept is None else [each.marks for each in kept.propositions]


def test_each_mark_counts_once_and_by_its_first_time() -> None:
    story = shop_of()
    key = gets(story, 10)

    marks(story, 20, key, "shown")
    marks(story, 30, key, "shown")
    marks(story, 40, key, "dismissed")

    assert told(story) == [(20, "free", "shown"), (40, "free", "dismissed")]
    assert kept_marks(story) == [{"shown": 20, "dismissed": 40}]


def test_what_is_clicked_has_been_shown() -> None:
    story = shop_of()

    marks(story, 20, gets(story, 10), "clicked")

    assert told(story) == [(20, "free", "shown"), (20, "free", "clicked")]
    assert [sentence(each) for each in story.facts if isinstance(each, OfferMarked)] == [
        "best at agent: free was shown",
        "best at agent: free was clicked",
    ]


def test_a_cap_of_shows_counts_what_may_still_be_shown_for_an_hour_and_then_what_was() -> None:
    story = shop_of()

    first = starts(story, 10).offers[0]
    pending = starts(story, 10 + HOUR - 1).offers[0].offer
    unseen = starts(story, 10 + HOUR).offers[0]
    marks(story, 10 + HOUR + MINUTE, unseen.proposition, "shown")

    assert (first.offer, pending, unseen.offer) == ("free", "news", "free")
    assert starts(story, 9 * HOUR).offers[0].offer == "news", "it was shown, and that is as often as it may be"


def test_a_dismissed_offer_does_not_wait_to_be_shown() -> None:
    story = shop_of()

    marks(story, 20, gets(story, 10), "dismissed")

    assert starts(story, 30).offers[0].offer == "free"


@pytest.mark.parametrize(
    "who, proposition, at",
    [
        ("sarah", "none of hers", 20),
        ("sarah", "", 10 + 90 * DAY),  # it cannot be marked any more
        ("tom", "", 20),  # somebody else's
    ],
)
def test_a_mark_of_what_is_none_of_hers_is_unmatched(who: str, proposition: str, at: int) -> None:
    story = shop_of()
    key = proposition or gets(story, 10)
    if who != "sarah":
        story = shop_of()

    marks(story, at, key, "shown")

    assert [each.reaction for each in story.facts if isinstance(each, Unmatched)] == ["shown"]
    assert told(story) == []


def test_one_that_is_nearly_too_old_is_marked() -> None:
    story = shop_of()

    marks(story, 10 + 90 * DAY - 1, gets(story, 10), "shown")

    assert told(story) == [(10 + 90 * DAY - 1, "free", "shown")]


def test_a_click_is_an_event_of_hers_that_starts_journeys_once() -> None:
    story = shop_of()
    key = gets(story, 10)
    story.program = shop_of(LISTENING).program

    marks(story, 20, key, "clicked")
    marks(story, 30, key, "clicked")

    assert [(at, step) for at, step in story.steps() if step == "clicked"] == [(20, "clicked")]


@pytest.mark.parametrize(
    "shown, at, total, won",
    [
        (20, 20 + HOUR, 11, True),  # the end counts
        (20, 20 + HOUR + 1, 11, False),
        (20, 30, 10, False),  # not what is meant
        (None, 30, 11, False),  # she has not seen it
    ],
)
def test_an_offer_is_converted_by_what_it_is_for_in_time(shown: int | None, at: int, total: int, won: bool) -> None:
    story = shop_of()
    key = gets(story, 10)
    if shown is not None:
        marks(story, shown, key, "shown")

    story.event(at, "Bought", total=total)

    assert ("converted" in [mark for _, _, mark in told(story)]) == won


def test_the_newest_one_that_was_shown_is_credited_and_each_once() -> None:
    story = shop_of()
    older = gets(story, 10)
    newer = gets(story, 10 + 2 * HOUR)
    marks(story, 3 * HOUR, older, "shown")
    marks(story, 3 * HOUR, newer, "shown")

    story.event(3 * HOUR + 1, "Bought", total=11)
    story.event(3 * HOUR + 2, "Bought", total=11)

    assert [mark for _, _, mark in told(story)].count("converted") == 1
    assert [list(each) for each in kept_marks(story)] == [["shown"], ["shown", "converted"]]


@pytest.mark.parametrize("written", [str.lower, lambda code: f" {code[:4]}-{code[4:]} ", str])
def test_whoever_tells_the_code_redeems_the_offer(written: Callable[[str], str]) -> None:
    story = shop_of()
    key = gets(story, 10)

    story.event(20, "Redeemed", code="22222222")
    story.event(30, "Redeemed", code=written(code_of(key)))

    assert told(story) == [(30, "free", "converted")]


def test_an_event_that_names_the_code_of_an_older_one_is_not_credited_to_the_newest_as_well() -> None:
    offers = OFFERS.replace("event: Bought, when: event.total > 10", "event: Redeemed")
    story = Story(project_of(PLAIN, offers=offers, events=REDEEMED).program)
    older, newer = gets(story, 10), gets(story, 10 + 2 * HOUR)
    marks(story, 3 * HOUR, newer, "shown")

    story.event(3 * HOUR + 1, "Redeemed", code=code_of(older))

    assert [list(each) for each in kept_marks(story)] == [["converted"], ["shown"]]


@pytest.mark.parametrize(
    "fields, why",
    [
        ({"proposition": "a", "mark": "seen"}, "unknown mark 'seen'; there are shown, clicked, dismissed, converted"),
        ({"mark": "shown"}, "a proposition call needs the proposition that it marks"),
    ],
)
def test_a_mark_that_says_nothing_is_refused(fields: dict[str, str], why: str) -> None:
    with pytest.raises(Exception, match=why):
        shop_of().call(20, type="proposition", userId="sarah", **fields)
