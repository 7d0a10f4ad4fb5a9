"""Plugins are listed with where they come from and what keeps them from being used."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
from typer.testing import CliRunner

from parcours import source
from parcours.cli import build
from parcours.cli.plugins import Plugin, offered, state
from parcours.dispatch.registry import ChannelEntry, Registry
from parcours.errors import SettingInvalid


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
    if any(state(offer) != "ready" for offer in offers):
        assert result.exit_code == 1


@pytest.mark.parametrize("what, name", [("source", "files"), ("destination", "webhook"), ("destination", "file")])
def test_sources_and_destinations_are_listed_as_well(what: str, name: str) -> None:
    lines = CliRunner(env={"COLUMNS": "200"}).invoke(build(), ["plugins"]).stdout.splitlines()

    assert [what, name, "parcours"] in [line.split()[:3] for line in lines]


def test_a_source_that_cannot_be_used_says_why() -> None:
    def broken(name: str) -> object:
        raise SettingInvalid(f"the source {name!r} needs the library zeppelin, which is not installed")

    told = list(offered("source", source.GROUP, broken))

    names = sorted(point.name for point in entry_points(group=source.GROUP))
    assert [each.name for each in told] == names and "files" in names
    assert Plugin("source", "files", "parcours", told[0].version, told[0].state.replace(names[0], "files")) in told
    assert all(each.state.endswith("which is not installed") for each in told)
