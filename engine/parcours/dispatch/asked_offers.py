"""What do offers say to whoever asks for them, outside of any message?"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from parcours.core.effect import ShownOffer
from parcours.dispatch.filling import Filling, template_values
from parcours.dispatch.offer_rendering import said
from parcours.expression.zones import zone
from parcours.template.rendering import PREFERENCES
from parcours.wording import error_words

log = logging.getLogger("parcours")


class AskedOffers:
    """Fills in what offers say."""

    def __init__(self) -> None:
        self._fill = Filling()

    def content(
        self, offer: ShownOffer, values: Mapping[str, object], at_ms: int, timezone: str
    ) -> dict[str, object] | None:
        """What the offer says, by the keys of its content; None where it cannot be filled in, which the log tells.

        Dates are written in the time zone that is given.
        """
        named = {**template_values(values, at_ms, zone(timezone)), PREFERENCES: ""}
        try:
            return said(offer, named, self._fill)
        except Exception as error:  # noqa: BLE001  # templates raise anything for data that nobody thought of
            log.warning("the offer %r says nothing to somebody: %s", offer.known["name"], error_words(error))
            return None
