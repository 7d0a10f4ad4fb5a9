"""What a provider's code says of an address is told by its channel, and by nobody where that cannot be loaded."""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from parcours.channel import GROUP
from parcours.dispatch.dead_codes import InstalledDeadCodes
from parcours.dispatch.registry import Registry


class Owl:
    """Has a table."""

    dead_codes = frozenset({"no nest"})


class Pigeon:
    """Has none."""


class Cuckoo:
    """Has something else in its place."""

    dead_codes = 404


class Point(EntryPoint):
    """An entry point that leads to a class of this module."""

    def load(self) -> Any:
        return {"owl": Owl, "pigeon": Pigeon, "cuckoo": Cuckoo}[self.name]


@pytest.fixture
def codes() -> InstalledDeadCodes:
    return InstalledDeadCodes(Registry([Point(name, "aviary", GROUP) for name in ("owl", "pigeon", "cuckoo")]))


def test_the_codes_of_dead_addresses_are_those_of_the_channels_table(codes: InstalledDeadCodes) -> None:
    assert codes("owl") == {"no nest"}


def test_no_code_of_a_channel_without_a_table_tells_a_dead_address(codes: InstalledDeadCodes) -> None:
    assert codes("pigeon") == frozenset()


@pytest.mark.parametrize("channel", ["cuckoo", "unheard of"])
def test_a_channel_whose_table_cannot_be_had_is_named_once(
    codes: InstalledDeadCodes, caplog: pytest.LogCaptureFixture, channel: str
) -> None:
    with caplog.at_level(logging.WARNING, "parcours"):
        assert [codes(channel), codes(channel)] == [frozenset(), frozenset()]
    (record,) = caplog.records
    assert repr(channel) in record.getMessage()
