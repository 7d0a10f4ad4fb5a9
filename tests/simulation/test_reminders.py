"""Reminders on three channels: email, a day later SMS, a day later push; nothing more from the purchase on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.errors import ProjectInvalid
from parcours.journey.project import Project

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording, Write

DAY = 86_400_000

PROJECT = """
# file parcours.yaml
project: shop
policies: {consent: {default: opt_out}}
# file profile.yaml
traits: {email: string, phone: string, devices.phone: string}
# file events.yaml
events:
  Cart Abandoned:
    properties: {cart.total: number, cart.contact.mail: string, cart.items: list, ATTRIBUTES}
  Order Completed: {properties: {total: number}}
# file messages/reminder.yaml
message: reminder
status: ready
email: {subject: "Your cart", text: "It waits."}
sms: {text: "Your cart waits."}
push: {title: "Your cart", body: "It waits."}
# file journeys/reminders.yaml
journey: reminders
entry: {event: Cart Abandoned, when: event.cart.total > 50}
exit: [{event: Order Completed}]
goal: {event: Order Completed, target: 50%}
steps:
  - {id: remind, send: reminder, channels: [email], to: {email: entry.cart.contact.mail}}
  - id: opened
    wait_for:
      - {reaction: opened, of: remind, next: done}
    timeout: 1d
    on_timeout: text
  - {id: text, send: reminder, channels: [sms], to: {sms: profile.phone}}
  - {id: pause, wait: 1d}
  - {id: last-call, send: reminder, channels: [push], to: {push: profile.devices.phone}}
  - {id: done, end: true}
"""
SHOP = PROJECT.replace(", ATTRIBUTES", "")

ALL = [(0, "remind", "email"), (DAY, "text", "sms"), (2 * DAY, "last-call", "push")]


@pytest.fixture
def shop(write: Write) -> Project:
    return Project.load(write(SHOP))


@pytest.fixture
def sarah(recording: Recording) -> Recording:
    """Sarah leaves a cart of 80 at 0."""
    recording.identify(-1, "sarah", phone="+33612345678", devices={"phone": "token-7"})
    cart = {"total": 80, "contact": {"mail": "sarah@mail.example"}}
    return recording.track(0, "sarah", "Cart Abandoned", {"cart": cart})


def test_somebody_who_opens_nothing_gets_all_three_a_day_apart_each_at_its_own_address(
    shop: Project, sarah: Recording
) -> None:
    played = sarah.play(shop)

    assert played.deliveries() == ALL
    assert played.addresses() == [("email", "sarah@mail.example"), ("sms", "+33612345678"), ("push", "token-7")]


@pytest.mark.parametrize(
    "opened_at, reminders",
    [
        (1, 1),
        (DAY - 1, 1),
        (DAY, 1),  # exactly a day later is within the day
        (DAY + 1, 3),  # the SMS left at exactly a day
    ],
)
def test_an_opened_mail_ends_the_reminders_if_it_is_opened_within_a_day(
    shop: Project, sarah: Recording, opened_at: int, reminders: int
) -> None:
    played = sarah.react(opened_at, "sarah", "opened", "reminders.remind", "email").play(shop)

    assert played.deliveries() == ALL[:reminders]
    if reminders == 1:
        assert played.way("sarah")[-3:] == [
            (opened_at, "matched", "opened"), (opened_at, "reached", "done"), (opened_at, "ended", "done"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    "bought_at, reminders, goal",
    [
        (1, 1, 1),
        (DAY - 1, 1, 1),
        (DAY, 1, 1),  # the purchase goes before the timer of its instant
        (DAY + 1, 2, 1),
        (2 * DAY, 2, 1),
        (2 * DAY + 1, 3, 0),  # the run was over
    ],
)
def test_nothing_leaves_from_the_moment_of_the_purchase(
    shop: Project, sarah: Recording, bought_at: int, reminders: int, goal: int
) -> None:
    played = sarah.track(bought_at, "sarah", "Order Completed").play(shop)

    assert played.deliveries() == ALL[:reminders]
    assert played.result.summary.journeys["reminders"].goal == goal
    assert [at for at, _, _ in played.moves("exited")] == [bought_at] * goal


@pytest.mark.parametrize(
    "cart, enters",
    [
        ({"total": 50.01}, True),
        ({"total": 50}, False),
        ({"total": "80"}, False),  # of the wrong type: false, with a reason
        ({}, False),
        (None, False),
        ([80], False),
    ],
)
def test_only_a_cart_above_fifty_counts(shop: Project, recording: Recording, cart: object, enters: bool) -> None:
    recording.track(0, "odd", "Cart Abandoned", {"cart": cart})
    recording.track(0, "tom", "Cart Abandoned", {"cart": {"total": 99}})

    played = recording.play(shop)

    assert [who for _, who, _ in played.moves("entered")] == (["odd"] if enters else []) + ["tom"]
    assert played.result.summary.events.used == 2


def test_a_condition_may_look_at_any_number_of_attributes(write: Write, recording: Recording) -> None:
    names = [f"a{number}.deep.value" for number in range(29)]
    condition = " && ".join(f"event.{name} == {number}" for number, name in enumerate(names))
    declared = ", ".join(f"{name}: number" for name in names)
    shop = Project.load(
        write(PROJECT.replace("ATTRIBUTES", declared).replace("when: event.cart.total > 50", f"when: {condition}"))
    )
    right: dict[str, object] = {f"a{number}": {"deep": {"value": number}} for number in range(29)}

    recording.track(0, "sarah", "Cart Abandoned", right)
    recording.track(0, "tom", "Cart Abandoned", right | {"a28": {"deep": {"value": 0}}})

    assert [who for _, who, _ in recording.play(shop).moves("entered")] == ["sarah"]


def test_the_goal_is_set_beside_its_target(shop: Project, sarah: Recording) -> None:
    sarah.track(0, "tom", "Cart Abandoned", {"cart": {"total": 99}}).track(5, "tom", "Order Completed")

    played = sarah.play(shop)

    journey = played.result.summary.journeys["reminders"]
    assert (journey.entered, journey.goal, played.result.targets) == (2, 1, {"reminders": 50.0})


@pytest.mark.parametrize(
    "right, wrong, complaint",
    [
        ("status: ready", "status: draft", "is a draft"),
        ("entry: {event: Cart Abandoned", "entry: {event: Cart Abandonned", "did you mean"),
    ],
)
def test_a_project_with_a_draft_or_an_unknown_trigger_does_not_run(
    write: Write, right: str, wrong: str, complaint: str
) -> None:
    with pytest.raises(ProjectInvalid, match=complaint):
        Project.load(write(SHOP.replace(right, wrong)))
