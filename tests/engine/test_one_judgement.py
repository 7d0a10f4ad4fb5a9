"""What a simulation says of an address or a content is what a test says, and what happens live."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest

from parcours import Engine, Project, simulate
from parcours.core.fact import DeliveryReached, Fact
from parcours.dispatch.recorded_rendering import RecordedRendering
from parcours.dispatch.registry import Registry
from parcours.journey.model.document import (
    EventDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.testing.doubles import SmtpServer, TwilioServer
from parcours.testing.virtual_project import VirtualProject

Verdict: TypeAlias = tuple[str | None, str, str | None, str | None]
"""(to, outcome, gate, reason)"""

AT = "2026-03-02T09:00:00Z"


@contextmanager
def providers() -> Iterator[tuple[SmtpServer, TwilioServer, dict[str, Any]]]:
    """Doubles of both providers, and the settings that lead to them."""
    with SmtpServer() as mail, TwilioServer() as text:
        email = {"host": mail.host, "port": mail.port, "sender": "shop@luma.example", "tls": "none"}
        sms = {"account": text.account, "token": text.token, "sender": "+33600000000", "base_url": text.url}
        yield mail, text, {"email": email, "sms": sms}


def project(channel: str, content: dict[str, str], channels: dict[str, Any]) -> Project:
    message = {"message": "hello", "class": "transactional", channel: content}
    start = {"journey": "j", "entry": {"event": "Started"}, "steps": [{"id": "s", "send": "hello"}]}
    return Project.of(
        ProjectDocument.model_validate({"project": "shop", "region": "FR", "channels": channels}),
        ProfileDocument.model_validate({"traits": {"email": "string", "phone": "string", "name": "string"}}),
        EventsDocument(events={"Started": EventDocument()}),
        messages=[MessageDocument.model_validate(message)],
        journeys=[JourneyDocument.model_validate(start)],
        contents=Registry.installed().contents(),
    )


def verdict(facts: list[Fact] | Any) -> Verdict:
    """The last that is told of the one delivery."""
    last = [fact for fact in facts if isinstance(fact, DeliveryReached)][-1]
    return last.to, last.outcome, last.gate, last.reason


def in_a_simulation(shop: Project, traits: dict[str, str]) -> Verdict:
    calls: list[dict[str, Any]] = [{"type": "identify", "traits": traits}, {"type": "track", "event": "Started"}]
    lines = [json.dumps({**call, "userId": "sarah", "timestamp": AT}).encode() for call in calls]
    return verdict(simulate(shop, lines, rendering=RecordedRendering.of(shop)).facts)


def in_a_test(shop: Project, traits: dict[str, str]) -> Verdict:
    with VirtualProject(shop, start=datetime(2026, 3, 2, 9, tzinfo=UTC)) as virtual:
        virtual.identify("sarah", traits)
        virtual.track("sarah", "Started")
        return verdict(virtual.facts())


def live(shop: Project, traits: dict[str, str]) -> Verdict:
    with Engine.open(shop, store="memory:", shards=1, runtime="local") as engine:
        engine.identify("sarah", traits).result()
        engine.track("sarah", "Started").result()
        engine.drain()
        (journey,) = engine.explain("sarah").journeys
        (delivery,) = journey.runs[0].deliveries
        last = delivery.states[-1]
        return delivery.to, last.outcome, last.gate, last.reason


@pytest.mark.parametrize(
    "email, to",
    [
        ("Sarah@Shop.Example", "Sarah@shop.example"),
        ("joe@straße.example", "joe@xn--strae-oqa.example"),
        ("sarah@shop.example\u00a0", None),
        ("mailto:sarah@shop.example", None),
        ("sarah@a..b", None),
    ],
)
def test_an_address_of_mail(email: str, to: str | None) -> None:
    with providers() as (mail, _, channels):
        shop, traits = project("email", {"subject": "Hi", "text": "Hi"}, channels), {"email": email}

        found = in_a_simulation(shop, traits)

        assert found == in_a_test(shop, traits) == live(shop, traits)
        assert found[:3] == ((email, "refused", "address") if to is None else (to, "sent", None))
        assert [each.to for each in mail.mailbox] == ([] if to is None else [to])


@pytest.mark.parametrize("phone, to", [("06 12 34 56 78", "+33612345678"), ("0612", None)])
def test_a_number_for_text_messages(phone: str, to: str | None) -> None:
    with providers() as (_, text, channels):
        shop, traits = project("sms", {"text": "Hi"}, channels), {"phone": phone}

        found = in_a_simulation(shop, traits)

        assert found == in_a_test(shop, traits) == live(shop, traits)
        assert found[:3] == ((phone, "refused", "address") if to is None else (to, "sent", None))
        assert [each.to for each in text.messages] == ([] if to is None else [to])


@pytest.mark.parametrize("name, gate", [("Sarah", None), ("S" * 1_601, "content"), (" ", "content")])
def test_a_text_that_its_provider_refuses(name: str, gate: str | None) -> None:
    with providers() as (_, text, channels):
        shop = project("sms", {"text": "{{ profile.name }}"}, channels)
        traits = {"phone": "+33612345678", "name": name}

        found = in_a_simulation(shop, traits)

        assert found == in_a_test(shop, traits) == live(shop, traits)
        assert found[1:3] == ("sent" if gate is None else "refused", gate)
        assert len(text.messages) == (1 if gate is None else 0)


def test_a_line_break_in_a_subject() -> None:
    with providers() as (mail, _, channels):
        template = "{% if profile.name %}Hi {{ profile.name }}{% endif %}\n"
        shop = project("email", {"subject": template, "text": "Hi"}, channels)
        traits = {"email": "sarah@shop.example", "name": "Sarah\n"}

        assert in_a_simulation(shop, traits) == in_a_test(shop, traits) == live(shop, traits)
        assert b"Subject: Hi Sarah\r\n" in mail.mailbox[0].raw
