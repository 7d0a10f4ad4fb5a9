"""What a mail shows of offers is decided once, whatever ends, is published or breaks before it has left."""

from __future__ import annotations

import socket
from email import message_from_bytes
from pathlib import Path

from tests.projects import write_texts

from parcours import Engine, Project, Settings
from parcours.core.fact import Decided, DeliveryReached, OfferMarked
from parcours.testing.doubles import SmtpServer

SETTINGS = Settings(retry_delays_ms=(1,), channel_pause_ms=1, channel_pause_max_ms=1)

SHOP = {
    "profile.yaml": "traits: {email: string}\n",
    "events.yaml": "events: {Started: {}}\n",
    "offers.yaml": """\
        placements: {hero: {channel: email, format: text}}
        offers: {free: {caps: [{max: 1}], content: {hero: {text: A free class}}}}
        decisions: {best: {choose: [{collection: all}]}}
    """,
    "messages/hero.yaml": """\
        message: hero
        class: transactional
        offers: {hero: {decision: best, placement: {email: hero}}}
        email: {subject: Hello, text: "{{ offers.hero.content | default: 'Nothing' }}"}
    """,
    "journeys/tell.yaml": """\
        journey: tell
        entry: {event: Started}
        reentry: always
        steps: [{id: tell, send: hero}]
    """,
}


def shop(folder: Path, port: int, offers: str = SHOP["offers.yaml"]) -> Project:
    channel = f"{{host: 127.0.0.1, port: {port}, sender: shop@luma.example, tls: none}}"
    settings = f"{{project: shop, policies: {{consent: {{default: opt_out}}}}, channels: {{email: {channel}}}}}\n"
    write_texts(folder, SHOP | {"parcours.yaml": settings, "offers.yaml": offers})
    return Project.load(folder)


def nobodys_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def opened(project: Project, store: str) -> Engine:
    return Engine.open(project, store, shards=2, runtime="local", settings=SETTINGS)


def test_a_mail_that_leaves_after_a_restart_shows_what_was_decided_before(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"
    with opened(shop(tmp_path / "shop", nobodys_port()), store) as engine:
        engine.identify("sarah", {"email": "sarah@mail.example"}).result()
        engine.track("sarah", "Started", {}).result()

    over = SHOP["offers.yaml"].replace("free: {", "free: {ends: 2020-01-01, ").replace("A free class", "Too late")
    with SmtpServer() as server:
        project = shop(tmp_path / "shop", server.port, over)
        with opened(project, store) as engine:
            engine.publish(project)
            engine.drain(timeout_s=60)
            facts = engine.facts("sarah")
            key = next(each.key for each in facts if isinstance(each, DeliveryReached) and each.outcome == "sent")
            engine.react_to(key, "opened").result()
            engine.track("sarah", "Started", {}).result()
            engine.drain(timeout_s=60)
            facts = engine.facts("sarah")

        texts = [str(message_from_bytes(letter.raw).get_payload()).strip() for letter in server.mailbox]
    assert texts == ["A free class", "Nothing"]
    assert [[each.offer for each in fact.offers] for fact in facts if isinstance(fact, Decided)] == [["free"], []]
    assert [fact.mark for fact in facts if isinstance(fact, OfferMarked)] == ["shown"]
