"""Whoever enters the studio is greeted in her app with an offer, and what she does with it is known of the offer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from tests.engine.test_campaigns import until
from tests.projects import write_texts

from parcours import Engine, Project, Service
from parcours.clock import ManualClock
from parcours.core.fact import DeliveryReached, OfferMarked
from parcours.ingress.application import Application, door_of
from parcours.ingress.settings import ServeSettings

START = 1_772_442_000_000
MINUTE = 60_000

STUDIO = {
    "parcours.yaml": "{project: studio, policies: {consent: {default: opt_out}}}\n",
    "profile.yaml": "traits: {first_name: string}\n",
    "events.yaml": """\
        events:
          Location Updated:
            properties: {lat: number, lon: number}
            location: {lat: event.lat, lon: event.lon}
    """,
    "places.yaml": "places: {studio: {circle: [33.749, -84.388, 120m], enter_after: 1m}}\n",
    "offers.yaml": """\
        placements: {greeting: {channel: inapp, format: text}, shelf: {channel: card, format: json}}
        offers:
          mat:
            caps: [{max: 1}]
            content:
              greeting: {text: "A mat for {{ profile.first_name }}", url: "https://luma.example/mat"}
              shelf: {json: {title: A mat}, url: "https://luma.example/mat"}
          tea: {content: {greeting: {text: Tea}, shelf: {json: {title: Tea}}}}
        decisions: {next-best: {choose: [{collection: all}]}}
    """,
    "messages/greeting.yaml": """\
        message: greeting
        class: transactional
        offers: {hero: {decision: next-best, placement: {inapp: greeting, card: shelf}}}
        inapp:
          title: "Welcome, {{ profile.first_name }}"
          body: "{{ offers.hero.content }}"
          buttons: [{label: Look, url: "{{ offers.hero.url }}"}]
        card: {title: "{{ offers.hero.content.title }}", url: "{{ offers.hero.url }}"}
    """,
    "journeys/greet.yaml": """\
        journey: greet
        entry: {event: Place Entered, when: event.place == "studio"}
        steps: [{id: greet, send: greeting}]
    """,
}

INSIDE = {"lat": 33.749, "lon": -84.388}


def studio(folder: Path) -> Project:
    write_texts(folder, STUDIO)
    return Project.load(folder)


def test_whoever_enters_the_studio_is_greeted_with_an_offer(tmp_path: Path) -> None:
    clock = ManualClock(START)
    with Engine.open(studio(tmp_path), "memory:", runtime="local", shards=2, clock=clock) as engine:
        engine.identify("sarah", {"first_name": "Sarah"}).result()
        engine.track("sarah", "Location Updated", INSIDE).result()
        assert engine.inbox("sarah") == []

        clock.move_to(START + 2 * MINUTE)
        until(lambda: len(engine.inbox("sarah")) == 2)
        greeting, card = sorted(engine.fetch_inbox("sarah"), key=lambda each: each.channel, reverse=True)
        offers = {each.channel: each.offer_keys for each in engine.facts("sarah") if isinstance(each, DeliveryReached)}

        assert (greeting.content["title"], greeting.content["body"]) == ("Welcome, Sarah", "A mat for Sarah")
        link = greeting.content["buttons"][0]["url"]
        assert link.startswith("https://luma.example/mat?offer_code=")
        assert (card.content["title"], card.content["url"]) == ("Tea", ""), "a mat is for her once"

        engine.react_to(card.key, "opened").result()
        engine.react_to(greeting.key, "clicked", link=link).result()

        facts = engine.facts("sarah")
        marks = [(each.proposition, each.offer, each.mark) for each in facts if isinstance(each, OfferMarked)]
        ((of_card,), (of_greeting,)) = offers["card"], offers["inapp"]
        assert marks == [(of_card, "tea", "shown"), (of_greeting, "mat", "shown"), (of_greeting, "mat", "clicked")]


def test_who_looks_at_her_sees_where_she_is_unless_she_has_objected(tmp_path: Path) -> None:
    async def scenario() -> None:
        project = studio(tmp_path)
        async with Service.open(project, "memory:", runtime="local", clock=ManualClock(START)) as service:
            transport = httpx.ASGITransport(Application(door_of(service, ServeSettings())))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                await service.track("sarah", "Location Updated", INSIDE)
                before = (await http.get("/people/sarah")).json()
                await service.consent("sarah", "personalisation", granted=False)
                await service.track("sarah", "Location Updated", INSIDE)
                after, why = [(await http.get(f"/people/sarah{path}")).json() for path in ("", "/explain")]

        assert [each["place"] for each in before["places"]] == ["studio"] and before["not_followed"] is None
        assert (after["places"], after["position"], after["unheard"]) == ([], None, {})
        assert after["not_followed"] == "no_personalisation"
        assert why["places"] == ["no position is used: she does not want to be personalised, or has not allowed it"]

    asyncio.run(scenario())
