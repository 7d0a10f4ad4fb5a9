"""The demo's own account of what was sent is that of the providers."""

from __future__ import annotations

import json

import pytest

from parcours.cli.run import figures, lines_fed
from parcours.core.fact import DeliveryReached
from parcours.demo.people import DEAD_PREFIX, REFUSED_SUFFIX
from parcours.demo.run import DemoResult, run_demo


@pytest.fixture(scope="module")
def outcome() -> DemoResult:
    return run_demo(shards=2, runtime="local")


def failed(outcome: DemoResult, channel: str) -> set[str]:
    """The addresses that the provider refused."""
    return {
        fact.to or ""
        for fact in outcome.result.facts
        if isinstance(fact, DeliveryReached) and (fact.channel, fact.outcome) == (channel, "failed")
    }


def test_the_whole_clickstream_is_fed(outcome: DemoResult) -> None:
    assert (outcome.events, outcome.profiles) == (31_106, 600)
    assert outcome.result.summary.events.rejected == 0


def test_the_lines_that_are_no_clicks_are_explained(outcome: DemoResult) -> None:
    assert outcome.events + outcome.profiles + outcome.notices == outcome.result.summary.events.read
    assert lines_fed(outcome) == (
        "The lines are 31,106 recorded clicks, 600 that tell who somebody is, and 470 notices of the shop."
    )


def test_what_was_reported_sent_lies_with_the_providers(outcome: DemoResult) -> None:
    sent = {name: outcomes["sent"] for name, outcomes in outcome.result.summary.channels.items()}

    assert sent == {
        "email": outcome.mails_received,
        "push": outcome.pushes_received,
        "sms": outcome.texts_received,
    }
    assert min(sent.values()) > 0


def test_only_bad_addresses_fail(outcome: DemoResult) -> None:
    mails, tokens, numbers = (failed(outcome, channel) for channel in ("email", "push", "sms"))

    assert mails
    assert tokens
    assert all(address.partition("@")[0].endswith(REFUSED_SUFFIX) for address in mails)
    assert all(token.startswith(DEAD_PREFIX) for token in tokens)
    assert not numbers


def test_the_figures_are_one_line_with_the_agreed_keys(outcome: DemoResult) -> None:
    line = figures(outcome)

    told = json.loads(line)
    assert "\n" not in line
    assert list(told) == [
        "events", "profiles", "journeys", "channels", "gates", "mails_received", "seconds", "runtime", "shards",
    ]  # fmt: skip
    assert told["mails_received"] == told["channels"]["email"]["sent"]
    assert list(told["journeys"]) == ["checkout", "abandoned-cart", "west-coast-launch"]
    assert (told["runtime"], told["shards"]) == ("local", 2)
