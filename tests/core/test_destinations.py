"""What a destination is told of a person follows from her as she stands, one change after the other."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace
from tests.core.conftest import Begin, Control, Story

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.config import HOUR_MS, MINUTE_MS
from parcours.core.input import Interrupted, MembershipSaved, PersonJoined, Settlement
from parcours.core.known_words import known_part
from parcours.core.profile import decode_profile
from parcours.core.sync_state import PersonWithheld
from parcours.core.synced import Synced
from parcours.journey.project import Project

AUDIENCES = '{vip: profile.city == "Paris", recent: \'count("Bought", "1h") > 0\'}'

ADS = """
ads: {audience: vip, to: {file: out/ads.ndjson}, key: profile.email, fields: {town: profile.city}}
"""

ASKED = """
ads: {audience: vip, to: {file: out/ads.ndjson}, consent: {channel: email, purpose: ads}}
"""


def shop_with(shop: Callable[..., Project], destinations: str, **more: Any) -> Project:
    return shop("", audiences=AUDIENCES, destinations=destinations, **more)


@pytest.fixture
def ads(shop: Callable[..., Project], begin: Begin) -> Story:
    """Somebody with an address, who is not in the audience of the destination yet."""
    return begin(shop_with(shop, ADS)).story


def queue(story: Story) -> list[tuple[str, str, dict[str, object]]]:
    """(change, key, fields) of what lies in the outbox."""
    return [(str(each.context["change"]), each.to, _fields(each.context)) for each in story.outbox.values()]


def _fields(context: dict[str, object]) -> dict[str, object]:
    fields = context["fields"]
    assert isinstance(fields, dict), "the fields of a member are an object"
    return fields


def said(story: Story, *outcomes: str) -> list[tuple[int, str, str, str]]:
    """(time, change, key, outcome) of what became of changes."""
    return [
        (fact.at, fact.change, fact.known_as, fact.outcome)
        for fact in story.facts
        if isinstance(fact, Synced) and (not outcomes or fact.outcome in outcomes)
    ]


def held(story: Story, destination: str = "ads") -> dict[str, bool]:
    """The keys under which the other side may have her."""
    return (story.profile.synced or {})[destination].there


def settle(story: Story, at: int, answer: Callable[[str], Settlement]) -> None:
    for key in story.claim(at):
        story.answer(at, answer(key))


def test_who_enters_and_leaves_is_told_of_each_time(ads: Story) -> None:
    ads.identify(1, city="Paris")
    assert queue(ads) == [("entered", "sarah@mail.example", {"town": "Paris"})]
    ads.send(1)
    ads.identify(5, city="Rome").send(5)
    ads.identify(9, city="Paris").send(9)
    assert said(ads, "sent") == [
        (1, "entered", "sarah@mail.example", "sent"),
        (5, "left", "sarah@mail.example", "sent"),
        (9, "entered", "sarah@mail.example", "sent"),
    ]
    assert held(ads) == {"sarah@mail.example": True}
    assert not ads.outbox


def test_each_change_has_a_key_of_its_own(ads: Story) -> None:
    keys = [
        key for at, city in enumerate(("Paris", "Rome", "Paris")) for key in ads.identify(1, city=city).send(at + 1)
    ]
    assert len(set(keys)) == 3


def test_whoever_leaves_gives_no_fields_any_more(ads: Story) -> None:
    ads.identify(1, city="Paris").send(1)
    ads.identify(2, city="Rome")
    assert queue(ads) == [("left", "sarah@mail.example", {})]


def test_a_change_that_has_been_overtaken_before_it_was_claimed_never_leaves(ads: Story) -> None:
    ads.identify(1, city="Paris")
    ads.identify(2, city="Rome")
    assert not ads.outbox
    assert ads.claim(3) == []
    assert held(ads) == {}


def test_a_change_that_comes_while_another_one_is_under_way_waits_for_it(ads: Story) -> None:
    ads.identify(1, city="Paris")
    (entered,) = ads.claim(1)
    ads.identify(2, city="Rome")
    assert ads.ready == []
    ads.answer(3, Accepted(entered))
    assert queue(ads) == [("left", "sarah@mail.example", {})]
    ads.send(3)
    assert held(ads) == {}


def test_a_new_key_takes_her_out_under_the_old_one_first(ads: Story) -> None:
    ads.identify(1, city="Paris").send(1)
    ads.identify(2, email="new@mail.example").send(2)
    ads.send(2)
    assert said(ads, "sent")[1:] == [
        (2, "left", "sarah@mail.example", "sent"),
        (2, "entered", "new@mail.example", "sent"),
    ]
    ads.identify(3, email=None).send(3)
    assert held(ads) == {}


def test_fields_that_change_are_no_change_of_membership(shop: Callable[..., Project], begin: Begin) -> None:
    story = begin(shop_with(shop, ADS.replace("profile.city}", "profile.score}"))).story
    story.identify(1, city="Paris", score=1).send(1)
    story.identify(2, score=2)
    assert not story.outbox


def test_time_takes_somebody_out(shop: Callable[..., Project], begin: Begin) -> None:
    story = begin(shop_with(shop, "b: {audience: recent, to: {file: b.ndjson}}")).story
    story.event(10, "Bought").send(10)
    story.wait(HOUR_MS + 11)
    assert said(story) == [
        (10, "entered", "sarah", "queued"),
        (10, "entered", "sarah", "sent"),
        (HOUR_MS + 10, "left", "sarah", "queued"),
    ]


def test_consent_is_asked_when_a_change_is_queued_and_when_it_is_claimed(
    shop: Callable[..., Project], begin: Begin
) -> None:
    story = begin(shop_with(shop, ASKED, policies="{consent: {default: opt_in}}")).story
    story.identify(1, city="Paris")
    assert not story.outbox
    story.consent(2, "email", "ads", granted=True)
    assert queue(story) == [("entered", "sarah", {})]
    story.consent(3, "email", granted=False)
    assert story.claim(4) == []
    story.consent(5, "email", "ads", granted=True).send(5)
    story.consent(6, "email", "ads", granted=False).send(6)
    story.consent(7, "email", "ads", granted=True).send(7)
    assert said(story, "sent") == [
        (5, "entered", "sarah", "sent"),
        (6, "left", "sarah", "sent"),
        (7, "entered", "sarah", "sent"),
    ]


def test_what_is_hashed_is_the_address_as_its_channel_writes_it(shop: Callable[..., Project], begin: Begin) -> None:
    fields = "{mail: {value: profile.email, hash: true}, town: {value: profile.city, hash: true}}"
    story = begin(shop_with(shop, f"ads: {{audience: vip, to: {{file: a.ndjson}}, fields: {fields}}}")).story
    story.normalize = lambda channel, address, region: f"{channel}:{address}"
    story.identify(1, email="Sarah@Mail.Example", city="Paris")
    assert queue(story)[0][2] == {
        "mail": sha256(b"email:sarah@mail.example").hexdigest(),
        "town": sha256(b"paris").hexdigest(),
    }


def test_an_address_that_no_channel_takes_is_hashed_to_nothing(shop: Callable[..., Project], begin: Begin) -> None:
    def refuse(channel: str, address: str, region: str | None) -> str:
        raise ValueError(f"{channel} refuses {address} in {region}")

    ads = "ads: {audience: vip, to: {file: a.ndjson}, key: {value: profile.email, hash: true}}"
    story = begin(shop_with(shop, ads)).story
    story.normalize = refuse
    story.identify(1, city="Paris")
    assert not story.outbox


def test_what_did_not_leave_is_tried_again_as_deliveries_are(ads: Story) -> None:
    ads.identify(1, city="Paris")
    settle(ads, 1, lambda key: NotSent(key, "busy"))
    assert ads.ready == []
    ads.wait(MINUTE_MS + 2)
    settle(ads, MINUTE_MS + 2, Accepted)
    assert [outcome for *_, outcome in said(ads)] == ["queued", "retried", "sent"]
    assert held(ads) == {"sarah@mail.example": True}


def test_what_was_given_back_untried_may_be_claimed_at_once(ads: Story) -> None:
    ads.identify(1, city="Paris")
    settle(ads, 1, lambda key: NotSent(key, "nobody tried", tried=False))
    assert len(ads.send(2)) == 1


@pytest.mark.parametrize("doubt", [Ambiguous, Interrupted])
def test_nothing_follows_an_attempt_in_doubt_until_it_must_have_ended(
    ads: Story, doubt: Callable[[str, str], Settlement]
) -> None:
    ads.identify(1, city="Paris")
    settle(ads, 1, lambda key: doubt(key, "gone"))
    ads.identify(2, city="Rome")
    assert queue(ads) == [("left", "sarah@mail.example", {})]
    assert ads.ready == []
    ads.wait(5 * MINUTE_MS + 2).send(5 * MINUTE_MS + 2)
    assert held(ads) == {}


def test_a_leave_in_doubt_is_undone_once_she_is_back(ads: Story) -> None:
    ads.identify(1, city="Paris").send(1)
    ads.identify(2, city="Rome")
    settle(ads, 2, lambda key: Ambiguous(key, "gone"))
    ads.identify(3, city="Paris")
    assert queue(ads) == [("entered", "sarah@mail.example", {"town": "Paris"})]
    ads.wait(5 * MINUTE_MS + 3).send(5 * MINUTE_MS + 3)
    assert held(ads) == {"sarah@mail.example": True}


def test_a_refusal_is_final_until_she_comes_anew(ads: Story) -> None:
    ads.identify(1, city="Paris")
    settle(ads, 1, lambda key: Refused(key, "unknown key", code="404"))
    ads.identify(2, score=1)
    assert not ads.outbox
    assert said(ads, "failed") == [(1, "entered", "sarah@mail.example", "failed")]
    ads.identify(3, city="Rome")
    assert not ads.outbox, "the other side never had her"
    ads.identify(4, city="Paris")
    assert queue(ads) == [("entered", "sarah@mail.example", {"town": "Paris"})]


def test_after_the_last_attempt_it_is_given_up(ads: Story) -> None:
    ads.identify(1, city="Paris")
    for attempt in range(1, 6):
        at = attempt * 10 * HOUR_MS
        ads.wait(at)
        settle(ads, at, lambda key: Ambiguous(key, "gone"))
    assert [outcome for *_, outcome in said(ads)] == ["queued", *["retried"] * 4, "failed"]
    ads.identify(60 * HOUR_MS, city="Rome")
    assert queue(ads) == [("left", "sarah@mail.example", {})], "it may have her"


def test_a_publication_tells_a_new_destination_of_everybody_inside(shop: Callable[..., Project], begin: Begin) -> None:
    control = begin(shop_with(shop, ""))
    control.story.identify(1, city="Paris")
    control.publish(2, shop_with(shop, ADS))
    assert queue(control.story) == [("entered", "sarah@mail.example", {"town": "Paris"})]


def test_a_publication_that_changes_the_key_moves_everybody(shop: Callable[..., Project], begin: Begin) -> None:
    control = _inside(begin(shop_with(shop, ADS)))
    control.publish(2, shop_with(shop, ADS.replace("key: profile.email, ", "")))
    control.story.send(2)
    control.story.send(2)
    assert held(control.story) == {"sarah": True}


def test_a_destination_that_is_gone_is_told_nothing_more(shop: Callable[..., Project], begin: Begin) -> None:
    control = begin(shop_with(shop, ADS))
    control.story.identify(1, city="Paris")
    control.publish(2, shop_with(shop, ""))
    assert not control.story.outbox
    assert control.story.profile.synced is None
    (failed,) = [fact for fact in control.story.facts if isinstance(fact, Synced) and fact.outcome == "failed"]
    assert (failed.at, failed.reason) == (2, "the destination is not published any more")
    assert known_part(str(failed.reason)) == failed.reason


@pytest.mark.parametrize(
    "receipt, outcomes",
    [(Accepted(""), ["queued", "sent"]), (NotSent("", "busy"), ["queued", "retried", "failed"])],
)
def test_what_is_under_way_to_a_destination_that_is_gone_comes_to_its_end(
    shop: Callable[..., Project], begin: Begin, receipt: Receipt, outcomes: list[str]
) -> None:
    control = begin(shop_with(shop, ADS))
    control.story.identify(1, city="Paris")
    (key,) = control.story.outbox
    control.story.claim(1)
    control.publish(2, shop_with(shop, ""))
    control.story.answer(3, replace(receipt, key=key))

    assert [outcome for _, _, _, outcome in said(control.story)] == outcomes
    assert not control.story.outbox
    assert control.story.profile.synced is None


def test_where_it_goes_and_what_fields_it_has_concerns_nobody(shop: Callable[..., Project], begin: Begin) -> None:
    control = _inside(begin(shop_with(shop, ADS)))
    elsewhere = ADS.replace("out/ads", "out/other").replace("town: profile.city", "score: profile.score")
    control.publish(2, shop_with(shop, elsewhere))
    assert not control.story.outbox


def _inside(control: Control) -> Control:
    control.story.identify(1, city="Paris").send(1)
    return control


@pytest.mark.parametrize("state", ["told", "queued", "claimed"])
def test_of_two_who_become_one_the_other_side_has_one(
    ads: Story, shop: Callable[..., Project], begin: Begin, state: str
) -> None:
    other = begin(shop_with(shop, ADS)).story
    other.person = "@anonymous/1"
    other.identify(1, email="visitor@mail.example", city="Paris")
    if state == "told":
        other.send(1)
    elif state == "claimed":
        other.claim(1)
    ads.outbox |= other.outbox
    ads.identify(1, city="Paris").send(1)
    ads.give(PersonJoined(2, "@anonymous/1", "identify", decode_profile(other.state)))
    at = 2
    for _ in range(3):
        at += 6 * MINUTE_MS
        ads.wait(at).send(at)
    assert held(ads) == {"sarah@mail.example": True}
    taken_out = ("left", "visitor@mail.example") in [(change, key) for _, change, key, _ in said(ads, "sent")]
    assert taken_out == (state != "queued")


def test_receipts_for_what_nobody_knows_change_nothing(ads: Story) -> None:
    receipts: list[Receipt] = [Accepted("0" * 37), NotSent("0" * 37, "busy")]
    for receipt in receipts:
        ads.answer(1, receipt)
    assert said(ads) == []


def test_whoever_is_to_be_erased_is_taken_out_and_does_not_come_back(ads: Story) -> None:
    ads.identify(1, city="Paris").send(1)
    ads.give(PersonWithheld(2)).send(2)
    ads.identify(3, email="new@mail.example")
    assert held(ads) == {}
    assert not ads.outbox


def test_a_save_by_a_campaign_is_told_even_if_it_is_silent(shop: Callable[..., Project], begin: Begin) -> None:
    project = shop("", audiences="kept: {saved: true}", destinations="ads: {audience: kept, to: {file: a.ndjson}}")
    story = begin(project).story
    story.give(MembershipSaved(1, "kept", inside=True, silent=True)).send(1)
    story.give(MembershipSaved(2, "kept", inside=False)).send(2)
    assert said(story, "sent") == [(1, "entered", "sarah", "sent"), (2, "left", "sarah", "sent")]
