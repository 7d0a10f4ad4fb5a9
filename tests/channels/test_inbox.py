"""What a card and an in-app message may say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from parcours.channel import INBOX
from parcours.dispatch.registry import Registry
from parcours_channels.inbox import (
    CONTENT_BYTES_MAX,
    CardChannel,
    CardContent,
    InAppChannel,
    InAppContent,
    InboxSettings,
)


def test_the_channels_come_along_and_are_those_that_the_engine_keeps_itself() -> None:
    installed = Registry.installed()

    assert {"card": installed.channel("card"), "inapp": installed.channel("inapp")} == {
        "card": CardChannel,
        "inapp": InAppChannel,
    }
    assert {"card", "inapp"} == INBOX


@pytest.mark.parametrize("name", ["sarah", "@anonymous/7f3a", " with spaces ", "line\nbreak", "Ünïcode"])
def test_a_name_is_an_address_as_it_is(name: str) -> None:
    assert CardChannel.normalize(name, "FR") == name


def test_nothing_is_no_name() -> None:
    with pytest.raises(ValueError, match="empty"):
        CardChannel.normalize("", None)


@pytest.mark.parametrize(
    "content", [{}, {"url": "/cart"}, {"title": "", "pinned": True}, {"title": "Hello", "colour": "red"}]
)
def test_a_card_says_something_that_cards_have(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CardContent.model_validate(content)


@pytest.mark.parametrize(
    "content",
    [{}, {"buttons": [{"label": "Go"}]}, {"body": "Hello", "show": {"times": "twice"}}, {"body": "x", "buttons": [{}]}],
)
def test_an_in_app_message_says_something_that_they_have(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        InAppContent.model_validate(content)


def test_an_in_app_message_is_shown_once_unless_it_says_otherwise() -> None:
    assert InAppContent(body="Hello").model_dump()["show"] == {"on": "App Opened", "times": "once"}


@pytest.mark.parametrize("url", ["javascript:alert(1)", " JavaScript :alert(1)", "data:text/html,x", "\tvbscript:x"])
def test_code_is_no_address(url: str) -> None:
    card = CardChannel.check(CardContent(title="Hello", url=url, image=url))
    message = InAppChannel.check(
        InAppContent.model_validate({"body": "Hello", "buttons": [{"label": "Go", "url": url}]})
    )

    assert [finding.text.split(" is ")[0] for finding in [*card, *message]] == ["image", "url", "the url of button 1"]
    assert all(finding.refused for finding in [*card, *message])


@pytest.mark.parametrize("url", ["https://shop.example/cart", "shop://cart", "/cart", "data-sheet.html"])
def test_any_other_address_may_be_right(url: str) -> None:
    assert CardChannel.check(CardContent(title="Hello", url=url)) == []


def test_a_content_is_bounded() -> None:
    (finding,) = CardChannel.check(CardContent(title="x" * CONTENT_BYTES_MAX))

    assert finding.refused and finding.text.endswith(f"and {CONTENT_BYTES_MAX} are the most")


def test_there_is_nothing_to_set() -> None:
    assert InboxSettings.model_validate({}) == InboxSettings()
    with pytest.raises(ValidationError):
        InboxSettings.model_validate({"url": "https://shop.example"})
