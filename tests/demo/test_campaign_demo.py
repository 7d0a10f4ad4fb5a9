"""The demo's campaign makes the sets that its data ask for, and the servers have what it reports as sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from parcours.cli.run import figures
from parcours.config import DAY_MS
from parcours.core.fact import DeliveryReached
from parcours.demo.clickstream import Clickstream, read_clickstream
from parcours.demo.people import person
from parcours.demo.run import DemoResult, run_campaign_demo
from parcours.demo.wishes import address, orders, user_ids, wishlist, with_scores, write_wishes
from parcours.dispatch.judgement import Judgement
from parcours.dispatch.registry import Registry

RUN_MS = 1_715_605_200_000  # 2024-05-13T13:00:00Z, nine o'clock in New York

Steps = Mapping[str, Mapping[str, int]]


@pytest.fixture(scope="module")
def outcome() -> DemoResult:
    return run_campaign_demo(shards=2, runtime="local")


@pytest.fixture(scope="module")
def clickstream() -> Clickstream:
    return with_scores(read_clickstream())


@pytest.fixture(scope="module")
def calls(clickstream: Clickstream) -> list[dict[str, Any]]:
    return [json.loads(line) for line in clickstream.lines]


def sizes(outcome: DemoResult) -> dict[str, int]:
    return (outcome.result.summary.campaigns or {})["wishlist"].sizes()


def sent(outcome: DemoResult, step: str) -> list[DeliveryReached]:
    return [
        fact
        for fact in outcome.result.facts
        if isinstance(fact, DeliveryReached) and (fact.step, fact.outcome) == (step, "sent")
    ]


def test_nothing_is_wrong_with_its_project(clickstream: Clickstream, tmp_path: Path) -> None:
    write_wishes(tmp_path / "luma", user_ids(clickstream))

    assert Judgement(Registry.installed()).findings(tmp_path / "luma") == []


def test_the_sets_are_those_of_a_few_lines_of_python(outcome: DemoResult, calls: list[dict[str, Any]]) -> None:
    traits = {call["userId"]: call["traits"] for call in calls if call["type"] == "identify"}
    visitors = {
        call["userId"]
        for call in calls
        if call.get("event") == "Product Viewed"
        and call["properties"]["category"] == "equipment"
        and "2024-04-13T13:00:00.000Z" < call["timestamp"] <= "2024-05-13T13:00:00.000Z"
    }
    best: dict[str, str] = {}
    for user in sorted(visitors, key=lambda user: (-traits[user]["score"], user)):
        best.setdefault(traits[user]["email"], user)
    risks = [traits[user].get("churnprop", 1) for user in best.values()]

    found = sizes(outcome)

    assert found["visitors"] == len(visitors)
    assert (found["unique"], found["unique.rest"]) == (len(best), len(visitors) - len(best))
    assert found["risk.low"] == sum(risk < 0.3 for risk in risks)
    assert found["risk.medium"] == sum(0.3 <= risk < 0.7 for risk in risks)
    assert found["risk.high"] == found["at-risk"] == sum(risk >= 0.7 for risk in risks)
    assert found["mail"] == found["gentle"] == found["risk.low"] + found["risk.medium"]
    assert found["half.sms"] - found["half.push"] in (0, 1)
    assert min(size for name, size in found.items() if ".re" not in name) > 0, "the demo shows every set at work"


def test_what_was_reported_sent_lies_with_the_providers(outcome: DemoResult) -> None:
    channels = outcome.result.summary.channels

    assert (outcome.mails_received, outcome.texts_received, outcome.pushes_received) == tuple(
        channels[name]["sent"] for name in ("email", "sms", "push")
    )
    assert len(sent(outcome, "mail")) == outcome.mails_received


def test_nobody_is_mailed_twice_nor_early_and_nobody_again_who_did_not_click(outcome: DemoResult) -> None:
    mails, again = sent(outcome, "mail"), [*sent(outcome, "text"), *sent(outcome, "note")]
    clicked = {
        fact.person for fact in outcome.result.facts if isinstance(fact, DeliveryReached) and fact.outcome == "clicked"
    }

    assert len({mail.to for mail in mails}) == len(mails)
    assert min(mail.at for mail in mails) == RUN_MS
    assert {fact.person for fact in again} <= clicked
    assert all(3 * DAY_MS <= fact.at - RUN_MS < 3 * DAY_MS + 1_000 for fact in again)


def test_any_number_of_shards_gives_the_same(outcome: DemoResult) -> None:
    other = run_campaign_demo(shards=5, runtime="local")

    assert other.result.summary == outcome.result.summary
    assert other.mails_received == outcome.mails_received


def test_scores_wishes_and_orders_are_always_the_same(clickstream: Clickstream) -> None:
    people = user_ids(clickstream)

    assert with_scores(read_clickstream()) == clickstream
    assert len(list(wishlist(people))) == 1 + 1_451
    assert list(wishlist(people))[1] == (
        "user_0000-0,hugo.0000@mail.example,Adjustable Bench,189.00,"
        "https://shop.luma.example/img/adjustable-bench.jpg,2024-03-08T14:40:00Z"
    )
    assert next(orders(people)) == (
        '{"order_id": "user_0001-0", "customer": "user_0001", "total": "54.47", "status": "paid"}'
    )


def test_some_families_share_an_address_that_is_one_of_theirs(clickstream: Clickstream) -> None:
    people = user_ids(clickstream)
    used = {user: address(user) for user in people}

    shared = [user for user in people if used[user] != person(user).email]
    assert 30 < len(shared) < 70
    assert set(used.values()) <= {person(user).email for user in people}


def test_the_figures_tell_of_the_campaign(outcome: DemoResult) -> None:
    told = json.loads(figures(outcome))

    assert list(told) == [
        "events", "profiles", "journeys", "channels", "gates", "campaigns", "mails_received", "seconds", "runtime",
        "shards",
    ]  # fmt: skip
    assert told["campaigns"]["wishlist"]["steps"]["visitors"]["outputs"] == {"main": sizes(outcome)["visitors"]}


def test_the_documents_that_ship_hold_no_tables() -> None:
    assert not (files("parcours.demo") / "luma-wishes" / "data").is_dir()
