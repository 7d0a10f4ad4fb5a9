"""What does a failure mean for the delivery that met it, and for those beside it?"""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel

from parcours.channel import Accepted, Ambiguous, Attempt, Delivery, NotSent, Receipt, SideBySide


class Nothing(BaseModel):
    """Content that nobody looks at."""


def deliveries(count: int) -> list[Delivery]:
    return [Delivery(key=f"k{number}", channel="c", to="a", content=Nothing()) for number in range(count)]


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), TimeoutError(), ZeroDivisionError("a mistake")])
@pytest.mark.parametrize("departed, expected", [(False, NotSent), (True, Ambiguous)])
def test_an_error_is_judged_by_whether_the_delivery_had_departed(
    error: Exception, departed: bool, expected: type
) -> None:
    async def send_one(delivery: Delivery, attempt: Attempt) -> Receipt:
        attempt.departed = departed
        if delivery.key == "k1":
            raise error
        return Accepted(delivery.key)

    receipts = asyncio.run(SideBySide(3, 60).send(deliveries(3), send_one))

    assert [type(receipt) for receipt in receipts] == [Accepted, expected, Accepted]
    assert [receipt.key for receipt in receipts] == ["k0", "k1", "k2"]


def test_no_more_deliveries_are_under_way_than_allowed_over_all_calls() -> None:
    under_way: list[int] = [0]
    most: list[int] = [0]

    async def send_one(delivery: Delivery, attempt: Attempt) -> Receipt:
        attempt.departed = True
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        await asyncio.sleep(0)
        under_way[0] -= 1
        return Accepted(delivery.key)

    async def two_calls() -> None:
        side_by_side = SideBySide(2, 60)
        await asyncio.gather(*(side_by_side.send(deliveries(5), send_one) for _ in range(2)))

    asyncio.run(two_calls())

    assert most == [2]


def test_a_cancelled_call_leaves_nothing_running() -> None:
    ended: list[str] = []
    both_begun = asyncio.Barrier(3)

    async def send_one(delivery: Delivery, attempt: Attempt) -> Receipt:
        attempt.departed = True
        try:
            await both_begun.wait()
            await asyncio.Event().wait()
        finally:
            ended.append(delivery.key)
        return Accepted(delivery.key)

    async def cancelled() -> None:
        call = asyncio.ensure_future(SideBySide(2, 60).send(deliveries(2), send_one))
        await both_begun.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(cancelled())

    assert ended == ["k0", "k1"]


def test_where_one_server_takes_all_what_has_not_begun_is_given_back_untried_when_it_cannot_be_reached() -> None:
    begun: list[str] = []

    async def send_one(delivery: Delivery, attempt: Attempt) -> Receipt:
        begun.append(delivery.key)
        attempt.departed = False
        await asyncio.sleep(0)
        raise ConnectionRefusedError("nobody listens")

    receipts = asyncio.run(SideBySide(2, 60, one_provider=True).send(deliveries(5), send_one))

    assert begun == ["k0", "k1"]
    assert [(type(each), isinstance(each, NotSent) and each.of_channel) for each in receipts] == [(NotSent, True)] * 5
    assert [isinstance(each, NotSent) and each.tried for each in receipts] == [True, True, False, False, False]


def test_a_mistake_with_one_delivery_is_no_outage() -> None:
    async def send_one(delivery: Delivery, attempt: Attempt) -> Receipt:
        attempt.departed = delivery.key != "k0"
        if not attempt.departed:
            raise ZeroDivisionError("a mistake")
        return Accepted(delivery.key)

    receipts = asyncio.run(SideBySide(1, 60, one_provider=True).send(deliveries(2), send_one))

    assert receipts == [NotSent("k0", "ZeroDivisionError: a mistake"), Accepted("k1")]


def test_a_delivery_without_a_turn_in_time_was_not_tried_and_says_nothing_of_the_server() -> None:
    async def send_one(delivery: Delivery, attempt: Attempt) -> Receipt:
        attempt.departed = True
        await asyncio.Event().wait()
        return Accepted(delivery.key)

    receipts = asyncio.run(SideBySide(1, 0.01, one_provider=True).send(deliveries(2), send_one))

    assert [type(each) for each in receipts] == [Ambiguous, NotSent]
    assert isinstance(receipts[1], NotSent) and not receipts[1].tried and not receipts[1].of_channel
