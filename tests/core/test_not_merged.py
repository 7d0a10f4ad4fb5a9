"""Nobody is merged: that another id was said to be the person's is a fact, and nothing else comes of it."""

from __future__ import annotations

import pytest
from tests.core.conftest import Tell

from parcours.core.fact import Changed, NotMerged

WAITS = "{journey: trip, entry: {event: Start}, steps: [{id: rest, wait: 1d}]}"
IN_TOWN = """
{journey: trip, entry: {audience: here}, steps: [{id: rest, wait: 1d}]}
"""


def test_an_identify_with_both_ids_applies_its_traits_and_tells_the_anonymous_id(tell: Tell) -> None:
    story = tell(WAITS).call(5, type="identify", anonymousId="7f3a", traits={"city": "Oslo"})

    assert story.profile.traits["city"] == "Oslo"
    assert story.others() == [NotMerged(5, "sarah", "identify", "7f3a")]


def test_each_identify_with_both_ids_is_told_after_what_its_traits_have_led_to(tell: Tell) -> None:
    story = tell(IN_TOWN, audiences="{here: profile.city == 'Oslo'}")

    for at in (5, 6):
        story.call(at, type="identify", anonymousId="7f3a", traits={"city": "Oslo"})

    told = [type(fact).__name__ for fact in story.facts if not isinstance(fact, Changed)]
    assert told == ["Moved", "Moved", "Moved", "NotMerged", "NotMerged"]
    assert [fact.at for fact in story.others()] == [5, 6]


@pytest.mark.parametrize(
    "ids",
    [
        {"previousId": "7f3a"},
        {"previousId": "7f3a", "anonymousId": "9b"},
        {"anonymousId": "9b"},  # of whom else could she be the new name
        {"previousId": 42},
    ],
)
def test_an_alias_changes_nothing_and_does_not_tell_whose_id_it_has(tell: Tell, ids: dict[str, object]) -> None:
    story = tell(WAITS).event(1, "Start")
    before = story.state

    story.call(5, type="alias", **ids)

    assert story.state == before
    assert story.others() == [NotMerged(5, "sarah", "alias", "")]


@pytest.mark.parametrize("call", ["track", "page", "screen", "consent", "identify"])
def test_no_other_call_links_ids_nor_one_that_has_a_single_id(tell: Tell, call: str) -> None:
    fields = {"event": "Start", "channel": "email", "granted": True}
    ids = {"anonymousId": ""} if call == "identify" else {"anonymousId": "7f3a"}

    assert tell(WAITS).call(5, type=call, **fields, **ids).others() == []


def test_an_identify_of_an_anonymous_person_links_nobody(tell: Tell) -> None:
    story = tell(WAITS)
    story.person = "@anonymous/7f3a"

    assert story.call(5, type="identify", userId=None, anonymousId="7f3a", traits={}).others() == []


def test_an_id_that_nobody_can_have_is_told_shortened(tell: Tell) -> None:
    story = tell(WAITS).call(5, type="identify", anonymousId="x" * 2_000, traits={})

    assert story.others() == [NotMerged(5, "sarah", "identify", "x" * 512)]
