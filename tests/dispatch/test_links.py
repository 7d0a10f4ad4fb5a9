"""Which deliveries carry addresses of ours, and do these say the same whenever they are rendered?"""

from __future__ import annotations

import pickle
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from parcours.channel import DeliveryLinks, Refused
from parcours.core.effect import Outgoing
from parcours.dispatch.render import Renderer, RenderFailed
from parcours.ingress.sealed_links import SealedLinks
from parcours.ingress.tokens import ClickToken, OpenToken, UnsubscribeToken
from parcours.journey.model.document import (
    EventDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.project import Project
from parcours_channels.email import EmailChannel

LINKS = SealedLinks("https://door.example", ["k" * 32])
KEY = "0" * 37


class Note(BaseModel):
    """A text, with the addresses that it carries."""

    text: str
    carried: dict[str, str | None] = {}


def carry(content: Note, links: DeliveryLinks) -> Note:
    told = {"opened": links.opened, "one_click": links.one_click, "to": links.clicked("https://shop.example")}
    return content.model_copy(update={"carried": told})


def project_of(text: str = "Hello", **message: object) -> Project:
    start = {"journey": "j", "entry": {"event": "Started"}, "steps": [{"id": "s", "send": "hello"}]}
    document = {"message": "hello", "note": {"text": text}}
    return Project.of(
        ProjectDocument.model_validate({"project": "shop", "policies": {"consent": {"default": "opt_out"}}}),
        ProfileDocument.model_validate({"traits": {"email": "string"}, "addresses": {"note": "profile.email"}}),
        EventsDocument(events={"Started": EventDocument()}),
        messages=[MessageDocument.model_validate({**document, **message})],
        journeys=[JourneyDocument.model_validate(start)],
    )


def entry_of(message_class: Any = "marketing") -> Outgoing:
    return Outgoing(KEY, "sarah", "j", 1, 1, "s", "note", "hello", message_class, "to", 0, {})


def rendered(links: SealedLinks | None = LINKS, text: str = "Hello", **message: Any) -> Note:
    renderer = Renderer(project_of(text, **message).program, {"note": Note}, links=links, put_in=carry)
    content = renderer.render(entry_of(message.get("class", "marketing")))
    assert isinstance(content, Note)
    return content


def token_in(url: str | None, path: str) -> str:
    assert url is not None
    assert url.startswith(f"https://door.example/{path}/")
    return url.rpartition("/")[2]


def test_marketing_carries_its_delivery_s_addresses_each_for_one_thing() -> None:
    carried = rendered().carried

    assert LINKS.seals.unseal(OpenToken, token_in(carried["opened"], "o")) == OpenToken("sarah", KEY)
    clicked = ClickToken("sarah", KEY, "https://shop.example")
    assert LINKS.seals.unseal(ClickToken, token_in(carried["to"], "c")) == clicked
    unsubscribe = UnsubscribeToken("sarah", KEY, "note")
    assert LINKS.seals.unseal(UnsubscribeToken, token_in(carried["one_click"], "u")) == unsubscribe


@pytest.mark.parametrize(
    "message, opens, one_click",
    [
        ({"class": "marketing"}, True, True),
        ({"class": "transactional"}, False, False),
        ({"class": "transactional", "track": True}, True, False),
        ({"class": "marketing", "track": False}, False, True),
    ],
)
def test_what_a_message_carries_is_for_its_class_unless_it_says_otherwise(
    message: dict[str, Any], opens: bool, one_click: bool
) -> None:
    carried = rendered(**message).carried

    assert (carried["opened"] is not None, carried["to"] != "https://shop.example") == (opens, opens)
    assert (carried["one_click"] is not None) == one_click


def test_where_somebody_else_sees_to_it_marketing_has_no_way_out_of_ours() -> None:
    carried = rendered(SealedLinks("https://door.example", ["k" * 32], unsubscribe=False)).carried

    assert carried["one_click"] is None and carried["opened"] is not None


def test_a_retry_says_the_same_in_another_process_too() -> None:
    assert rendered(pickle.loads(pickle.dumps(LINKS))) == rendered()


def test_a_template_may_name_the_preference_page() -> None:
    text = rendered(text="Less of this: {{ preferences_url }}").text

    token = token_in(text.removeprefix("Less of this: "), "u")
    assert LINKS.seals.unseal(UnsubscribeToken, token) == UnsubscribeToken("sarah", KEY, "note")


def test_without_links_nothing_is_put_in_and_the_preference_page_is_empty() -> None:
    assert rendered(None, text="[{{ preferences_url }}]") == Note(text="[]")


@pytest.mark.parametrize(
    "url",
    ["mailto:shop@shop.example", "luma://cart", "https://shop.example/" + "x" * 2_048, "https://door.example/u/abc"],
)
def test_no_click_is_told_of_what_is_no_web_page_or_too_long_or_a_way_out_itself(url: str) -> None:
    assert LINKS.of(entry_of(), tracked=True).clicked(url) == url


def test_a_channel_that_cannot_put_them_in_fails_that_delivery_alone() -> None:
    def refuse(_content: BaseModel, _links: DeliveryLinks) -> BaseModel:
        raise ValueError("no room")

    with pytest.raises(RenderFailed, match="render: ValueError: no room"):
        Renderer(project_of().program, {"note": Note}, links=LINKS, put_in=refuse).render(entry_of())


@pytest.mark.parametrize("url, scheme", [("javascript:alert(1)", "javascript"), ("DATA:text/html,x", "data")])
def test_a_link_that_a_template_makes_and_that_runs_something_fails_that_delivery(url: str, scheme: str) -> None:
    content = {"subject": "Hi", "html": '<a href="{{ profile.email }}">x</a>'}
    program = project_of(note=content).program
    entry = msgspec.structs.replace(entry_of(), context={"profile": {"email": url}})

    with pytest.raises(RenderFailed, match=f"has a link of the scheme {scheme}:") as failure:
        Renderer(program, {"note": EmailChannel.Content}, links=LINKS, put_in=EmailChannel.with_links).render(entry)

    receipt = failure.value.receipt(KEY)
    assert isinstance(receipt, Refused) and receipt.code == "render"
