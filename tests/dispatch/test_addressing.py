"""An address is judged by its channel, and by nobody where the channel cannot be loaded; then it is said, once."""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from parcours.channel import GROUP, Channel
from parcours.dispatch.addressing import RULES_MAX, InstalledAddresses
from parcours.dispatch.registry import Registry


class Loft(Channel):
    """Knows its birds by their names in small letters, and stumbles over one of them."""

    @staticmethod
    def normalize(address: str, region: str | None) -> Any:
        if address == "Icarus":
            raise ZeroDivisionError
        if address == "Nemo":
            return None
        if " " in address:
            raise ValueError("a name is one word")
        if address == "Half":
            raise ValueError("cut \ud83d")
        if address == "Pigeon":
            return "Pigeon \udce4"
        return f"{address.lower()}.{region}"


class Silent:
    """Was written before there were rules for addresses."""


class Point(EntryPoint):
    """An entry point that leads to a class of this module."""

    def load(self) -> Any:
        return {"loft": Loft, "silent": Silent}[self.name]


@pytest.fixture
def addresses() -> InstalledAddresses:
    return InstalledAddresses(Registry([Point(name, "aviary", GROUP) for name in ("loft", "silent")]))


def test_an_address_has_the_form_that_its_channel_gives_it(addresses: InstalledAddresses) -> None:
    assert addresses("loft", "Coo", "FR") == "coo.FR"


@pytest.mark.parametrize(
    "address, reason",
    [
        ("two words", "a name is one word"),
        ("Icarus", "the channel fails on it with ZeroDivisionError"),
        ("Nemo", "the channel makes no address of it"),
        ("Half", "cut \ufffd"),
        ("Pigeon", "the channel makes no address of it"),
    ],
)
def test_whatever_a_channel_does_with_an_address_it_is_judged(
    addresses: InstalledAddresses, address: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        addresses("loft", address, None)


def test_a_channel_without_a_rule_takes_any_text_of_one_line(addresses: InstalledAddresses) -> None:
    assert addresses("silent", "Two Words", None) == "Two Words"
    with pytest.raises(ValueError, match="line break"):
        addresses("silent", "two\nlines", None)


def test_a_channel_that_is_not_there_is_named_once(
    addresses: InstalledAddresses, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "parcours"):
        assert [addresses("owl", name, None) for name in ("A", "B")] == ["A", "B"]
    (record,) = caplog.records
    assert "'owl'" in record.getMessage()


def test_a_channel_named_at_the_start_is_loaded_before_the_first_address_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "parcours"):
        registry = Registry([Point("loft", "aviary", GROUP)])
        addresses = InstalledAddresses(registry, ["loft", "heron"])
        assert [record.getMessage().split(":")[0] for record in caplog.records] == [
            "addresses on the channel 'heron' are taken as they stand"
        ]
        assert (addresses("heron", "A", None), addresses("loft", "B", None)) == ("A", "b.None")
        InstalledAddresses(registry, ["heron"])
    assert len(caplog.records) == 1, "a process says it once, not once for each shard"


def test_however_many_channels_lines_name_a_bounded_number_of_rules_is_kept() -> None:
    addresses = InstalledAddresses(Registry([]))

    assert [addresses(f"bird-{number}", "A", None) for number in range(RULES_MAX + 10)] == ["A"] * (RULES_MAX + 10)
    assert len(addresses._rules) == RULES_MAX
