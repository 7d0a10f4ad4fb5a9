"""Which addresses of the door does a delivery carry? Each holds a sealed token, so that it names nobody and can do one
thing only.

The object is small and travels, pickled, to wherever deliveries leave; the door reads with the same keys what it made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from parcours.core.effect import Outgoing
from parcours.ingress.bounces import ReturnPaths
from parcours.ingress.tokens import (
    ClickToken,
    OfferToken,
    OpenToken,
    ReactionToken,
    ReportToken,
    Seals,
    UnsubscribeToken,
)

OPENED: Final = "/o/"
CLICKED: Final = "/c/"
PREFERENCES: Final = "/u/"
REACTION: Final = "/r/"
SHOWN: Final = "/p/"
REPORTS: Final = "/webhooks/"

URL_CHARACTERS_MAX: Final = 2_048
"""Longer addresses are left in a mail as they are: with the token around them some client or proxy would cut them."""


class SealedLinks:
    """Makes the addresses of deliveries, for `Engine.open(links=...)` and `Service.open(links=...)`.

    seals  makes and reads tokens, also for the handlers of the door
    """

    def __init__(
        self,
        public_url: str,
        signing_keys: Iterable[str],
        *,
        unsubscribe: bool = True,
        bounce_domain: str | None = None,
    ) -> None:
        """
        public_url    how the door is reached from outside
        signing_keys  secrets of 32 characters or more: the first makes, all read
        unsubscribe   whether marketing carries the headers of RFC 8058 from here; somebody else sees to that if not
        bounce_domain  the domain whose mail comes here, for what mail servers report. None: they report to the sender
        Raises ValueError for keys that are none, and for what is no http or https address.
        """
        if urlsplit(public_url).scheme not in ("http", "https"):
            raise ValueError("public_url: an address such as https://journeys.example is expected")
        self.public_url = public_url.rstrip("/")
        keys = tuple(signing_keys)
        self.seals = Seals(keys)
        self._return_paths = None if bounce_domain is None else ReturnPaths(bounce_domain, keys)
        self._unsubscribe = unsubscribe

    def of(self, outgoing: Outgoing, *, tracked: bool) -> LinksOfDelivery:
        """Those that the delivery carries itself."""
        return LinksOfDelivery(self, outgoing, tracked, self._unsubscribe and outgoing.message_class == "marketing")

    def preferences(self, outgoing: Outgoing) -> str:
        """The person's preference page."""
        token = UnsubscribeToken(outgoing.person, outgoing.key, outgoing.channel)
        return f"{self.public_url}{PREFERENCES}{self.seals.seal(token)}"

    def offer_pixel(self, person: str, proposition: str) -> str:
        """The picture that tells that the person was shown an offer."""
        return f"{self.public_url}{SHOWN}{self.seals.seal(OfferToken(person, proposition))}"

    def report_url(self, outgoing: Outgoing) -> str | None:
        """Where a provider reports on the delivery."""
        token = self.seals.seal(ReportToken(outgoing.person, outgoing.key))
        return f"{self.public_url}{REPORTS}{quote(outgoing.channel, safe='')}/{token}"

    def return_path(self, outgoing: Outgoing) -> str | None:
        """Where mail servers report on the delivery."""
        return None if self._return_paths is None else self._return_paths.address(outgoing.key)


@dataclass(frozen=True, slots=True)
class LinksOfDelivery:
    """The addresses of one delivery, each made when it is asked for."""

    links: SealedLinks
    outgoing: Outgoing
    tracked: bool
    one_click_here: bool

    @property
    def opened(self) -> str | None:
        if not self.tracked:
            return None
        return self._at(OPENED, self.links.seals.seal(OpenToken(self.outgoing.person, self.outgoing.key)))

    @property
    def one_click(self) -> str | None:
        return self.links.preferences(self.outgoing) if self.one_click_here else None

    @property
    def reaction(self) -> str:
        return self._at(REACTION, self.links.seals.seal(ReactionToken(self.outgoing.person, self.outgoing.key)))

    def clicked(self, url: str) -> str:
        if not self.tracked or not is_web_page(url) or url.startswith(self._at(PREFERENCES, "")):
            return url
        return self._at(CLICKED, self.links.seals.seal(ClickToken(self.outgoing.person, self.outgoing.key, url)))

    def _at(self, path: str, token: str) -> str:
        return f"{self.links.public_url}{path}{token}"


def is_web_page(url: str) -> bool:
    """Whether a click may lead there."""
    return len(url) <= URL_CHARACTERS_MAX and url.lower().startswith(("http://", "https://"))
