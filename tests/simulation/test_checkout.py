"""Luma's checkout: a purchase is confirmed however late it comes, and none for 20 seconds brings an invitation back."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from tests.shard.recorded_batches import recorded_batch

from parcours.channel import Accepted
from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.shard import Shard
from parcours.shard.timekeeping import VirtualTime
from parcours.store.memory import VolatileStore

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording

    from parcours.journey.project import Project

SECOND, DAY = 1_000, 86_400_000

CART = {"cart_id": "c1", "cart": {"total": 80, "items": 2}, "email": "typed@mail.example"}
ORDER = {"cart_id": "c1", "order_id": "L1", "total": 80}


@pytest.fixture
def sarah(recording: Recording) -> Recording:
    """Sarah proceeds to checkout at 0."""
    recording.identify(-1, "sarah", email="sarah@mail.example", first_name="Sarah")
    return recording.track(0, "sarah", "Checkout Started", CART)


@pytest.mark.parametrize("bought_at", [0, 1, 19_999, 20_000])  # the limit itself is still in time
def test_a_purchase_within_twenty_seconds_is_confirmed_and_nothing_else(
    luma: Project, sarah: Recording, bought_at: int
) -> None:
    played = sarah.track(bought_at, "sarah", "Order Completed", ORDER).play(luma)

    assert played.deliveries() == [(bought_at, "confirm", "email")]
    assert played.addresses() == [("email", "sarah@mail.example")]


def test_one_millisecond_later_the_invitation_has_gone_out_at_exactly_twenty_seconds(
    luma: Project, sarah: Recording
) -> None:
    played = sarah.track(20_001, "sarah", "Order Completed", ORDER).play(luma)

    assert played.deliveries() == [(20_000, "invite-back", "email"), (20_001, "confirm", "email")]
    assert played.addresses() == [("email", "typed@mail.example"), ("email", "sarah@mail.example")]


@pytest.mark.parametrize(
    "bought_at, confirmed",
    [
        (3 * DAY, True),
        (20 * SECOND + 7 * DAY, True),  # the second listener waits for seven days, the end included
        (20 * SECOND + 7 * DAY + 1, False),
    ],
)
def test_a_late_purchase_still_gets_its_confirmation(
    luma: Project, sarah: Recording, bought_at: int, confirmed: bool
) -> None:
    played = sarah.track(bought_at, "sarah", "Order Completed", ORDER).play(luma)

    late = [(bought_at, "confirm", "email")] if confirmed else []
    assert played.deliveries() == [(20_000, "invite-back", "email"), *late]


def test_without_a_purchase_there_is_one_invitation_and_the_run_ends(luma: Project, sarah: Recording) -> None:
    played = sarah.play(luma)

    assert played.way("sarah", "checkout") == [
        (0, "entered", None),
        (0, "reached", "bought"),
        (20_000, "timed_out", "bought"),
        (20_000, "reached", "invite-back"),
        (20_000, "reached", "bought-late"),
        (20_000 + 7 * DAY, "timed_out", "bought-late"),
        (20_000 + 7 * DAY, "reached", "done"),
        (20_000 + 7 * DAY, "ended", "done"),
    ]


@pytest.mark.parametrize("until, sent", [(19_999, 0), (20_000, 1), (20_001, 1)])
def test_one_can_look_at_any_instant_of_the_way(luma: Project, sarah: Recording, until: int, sent: int) -> None:
    played = sarah.play(luma, until=until)

    steps = played.result.summary.journeys["checkout"].steps
    assert len(played.deliveries()) == sent
    assert (steps["bought"].waiting, steps["bought-late"].waiting) == (1 - sent, sent)


def test_two_carts_are_followed_side_by_side(luma: Project, sarah: Recording) -> None:
    sarah.track(5_000, "sarah", "Checkout Started", {**CART, "cart_id": "c2"})
    sarah.track(6_000, "sarah", "Checkout Started", CART)
    sarah.track(10_000, "sarah", "Order Completed", {**ORDER, "cart_id": "c2"})

    played = sarah.play(luma)

    assert played.deliveries() == [(10_000, "confirm", "email"), (20_000, "invite-back", "email")]
    assert played.moves("not_entered") == [(6_000, "sarah", "already_in")]


def test_whoever_has_no_address_is_refused_by_name_and_everybody_else_is_written_to(
    luma: Project, sarah: Recording
) -> None:
    sarah.track(0, "tom", "Checkout Started", {**CART, "email": "not an address"})
    sarah.track(0, "una", "Checkout Started", {"cart_id": "c9"})
    sarah.track(0, "vera", "Checkout Started", {**CART, "email": "vera@mail.example"})

    played = sarah.play(luma)

    assert played.result.summary.channels == {"email": {"refused": 2, "sent": 2}}
    assert played.result.summary.gates == {"address": 2}
    assert played.result.reasons == {
        ("email", "refused", "address is not well formed: it is not of the form name@domain"): 1,
        ("email", "refused", "no address"): 1,
    }
    assert played.result.summary.journeys["checkout"].steps["bought-late"].inflow == 4


def test_the_mails_are_filled_from_the_cart_the_order_and_the_profile(luma: Project, sarah: Recording) -> None:
    sarah.track(30_000, "sarah", "Order Completed", {**ORDER, "products": "a yoga mat", "unnamed": "is not kept"})
    shard = Shard(0, SlotMap(1), luma.program, VolatileStore(), Settings(), time=VirtualTime())
    shard.open(0)
    shard.take(recorded_batch("door", 1, [1, 2, 3], sarah.lines), 0)

    mails = []
    numbers = count(1)
    while claims := shard.exchange(ExchangeDeliveries([], "email", 10, "d", claim := next(numbers)), 0).outgoing:
        mails += [(mail.message, mail.to, mail.context) for mail in claims]
        receipts = [(claim, Accepted(mail.key)) for mail in claims]
        shard.exchange(ExchangeDeliveries(receipts, "email", 0, "d", next(numbers)), 0)

    entry = {"cart_id": "c1", "cart": {"total": 80, "items": 2}}
    profile = {"first_name": "Sarah"}
    order = {"order_id": "L1", "total": 80, "products": "a yoga mat"}
    assert mails == [
        ("checkout-abandoned", "typed@mail.example", {"entry": entry, "profile": profile}),
        ("order-confirmation", "sarah@mail.example", {"event": order, "profile": profile}),
    ]
