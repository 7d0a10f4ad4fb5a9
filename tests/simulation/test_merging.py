"""Who is said to be one person is one from then on, the same for any number of shards and whatever comes of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.simulation.test_same_for_all import bytes_of, check_sums

from parcours.config import Settings
from parcours.core.delivery.delivery_key import key_of
from parcours.core.fact import DeliveryReached, Merged, Moved, NotMerged
from parcours.core.identity import SlotMap, slot_of
from parcours.insight.diff import compare
from parcours.journey.project import Project
from parcours.simulation.simulation import Result

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording, Write

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
VISITOR = "@anonymous/7f3a"

SHOP = """
# file parcours.yaml
project: shop
anonymous_history: HISTORY
policies: {consent: {default: opt_out}}
# file profile.yaml
traits: {email: string, city: string}
identities: {loyalty: {caseless: true}, kiosk: {link: never}}
# file events.yaml
events:
  Product Added: {properties: {cart.total: number}}
  Order Completed: {}
  Looked: {properties: {n: integer}}
  Store Visit: {key: {namespace: loyalty, value: event.card}, properties: {card: string}}
# file audiences.yaml
audiences: {oslo: 'profile.city == "Oslo"', lookers: 'count("Looked", "1d") > 1'}
# file messages/cart-reminder.yaml
{message: cart-reminder, purpose: cart, email: {text: still there?}}
# file messages/welcome.yaml
{message: welcome, class: transactional, email: {text: hello}}
# file journeys/abandoned-cart.yaml
journey: abandoned-cart
entry: {event: Product Added, when: event.cart.total > 50}
exit: [{event: Order Completed}]
goal: {event: Order Completed, within: 1d}
steps:
  - {id: wait, wait: 1h}
  - {id: remind, send: cart-reminder}
  - {id: heard, wait_for: [{reaction: opened, of: remind, next: done}], timeout: 2h}
  - {id: share, split: [{percent: 50, next: again}, {percent: 50, next: done}]}
  - {id: again, send: cart-reminder}
  - {id: done, end: true}
# file journeys/oslo.yaml
journey: oslo
entry: {audience: oslo}
reentry: {after: 30m}
steps:
  - {id: greet, send: welcome}
  - {id: rest, wait: 3h}
# file journeys/lookers.yaml
journey: lookers
entry: {audience: lookers}
exit: [{audience: oslo}]
steps:
  - {id: rest, wait: 30m}
  - {id: visit, wait_for: [{event: Store Visit, next: done}], timeout: 1h}
  - {id: done, end: true}
"""


@pytest.fixture
def shop(write: Write, history: str) -> Project:
    return Project.load(write(SHOP.replace("HISTORY", history)))


@pytest.fixture(params=["used", "unused"])
def history(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def bought(recording: Recording) -> Recording:
    """Three carts of a user, and one of a visitor who logs in as her and buys."""
    recording.identify(-3 * DAY, "u1", email="u1@mail.example")
    for day in (-3, -2, -1):
        recording.track(day * DAY + 1, "u1", "Product Added", {"cart": {"total": 60}})
        recording.track(day * DAY + 2, "u1", "Order Completed")
    recording.call(0, type="track", anonymousId="7f3a", event="Product Added", properties={"cart": {"total": 80}})
    recording.call(20 * MINUTE, type="identify", userId="u1", anonymousId="7f3a", traits={})
    return recording.track(40 * MINUTE, "u1", "Order Completed")


@pytest.mark.parametrize("history", ["used"], indirect=True)
def test_a_cart_from_before_the_log_in_is_the_user_s_if_that_time_counts(shop: Project, recording: Recording) -> None:
    played = bought(recording).play(shop)

    (merged,) = facts_of(played.result, Merged)
    (run,) = merged.runs
    assert (merged.person, merged.name, merged.call) == ("u1", VISITOR, "identify")
    assert (run.number, run.to, run.why, run.step) == (1, 4, None, "wait")
    assert played.way(VISITOR) == [(0, "entered", None), (0, "reached", "wait")]
    assert [(at, what) for at, what, _ in played.way("u1") if at > 0] == [
        (40 * MINUTE, "goal"), (40 * MINUTE, "exited")
    ]  # fmt: skip
    assert played.deliveries(outcome=None) == []
    check_sums(played.result)


@pytest.mark.parametrize("history", ["used"], indirect=True)
def test_a_reminder_goes_to_the_user_under_the_key_that_it_had_for_the_visitor(
    shop: Project, recording: Recording
) -> None:
    recording.lines = bought(recording).lines[:-1]

    played = recording.play(shop, until=2 * HOUR)

    (sent,) = [fact for fact in facts_of(played.result, DeliveryReached) if fact.outcome == "sent"]
    assert (sent.person, sent.run, sent.to) == ("u1", 4, "u1@mail.example")
    assert sent.key[:13] == key_of(VISITOR, ())[:13]


@pytest.mark.parametrize("shards", [1, 7])
@pytest.mark.parametrize("history", ["used"], indirect=True)
def test_a_report_by_that_key_finds_the_delivery_with_the_user(
    shop: Project, recording: Recording, shards: int
) -> None:
    recording.lines = bought(recording).lines[:-1]
    keys = {fact.key for fact in facts_of(recording.play(shop, until=2 * HOUR).result, DeliveryReached)}

    for key in keys:
        recording.call(2 * HOUR, type="feedback", reaction="bounced", code="5.1.1", key=key)
    played = recording.play(shop, until=3 * HOUR, shards=shards)

    (bounced,) = [fact for fact in facts_of(played.result, DeliveryReached) if fact.outcome == "bounced"]
    assert (bounced.person, bounced.run) == ("u1", 4)


@pytest.mark.parametrize("history", ["unused"], indirect=True)
def test_nothing_of_the_time_before_the_log_in_reaches_the_user_if_it_does_not_count(
    shop: Project, recording: Recording
) -> None:
    played = bought(recording).play(shop)

    assert played.way(VISITOR)[2:] == [(20 * MINUTE, "ended", "wait")]
    assert [fact.why for fact in facts_of(played.result, Moved) if fact.what == "ended"] == ["merged: unused"]
    assert [what for at, what, _ in played.way("u1") if at > 0] == []
    assert played.deliveries(outcome=None) == []
    check_sums(played.result)


def facts_of(result: Result, kind: type[Any]) -> list[Any]:
    return [fact for fact in result.facts if isinstance(fact, kind)]


def told(result: Result) -> list[tuple[str, str, str]]:
    """(person, name, what came of it) of each name that was said to be somebody's."""
    merged = [(fact.person, fact.name, "merged") for fact in facts_of(result, Merged)]
    return sorted(merged + [(fact.person, fact.other_id, fact.reason) for fact in facts_of(result, NotMerged)])


def visit(recording: Recording, at: int, anonymous: str, event: str = "Looked", **properties: object) -> None:
    recording.call(at, type="track", anonymousId=anonymous, event=event, properties=properties)


def log_in(recording: Recording, at: int, user: str, anonymous: str, **traits: object) -> None:
    recording.call(at, type="identify", userId=user, anonymousId=anonymous, traits=traits)


def alias(recording: Recording, at: int, user: str, previous: str) -> None:
    recording.call(at, type="alias", userId=user, previousId=previous)


def test_a_device_that_many_share_is_the_first_one_s_until_another_logs_in_and_nobody_s_then(
    shop: Project, recording: Recording
) -> None:
    visit(recording, 0, "kiosk")
    for number in range(3):
        log_in(recording, 10 + number, f"u{number}", "kiosk")
        visit(recording, 20 + number, "kiosk")

    result = recording.play(shop, until=DAY).result

    assert told(result) == [
        ("u0", "@anonymous/kiosk", "merged"), ("u1", "kiosk", "shared"), ("u2", "kiosk", "shared")
    ]  # fmt: skip
    assert result.not_merged == {"identify": 2}
    assert result.largest_group is not None
    assert (result.largest_group.names, result.largest_group.smallest) == (4, "@anonymous/kiosk")


def test_of_two_who_are_each_said_to_be_the_other_one_takes_in_the_other(shop: Project, recording: Recording) -> None:
    recording.track(0, "p", "Looked").track(0, "q", "Looked")
    alias(recording, 10, "q", "p")
    alias(recording, 20, "p", "q")
    recording.identify(30, "known").identify(30, "known too")
    alias(recording, 40, "known", "known too")

    result = recording.play(shop, until=DAY).result

    assert [each for each in told(result) if each[0] in ("p", "q")] == [("q", "p", "merged")]
    assert ("known", "", "two_known") in told(result)


def test_whoever_has_taken_somebody_in_is_taken_in_by_nobody(shop: Project, recording: Recording) -> None:
    visit(recording, 0, "a")
    recording.track(0, "p", "Looked")
    alias(recording, 10, "p", "a")
    alias(recording, 20, "q", "p")

    assert told(recording.play(shop, until=DAY).result) == [("p", "@anonymous/a", "merged"), ("q", "", "two_known")]


def test_a_name_of_nobody_is_linked_for_later(shop: Project, recording: Recording) -> None:
    alias(recording, 0, "u", "a")
    visit(recording, 10, "a")
    visit(recording, 20, "a")

    result = recording.play(shop, until=DAY).result

    assert told(result) == [("u", "@anonymous/a", "merged")]
    assert {fact.person for fact in facts_of(result, Moved)} == {"u"}


def test_a_line_of_a_recording_merges_any_name_and_a_call_that_names_a_card(
    shop: Project, recording: Recording
) -> None:
    recording.call(0, type="track", event="Store Visit", properties={"card": "AB7"})
    recording.call(0, type="track", event="Store Visit", properties={"card": "cd8"})
    external = {"externalIds": [{"type": "loyalty", "id": "Cd8"}, {"type": "unknown", "id": "1"}]}
    recording.call(10, type="merge", userId="u", name="@loyalty/ab7")
    recording.call(10, type="identify", userId="v", context=external)
    recording.call(20, type="merge", userId="v", name="@loyalty/ab7")

    played = recording.play(shop, until=DAY)

    assert played.rejected == []
    assert told(played.result) == [
        ("u", "@loyalty/ab7", "merged"), ("v", "", "shared"), ("v", "@loyalty/cd8", "merged")
    ]  # fmt: skip


def test_a_line_without_both_names_merges_nobody(shop: Project, recording: Recording) -> None:
    recording.call(0, type="merge", userId="u").call(0, type="merge", name="@anonymous/a")

    why = [reason for _, reason in recording.play(shop).rejected]

    assert why[0] == "a merge needs the userId of who stays and the name of who is merged"
    assert why[1].startswith("names nobody")


USERS, VISITORS = ["u", "v", "w", "zoe"], ["a", "b", "c", "d"]
calls = st.lists(
    st.tuples(
        st.integers(0, 30).map(lambda number: number * 10 * MINUTE),  # coarse, so that much falls together
        st.sampled_from(
            ["visit", "visit", "cart", "cart", "track", "order", "log in", "log in", "alias", "user alias", "merge",
             "card", "consent", "opened", "identify"]
        ),
        st.sampled_from(USERS),
        st.sampled_from(VISITORS),
        st.integers(0, 3),
    ),
    min_size=4,
    max_size=40,
)  # fmt: skip


def tell(recording: Recording, at: int, what: str, user: str, visitor: str, number: int) -> None:
    cart = {"cart": {"total": 30 + 20 * number}}
    traits: dict[str, object] = {"email": f"{visitor}@mail.example"} if number else {"city": "Oslo"}
    match what:
        case "visit":
            visit(recording, at, visitor, n=number)
        case "cart":
            visit(recording, at, visitor, "Product Added", **cart)
        case "track":
            recording.call(at, type="track", userId=user, anonymousId=visitor, event="Product Added", properties=cart)
        case "order":
            recording.track(at, user, "Order Completed")
        case "log in":
            log_in(recording, at, user, visitor, **traits)
        case "alias":
            alias(recording, at, user, visitor)
        case "user alias":
            alias(recording, at, user, USERS[number])
        case "merge":
            recording.call(at, type="merge", userId=user, name=f"@loyalty/{visitor}")
        case "card":
            recording.call(at, type="track", event="Store Visit", properties={"card": visitor.upper()})
        case "consent":
            recording.call(at, type="consent", userId=user, channel="email", granted=bool(number))
        case "opened":
            recording.react(at, user, "opened", "abandoned-cart.remind", "email")
        case _:
            recording.call(at, type="identify", anonymousId=visitor, traits=traits)


@given(calls, st.integers(2, 9), st.integers(1, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_nobody_who_is_merged_notices_in_how_many_shards_people_live(
    shop: Project,
    recording: Recording,
    happened: list[tuple[int, str, str, str, int]],
    shards: int,
    batch_events_max: int,
) -> None:
    recording.lines.clear()
    for each in happened:
        tell(recording, *each)

    alone = recording.play(shop, until=2 * DAY)
    apart = recording.play(shop, until=2 * DAY, shards=shards, settings=Settings(batch_events_max=batch_events_max))

    assert alone.rejected == apart.rejected == []
    assert bytes_of(apart.result) == bytes_of(alone.result)
    assert told(apart.result) == told(alone.result)
    check_sums(alone.result)
    check_keys(alone.result)


def check_keys(result: Result) -> None:
    """Each key is one delivery, whoever has it."""
    sent = Counter(fact.key for fact in facts_of(result, DeliveryReached) if fact.outcome == "sent")
    assert set(sent.values()) <= {1}


def test_a_group_is_simulated_in_one_shard_and_spread_over_no_others(shop: Project, recording: Recording) -> None:
    names = [next(f"a{n}" for n in range(999) if SlotMap(7).shard(f"@anonymous/a{n}") == shard) for shard in range(7)]
    user = next(f"u{n}" for n in range(999) if SlotMap(7).shard(f"u{n}") == 3)
    for number, name in enumerate(names):
        visit(recording, number, name, "Product Added", cart={"total": 80})
        log_in(recording, 10 * MINUTE + number, user, name, email="u@mail.example")
    assert len({SlotMap(7).owner(slot_of(f"@anonymous/{name}")) for name in names}) == 7

    results = [recording.play(shop, shards=shards).result for shards in (1, 2, 7)]

    assert [bytes_of(result) for result in results] == [bytes_of(results[0])] * 3
    assert len(facts_of(results[0], Merged)) == 7
    assert results[0].largest_group is not None and results[0].largest_group.names == 8


NEWS = """
# file parcours.yaml
project: shop
policies: {consent: {default: opt_out}}
# file profile.yaml
traits: {email: string, tier: string}
# file audiences.yaml
audiences: {gold: 'profile.tier == "gold"'}
# file messages/news.yaml
{message: news, email: {text: new in store}}
# file journeys/news.yaml
journey: news
entry: {audience: gold}
steps: [{id: tell, send: news}]
"""


@pytest.mark.parametrize(("withdrawn", "outcome"), [(True, "refused"), (False, "sent")])
def test_what_a_log_in_queues_leaves_by_the_consent_that_both_have_given(
    write: Write, recording: Recording, withdrawn: bool, outcome: str
) -> None:
    recording.call(0, type="consent", anonymousId="7f3a", channel="email", granted=not withdrawn)
    gold = {"email": "u1@mail.example", "tier": "gold"}
    recording.call(MINUTE, type="identify", userId="u1", anonymousId="7f3a", traits=gold)

    played = recording.play(Project.load(write(NEWS)))

    (told,) = [fact for fact in facts_of(played.result, DeliveryReached) if fact.outcome in ("sent", "refused")]
    assert (told.person, told.outcome) == ("u1", outcome)


def test_a_comparison_tells_which_reminders_go_with_the_history_of_visitors(write: Write, recording: Recording) -> None:
    recording.lines = bought(recording).lines[:-1]
    used, unused = (
        recording.play(
            Project.load(write(SHOP.replace("HISTORY", history))), until=2 * HOUR, shards=shards
        ).result.facts
        for history, shards in (("used", 1), ("unused", 3))
    )

    same, other = compare(used, used), compare(used, unused)

    assert same.changes == [] and same.deliveries.same > 0
    gone = [(each.kind, each.person, each.run, each.step) for each in other.changes if each.outcome == "sent"]
    assert gone == [("vanishes", "u1", 4, "remind")]
