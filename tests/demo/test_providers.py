"""The demo's providers take what the built-in channels send, and refuse what they have to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from parcours.channel import Accepted, Channel, Delivery, Receipt, Refused
from parcours.demo.providers import Providers
from parcours_channels.email import EmailChannel
from parcours_channels.push import PushChannel
from parcours_channels.sms import SmsChannel

CHANNELS: dict[str, type[Channel]] = {"email": EmailChannel, "sms": SmsChannel, "push": PushChannel}

CONTENT: dict[str, dict[str, object]] = {
    "email": {"subject": "Hello", "text": "Your cart waits."},
    "sms": {"text": "Your cart waits."},
    "push": {"title": "Hello", "body": "Your cart waits."},
}


def send(providers: Providers, name: str, to: Sequence[str]) -> list[Receipt]:
    """What the channel answers for one delivery to each address, in the order of the addresses."""
    kind = CHANNELS[name]
    channel = kind(kind.Settings.model_validate(providers.channels[name]))
    content = kind.Content.model_validate(CONTENT[name])
    deliveries = [
        Delivery(key=f"key{number}", channel=name, to=address, content=content) for number, address in enumerate(to)
    ]

    async def all_of_it() -> list[Receipt]:
        await channel.start()
        try:
            return await channel.send(deliveries)
        finally:
            await channel.stop()

    return sorted(asyncio.run(all_of_it()), key=lambda receipt: receipt.key)


@pytest.mark.parametrize(
    "name, good, dead",
    [
        ("email", "sarah.0001@mail.example", "sarah.0002.moved@mail.example"),
        ("push", "luma-0123", "dead-0123"),
    ],
)
def test_a_dead_address_is_refused_for_good_and_the_other_one_is_reached(name: str, good: str, dead: str) -> None:
    with Providers() as providers:
        receipts = send(providers, name, [good, dead])

    assert isinstance(receipts[0], Accepted)
    assert isinstance(receipts[1], Refused)
    assert receipts[1].permanent
    assert (providers.mails_received, providers.pushes_received) == ((1, 0) if name == "email" else (0, 1))


def test_the_text_messages_that_were_accepted_are_counted() -> None:
    with Providers() as providers:
        receipts = send(providers, "sms", ["+14045550100", "+14155550101"])

    assert [type(receipt) for receipt in receipts] == [Accepted, Accepted]
    assert providers.texts_received == 2
