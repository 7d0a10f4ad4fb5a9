"""Offers in messages: decided when a message goes into the outbox, given back, shown again, and marked by reactions."""

from __future__ import annotations

import pytest
from tests.core.conftest import Story, project_of
from tests.core.test_decisions import HOUR
from tests.core.test_offer_marks import told

from parcours.channel import NotSent, Refused
from parcours.core.delivery.proposition_key import code_of, proposition_key, with_code
from parcours.core.effect import ShownOffer
from parcours.core.fact import Decided, DeliveryReached
from parcours.errors import ProjectInvalid

SHOWN = """
placements:
  hero: {channel: email, format: html}
  side: {channel: email, format: text}
  line: {channel: sms, format: text}
  ring: {channel: email, format: text, shown_by: delivered}
offers:
  free:
    priority: 4
    title: Free class
    attributes: {margin: 4.5}
    caps: [{max: 1}]
    content: {hero: {html: "<b>{{ profile.city }}</b>", url: "https://a.example"}, line: {text: Free}, ring: {text: R}}
  ten: {priority: 3, content: {hero: {html: Ten}, side: {text: "{{ entry.cart }}"}}}
  news: {content: {hero: {html: News}, line: {text: News}}}
collections: {some: {offers: [free, ten]}}
decisions: {best: {choose: [{collection: some}], fallback: news}, bare: {choose: [{collection: some}]}}
"""

TRIP = """
journey: trip
entry: {event: Start}
reentry: always
steps: [{id: mail, send: mail}]
"""


def messages(offers: str, text: str = "x", channels: str = "email: {{html: '{0}'}}") -> str:
    return f"[{{message: mail, offers: {offers}, {channels.format(text)}}}]"


HERO = "{hero: {decision: best, placement: {email: hero}}}"


def shop(offers: str = HERO, journey: str = TRIP, shown: str = SHOWN, policies: str = "", **more: str) -> Story:
    story = Story(
        project_of(journey, offers=shown, messages=messages(offers, **more), policies=policies).program,
    )
    return story.identify(1, email="s@a.example", phone="+1", city="Rome")


def outgoing_offers(story: Story) -> list[dict[str, ShownOffer]]:
    return [each.offers for each in story.outbox.values()]


def decided(story: Story) -> list[list[str]]:
    return [[each.offer for each in fact.offers] for fact in story.facts if isinstance(fact, Decided)]


def names(story: Story) -> list[dict[str, str]]:
    return [{name: str(each.known["name"]) for name, each in offers.items()} for offers in outgoing_offers(story)]


def test_an_offer_is_decided_as_the_message_goes_into_the_outbox_with_what_it_says_there() -> None:
    story = shop().event(10, "Start")

    key = proposition_key("shop", "sarah", "best", "hero", "trip/1/mail/1/email", 0)
    known: dict[str, object] = {"name": "free", "title": "Free class", "priority": 4, "attributes": {"margin": 4.5}}
    content: dict[str, object] = {"html": "<b>{{ profile.city }}</b>", "url": "https://a.example"}
    assert outgoing_offers(story) == [{"hero": ShownOffer(key, "html", content, known, 4)}]
    (out,) = story.outbox.values()
    assert out.context["profile"] == {"city": "Rome"}, "what only the offer's text names goes along"
    kept = story.profile.offers
    assert kept is not None
    assert [(each.key, each.deliveries, each.for_message) for each in kept.propositions] == [(key, [out.key], True)]
    assert decided(story) == [["free"]]


def test_every_attempt_shows_the_same_and_decides_nothing() -> None:
    story = shop().event(10, "Start")
    (key,) = story.claim(20)

    story.answer(30, NotSent(key, "busy"))
    story.wait(10 * HOUR)
    assert story.claim(10 * HOUR + 1) == [key]

    assert decided(story) == [["free"]] and told(story) == []


def test_offers_of_one_message_are_decided_in_its_order_and_come_once() -> None:
    both = "{a: {decision: bare, placement: {email: hero}}, b: {decision: bare, placement: {email: side}}}"
    story = shop(both).event(10, "Start", cart="C7")

    assert names(story) == [{"a": "free", "b": "ten"}]
    (out,) = story.outbox.values()
    assert out.context["entry"] == {"cart": "C7"}


def test_the_same_decision_twice_at_one_placement_has_two_propositions() -> None:
    both = "{a: {decision: bare, placement: {email: hero}}, b: {decision: bare, placement: {email: hero}}}"
    (offers,) = outgoing_offers(shop(both).event(10, "Start"))

    assert offers["a"].known["name"] != offers["b"].known["name"]
    assert offers["a"].proposition != offers["b"].proposition


def test_each_channel_has_its_own_placement_and_decision() -> None:
    story = shop(
        "{hero: {decision: best, placement: {email: hero, sms: line}}}", channels="email: {{html: x}}, sms: {{text: y}}"
    ).event(10, "Start")

    assert names(story) == [{"hero": "free"}, {"hero": "news"}]  # once for each person


def test_where_there_is_nothing_the_message_goes_out_without() -> None:
    story = shop(
        "{hero: {decision: bare, placement: {email: side}}}", shown=SHOWN.replace("side: {text", "line: {text")
    )

    assert names(story.event(10, "Start")) == [{}]
    assert decided(story) == [[]] and story.profile.offers is None


@pytest.mark.parametrize("opened, given_back", [(False, ["given_back"]), (True, ["shown"])])
def test_an_offer_whose_message_fails_is_given_back_unless_she_has_seen_it(opened: bool, given_back: list[str]) -> None:
    story = shop().event(10, "Start")
    (key,) = story.claim(20)
    if opened:
        story.react(30, "opened", "mail")
        story.react(40, "failed", "mail")
    else:
        story.answer(30, Refused(key, "no"))

    assert [mark for _, _, mark in told(story)] == given_back
    story.event(50, "Start")
    assert decided(story) == [["free"], ["ten" if opened else "free"]]


def test_a_message_that_is_held_decides_on_release() -> None:
    night = "{consent: {default: opt_out}, quiet_hours: [{from: '00:00', until: '06:00'}]}"
    story = shop(policies=night).event(10, "Start")  # one in the morning in Paris

    assert decided(story) == []
    story.wait(6 * HOUR)
    assert decided(story) == [["free"]]


def test_what_waited_in_the_outbox_until_a_gate_holds_it_is_decided_again_on_release() -> None:
    night = "{consent: {default: opt_out}, quiet_hours: [{from: '20:00', until: '06:00'}]}"
    story = shop(policies=night)
    story.event(12 * HOUR, "Start")
    (first,) = outgoing_offers(story)

    assert story.claim(20 * HOUR) == []
    kept = story.profile.offers
    assert [mark for _, _, mark in told(story)] == ["given_back"] and kept is not None and kept.propositions == []
    story.outbox.clear()
    (again,) = outgoing_offers(story.wait(40 * HOUR))
    assert again == first, "she may have it again, under the same key"


REACTIONS = [
    ("hero", "email", "delivered", None, []),
    ("hero", "email", "opened", None, ["shown"]),
    ("hero", "email", "clicked", "https://b.example", ["shown"]),  # another link: she has opened it, at least
    ("hero", "email", "clicked", "OFFER", ["shown", "clicked"]),
    ("hero", "email", "dismissed", None, ["dismissed"]),
    ("ring", "email", "delivered", None, ["shown"]),
    ("line", "sms", "delivered", None, ["shown"]),
]


@pytest.mark.parametrize("placement, channel, reaction, link, marks", REACTIONS)
def test_a_reaction_to_a_message_tells_what_became_of_its_offers(
    placement: str, channel: str, reaction: str, link: str | None, marks: list[str]
) -> None:
    content = "{{html: x}}" if channel == "email" else "{{text: x}}"
    hero = HERO.replace("email: hero", f"{channel}: {placement}")
    story = shop(hero, channels=f"{channel}: {content}")
    (offers,) = outgoing_offers(story.event(10, "Start"))
    story.send(20)
    if link == "OFFER":
        link = with_code("https://a.example/x?y=1#z", code_of(offers["hero"].proposition))
        assert link.startswith("https://a.example/x?y=1&") and link.endswith("#z")

    story.react(30, reaction, "mail", channel, link)

    assert [mark for _, _, mark in told(story)] == marks


PICKING = """
journey: trip
entry: {event: Start}
reentry: always
steps: [{id: pick, decide: best, placement: hero, as: best}, {id: mail, send: mail}]
"""


def test_a_message_shows_what_a_step_has_chosen_and_does_not_give_it_back() -> None:
    story = shop("{hero: {from: best}}", PICKING).event(10, "Start")
    (key,) = story.claim(20)

    assert names(story) == [{"hero": "free"}] and decided(story) == [["free"]]
    story.answer(30, Refused(key, "no"))
    assert told(story) == []

    story.event(40, "Start").send(50)
    story.react(60, "opened", "mail")
    assert [(offer, mark) for _, offer, mark in told(story)] == [("ten", "shown")]


def test_what_a_step_has_chosen_is_missing_where_it_says_nothing_at_the_placement() -> None:
    story = shop("{hero: {from: best, placement: {email: ring}}}", PICKING)

    assert names(story.event(10, "Start")) == [{"hero": "free"}]
    story.outbox.clear()
    assert names(story.event(20, "Start")) == [{}], "ten has nothing to say there"


@pytest.mark.parametrize(
    "offers, text, fault",
    [
        ("{hero: {decision: bests, placement: {email: hero}}}", "x", "unknown decision 'bests', did you mean 'best'?"),
        ("{hero: {decision: best, placement: {email: heros}}}", "x", "unknown placement 'heros', did you mean 'hero'?"),
        ("{hero: {decision: best, placement: {sms: line}}}", "x", "the message has no content for 'sms'"),
        ("{hero: {from: best}}", "x", "the journey 'trip' sends it, and no step there decides as 'best'"),
        (HERO, "{{ offers.her.name }}", "unknown name offers.her.name, did you mean 'offers.hero.name'?"),
        (HERO, "{{ offers.hero.attributes.colour }}", "unknown name offers.hero.attributes.colour"),
        ("{}", "{{ offers.hero.name }}", "unknown name offers"),
    ],
)
def test_what_a_message_says_of_offers_is_checked(offers: str, text: str, fault: str) -> None:
    with pytest.raises(ProjectInvalid) as raised:
        shop(offers, text=text)

    assert fault in str(raised.value)


def test_what_is_told_of_a_delivery_names_the_offers_that_it_shows() -> None:
    story = shop().event(10, "Start")
    (key,) = story.claim(20)
    story.answer(30, Refused(key, "no such box"))

    proposition = proposition_key("shop", "sarah", "best", "hero", "trip/1/mail/1/email", 0)
    named = [(each.outcome, each.offer_keys) for each in story.facts if isinstance(each, DeliveryReached)]
    assert named == [(outcome, (proposition,)) for outcome in ("queued", "claimed", "failed")]
    story.event(40, "Start").claim(50)
    assert [each.offer_keys for each in story.facts if isinstance(each, DeliveryReached)][3:] == [
        (proposition_key("shop", "sarah", "best", "hero", "trip/2/mail/1/email", 0),)
    ] * 2
