"""The project that is simulated: journeys that are small, and use what a fault could break.

Waits, listeners with a timeout, exits, goals, re-entry, reactions, a frequency cap, quiet hours that hold, mails of
both classes, inboxes. Every event enters some journey, so none is without a trace; and each is in a history by its
number, so that the end state of a person lists what has been applied, in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from parcours.journey.model.document import (
    EventDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.project import Project

EVENTS: Final = ("Started", "Bought", "Emptied", "Ordered", "Looked")

_NUMBERED: Final = " && ".join(f'sum("{event}", "number", "365d") >= 0' for event in EVENTS)

CHECKOUT: Final = {
    "journey": "checkout",
    "entry": {"event": "Started", "when": f"!({_NUMBERED}) || event.number >= 0"},
    "correlation": "event.cart",
    "exit": [{"event": "Emptied"}],
    "goal": {"event": "Bought", "within": "2d"},
    "steps": [
        {"id": "bought", "wait_for": [{"event": "Bought", "next": "thank"}], "timeout": "20m"},
        {"id": "remind", "send": "reminder"},
        {
            "id": "opened",
            "wait_for": [
                {"reaction": "opened", "of": "remind", "next": "done"},
                {"event": "Bought", "next": "thank"},
            ],
            "timeout": "1d",
        },
        {"id": "again", "send": "reminder", "next": "done"},
        {"id": "thank", "send": "receipt"},
        {"id": "done", "end": True},
    ],
}

ORDER: Final = {
    "journey": "order",
    "entry": {"event": "Ordered"},
    "exit": [{"event": "Emptied"}],
    "correlation": "event.cart",
    "reentry": "always",
    "steps": [
        {"id": "confirm", "send": "receipt"},
        {"id": "way", "wait": "3h"},
        {"id": "shipped", "send": "receipt"},
        {"id": "arrived", "wait": "1d"},
        {"id": "ask", "send": "question"},
    ],
}

NEWS: Final = {
    "journey": "news",
    "entry": {"event": "Looked"},
    "reentry": {"after": "2h"},
    "steps": [{"id": "pause", "wait": "30m"}, {"id": "note", "send": "note"}],
}

THANKS: Final = {
    "journey": "thanks",
    "entry": [{"event": "Bought"}, {"event": "Emptied"}],
    "reentry": {"after": "1h"},
    "steps": [{"id": "mark", "update": {"seen": "event.number"}}, {"id": "rest", "wait": "10m"}],
}

CARDS: Final = {
    "journey": "cards",
    "entry": [{"event": "Looked"}, {"event": "Bought"}],
    "exit": [{"event": "Emptied"}],
    "correlation": "event.cart",
    "steps": [
        {"id": "lay", "send": "offer", "channels": ["card"]},
        {
            "id": "heard",
            "wait_for": [
                {"reaction": "clicked", "of": "lay", "next": "tell"},
                {"reaction": "dismissed", "of": "lay", "next": "over"},
            ],
            "timeout": "4h",
        },
        {"id": "tell", "send": "offer", "channels": ["inapp"]},
        {"id": "over", "wait": "2h"},
    ],
}

POLICIES: Final = {
    "consent": {"default": "opt_out"},
    "caps": [{"class": "marketing", "max": 3, "per": "1d"}],
    "quiet_hours": [{"channels": ["sms"], "from": "22:00", "until": "07:00", "then": "hold"}],
}


IN_INBOX: Final = {"card": {"title": "Ten percent off"}, "inapp": {"body": "Look"}}

JOURNEYS: Final = ("checkout", "order", "news", "thanks")
"""Those that send to addresses, or nothing."""

IN_INBOXES: Final = "cards"
"""The one that lays something into inboxes."""


def _other(journey: Mapping[str, object], **waits: str) -> dict[str, object]:
    """The journey with other waits: a new version of it."""
    steps = journey["steps"]
    assert isinstance(steps, list)
    return {
        **journey,
        "steps": [{**step, "wait": waits.get(step["id"], step["wait"])} if "wait" in step else step for step in steps],
    }


@cache
def shop(number: int = 0) -> Project:
    """The project of this number, 0 or 1. Compiled once for all runs of a process."""
    order, news = (ORDER, NEWS) if number == 0 else (_other(ORDER, way="2h"), _other(NEWS, pause="20m"))
    properties = {"cart": "string", "number": "integer"}
    messages = [
        {"message": "receipt", "class": "transactional", "email": {"subject": "Thank you"}},
        {"message": "reminder", "email": {"subject": "Still there?"}, "expires": "2d"},
        {"message": "question", "email": {"subject": "How was it?"}},
        {"message": "note", "sms": {"text": "News"}},
        {"message": "offer", "class": "transactional", "expires": "1d", "withdraw": ["Bought"], **IN_INBOX},
    ]
    return Project.of(
        ProjectDocument.model_validate(
            {"project": "shop", "policies": POLICIES, "insight": {"facts_for": "1d"}, "anonymous_history": "used"}
        ),
        ProfileDocument.model_validate({"traits": {"email": "string", "phone": "string", "seen": "integer"}}),
        EventsDocument(events={name: EventDocument.model_validate({"properties": properties}) for name in EVENTS}),
        messages=[MessageDocument.model_validate(message) for message in messages],
        journeys=[JourneyDocument.model_validate(journey) for journey in (CHECKOUT, order, news, THANKS, CARDS)],
    )
