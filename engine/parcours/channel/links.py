"""The addresses of ours that a delivery may carry: by them it is told what the person does with it."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from parcours.channel.vocabulary import Channel


class DeliveryLinks(Protocol):
    """The addresses of one delivery. They are the same for a retry, and name nobody to whoever reads them.

    Opens and clicks are told of marketing, and of a transactional message that asks for it with `track: true`.
    """

    @property
    def opened(self) -> str | None:
        """A picture of one pixel: whoever loads it has the message before him. None where opens are not told."""

    @property
    def one_click(self) -> str | None:
        """By RFC 8058, POST there withdraws the channel's marketing, and GET shows the preference page.

        None for what is no marketing, and where somebody else sees to that.
        """

    @property
    def reaction(self) -> str:
        """Where the person's app tells by POST what she did: `{"reaction": "opened"}`."""

    def clicked(self, url: str) -> str:
        """The address that tells of the click and leads on to `url`; `url` itself where clicks are not told."""


@runtime_checkable
class LinkedChannel(Channel, Protocol):
    """A channel whose contents can carry such addresses."""

    @staticmethod
    def with_links(content: Any, links: DeliveryLinks) -> BaseModel:
        """The rendered content with the addresses of its delivery in it.

        Asked for every delivery that leaves, before `check`: no clock, no network, no settings. A simulation and an
        engine that was opened without links ask for none. Raises ValueError where the content has no place for them.
        """
        ...
