"""Of each journey the newest ended runs of a person are remembered, and what they cost does not grow with her past."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.core.conftest import Story, Tell

from parcours import Project, Settings, simulate
from parcours.channel import Accepted, Ambiguous, NotSent
from parcours.core.fact import DeliveryReached, LimitReached, Published, Unmatched
from parcours.core.input import ConsentChanged, FeedbackArrived
from parcours.core.profile import Archive, decode_profile, encode_profile
from parcours.core.time_text import time_text

HOUR = 3_600_000

ONCE_A_CART = """
journey: trip
entry: {event: Start}
correlation: event.cart
reentry: never
steps: [{id: over, end: true}]
"""

SENDS = """
journey: trip
entry: {event: Start}
goal: {event: Bought, within: 7d}
steps: [{id: mail, send: MESSAGE, channels: [email]}]
"""


def limits(story: Story) -> list[tuple[str, str]]:
    return [(fact.setting, fact.why) for fact in story.facts if isinstance(fact, LimitReached)]


def numbers(story: Story) -> list[int]:
    return [run.number for run in story.profile.past]


def test_the_newest_200_ended_runs_of_a_journey_are_remembered(tell: Tell) -> None:
    story = tell(ONCE_A_CART)
    for number in range(200):
        story.event(number, "Start", cart=f"c{number}")

    story.event(200, "Start", cart="c0")
    assert [why for *_, why in story.told("not_entered")] == ["too_soon"], "the first of 200 is"
    assert limits(story) == []

    story.event(201, "Start", cart="c200")
    assert limits(story) == [("ended_runs_max", "with 200 newer ones, the oldest ended run of 'trip' is forgotten")]
    story.event(202, "Start", cart="c1")
    story.event(203, "Start", cart="c0")

    assert len(story.told("not_entered")) == 2, "the second run is remembered, the first one is not any more"
    assert numbers(story) == list(range(3, 203))


def test_the_limit_is_told_once_for_each_journey(tell: Tell) -> None:
    other = ONCE_A_CART.replace("trip", "other")
    story = tell(f"{ONCE_A_CART}---{other}", ended_runs_max=2)

    for number in range(9):
        story.event(number, "Start", cart=f"c{number}")

    assert [why.split("'")[1] for _, why in limits(story)] == ["other", "trip"]


def test_a_pause_between_runs_of_one_cart_is_forgotten_with_its_run(tell: Tell) -> None:
    story = tell(ONCE_A_CART.replace("never", "{after: 1h}"), ended_runs_max=2)

    for at, cart in enumerate(["a", "b", "a", "c", "a", "a"]):
        story.event(at, "Start", cart=cart)

    assert [at for at, *_ in story.told("not_entered")] == [2, 5]


def test_runs_without_a_correlation_are_remembered_for_reentry_whatever_ended_after_them(tell: Tell) -> None:
    story = tell(ONCE_A_CART, ended_runs_max=2).event(0, "Start")

    for number in range(1, 6):
        story.event(number, "Start", cart=f"c{number}")
    story.event(9, "Start")

    assert numbers(story) == [5, 6]
    assert [at for at, *_ in story.told("not_entered")] == [9]


@pytest.mark.parametrize("condition", ["", ", when: event.total > 5", ", when: event.cart == entry.cart"])
def test_a_goal_within_its_time_is_credited_to_remembered_runs_only(tell: Tell, condition: str) -> None:
    story = tell(SENDS.replace("MESSAGE", "receipt").replace("Bought", f"Bought{condition}"), ended_runs_max=2)
    for at in range(3):
        story.event(at, "Start", cart="a").send(at)

    story.event(3, "Bought", total=1, cart="b").event(10, "Bought", total=9, cart="a")
    story.event(11, "Bought", total=9, cart="a")

    credited = [(10 if condition else 3, "trip", number, None) for number in (2, 3)]
    assert story.told("goal") == credited


def test_a_goal_is_credited_to_the_ended_runs_of_its_cart(tell: Tell) -> None:
    story = tell(SENDS.replace("goal", "correlation: event.cart\ngoal").replace("MESSAGE", "receipt"))
    for at, cart in enumerate(["a", "b", "a", "1"]):
        story.event(at, "Start", cart=cart).send(at)

    story.event(10, "Bought", cart="a").event(11, "Bought", cart="c").event(12, "Bought").event(13, "Bought", cart="b")

    assert [(at, number) for at, _, number, _ in story.told("goal")] == [(10, 1), (10, 3), (12, 2), (12, 4)]


def test_a_goal_is_credited_until_the_last_instant_of_its_time(tell: Tell) -> None:
    story = tell(SENDS.replace("MESSAGE", "receipt").replace("7d", "1h"))
    for at in (0, 1):
        story.event(at, "Start").send(at)

    story.event(HOUR + 1, "Bought").event(HOUR + 2, "Bought")

    assert [(at, number) for at, _, number, _ in story.told("goal")] == [(HOUR + 1, 2)]


def test_a_report_on_a_forgotten_run_concerns_nothing(tell: Tell) -> None:
    story = tell(SENDS.replace("MESSAGE", "receipt"), ended_runs_max=2)
    keys = [key for at in range(3) for key in story.event(at, "Start").send(at)]

    for key in keys:
        story.give(FeedbackArrived(9, key, "opened"))

    assert [fact.why for fact in story.facts if isinstance(fact, Unmatched)] == [
        f"no delivery of the key {keys[0]} has left"
    ]
    marks = [set(run.deliveries[0].marks) for run in story.profile.past]
    assert marks == [{"delivered", "opened"}] * 2


def test_a_reaction_concerns_the_newest_delivery_among_all_runs(tell: Tell) -> None:
    journey = """
        journey: trip
        entry: {event: Start}
        correlation: event.cart
        exit: [{event: Left}]
        steps: [{id: pause, wait: 1h}, {id: mail, send: receipt, channels: [email]}, {id: wait, wait: 1d}]
    """
    story = tell(journey)
    story.event(0, "Start", cart="a").event(1, "Start", cart="b").wait(HOUR + 2).send(HOUR + 2)

    story.event(HOUR + 3, "Left", cart="b").event(HOUR + 4, "Left", cart="a").react(HOUR + 5, "opened", "mail")

    opened = {run.number: set(run.deliveries[0].marks) for run in story.profile.past}
    assert opened == {1: set(), 2: {"delivered", "opened"}}, "the second was decided on later, and ended earlier"


def test_a_simulation_remembers_what_a_live_engine_does(shop: Callable[..., Project]) -> None:
    journeys = f"{ONCE_A_CART}---{SENDS.replace('MESSAGE', 'receipt').replace('trip', 'other')}"
    project = shop(journeys)
    carts = ["a", "b", "a", "c", "a", "b", "d", "a", "c", "c"]
    happened = [(10 * number, "Bought" if number % 4 == 3 else "Start", cart) for number, cart in enumerate(carts, 1)]
    settings = Settings(ended_runs_max=2)

    live = Story(project.program, settings).identify(1, email="sarah@mail.example")
    for at, name, cart in happened:
        live.event(at, name, cart=cart).send(at)
    lines = [line(1, type="identify", traits={"email": "sarah@mail.example"})]
    lines += [line(at, type="track", event=name, properties={"cart": cart}) for at, name, cart in happened]
    simulated = simulate(project, lines, settings=settings).facts

    assert limits(live) != []
    assert [fact for fact in simulated if not isinstance(fact, DeliveryReached | Published)] == [
        fact for fact in live.facts if not isinstance(fact, DeliveryReached)
    ]


def line(at: int, **call: object) -> bytes:
    return msgspec.json.encode({**call, "userId": "sarah", "timestamp": time_text(at)})


def test_a_run_with_a_delivery_under_way_is_not_forgotten(tell: Tell) -> None:
    story = tell(SENDS.replace("MESSAGE", "receipt"), ended_runs_max=1)
    for at in range(4):
        story.event(at, "Start")

    assert numbers(story) == [1, 2, 3, 4]
    assert limits(story) == [], "nothing has been lost"
    first, second, third, fourth = story.claim(5)
    story.answer(6, Accepted(fourth)).answer(7, NotSent(first, "busy"))
    assert numbers(story) == [1, 2, 3, 4], "a second attempt, and two answers, are to come"
    story.answer(8, Accepted(second)).answer(9, Ambiguous(third, "lost"))
    assert numbers(story) == [1, 3, 4]

    story.wait(HOUR).send(HOUR)

    assert numbers(story) == [4]
    assert story.outbox == {}
    assert [outcome for at, _, outcome in story.outcomes() if at == HOUR] == ["claimed", "claimed", "sent", "sent"]


def test_a_doubtful_delivery_keeps_its_run_only_for_another_attempt(tell: Tell) -> None:
    story = tell(SENDS.replace("MESSAGE", "mail"), ended_runs_max=1)
    for at in range(3):
        (key,) = story.event(at, "Start").claim(at)
        story.answer(at, Ambiguous(key, "lost"))

    assert numbers(story) == [3], "marketing is not sent again"


def test_runs_that_have_still_to_send_bound_what_may_be_entered(tell: Tell) -> None:
    story = tell(SENDS.replace("MESSAGE", "receipt"), open_runs_max=3)
    for at in range(5):
        story.event(at, "Start")
    story.send(6)

    story.event(7, "Start")

    why = "'trip' was not entered, with 3 runs open, or with a delivery under way"
    assert limits(story) == [("open_runs_max", why)] * 2
    assert [at for at, *_ in story.told("entered")] == [0, 1, 2, 7]


def test_ended_runs_have_only_so_much_room(tell: Tell) -> None:
    story = tell(ONCE_A_CART, ended_runs_bytes_max=1_000)

    for number in range(20):
        story.event(number, "Start", cart=f"{number}" * 100)

    (archive,) = story.profile.archives.values()
    assert 500 < len(archive.settled.data) <= 1_000
    assert limits(story) == [
        ("ended_runs_bytes_max", "its ended runs take more than 1000 bytes, so the oldest one of 'trip' is forgotten")
    ]


def test_what_concerns_no_ended_run_decodes_none(tell: Tell) -> None:
    # given ended runs whose bytes nobody can decode
    journey = SENDS.replace("goal", "reentry: {after: 1h}\ngoal").replace("MESSAGE", "receipt")
    story = tell(journey)
    story.event(0, "Start").send(0)
    profile = story.profile
    profile.archives["trip"].settled.data = b"\xc1" * 30
    story.state = encode_profile(profile)

    story.event(1, "Seen").event(2, "Start").identify(3, city="Paris").give(ConsentChanged(4, "sms", None, True))
    story.give(FeedbackArrived(5, "0" * 37, "opened"))

    assert [why for *_, why in story.told("not_entered")] == ["too_soon"]


def test_an_input_that_changes_no_ended_run_leaves_their_bytes_as_they_were(tell: Tell) -> None:
    story = tell(SENDS.replace("MESSAGE", "receipt"))
    (key,) = story.event(0, "Start").send(0)
    story.event(1, "Start").send(1)
    story.give(FeedbackArrived(2, key, "opened"))
    before = story.state

    story.give(FeedbackArrived(3, key, "opened"))

    assert story.state == before
    assert isinstance(decode_profile(before).archives["trip"], Archive)


def test_runs_with_a_delivery_under_way_count_among_the_newest(tell: Tell) -> None:
    story = tell(SENDS.replace("MESSAGE", "receipt"), ended_runs_max=2)
    for at in (0, 1):
        story.event(at, "Start").send(at)

    story.event(2, "Start")
    assert numbers(story) == [2, 3]
    story.event(3, "Start")
    assert numbers(story) == [3, 4]

    third, fourth = story.claim(4)
    story.answer(5, Accepted(fourth)).event(6, "Start").answer(7, Accepted(third))
    assert numbers(story) == [4, 5], "the third ended before the two newest, whenever it left"


def test_a_run_with_a_delivery_under_way_reaches_its_goal_and_bars_its_cart(tell: Tell) -> None:
    journey = SENDS.replace("goal", "correlation: event.cart\nreentry: never\ngoal").replace("MESSAGE", "receipt")
    story = tell(journey).event(0, "Start", cart="a").event(1, "Start", cart="b")

    story.event(2, "Start", cart="a").event(3, "Bought", cart="b").event(4, "Bought")

    assert [at for at, *_ in story.told("not_entered")] == [2]
    assert [(at, number) for at, _, number, _ in story.told("goal")] == [(3, 2), (4, 1)]
    assert len(story.send(5)) == 2


def test_once_all_have_reached_their_goal_none_is_decoded_for_it(tell: Tell) -> None:
    story = tell(SENDS.replace("MESSAGE", "receipt"))
    for at in range(3):
        story.event(at, "Start").send(at)
    profile = story.event(3, "Bought").profile
    profile.archives["trip"].settled.data = b"\xc1" * 30
    story.state = encode_profile(profile)

    story.event(4, "Bought")

    assert len(story.told("goal")) == 3


def test_a_run_that_was_left_waits_for_no_second_attempt(tell: Tell) -> None:
    journey = """
        journey: trip
        entry: {event: Start}
        exit: [{event: Left}]
        steps: [{id: mail, send: receipt, channels: [email]}, {id: pause, wait: 1h}]
    """
    story = tell(journey, ended_runs_max=1)
    (key,) = story.event(0, "Start").claim(0)
    story.answer(1, Ambiguous(key, "lost")).event(2, "Left")

    story.event(3, "Start").send(3)
    story.event(4, "Left")

    assert numbers(story) == [2]


class Opening:
    """Everybody opens what she gets, an hour later."""

    def reactions(self, key: str, channel: str) -> list[tuple[int, str]]:
        return [(HOUR, "opened")]


def test_nobody_will_react_to_what_is_forgotten(tell: Tell) -> None:
    story = tell(SENDS.replace("MESSAGE", "receipt"), Opening(), ended_runs_max=2)

    for at in range(9):
        story.event(at, "Start").send(at)

    assert [timer.due for timer in story.profile.timers] == [HOUR + 7, HOUR + 8]
