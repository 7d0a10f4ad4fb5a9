"""The models of the offers that a message shows."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import Discriminator, Field, Tag

from parcours.journey.model.forms import ColumnName, Document, Name, chooser, keys_of

MESSAGE_OFFERS_MAX: Final = 30
"""Offers of one message: each is decided anew for each delivery."""


class DecidedOfferDocument(Document):
    """An offer that is decided for each delivery of the message."""

    decision: Name = Field(description="The decision of offers.yaml that is made.")
    placement: Annotated[dict[Name, Name], Field(min_length=1)] = Field(
        description="By channel, the placement at which the message shows it there."
    )


class KeptOfferDocument(Document):
    """An offer that a step of the journey has chosen before."""

    from_: ColumnName = Field(alias="from", description="What the step that has decided calls it (`as`).")
    placement: dict[Name, Name] = Field(
        default_factory=dict,
        description="By channel, the placement whose content the message shows; the step's own without it.",
    )


def _form(value: object) -> str | None:
    return "<from>" if "from_" in keys_of(value) else chooser("decision", "from")(value)


MessageOfferForm: TypeAlias = Annotated[
    Annotated[DecidedOfferDocument, Tag("<decision>")] | Annotated[KeptOfferDocument, Tag("<from>")],
    Discriminator(
        _form,
        custom_error_type="message_offer",
        custom_error_message="an offer of a message has a 'decision', or is one 'from' a step",
    ),
]

MessageOffers: TypeAlias = Annotated[dict[ColumnName, MessageOfferForm], Field(max_length=MESSAGE_OFFERS_MAX)]
