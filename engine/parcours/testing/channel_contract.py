"""The suite that every channel passes, the built-in ones and yours.

    class TestPostcards(ChannelContract[PostOffice]):
        channel = PostcardChannel
        content = {"text": "Hello"}
        ...

Subclass it in a test module of your own and say how to open your provider's double, how to reach it, and
how to make it go wrong. Plain pytest runs it; no plugin is needed.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import unittest
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Generic, TypeVar

import pydantic

from parcours.channel import (
    CAPACITY,
    GROUP,
    Accepted,
    Ambiguous,
    Channel,
    Delivery,
    NotSent,
    Receipt,
    Refused,
)
from parcours.dispatch.outsiders import storable

Provider = TypeVar("Provider")

PATIENCE_S = 2.0
"""The channel's time-out where the provider never answers; everything else is far quicker."""


class ChannelContract(ABC, Generic[Provider]):
    """The contract suite of channels. `Provider` is the type of your double; each test opens a new one."""

    channel: ClassVar[type[Channel]]
    """The class under test."""

    content: ClassVar[Mapping[str, Any]]
    """A valid content for it, as a message document would have it."""

    entry_point: ClassVar[str | None] = None
    """The name of its entry point; None if it is not meant to be installed."""

    timeout_setting: ClassVar[str] = "timeout_s"
    """The setting that bounds one call of `send`, in seconds."""

    hostile_address: ClassVar[str] = "nobody\r\nX-Injected: yes\r\n\r\n\x00<>@"
    """An address that must not reach a provider, or that the provider refuses."""

    @abstractmethod
    def provider(self) -> AbstractContextManager[Provider]:
        """A provider that takes everything; it closes with the context."""

    @abstractmethod
    def settings(self, provider: Provider) -> dict[str, Any]:
        """Settings that lead to that provider. Called while it is open."""

    @abstractmethod
    def address(self, number: int) -> str:
        """A good address, another one for each number."""

    @abstractmethod
    def taken(self, provider: Provider) -> int:
        """How many messages the provider has taken in."""

    def identities(self, provider: Provider) -> list[str] | None:
        """How the provider could recognise each message as a repetition, oldest first; None if it cannot."""
        return None

    @abstractmethod
    def refuse_next(self, provider: Provider) -> None:
        """Let the provider refuse the next message for good: no such address, opted out."""

    @abstractmethod
    def slow_down_next(self, provider: Provider) -> float | None:
        """Let the provider turn the next message away for now. Returns the seconds of delay that it wants, if any."""

    @abstractmethod
    def break_next(self, provider: Provider) -> None:
        """Let the provider take the next message in and break the connection instead of answering."""

    @abstractmethod
    def hang_next(self, provider: Provider) -> None:
        """Let the provider take the next message in and never answer."""

    @abstractmethod
    def cut_off(self, provider: Provider) -> None:
        """Let the provider refuse connections from now on."""

    def test_it_has_all_that_a_channel_needs(self) -> None:
        for name in ("Settings", "Content", "address_kind", "normalize", "check", "start", "send", "stop"):
            assert hasattr(self.channel, name), f"{self.channel.__name__} lacks {name}"

    def test_its_entry_point_leads_to_it(self) -> None:
        if self.entry_point is None:
            raise unittest.SkipTest("not offered through an entry point")
        found = importlib.metadata.entry_points(group=GROUP, name=self.entry_point)
        assert found, f"no installed distribution has the entry point {self.entry_point!r} in {GROUP}"
        loaded = [point.load() for point in found]
        assert loaded == [self.channel], f"{self.entry_point!r} leads to {loaded}, not to {self.channel}"

    def test_settings_and_content_are_closed_and_described(self) -> None:
        with self.provider() as provider:
            settings = self.settings(provider)
        assert "rate" not in self.channel.Settings.model_fields, (
            "the engine keeps `rate` for itself, with every channel"
        )
        for model, valid in ((self.channel.Settings, settings), (self.channel.Content, dict(self.content))):
            model.model_validate(valid)
            assert model.model_json_schema()["properties"], f"{model.__name__} has no JSON Schema"
            assert _refuses_key(model, valid), f"{model.__name__} takes unknown keys: set extra='forbid'"

    def test_content_survives_being_stored_and_read_again(self) -> None:
        content = self.channel.Content.model_validate(dict(self.content))
        again = self.channel.Content.model_validate(content.model_dump())
        assert again == content, "Content does not validate from its own dump, which the engine renders"

    def test_a_good_address_has_one_form_that_stays_as_it_is(self) -> None:
        normalize = self.channel.normalize
        with self.provider():
            addresses = [self.address(number) for number in range(3)]
        forms = [normalize(address, None) for address in addresses]
        assert len(set(forms)) == 3, f"different addresses become the same: {forms}"
        for address, form in zip(addresses, forms, strict=True):
            assert normalize(address, None) == form, "the same address has two forms"
            for region in (None, "FR", "US"):
                assert normalize(form, region) == form, f"{form!r} becomes another one when it is normalized again"

    def test_what_is_no_address_is_said_to_be_none_by_a_value_error(self) -> None:
        for blank in ("", "  "):
            assert _objection(self.channel, blank) is not None, f"{blank!r} is taken for an address"
        for odd in (self.hostile_address, "\u00a0", "x" * 100_000):
            reason = _objection(self.channel, odd)
            assert reason is None or reason, "the reason is empty"
            assert reason is None or odd not in reason, "the reason repeats the address: each is counted by itself"

    def test_its_check_takes_a_valid_content_and_changes_nothing(self) -> None:
        content = self.channel.Content.model_validate(dict(self.content))
        findings = self.channel.check(content)
        assert [each for each in findings if each.refused] == [], "the content of this very suite is refused"
        assert self.channel.check(content) == findings, "the same content is judged in two ways"
        assert content == self.channel.Content.model_validate(dict(self.content)), "the content has changed"

    def test_it_stops_though_nothing_was_sent(self) -> None:
        with self.provider() as provider:
            assert self._receipts(self.settings(provider), []) == []

    def test_each_delivery_of_a_batch_gets_its_receipt(self) -> None:
        with self.provider() as provider:
            deliveries = [self.delivery(number) for number in range(5)]
            receipts = self._receipts(self.settings(provider), deliveries)
            assert all(isinstance(receipt, Accepted) for receipt in receipts), receipts
            assert self.taken(provider) == 5, f"5 were accepted, the provider has {self.taken(provider)}"

    def test_its_capacity_is_a_whole_number_once_it_has_started(self) -> None:
        async def said(channel: Channel) -> list[object]:
            await channel.start()
            try:
                return [getattr(channel, "capacity", CAPACITY), getattr(channel, "batch_max", 1)]
            finally:
                await channel.stop()

        with self.provider() as provider:
            for number in asyncio.run(said(self._channel(self.settings(provider)))):
                assert type(number) is int and number > 0, f"{number!r} is no number of deliveries"

    def test_calls_of_send_may_overlap(self) -> None:
        with self.provider() as provider:
            channel = self._channel(self.settings(provider))
            halves = (
                [self.delivery(number) for number in (0, 1)],
                [self.delivery(number) for number in (2, 3)],
            )

            async def life() -> list[list[Receipt]]:
                await channel.start()
                try:
                    return await asyncio.gather(*(channel.send(half) for half in halves))
                finally:
                    await channel.stop()

            receipts = asyncio.run(life())
            assert [[type(each) for each in half] for half in receipts] == [[Accepted] * 2] * 2, receipts

    def test_a_refused_delivery_is_refused_and_says_why(self) -> None:
        with self.provider() as provider:
            self.refuse_next(provider)
            receipt = self._receipt(self.settings(provider))
            assert isinstance(receipt, Refused), receipt
            assert receipt.reason, "the reason is empty"
            assert receipt.code, "the provider's own code is not kept"

    def test_a_provider_that_asks_to_slow_down_leads_to_not_sent(self) -> None:
        with self.provider() as provider:
            pause_s = self.slow_down_next(provider)
            receipt = self._receipt(self.settings(provider))
            assert isinstance(receipt, NotSent), receipt
            assert pause_s is None or receipt.retry_after_s == pause_s, receipt
            assert self.taken(provider) == 0, "a channel leaves the trying again to the engine"

    def test_a_connection_that_breaks_after_the_message_is_ambiguous(self) -> None:
        with self.provider() as provider:
            self.break_next(provider)
            receipt = self._receipt(self.settings(provider))
            assert isinstance(receipt, Ambiguous), receipt
            assert self.taken(provider) == 1, "what may have left is not sent a second time"

    def test_a_provider_that_never_answers_is_ambiguous(self) -> None:
        with self.provider() as provider:
            self.hang_next(provider)
            receipt = self._receipt({**self.settings(provider), self.timeout_setting: PATIENCE_S})
            assert isinstance(receipt, Ambiguous), receipt

    def test_a_provider_that_cannot_be_reached_leads_to_not_sent(self) -> None:
        with self.provider() as provider:
            self.cut_off(provider)
            deliveries = [self.delivery(number) for number in range(3)]
            receipts = self._receipts(self.settings(provider), deliveries)
            assert all(isinstance(receipt, NotSent) for receipt in receipts), receipts

    def test_one_trouble_leaves_the_rest_of_the_batch_alone(self) -> None:
        with self.provider() as provider:
            hostile = self.delivery(1, to=self.hostile_address)
            receipts = self._receipts(self.settings(provider), [self.delivery(0), hostile, self.delivery(2)])
            others = [receipt for receipt in receipts if receipt.key != hostile.key]
            assert all(isinstance(receipt, Accepted) for receipt in others), receipts

    def test_the_same_delivery_again_is_recognisable(self) -> None:
        with self.provider() as provider:
            if self.identities(provider) is None:
                raise unittest.SkipTest("the provider has no way to recognise a duplicate")
            settings = self.settings(provider)
            self._receipts(settings, [self.delivery(0)])
            self._receipts(settings, [self.delivery(0, attempt=2), self.delivery(1)])
            seen = Counter(self.identities(provider))
            assert sorted(seen.values()) == [1, 2], f"sent one message twice and another once, seen {seen}"

    def delivery(self, number: int, *, to: str | None = None, attempt: int = 1) -> Delivery:
        """A delivery of `content` to good address `number`, or to `to`."""
        return Delivery(
            key=f"{number:032x}",
            channel=self.entry_point or "under-test",
            to=self.channel.normalize(self.address(number), None) if to is None else to,
            content=self.channel.Content.model_validate(dict(self.content)),
            attempt=attempt,
            message="hello",
            person=f"person-{number}",
        )

    def _channel(self, settings: Mapping[str, Any]) -> Channel:
        return self.channel(self.channel.Settings.model_validate(dict(settings)))

    def _receipt(self, settings: Mapping[str, Any]) -> Receipt:
        return self._receipts(settings, [self.delivery(0)])[0]

    def _receipts(self, settings: Mapping[str, Any], deliveries: Sequence[Delivery]) -> list[Receipt]:
        return receipts_of(self._channel(settings), deliveries)


def receipts_of(channel: Channel, deliveries: Sequence[Delivery]) -> list[Receipt]:
    """Open a channel, call `send` once, and close it; the receipts have to be the deliveries' own."""

    async def life() -> list[Receipt]:
        await channel.start()
        try:
            return await channel.send(deliveries)
        finally:
            await channel.stop()

    receipts = asyncio.run(life())
    expected = sorted(delivery.key for delivery in deliveries)
    assert sorted(receipt.key for receipt in receipts) == expected, f"not one receipt each: {receipts}"
    for receipt in receipts:
        storable(receipt)  # raises ValueError for one that the engine would not believe
    return receipts


def _objection(channel: type[Channel], address: str) -> str | None:
    """Why it is no address, None if it is one. Anything but a ValueError or a text fails."""
    try:
        form = channel.normalize(address, None)
    except ValueError as error:
        return str(error)
    assert isinstance(form, str), f"normalize makes {form!r} of it, where a text is expected"
    return None


def _refuses_key(model: type[pydantic.BaseModel], valid: Mapping[str, Any]) -> bool:
    try:
        model.model_validate({**valid, "key_that_nobody_declared": 1})
    except pydantic.ValidationError:
        return True
    return False
