"""Branch, split, update, send and the bound on steps at one instant."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

import pytest

from parcours.core.fact import LimitReached

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.core.conftest import Tell

    from parcours.journey.project import Project

BRANCH = """
journey: trip
entry: {event: Start}
steps:
  - id: which
    branch:
      - {when: event.total > 100, next: big}
      - {when: event.total > 10}
%s
  - {id: following, end: true}
  - {id: big, end: true}
  - {id: other, end: true}
"""


@pytest.mark.parametrize(
    "otherwise, total, way, why",
    [
        ("      - {otherwise: other}", 500, "big", "0"),  # the first that holds, though both do
        ("      - {otherwise: other}", 50, "following", "1"),  # an arm without `next`
        ("      - {otherwise: other}", 5, "other", "otherwise"),
        ("      - {otherwise: other}", None, "other", "otherwise"),  # a missing value makes each condition false
        ("      - {when: event.total > 1000, next: other}", 5, "following", None),  # nothing holds: the next step
    ],
)
def test_a_branch_takes_the_first_way_that_holds(
    tell: Tell, otherwise: str, total: float | None, way: str, why: str | None
) -> None:
    story = tell(BRANCH % otherwise)

    story.event(1, "Start", total=total)

    assert story.moves("branched") == [("branched", "which", why)]
    assert story.steps()[-1] == (1, way)


SPLIT = """
journey: trip
entry: {event: Start}
steps:
  - {id: share, split: [{percent: 10, next: a}, {percent: 0.5, next: b}, {percent: 89.5, next: c}]}
  - {id: a, end: true}
  - {id: b, end: true}
  - {id: c, end: true}
"""


def bucket_of(person: str) -> int:
    return int.from_bytes(blake2b(f"trip\0share\0{person}".encode()).digest()[:8], "big") % 10_000


def test_a_split_goes_by_a_digest_of_journey_step_and_person(tell: Tell) -> None:
    story = tell(SPLIT)
    for person in [*(f"person-{number}" for number in range(200)), "Zoë", "日本", "@anonymous/7"]:
        other = replace(story, person=person, facts=[])

        other.event(1, "Start")

        way = "0" if bucket_of(person) < 1_000 else "1" if bucket_of(person) < 1_050 else "2"
        assert other.moves("split") == [("split", "share", way)]


@pytest.mark.parametrize("bucket, way", [(0, "0"), (999, "0"), (1_000, "1"), (1_049, "1"), (1_050, "2"), (9_999, "2")])
def test_a_share_is_exact_to_a_hundredth_of_a_percent(tell: Tell, bucket: int, way: str) -> None:
    people = (f"person-{number}" for number in range(1_000_000))
    story = replace(tell(SPLIT), person=next(person for person in people if bucket_of(person) == bucket))

    story.event(1, "Start")

    assert story.moves("split") == [("split", "share", way)]


def test_the_same_person_goes_the_same_way_each_time(tell: Tell) -> None:
    story = tell(SPLIT)

    for at in range(5):
        story.event(at, "Start")

    assert len(set(story.moves("split"))) == 1


UPDATE = """
journey: trip
entry: {event: Start}
steps:
  - {id: keep, update: %s}
"""


@pytest.mark.parametrize(
    "before, update, after",
    [
        ({"city": "Oslo"}, "{city: '\"Rome\"'}", {"city": "Rome"}),
        ({"city": "Oslo"}, "{score: event.total * 2}", {"city": "Oslo", "score": 14}),
        ({"city": "Oslo"}, "{city: event.email}", {"city": "Oslo"}),  # missing: the trait stays
        ({"city": "Oslo"}, "{city: 'null'}", {}),  # null: the trait is taken away
        ({}, "{score: profile.score}", {}),
        # Times and lengths of time are kept as text.
        ({}, "{born: now}", {"born": "1970-01-01T00:00:00.005Z"}),
        ({}, "{city: 'duration(\"90s\")'}", {"city": "90s"}),
        # A path reaches into an object, made if need be, and leaves the rest of it.
        ({}, "{home.city: event.cart}", {"home": {"city": "c1"}}),
        ({"home": "here"}, "{home.city: event.cart}", {"home": {"city": "c1"}}),
        ({"home": {"city": "Oslo", "zip": 1}}, "{home.city: event.cart}", {"home": {"city": "c1", "zip": 1}}),
        ({"home": {"city": "Oslo", "zip": 1}}, "{home.city: 'null'}", {"home": {"zip": 1}}),
        ({"home": {"city": "Oslo"}}, "{home.city: 'null'}", {}),
        ({"home": {"city": "Oslo"}}, "{home.city: event.email}", {"home": {"city": "Oslo"}}),
    ],
)
def test_an_update_sets_traits(tell: Tell, before: dict[str, object], update: str, after: dict[str, object]) -> None:
    story = tell(UPDATE % update).identify(1, email=None, phone=None, push_token=None, **before)

    story.event(5, "Start", total=7, cart="c1")

    assert story.profile.traits == after


def test_a_key_with_a_dot_in_it_is_declared_and_updated_in_quotes(tell: Tell, shop: Callable[..., Project]) -> None:
    project = shop(
        UPDATE % """{city: 'event["utm.source"]', 'utm."first.touch"': 'entry.utm["x.y"]'}""",
        events="""Start: {properties: {'"utm.source"': string, 'utm."x.y"': string}}""",
        traits="""'utm."first.touch"': string""",
    )
    story = replace(tell(UPDATE % "{city: event.cart}"), program=project.program)

    story.event(5, "Start", **{"utm.source": "ad", "utm": {"x.y": "z", "source": "no"}})

    assert story.profile.traits["city"] == "ad"
    assert story.profile.traits["utm"] == {"first.touch": "z"}


def test_an_update_whose_value_is_missing_changes_nothing_and_says_so(tell: Tell) -> None:
    story = tell(UPDATE % "{city: event.cart, score: event.total}").identify(1, city="Rome", score=5)

    story.event(2, "Start", total=7).event(3, "Start")

    assert (story.profile.traits["city"], story.profile.traits["score"]) == ("Rome", 7)
    assert [why for _, _, why in story.moves("updated")] == [
        "score; without a value: city",
        "nothing; without a value: city, score",
    ]


def test_the_values_of_an_update_are_all_taken_before_any_is_set(tell: Tell) -> None:
    story = tell(UPDATE % "{city: profile.timezone, timezone: profile.city}").identify(1, city="a", timezone="b")

    story.event(5, "Start")

    assert (story.profile.traits["city"], story.profile.traits["timezone"]) == ("b", "a")


def test_a_value_that_no_store_could_hold_parks_the_run(tell: Tell) -> None:
    journey = "journey: trip\nentry: {event: Start}\nsteps: [{id: keep, update: {score: '%s'}}]"
    story = tell(journey % ("[" * 66 + "1" + "]" * 66 + "[0]"))

    story.event(5, "Start")

    assert story.moves("parked") == [("parked", "keep", "the value for score is nested more than 64 levels deep")]


def test_null_takes_a_trait_away(tell: Tell) -> None:
    story = tell(SPLIT)
    before = dict(story.profile.traits)
    story.identify(1, city="Rome", hobby="chess")
    assert story.profile.traits == {**before, "city": "Rome", "hobby": "chess"}

    story.identify(2, city=None, hobby=None, unknown=None)

    assert story.profile.traits == before


def test_undeclared_traits_have_bounded_room_and_declared_ones_do_not_take_it(tell: Tell) -> None:
    story = tell(SPLIT, traits_bytes_max=30)

    story.identify(1, city="x" * 100, hobby="chess", home={"city": "y" * 100}, essay="z" * 40, pet="cat")

    traits = story.profile.traits
    assert {"city", "hobby", "home", "pet"} <= traits.keys()
    assert story.others() == [LimitReached(1, "sarah", "traits_bytes_max", "trait 'essay' was not kept")]


def test_more_steps_at_one_instant_than_allowed_park_the_run_and_no_other(tell: Tell) -> None:
    chain = "\n".join(f"  - {{id: s{number}, update: {{score: '{number}'}}}}" for number in range(12))
    story = tell(
        f"journey: trip\nentry: {{event: Start}}\nsteps:\n{chain}"
        "\n---\n{journey: other, entry: {event: Start}, steps: [{id: over, end: true}]}",
        instant_steps_max=11,
    )

    story.event(1, "Start")

    assert story.moves("parked") == [("parked", "s10", "more than instant_steps_max=11 steps at one instant")]
    assert [journey for _, journey, _, _ in story.told("ended")] == ["other"]


def test_exactly_as_many_steps_as_allowed_are_fine(tell: Tell) -> None:
    chain = "\n".join(f"  - {{id: s{number}, update: {{score: '{number}'}}}}" for number in range(12))

    story = tell(f"journey: trip\nentry: {{event: Start}}\nsteps:\n{chain}", instant_steps_max=12).event(1, "Start")

    assert story.told("ended") == [(1, "trip", 1, "last step")]


def test_any_number_of_ways_may_lead_to_one_step(tell: Tell) -> None:
    story = tell(
        """
journey: trip
entry: {event: Start}
correlation: event.cart
steps:
  - {id: which, branch: [{when: event.total > 1, next: join}, {otherwise: detour}]}
  - {id: detour, wait: 1s}
  - {id: join, wait_for: [{event: Seen}]}
"""
    )

    story.event(0, "Start", cart="a", total=5).event(0, "Start", cart="b", total=0).event(2_000, "Seen")

    assert [run for _, _, run, _ in story.told("matched")] == [1, 2]
