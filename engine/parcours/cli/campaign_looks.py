"""What a campaign of a running engine would do, asked by its door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from parcours.cli.run import time_ms

if TYPE_CHECKING:
    from parcours.service.campaign_preview import CampaignPreview

Sent: TypeAlias = tuple[str, str, str | None]
"""Of a proof, whose data it has, the channel, and the provider's id of it."""


def preview_of_engine(url: str, key: str | None, name: str, sample: int) -> CampaignPreview:
    """A preview as of now. Raises as `Remote.post` does."""
    import msgspec

    from parcours.cli.remote import Remote
    from parcours.service.campaign_preview import CampaignForeseen, CampaignPreview

    told = Remote(url, key).patient().post("campaigns", name, "preview", body={"sample": sample})
    return CampaignPreview(told["name"], time_ms(told["at"]), msgspec.convert(told, CampaignForeseen))


def proof_of_engine(url: str, key: str | None, name: str, asked: Mapping[str, str | None]) -> Sent:
    """A proof by the engine's own channel. Raises as `Remote.post` does."""
    from parcours.cli.remote import Remote

    told = Remote(url, key).patient().post("campaigns", name, "proof", body=asked)
    return told["person"], told["channel"], told["provider_id"]
