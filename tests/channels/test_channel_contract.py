"""Does the contract notice a channel that breaks its promises? Each flaw has a test that has to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal, TypeAlias

import pytest
from pydantic import BaseModel, ConfigDict

from parcours.channel import Accepted, Ambiguous, Channel, Delivery, Finding, NotSent, Receipt, Refused, plain_address
from parcours.testing.channel_contract import ChannelContract

Trouble: TypeAlias = Literal["refuse", "slow", "break", "hang", "gone"]


class Office:
    """A provider in memory: what it took in, and the trouble that the next message meets."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.trouble: Trouble | None = None

    def meet(self, key: str) -> Trouble | None:
        trouble = self.trouble
        self.trouble = "gone" if trouble == "gone" else None
        if trouble in {None, "break", "hang"}:
            self.taken.append(key)
        return trouble


class ClosedSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    timeout_s: float = 1.0


class OpenSettings(ClosedSettings):
    model_config = ConfigDict(extra="ignore")


class PlainContent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str


class ShoutingContent(PlainContent):
    def model_dump(self, **options: Any) -> dict[str, Any]:
        return {"text": self.text.upper()}


RECEIPTS: dict[Trouble | None, Callable[[str], Receipt]] = {
    None: Accepted,
    "refuse": lambda key: Refused(key, "no such address", code="404"),
    "slow": lambda key: NotSent(key, "busy", 7.0),
    "break": lambda key: Ambiguous(key, "connection lost"),
    "hang": lambda key: Ambiguous(key, "no answer"),
    "gone": lambda key: NotSent(key, "no connection"),
}


def contract(flaw: str = "") -> ChannelContract[Office]:
    """The contract around a channel that is right in everything but the flaw."""
    office = Office()

    class OfficeChannel(Channel):
        Settings: ClassVar[type[BaseModel]] = OpenSettings if flaw == "takes any setting" else ClosedSettings
        Content: ClassVar[type[BaseModel]] = ShoutingContent if flaw == "cannot be read again" else PlainContent
        address_kind: ClassVar[str] = "address"

        def __init__(self, settings: Any) -> None:
            """Needs none."""

        @staticmethod
        def normalize(address: str, region: str | None) -> str:
            match flaw:
                case "knows one address":
                    return "1 Main Street"
                case "never comes to an end":
                    return f"{address}, {region}"
                case "takes no address for one":
                    return address
                case "stumbles over an address":
                    return address[: len(address) // len(address.split())]
                case "repeats the address":
                    raise ValueError(address)
                case _:
                    return plain_address(address, region)

        @staticmethod
        def check(content: Any) -> list[Finding]:
            return [Finding("it is too loud", refused=True)] if flaw == "refuses all" else []

        async def start(self) -> None:
            """Nothing to open."""

        async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
            await asyncio.sleep(0)
            if flaw == "breaks over a bad address" and any("\r" in each.to for each in deliveries):
                return [Ambiguous(each.key, "broken") for each in deliveries]
            receipts = [self.receipt(each) for each in deliveries]
            return receipts[:-1] if flaw == "forgets a receipt" else receipts

        def receipt(self, delivery: Delivery) -> Receipt:
            key = f"{delivery.key}/{delivery.attempt}" if flaw == "looks new each time" else delivery.key
            trouble = office.meet(key)
            if trouble is not None and flaw == f"accepts on {trouble}":
                return Accepted(delivery.key)
            if trouble is not None and flaw == f"sends again on {trouble}":
                office.meet(key)
            if trouble == "refuse" and flaw == "gives a number for a code":
                return Refused(delivery.key, "no such address", code=404)  # type: ignore[arg-type]
            return RECEIPTS[trouble](delivery.key)

        async def stop(self) -> None:
            if flaw == "cannot stop idle" and not office.taken:
                raise RuntimeError("nothing to stop")

    class OfficeContract(ChannelContract[Office]):
        channel = OfficeChannel
        content = {"text": "Hello"}
        entry_point = "office" if flaw == "is not installed" else None

        @contextmanager
        def provider(self) -> Iterator[Office]:
            yield office

        def settings(self, provider: Office) -> dict[str, Any]:
            return {}

        def address(self, number: int) -> str:
            return f"{number} Main Street"

        def taken(self, provider: Office) -> int:
            return len(provider.taken)

        def identities(self, provider: Office) -> list[str]:
            return provider.taken

        def refuse_next(self, provider: Office) -> None:
            provider.trouble = "refuse"

        def slow_down_next(self, provider: Office) -> float:
            provider.trouble = "slow"
            return 7.0

        def break_next(self, provider: Office) -> None:
            provider.trouble = "break"

        def hang_next(self, provider: Office) -> None:
            provider.trouble = "hang"

        def cut_off(self, provider: Office) -> None:
            provider.trouble = "gone"

    return OfficeContract()


FLAWS = {
    "is not installed": "test_its_entry_point_leads_to_it",
    "takes any setting": "test_settings_and_content_are_closed_and_described",
    "cannot be read again": "test_content_survives_being_stored_and_read_again",
    "knows one address": "test_a_good_address_has_one_form_that_stays_as_it_is",
    "never comes to an end": "test_a_good_address_has_one_form_that_stays_as_it_is",
    "takes no address for one": "test_what_is_no_address_is_said_to_be_none_by_a_value_error",
    "stumbles over an address": "test_what_is_no_address_is_said_to_be_none_by_a_value_error",
    "repeats the address": "test_what_is_no_address_is_said_to_be_none_by_a_value_error",
    "refuses all": "test_its_check_takes_a_valid_content_and_changes_nothing",
    "cannot stop idle": "test_it_stops_though_nothing_was_sent",
    "forgets a receipt": "test_each_delivery_of_a_batch_gets_its_receipt",
    "accepts on refuse": "test_a_refused_delivery_is_refused_and_says_why",
    "gives a number for a code": "test_a_refused_delivery_is_refused_and_says_why",
    "accepts on slow": "test_a_provider_that_asks_to_slow_down_leads_to_not_sent",
    "sends again on slow": "test_a_provider_that_asks_to_slow_down_leads_to_not_sent",
    "accepts on break": "test_a_connection_that_breaks_after_the_message_is_ambiguous",
    "sends again on break": "test_a_connection_that_breaks_after_the_message_is_ambiguous",
    "accepts on hang": "test_a_provider_that_never_answers_is_ambiguous",
    "accepts on gone": "test_a_provider_that_cannot_be_reached_leads_to_not_sent",
    "breaks over a bad address": "test_one_trouble_leaves_the_rest_of_the_batch_alone",
    "looks new each time": "test_the_same_delivery_again_is_recognisable",
}


@pytest.mark.parametrize("name", sorted({*FLAWS.values()} - {"test_its_entry_point_leads_to_it"}))
def test_a_channel_without_a_flaw_passes(name: str) -> None:
    getattr(contract(), name)()


@pytest.mark.parametrize("flaw, name", FLAWS.items())
def test_a_flaw_is_found(flaw: str, name: str) -> None:
    with pytest.raises((AssertionError, ArithmeticError, RuntimeError, ValueError)):
        getattr(contract(flaw), name)()
