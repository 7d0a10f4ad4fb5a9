"""A provider's webhook becomes lines by its channel's word, and whatever is wrong with it is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import pytest
from pydantic import BaseModel
from tests.dispatch.runs import run_until_settled

from parcours.channel import GROUP, Feedback, WebhookRequest
from parcours.core.delivery.delivery_key import key_of
from parcours.core.effect import Outgoing
from parcours.dispatch.factory import new_dispatcher
from parcours.dispatch.registry import Registry
from parcours.dispatch.webhooks import needs_a_key, read_reports
from parcours.errors import CallerError, ChannelUnknown, SettingInvalid
from parcours.ingress.sealed_links import SealedLinks
from parcours.ingress.tokens import ReportToken
from parcours.journey.model.document import (
    EventDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.testing.doubles import TwilioServer

if TYPE_CHECKING:
    from tests.dispatch.conftest import HandingShard

KEY = key_of("sarah", ())
SETTINGS = {"pigeon": {"secret": "coo"}, "dove": {"secret": "coo"}}


class LoftSettings(BaseModel):
    secret: str


class DoveChannel:
    """Is sent out and never heard of again; and nobody could tell whose a report is."""

    proves_reports = False

    Settings: ClassVar[type[BaseModel]] = LoftSettings
    Content: ClassVar[type[BaseModel]] = BaseModel
    address_kind: ClassVar[str] = "loft"

    def __init__(self, settings: LoftSettings) -> None:
        self.secret = settings.secret

    async def start(self) -> None:
        raise AssertionError("whoever only reads reports is not started")

    async def send(self, deliveries: object) -> list[Any]:
        raise AssertionError("nor does it send")

    async def stop(self) -> None:
        raise AssertionError("nor is it stopped")


class PigeonChannel(DoveChannel):
    """Comes back with a report, one word a reaction; what is not signed is not genuine."""

    proves_reports = True

    @staticmethod
    def normalize(address: str, region: str | None) -> str:
        if address == "roof":
            raise ValueError("no coop")
        return address.lower()

    def read_feedback(self, request: WebhookRequest) -> list[Any]:
        if request.headers.get("signature") != self.secret:
            raise ValueError("not signed")
        if request.body == b"rubbish":
            return ["rubbish"]
        if request.body == b"nobody":
            return [Feedback(reaction="opened")]
        if request.body.startswith(b"from:"):
            return [Feedback(address=each[5:], reaction="replied") for each in request.body.decode().split()]
        return [Feedback(key=KEY, reaction=word) for word in request.body.decode().split()]  # type: ignore[arg-type]  # as a plugin may do


class Aviary(EntryPoint):
    """An entry point whose channel is of this module."""

    def load(self) -> Any:
        return {"pigeon": PigeonChannel, "dove": DoveChannel}[self.name]


REGISTRY = Registry([Aviary(name, "aviary", GROUP) for name in ("pigeon", "dove")])


def read(
    body: bytes,
    channel: str = "pigeon",
    signature: str = "coo",
    settings: Mapping[str, Mapping[str, object]] = SETTINGS,
    key: str | None = None,
) -> list[Feedback]:
    url = f"https://door.example/webhooks/{channel}"
    request = WebhookRequest(method="POST", url=url, headers={"signature": signature}, body=body, key=key)
    return read_reports(REGISTRY, settings, channel, request)


def test_a_webhook_is_read_by_its_channel() -> None:
    assert read(b"delivered opened") == [
        Feedback(key=KEY, reaction="delivered"),
        Feedback(key=KEY, reaction="opened"),
    ]
    assert read(b"") == []


def test_an_address_is_told_in_the_form_that_the_channel_uses_and_else_as_it_stands() -> None:
    assert [each.address for each in read(b"from:Coop-7 from:roof")] == ["coop-7", "roof"]


def test_at_a_delivery_s_own_address_nobody_reports_on_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    other = key_of("tom", ())
    assert read(b"delivered", key=other) == read(b"delivered"), "a channel that knows its provider knows better"

    monkeypatch.setattr(PigeonChannel, "proves_reports", False)
    assert read(b"delivered", key=KEY) == [Feedback(key=KEY, reaction="delivered")]
    for body in (b"delivered", b"from:coop-7"):
        with pytest.raises(ValueError, match="about another delivery"):
            read(body, key=other)


def test_a_channel_says_whether_it_can_tell_that_a_report_is_genuine() -> None:
    assert [needs_a_key(REGISTRY, SETTINGS, name) for name in ("pigeon", "dove")] == [False, True]
    with pytest.raises(ChannelUnknown, match="no channel 'raven' is configured"):
        needs_a_key(REGISTRY, SETTINGS, "raven")


def test_a_webhook_that_is_not_genuine_is_refused_as_its_channel_says() -> None:
    with pytest.raises(ValueError, match="^not signed$"):
        read(b"delivered", signature="")


@pytest.mark.parametrize(
    "channel, complaint",
    [("raven", "no channel 'raven' is configured; there are dove, pigeon"), ("", "no channel '' is configured")],
)
def test_a_webhook_of_an_unknown_channel_is_nobody_s(channel: str, complaint: str) -> None:
    with pytest.raises(ChannelUnknown, match=complaint):
        read(b"delivered", channel)


def test_a_channel_that_reads_no_reports_says_so() -> None:
    with pytest.raises(CallerError, match="the channel 'dove' reads no reports"):
        read(b"delivered", "dove")


def test_settings_that_do_not_fit_are_the_operator_s() -> None:
    with pytest.raises(SettingInvalid, match=r"channels\.pigeon: secret: this key is needed"):
        read(b"delivered", settings={"pigeon": {}})


def test_a_channel_that_makes_something_else_of_a_report_is_told() -> None:
    with pytest.raises(TypeError, match="the channel 'pigeon' made 'rubbish' of a report"):
        read(b"rubbish")
    with pytest.raises(TypeError, match="a report that names no delivery, person or address"):
        read(b"nobody")


def text_shop() -> Project:
    """A shop that sends a text to everybody who has seen something."""
    write = {"journey": "j", "entry": {"event": "Seen"}, "steps": [{"id": "s", "send": "note"}]}
    return Project.of(
        ProjectDocument.model_validate({"project": "shop", "policies": {"consent": {"default": "opt_out"}}}),
        ProfileDocument.model_validate({"traits": {"phone": "string"}}),
        EventsDocument(events={"Seen": EventDocument()}),
        messages=[MessageDocument.model_validate({"message": "note", "sms": {"text": "Hello"}})],
        journeys=[JourneyDocument.model_validate(write)],
    )


def test_a_provider_reports_at_the_address_that_whoever_opens_the_engine_gives_a_delivery(
    new_shard: Callable[..., HandingShard], new_entry: Callable[..., Outgoing]
) -> None:
    async def scenario(provider: TwilioServer) -> None:
        # given a plan with such addresses, whose channel has none of its own
        settings = {"account": provider.account, "token": provider.token, "sender": "+33600000000"}
        sms = {"sms": {**settings, "base_url": provider.url}}
        links = SealedLinks("https://door.luma.example", ["k" * 32])
        plan, registry = Plan(text_shop(), 1, "memory:", sms, links=links), Registry.installed()
        shard = new_shard([msgspec.structs.replace(new_entry(1, message="note"), key=KEY, channel="sms")])
        dispatcher = new_dispatcher("sms-1", "sms", plan, plan.project.program, registry)

        # when a delivery leaves, and its provider reports there
        await run_until_settled(dispatcher, shard, 1)
        (message,) = provider.messages
        request = provider.status_callback(message, "delivered")

        # then the report is one of that delivery
        token = request.url.partition("?")[0].removeprefix("https://door.luma.example/webhooks/sms/")
        assert links.seals.unseal(ReportToken, token) == ReportToken("u1", KEY)
        assert read_reports(registry, sms, "sms", request) == [Feedback(key=KEY, reaction="delivered")]

    with TwilioServer() as provider:
        asyncio.run(scenario(provider))
