"""A shop in which every event that is applied leaves a run of its own, so that the door's answers tell which were.

The clients of others send to it: what has been lost or counted twice shows in what is told of the person.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import httpx
from tests.ingress.served import PATIENCE_S, Served, until

FILES: Final = {
    "parcours.yaml": "{project: shop, policies: {consent: {default: opt_out}}}",
    "profile.yaml": "traits: {email: string, plan: string}",
    "events.yaml": """
events:
  Cart Left: {properties: {number: integer}}
  Page Viewed: {properties: {name: string}}
  Screen Viewed: {properties: {name: string}}
  Offer Made: {properties: {title: string}}
""",
    "messages/offer.yaml": "{message: offer, class: transactional, card: {title: '{{ entry.title }}'}}",
    "journeys/offers.yaml": """
journey: offers
entry: {event: Offer Made}
correlation: event.title
reentry: always
steps: [{id: tell, send: offer}]
""",
    "journeys/carts.yaml": """
journey: carts
entry: {event: Cart Left}
correlation: event.number
reentry: always
steps: [{id: done, end: true}]
""",
    "journeys/looks.yaml": """
journey: looks
entry: [{event: Page Viewed}, {event: Screen Viewed}]
correlation: event.name
reentry: always
steps: [{id: done, end: true}]
""",
}

TEXT: Final = '"'
"""What a correlation begins with that is a text: so "1" and 1 are told apart."""


def write_shop(folder: Path) -> Path:
    """Write the project, and return its folder."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def applied(door: Served, person: str, key: str | None = None) -> Counter[str]:
    """How often each of her events has been applied, by what is in it: the number of a cart, the name of a page.

    key  the secret of a key that may look at people, where the door has keys
    """
    answer = _asked(door, f"/people/{quote(person, safe='@')}/export", key)
    if answer.status_code == 404:
        return Counter()
    profile = answer.raise_for_status().json()["profile"]
    runs = [*profile["runs"], *profile["ended_runs"]]
    return Counter(run["correlation"].removeprefix(TEXT) for run in runs)


def traits(door: Served, person: str, key: str | None = None) -> dict[str, object]:
    """What is known of her."""
    told: dict[str, object] = (
        _asked(door, f"/people/{quote(person, safe='@')}", key).raise_for_status().json()["traits"]
    )
    return told


def _asked(door: Served, path: str, key: str | None) -> httpx.Response:
    return httpx.get(f"{door.address}{path}", headers={} if key is None else {"Authorization": f"Bearer {key}"})


ROOM_BYTES: Final = 100_000
"""What `crowded` takes up; the door's `body_bytes_max` has to be this."""


@contextmanager
def crowded(door: Served) -> Iterator[None]:
    """As long as the `with` lasts the door has no room: one body takes all of it, and does not come.

    It has refused one request by then.
    """
    host = urlsplit(door.address)
    head = f"POST /v1/batch HTTP/1.1\r\nHost: {host.netloc}\r\nContent-Length: {ROOM_BYTES}\r\n\r\n"
    with socket.create_connection((host.hostname or "", host.port or 80), PATIENCE_S) as connection:
        connection.sendall(head.encode())
        until(lambda: httpx.post(f"{door.address}/v1/m", content=b"{}").status_code == 429, "that the door is full")
        yield
