"""What tests of the engine share: a small shop as a folder of documents, and whom it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from tests.projects import write_documents

from parcours.journey.project import Project
from parcours.testing.doubles import HttpServer

PROFILE = {"traits": {"email": "string", "city": "string"}}
EVENTS = {
    "events": {
        "Seen": {"properties": {"page": "string"}},
        "Started": {"properties": {"cart": "string"}},
        "Bought": {"properties": {"cart": "string"}},
    }
}
MESSAGES = {
    "reminder": {"message": "reminder", "email": {"subject": "Still there, {{ profile.city }}?", "text": "Your cart."}},
    "receipt": {"message": "receipt", "class": "transactional", "email": {"subject": "Thank you", "text": "Bye."}},
}
JOURNEYS = {
    "visits": {"journey": "visits", "entry": {"event": "Seen"}, "steps": [{"id": "done", "end": True}]},
    "cart": {
        "journey": "cart",
        "entry": {"event": "Started"},
        "correlation": "event.cart",
        "steps": [
            {"id": "bought", "wait_for": [{"event": "Bought", "next": "thank"}], "timeout": "100ms"},
            {"id": "remind", "send": "reminder", "next": "done"},
            {"id": "thank", "send": "receipt"},
            {"id": "done", "end": True},
        ],
    },
}


OPINION = {
    "journey": "opinion",
    "entry": {"event": "Seen"},
    "steps": [
        {"id": "ask", "call": "rate"},
        {
            "id": "heard",
            "wait_for": [
                {"reaction": "answered", "of": "ask", "next": "look"},
                {"reaction": "failed", "of": "ask", "next": "over"},
            ],
        },
        {"id": "look", "branch": [{"when": "event.rank > 3", "next": "keep"}]},
        {"id": "over", "end": True},
        {"id": "keep", "update": {"city": "event.city"}},
    ],
}
"""A journey that asks the action `rate` what it thinks of somebody."""


class Desk(HttpServer):
    """Has an opinion about everybody, and keeps what it was asked: (key, body)."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, bytes]] = []

    async def handle(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        return await self.respond(request, lambda: self._take(request.headers["Idempotency-Key"], body))

    def _take(self, key: str, body: bytes) -> web.Response:
        self.asked.append((key, body))
        return web.json_response({"rank": 5, "city": "Oslo", "more": "than asked for"})


CALLS = {"allowed_networks": ["127.0.0.0/8"]}
"""How the shop is set up to ask somebody on this machine, such as the desk."""


def write_asking_shop(folder: Path, url: str) -> Path:
    """The shop, which besides asks somebody at `url` about everyone who has seen something."""
    answer = {"rank": "integer", "city": "string"}
    rate = {"url": url, "body": {"who": "profile.email", "page": "event.page"}, "timeout": "10s", "answer": answer}
    write_shop(folder, {})
    (folder / "actions.yaml").write_bytes(msgspec.json.encode({"actions": {"rate": rate}}))
    (folder / "journeys" / "opinion.yaml").write_bytes(msgspec.json.encode(OPINION))
    return folder


def write_shop(folder: Path, channels: Mapping[str, Mapping[str, object]]) -> Path:
    """The shop as an author would have it on disk; JSON is YAML too."""
    settings = {
        "project": "shop",
        "channels": {"call": CALLS, **channels},
        "policies": {"consent": {"default": "opt_out"}},
    }
    documents: dict[str, object] = {"parcours": settings, "profile": PROFILE, "events": EVENTS}
    documents |= {f"messages/{name}": message for name, message in MESSAGES.items()}
    documents |= {f"journeys/{name}": journey for name, journey in JOURNEYS.items()}
    write_documents(folder, documents)
    return folder


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Whom the asking shop may ask, at `desk.url`."""
    with Desk() as desk:
        yield desk


@pytest.fixture
def shop_folder(tmp_path: Path) -> Path:
    """The shop's folder; none of its channels is configured."""
    return write_shop(tmp_path / "shop", {})


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The shop of `new_shop`, for tests that only look at it."""
    return Project.load(write_shop(tmp_path_factory.mktemp("shop"), {}))


@pytest.fixture
def new_shop(tmp_path: Path) -> Callable[..., Project]:
    """The shop: `visits` counts what somebody has seen, `cart` reminds after 100 ms and thanks.

    Takes settings by channel.
    """

    def make(**channels: Mapping[str, object]) -> Project:
        return Project.load(write_shop(tmp_path / f"shop-{len(channels)}", channels))

    return make


@pytest.fixture
def asking_shop(tmp_path: Path) -> Callable[[str], Project]:
    """The shop that calls out; takes the URL."""
    return lambda url: Project.load(write_asking_shop(tmp_path / "asking", url))
