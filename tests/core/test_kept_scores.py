"""Traits that follow scores: when they are renewed, who sees them, and when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from tests.core.test_scores import BUY, MODEL, Shop, scored

from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.core.buckets import hash_of
from parcours.core.fact import Changed, LimitReached
from parcours.core.profile import Profile, encode_profile
from parcours.core.run.kept_scores import unkept
from parcours.journey.project import Project
from parcours.scoring.features import rounding
from parcours.scoring.margins import probability_of

if TYPE_CHECKING:
    from tests.core.conftest import Begin, Control, Story

SEEN_AT_ALL = "profile.likely > 0.4"  # two views, for their margin is views - 3 + 1

TOLD = """
journey: told
entry: {audience: likely, change: entered}
reentry: always
exit: [{audience: likely, change: left}]
steps: [{id: there, wait: 300d}]
"""


def keeping(shop: Shop, keep: dict[str, Any], journeys: str = TOLD, **more: Any) -> Project:
    """The shop with a score of views in a week that is kept as `likely`, and an audience of those above 0.4."""
    return scored(
        shop, journeys, {"keep": {"trait": "likely", **keep}}, traits="{likely: number, other: number}",
        **{"audiences": f"likely: {SEEN_AT_ALL}", **more},
    )  # fmt: skip


def of_views(views: int) -> float:
    return probability_of(views - 2.0)


def changes(story: Story, what: str = "trait") -> list[tuple[int, str, str | None]]:
    return [(each.at, each.name, each.value) for each in story.facts if isinstance(each, Changed) and each.what == what]


def kept(story: Story) -> dict[str, object]:
    return {name: story.profile.traits[name] for name in ("likely", "other") if name in story.profile.traits}


def entered(control: Control) -> list[int]:
    return [at for at, *_ in control.story.told("entered")]


def test_it_is_renewed_with_an_event_before_anybody_is_moved(shop: Shop, begin: Begin) -> None:
    journey = "{journey: trip, entry: {event: Seen, when: 'profile.likely > 0.4'}, steps: [{id: stay, wait: 1s}]}"
    control = begin(keeping(shop, {"on": ["Seen"]}, f"{journey}\n---\n{TOLD}"))

    for at in range(1, 4):
        control.story.event(at, "Seen")

    assert [at for at, name, _ in changes(control.story) if name == "likely"] == [1, 2, 3]
    assert kept(control.story) == {"likely": of_views(3)}
    assert changes(control.story, "audience") == [(2, "likely", "entered")]
    assert [(at, name) for at, name, *_ in control.story.told("entered")] == [(2, "told"), (2, "trip")]


def test_other_events_and_new_traits_leave_it_as_it_is(shop: Shop, begin: Begin) -> None:
    story = begin(keeping(shop, {"on": ["Bought"]})).story

    story.event(1, "Seen").event(2, "Bought").event(3, "Seen").identify(4, score=100)
    assert story.profile.traits["likely"] == of_views(1)

    assert story.event(5, "Bought").profile.traits["likely"] == probability_of(2 - 3.0 + 50)


def test_an_event_that_a_rule_makes_renews_it_too(shop: Shop, begin: Begin) -> None:
    story = begin(keeping(shop, {"on": ["Big"]})).story

    assert "likely" not in story.event(1, "Bought", total=3).profile.traits
    assert story.event(2, "Bought", total=300).profile.traits["likely"] == of_views(0)


def test_time_renews_it_at_instants_of_her_own(shop: Shop, begin: Begin) -> None:
    control = begin(keeping(shop, {"every": "1d"}))
    story = control.story
    begin_ms = hash_of("buy", "sarah") % DAY_MS

    for at in (1, 2, 3):
        story.event(at, "Seen")
    assert "likely" not in story.profile.traits
    story.wait(9 * DAY_MS)

    told = [at for at, name, _ in changes(story) if name == "likely"]
    gone = next(at for at in range(begin_ms, 20 * DAY_MS, DAY_MS) if at >= 7 * DAY_MS + 3)
    assert told == [begin_ms, gone] and story.profile.traits["likely"] == of_views(0)
    assert changes(story, "audience") == [(begin_ms, "likely", "entered"), (gone, "likely", "left")]
    assert not [each for each in story.wait(11 * DAY_MS).profile.timers if each.kind == "score"]  # nothing changes it


def test_where_nobody_knows_when_time_changes_it_each_instant_renews_it(shop: Shop, begin: Begin) -> None:
    hours = {"features": {"views": "now.getHours() * 1", "age": BUY["features"]["age"]}}
    features = (msgspec.structs.replace(MODEL.features[0], text="now.getHours() * 1"), MODEL.features[1])
    model = msgspec.structs.replace(MODEL, features=features)
    keep = {"keep": {"trait": "likely", "every": "1h"}}
    project = scored(shop, "", {**keep, **hours}, traits="{likely: number}", models={"buy.json": model})

    story = begin(project).story.identify(1, city="Rome").wait(DAY_MS)

    told = [at for at, name, _ in changes(story) if name == "likely"]
    assert told == [told[0] + hour * HOUR_MS for hour in range(18)]  # until the probability is 1


def test_who_is_unknown_has_no_timer(shop: Shop, begin: Begin) -> None:
    story = begin(keeping(shop, {"every": "1d"}, "", audiences="")).story

    story.state = encode_profile(Profile())

    assert not story.event(1, "Start").profile.timers
    assert [each.kind for each in story.event(2, "Seen").profile.timers] == ["score"]


def test_where_the_score_is_missing_so_is_the_trait(shop: Shop, begin: Begin) -> None:
    buy = {"keep": {"trait": "likely", "on": ["Seen"]}, "among": 'profile.city == "Rome"'}
    story = begin(scored(shop, "", buy, traits="{likely: number}")).story

    assert "likely" not in story.identify(1, city="Paris", likely=0.9).event(2, "Seen").profile.traits
    assert story.identify(3, city="Rome").event(4, "Seen").profile.traits["likely"] == of_views(2)
    assert "likely" not in story.identify(5, city="Oslo").event(6, "Seen").profile.traits


def test_it_goes_with_her_word_on_personalisation_and_comes_with_it(shop: Shop, begin: Begin) -> None:
    control = begin(keeping(shop, {"on": ["Seen"]}))
    for at in (1, 2, 3):
        control.story.event(at, "Seen")

    control.story.consent(10, "personalisation", granted=False)
    assert "likely" not in control.story.profile.traits
    assert "likely" not in control.story.event(11, "Seen").profile.traits
    control.story.consent(12, "personalisation", granted=True)

    assert control.story.profile.traits["likely"] == of_views(4)
    assert [way for _, _, way in changes(control.story, "audience")] == ["entered", "left", "entered"]


def test_a_publication_fills_it_and_renews_it_where_the_model_is_another(shop: Shop, begin: Begin) -> None:
    plain = scored(shop, TOLD, traits="{likely: number, other: number}", audiences=f"likely: {SEEN_AT_ALL}")
    journey = "{journey: stay, entry: {event: Start}, steps: [{id: stay, wait: 300d}]}"
    control = begin(scored(shop, f"{journey}\n---\n{TOLD}", traits="{likely: number, other: number}",
                           audiences=f"likely: {SEEN_AT_ALL}"))  # fmt: skip
    for at in (1, 2, 3):
        control.story.event(at, "Seen")

    control.publish(10, keeping(shop, {"every": "1d"}))
    assert kept(control.story) == {"likely": of_views(3)}
    assert entered(control) == [10]  # the audience had been there before
    lower = msgspec.structs.replace(MODEL, intercept=-9.0)
    control.publish(20, keeping(shop, {"every": "1d"}, models={"buy.json": lower}))
    assert kept(control.story) == {"likely": probability_of(3 - 9 + 1)}
    control.publish(30, keeping(shop, {"every": "2d"}, models={"buy.json": lower}))
    every = [each.due for each in control.story.profile.timers if each.kind == "score"]
    control.publish(40, plain)
    control.story.wait(40 * DAY_MS)

    assert every == [hash_of("buy", "sarah") % (2 * DAY_MS)]
    assert not [each for each in control.story.profile.timers if each.kind == "score"]
    assert kept(control.story) == {"likely": probability_of(3 - 9 + 1)}  # nobody renews it any more


def test_a_publication_renews_only_what_it_changes(shop: Shop) -> None:
    every = keeping(shop, {"every": "1d"}).program

    assert unkept(every, keeping(shop, {"every": "1d"}).program) == ()
    assert unkept(every, keeping(shop, {"every": "1d", "on": ["Seen"]}).program) == ("buy",)
    assert unkept(every, keeping(shop, {"every": "1d"}, policies="{personalisation: opt_in}").program) == ("buy",)
    assert unkept(every, scored(shop).program) == ()


def test_traits_of_an_instant_are_of_the_person_as_she_was(shop: Shop, begin: Begin) -> None:
    follows = {"features": {"views": "default(profile.likely, 0.5)", "age": {"value": "profile.score", "missing": 2}}}
    keeps = {"trait": "other", "on": ["Seen"]}
    features = (msgspec.structs.replace(MODEL.features[0], text="default(profile.likely, 0.5)"), MODEL.features[1])
    model = msgspec.structs.replace(MODEL, score="again", features=features)
    scores = {
        "buy": {**BUY, "keep": {"trait": "likely", "on": ["Seen"]}},
        "again": {**BUY, **follows, "keep": keeps, "model": {"file": "again.json", "kind": "logistic"}},
    }
    project = shop("", scores=scores, models={"buy.json": MODEL, "again.json": model},
                   traits="{likely: number, other: number}")  # fmt: skip
    story = begin(project).story

    assert kept(story.event(1, "Seen")) == {"likely": of_views(1), "other": probability_of(0.5 - 2)}
    assert story.event(2, "Seen").profile.traits["other"] == probability_of(rounding(1)([of_views(1)])[0] - 2)


def test_what_finds_no_room_is_told(shop: Shop, begin: Begin) -> None:
    control = begin(keeping(shop, {"on": ["Seen"]}))
    control.story.settings = Settings(all_traits_bytes_max=300)
    control.story.identify(1, city="x" * 200).event(2, "Seen")

    told = [each for each in control.story.facts if isinstance(each, LimitReached)]

    assert [(each.setting, each.why) for each in told] == [("all_traits_bytes_max", "trait 'likely' was not kept")]
    assert "likely" not in control.story.profile.traits
