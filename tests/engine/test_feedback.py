"""What a provider says later about a message that really left comes home to its person, and moves her run."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.projects import write_documents

from parcours.channel import WebhookRequest
from parcours.core.delivery.delivery_key import key_of
from parcours.errors import ChannelUnknown
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.testing.doubles import TwilioServer

PUBLIC_URL = "https://journeys.luma.example/webhooks/sms"
SHARDS = 3
PEOPLE = {f"person-{number}": f"+336123456{number}" for number in range(10, 22)}
"""Phone numbers by person; all shards have some of them."""

DOCUMENTS: dict[str, object] = {
    "profile": {"traits": {"phone": "string", "city": "string"}},
    "events": {"events": {"Seen": {}}},
    "messages/note": {"message": "note", "sms": {"text": "Hello"}},
    "journeys/note": {
        "journey": "note",
        "entry": {"event": "Seen"},
        "steps": [
            {"id": "write", "send": "note"},
            {"id": "listen", "wait_for": [{"reaction": "delivered", "of": "write", "next": "glad"}], "timeout": "1d"},
            {"id": "sad", "end": True},
            {"id": "glad", "update": {"city": '"reached"'}},
        ],
    },
}


def sms_settings(provider: TwilioServer, **more: object) -> dict[str, object]:
    settings = {"account": provider.account, "token": provider.token, "sender": "+33600000000"}
    return {**settings, "base_url": provider.url, **more}


def shop(folder: Path, sms: dict[str, object]) -> Project:
    """A shop that sends a text to everybody who has seen something, and is glad if it arrives."""
    settings = {"project": "shop", "channels": {"sms": sms}, "policies": {"consent": {"default": "opt_out"}}}
    write_documents(folder, {"parcours": settings, **DOCUMENTS})
    return Project.load(folder)


def arrivals() -> list[bytes]:
    calls: list[dict[str, object]] = []
    for person, phone in PEOPLE.items():
        calls.append({"type": "identify", "userId": person, "traits": {"phone": phone}})
        calls.append({"type": "track", "userId": person, "event": "Seen"})
    return [msgspec.json.encode(call) for call in calls]


def test_a_signed_report_finds_its_delivery_in_whatever_shard_it_lives(tmp_path: Path) -> None:
    with TwilioServer() as provider:
        sms = sms_settings(provider, public_url=PUBLIC_URL)
        with Engine.open(shop(tmp_path, sms), "memory:", shards=SHARDS, runtime="local") as engine:
            # given a text to everybody
            engine.ingest(b"\n".join(arrivals())).result(60)
            engine.drain(60)
            assert len(provider.messages) == len(PEOPLE)

            # when the provider says of each what became of it, all but two of them with good news
            lost = provider.messages[:2]
            good = [provider.status_callback(each, "delivered") for each in provider.messages[2:]]
            bad = [provider.status_callback(each, "failed", 30008) for each in lost]
            taken = [engine.feedback("sms", request).result(60) for request in good + bad]

            # then each report has come to its own person
            assert [(each.accepted, each.rejected) for each in taken] == [(1, ())] * len(PEOPLE)
            numbers = {each.to for each in lost}
            for person, phone in PEOPLE.items():
                known = engine.profile(person)
                assert known is not None
                ((delivery,),) = [run.deliveries for run in (*known.runs, *known.past)]
                assert delivery.state == ("failed" if phone in numbers else "delivered")
                assert known.traits.get("city") == (None if phone in numbers else "reached")
            again = [engine.feedback("sms", request).result(60) for request in good + bad]
            assert [each.duplicate for each in again] == [1] * len(PEOPLE)


def test_a_report_that_is_not_genuine_is_refused_at_once(tmp_path: Path) -> None:
    with TwilioServer() as provider:
        sms = sms_settings(provider, public_url=PUBLIC_URL)
        url = f"{PUBLIC_URL}?key={key_of('sarah', ())}&proof=00"
        request = WebhookRequest(method="POST", url=url, headers={}, body=b"MessageStatus=delivered")

        with Engine.open(shop(tmp_path, sms), "memory:", runtime="local") as engine:
            with pytest.raises(ValueError, match="not signed by Twilio"):
                engine.feedback("sms", request)
            with pytest.raises(ChannelUnknown, match="no channel 'smss' is configured; there are call, sms"):
                engine.feedback("smss", request)
