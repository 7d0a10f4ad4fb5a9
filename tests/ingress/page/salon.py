"""A salon of whose guests a desk is asked: merged visitors, consents, refused messages, and offers with reasons."""

from __future__ import annotations

from typing import Final

from tests.ingress.page.studio import KEYS, Studio, key

SALON_KEYS: Final = (*KEYS, key("desk", "operate:read", "people"), key("reader", "operate:read", "people:read"))
"""Who may also erase people, and who may only look at them."""

SALON: Final = {
    "parcours.yaml": "{project: salon, anonymous_history: used, policies: {consent: {default: opt_out}}}",
    "profile.yaml": """
        traits: {email: string, phone: string, plan: string, city: string}
        addresses: {email: profile.email, sms: profile.phone}
        identities: {card: {}, badge: {link: never, caseless: true}}
    """,
    "events.yaml": """
        events:
          Booked: {properties: {total: number}}
          Came: {}
          Joined: {}
          Seen: {}
          Badged: {properties: {badge: string}, key: {namespace: badge, value: event.badge}}
    """,
    "audiences.yaml": 'audiences: {gold: profile.plan == "gold"}',
    "messages/note.yaml": """
        message: note
        class: marketing
        purpose: classes
        email:
          subject: "A class in {{ profile.city }}"
          html: >-
            <style>p {color: green}</style>
            <p>Come to {{ profile.city }}, you have booked for {{ entry.total | default: 0 }}</p>
            <img src="https://elsewhere.example/open.png"><script>document.title = "taken"</script>
            <a href="https://elsewhere.example/more">more</a>
        sms: {text: Come soon}
    """,
    "offers.yaml": """
        placements: {agent: {channel: agent, format: text}}
        offers:
          free: {priority: 9, eligible: profile.plan == "gold", content: {agent: {text: Free}}}
          ten: {priority: 5, content: {agent: {text: Ten}}}
          news: {content: {agent: {text: News}}}
        collections: {some: {offers: [free, ten]}}
        decisions: {best: {choose: [{collection: some}], fallback: news}}
    """,
    "journeys/booked.yaml": """
        journey: booked
        description: Whoever has booked is reminded, until she comes.
        entry: {event: Booked, when: event.total > 50}
        reentry: always
        goal: {event: Came, within: 7d, target: 50%}
        steps:
          - {id: remind, send: note, channels: [email, sms]}
          - id: coming
            wait_for: [{event: Came, next: done}, {reaction: opened, of: remind, next: done}]
            timeout: 1d
          - {id: again, send: note, channels: [sms]}
          - {id: done, end: true}
    """,
    "journeys/joined.yaml": """
        journey: joined
        entry: [{event: Joined}, {event: Badged}]
        steps:
          - {id: pick, decide: best, placement: agent, as: best}
          - {id: slow, wait: 3d}
          - {id: how, branch: [{when: profile.plan == "gold", next: done}]}
          - {id: done, end: true}
    """,
    "journeys/seen.yaml": """
        journey: seen
        entry: {event: Seen, when: profile.plan == "gold"}
        steps: [{id: pause, wait: 1d}]
    """,
    "journeys/never.yaml": """
        journey: never
        entry: {event: Came, when: profile.city == "Nowhere"}
        steps: [{id: pause, wait: 1d}]
    """,
}


async def come(studio: Studio) -> None:
    """Sarah was a visitor first, has withdrawn SMS, books too little and then enough, and joins."""
    service = studio.door.service
    await service.track(None, "Joined", {}, anonymous_id="7f3a")
    await service.identify(
        "sarah",
        {"email": "sarah@mail.example", "phone": "+33612345678", "plan": "none", "city": "Lille"},
        anonymous_id="7f3a",
    )
    await service.consent("sarah", "sms", granted=False)
    await service.suppress("sarah", "email", "old@mail.example")
    await service.track("sarah", "Seen", {})
    await service.track("sarah", "Booked", {"total": 20})
    await service.track("sarah", "Booked", {"total": 80})
    await service.identify("gina", {"email": "sarah@mail.example", "plan": "gold"})
    await service.track("gina", "Booked", {"total": 90})
    await service.drain(30)
