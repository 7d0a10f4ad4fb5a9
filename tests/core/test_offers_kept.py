"""What is remembered of the offers that a person got, while inputs pass and when she is merged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.core.conftest import Story
from tests.core.test_merging import ANONYMOUS, SENDS, Use, merge, two
from tests.core.test_offers import DAY, offers_of

from parcours.core.offers.remembering import remember
from parcours.core.offers.state import OffersKept, Proposition
from parcours.core.profile import encode_profile, is_unknown
from parcours.journey.offers import Offers

OFFERS = offers_of({"free": {"caps": [{"max": 2, "per": "100d"}]}, "always": {"caps": [{"max": 9}]}, "news": {}})


def gets(story: Story, at: int, offer: str, key: str) -> None:
    profile = story.profile
    profile.offers = profile.offers or OffersKept()
    assert remember(profile.offers, story.program.offers, Proposition(key, offer, "best", "banner", at), story.settings)
    story.state = encode_profile(profile)


def with_offers(story: Story, offers: Offers = OFFERS) -> Story:
    story.program = replace(story.program, offers=offers)
    return story


def kept_of(story: Story) -> tuple[list[str], dict[str, int]]:
    """The keys of what she got, and by offer how many decisions are counted."""
    kept = story.profile.offers
    assert kept is not None
    return [each.key for each in kept.propositions], {name: each.decided.ever for name, each in kept.tallies.items()}


def test_what_somebody_got_is_forgotten_by_the_first_input_after_its_time() -> None:
    story = with_offers(two(SENDS)[0])
    gets(story, 0, "free", "a")
    gets(story, DAY, "news", "b")

    assert kept_of(story.wait(90 * DAY - 1)) == (["a", "b"], {"free": 1})
    assert kept_of(story.wait(90 * DAY)) == (["b"], {"free": 1})
    assert kept_of(story.wait(91 * DAY)) == ([], {"free": 1}), "a cap counts for longer"
    assert story.wait(101 * DAY).profile.offers is None
    assert is_unknown(story.profile)


def test_a_count_without_a_window_is_kept_for_good_and_that_of_an_offer_that_is_gone_is_not() -> None:
    story = with_offers(two(SENDS)[0])
    gets(story, 0, "always", "a")

    assert kept_of(story.wait(900 * DAY)) == ([], {"always": 1})

    assert with_offers(story, offers_of({"news": {}})).wait(901 * DAY).profile.offers is None


@pytest.mark.parametrize(
    "use, keys, counted",
    [
        ("used", ["a", "b", "c"], {"free": 3}),
        ("unused", ["a", "c"], {"free": 2}),  # what she got as somebody else is nothing of hers
    ],
)
def test_what_two_people_got_is_theirs_once_they_are_one(use: Use, keys: list[str], counted: dict[str, int]) -> None:
    known, other = (with_offers(each) for each in two(SENDS, use))
    gets(known, 1, "free", "a")
    gets(other, 2, "free", "b")
    gets(known, 3, "free", "c")

    merge(known, other, 10)

    assert kept_of(known) == (keys, counted)


def test_whoever_got_nothing_has_what_the_other_one_got() -> None:
    known, other = (with_offers(each) for each in two(SENDS))
    gets(other, 2, "free", "b")

    merge(known, other, 10)

    assert kept_of(known) == (["b"], {"free": 1})
    assert other.person == ANONYMOUS and known.wait(200 * DAY).profile.offers is None
