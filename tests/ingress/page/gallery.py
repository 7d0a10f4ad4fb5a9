"""A gallery with campaigns, audiences and analyses behind a door, for those who look at its screens."""

from __future__ import annotations

import asyncio
from typing import Final

from tests.ingress.page.studio import Studio, key

from parcours.config import Settings

PATIENCE_S: Final = 60

SETTINGS: Final = Settings(campaign_lead_ms=20)

KEYS: Final = (
    key("ada", "operate"), key("eve", "operate:read"), key("care", "operate:read", "people:read"),
)  # fmt: skip

TEXTS: Final = {
    "parcours.yaml": """
        project: gallery
        policies: {consent: {default: opt_out}}
        insight: {events: all}
    """,
    "profile.yaml": "{traits: {email: string, city: string, score: number}, addresses: {email: profile.email}}",
    "events.yaml": "events: {Visited: {}, Bought: {properties: {total: number}}, Left: {}}",
    "audiences.yaml": """
        audiences:
          high: profile.score > 3
          parisians: 'profile.city == "Paris" && in_audience("best")'
          best: {saved: true, label: Our best visitors}
    """,
    "messages/news.yaml": """
        {message: news, class: transactional, email: {subject: News, text: "Of {{ profile.city }}."}}
    """,
    "offers.yaml": """
        placements: {banner: {channel: web, format: json}}
        offers: {tour: {title: A tour for free, tags: [visits], content: {banner: {json: {text: Come}}}}}
        decisions: {best: {choose: [{collection: all}]}}
    """,
    "campaigns/push.yaml": """
        campaign: push
        description: Everybody with a score is written to once, and whoever opens it is one of the best.
        tags: [news, visitors]
        exit: [{event: Left}]
        goal: {event: Bought, within: 7d, target: 5%}
        steps:
          - {id: everybody, read: {where: has(profile.score)}}
          - {id: unique, dedupe: {by: [profile.email], order: [{by: profile.score, highest: true}]}}
          - id: value
            split: [{name: low, when: profile.score < 4}, {name: high, otherwise: true}]
          - {id: both, union: [value.high, unique]}
          - {id: mail, send: news, channels: [email]}
          - {id: later, wait: 1h}
          - {id: saved, from: later, save: best}
    """,
    "campaigns/weekly.yaml": """
        campaign: weekly
        schedule: {at: 2036-11-03T09:00:00, rule: "FREQ=WEEKLY;BYDAY=MO"}
        steps:
          - {id: inside, read: high}
          - {id: saved, save: best}
    """,
    "journeys/welcome.yaml": """
        journey: welcome
        entry: {audience: high, change: entered}
        exit: [{audience: best, change: entered}]
        steps:
          - {id: choose, branch: [{when: 'in_audience("parisians")', next: rest}, {otherwise: rest}]}
          - {id: rest, wait: 3d}
    """,
    "insight/gallery.yaml": """
        funnels: {buying: {steps: [Visited, Bought], within: 7d}}
        flows: {around: {anchor: Visited, before: 1, after: 1}}
        attributions: {mails: {conversion: Bought, touches: {events: [Visited]}}}
        cohorts: {back: {starts: Visited, returns: Visited, unit: day, periods: 3}}
        metrics: {revenue: {sum: event.total, of: Bought}, buyers: {people: Bought}}
    """,
}


async def come(studio: Studio, people: int = 8) -> None:
    """So many people, whose scores are their numbers; two share each address, and every second one buys."""
    for number in range(people):
        who = f"guest{number}"
        traits = {
            "email": f"m{number // 2}@gallery.example",
            "score": number,
            "city": "Paris" if number % 2 else "Lyon",
        }
        await studio.door.service.identify(who, traits)
        await studio.door.service.track(who, "Visited", {})
        if number % 2:
            await studio.door.service.track(who, "Bought", {"total": 10 + number})
    await studio.door.service.drain(PATIENCE_S)


async def run(studio: Studio, campaign: str = "push", at: str | None = "later") -> None:
    """Let a run begin, and wait until it is at this step; None: until it is over."""
    number = await studio.door.service.run_campaign(campaign, by="ada")
    end = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        runs = (await studio.door.service.campaign(campaign)).runs
        (begun,) = [each for each in runs if each.number == number]
        if begun.state != "under_way" or at in begun.at_hand:
            return
        assert asyncio.get_running_loop().time() < end, "the run takes too long"
        await asyncio.sleep(0.02)
