"""Channels are listed with where they come from and what keeps them from being used."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from parcours.cli import build
from parcours.cli.plugins import state
from parcours.dispatch.registry import ChannelEntry, Registry


@pytest.mark.parametrize(
    "missing, clashes, words",
    [
        (None, False, "ready"),
        ("sms needs the extra [sms]", False, "sms needs the extra [sms]"),
        (None, True, "clashes with another channel of this name"),
        ("sms needs the extra [sms]", True, "clashes with another channel of this name"),
    ],
)
def test_a_channel_says_whether_it_can_be_used(missing: str | None, clashes: bool, words: str) -> None:
    assert state(ChannelEntry("sms", "parcours", "0.1.0", missing, clashes)) == words


def test_every_channel_found_is_listed_and_a_broken_one_shows_in_the_exit_code() -> None:
    offers = Registry.installed().offers()

    result = CliRunner().invoke(build(), ["plugins"])

    assert {"email", "sms", "push"} <= {offer.name for offer in offers}
    assert all(offer.name in result.stdout and offer.version in result.stdout for offer in offers)
    assert result.exit_code == int(any(state(offer) != "ready" for offer in offers))
