"""What is asked and answered about sets of people as of now: the bodies of the routes of looks.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import msgspec

from parcours.insight.offers_foreseen import PersonForeseen, PlacementForeseen
from parcours.journey.audience_uses import AudienceUse
from parcours.service.campaign_preview import SAMPLE_MAX, StepForeseen

Sample: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=SAMPLE_MAX)]


class PreviewAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    sample  how many rows are shown of each set
    """

    sample: Sample = 5


class CampaignPreviewed(msgspec.Struct, frozen=True, kw_only=True):
    """
    at      as of when its sets are
    steps   what each would come to
    sample  the first rows of each set by `STEP` or `STEP.OUTPUT`; none for a key that may not see people
    """

    name: str
    at: str
    version: int
    runs: int
    goal: int
    steps: Mapping[str, StepForeseen]
    sample: Mapping[str, list[Mapping[str, Any]]]


class ProofAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    step     the send of which the message is sent; `channel` is one of its channels
    person   whose data it has
    to       the address where it goes, one of `test_addresses`
    """

    step: str
    person: str
    to: str
    channel: str | None = None


class ProofSent(msgspec.Struct, frozen=True, kw_only=True):
    """
    person       the name under which she is kept
    provider_id  by which the provider knows it, None where it says none
    """

    name: str
    step: str
    person: str
    to: str
    channel: str
    provider_id: str | None


class OffersPreviewAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    placements  at each of these by itself; without any wherever an offer of the decision says something
    person      about her alone; or of an `audience`, or of those for whom the condition `where` holds
    context     what whoever asks would give
    sample      how many people are shown
    """

    placements: list[str] = []
    person: str | None = None
    audience: str | None = None
    where: str | None = None
    context: dict[str, Any] = {}
    sample: Sample = 5


class OffersPreviewed(msgspec.Struct, frozen=True, kw_only=True):
    """
    at          as of when it is
    people      how many were asked about
    placements  what would come of it at each, by itself
    sample      the first people, by name; none for a key that may not see people
    """

    decision: str
    at: str
    people: int
    placements: Mapping[str, PlacementForeseen]
    sample: list[PersonForeseen]


class SaveShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    at      from when on it has held
    people  how many were saved: with `append` and `remove` others are in the audience as well, or are not
    """

    campaign: str
    run: int
    at: str
    people: int


class AudienceNamed(msgspec.Struct, frozen=True, kw_only=True):
    """
    condition  as it is written, None of one that campaigns save
    label      of one that campaigns save, "" where it has none
    used_by    who asks for it, in the newest versions of all that is offered
    last_save  None where there is none
    """

    name: str
    condition: str | None
    label: str
    used_by: list[AudienceUse]
    last_save: SaveShown | None


class Audiences(msgspec.Struct, frozen=True):
    """All that there are, by name."""

    audiences: list[AudienceNamed]


class MemberShown(msgspec.Struct, frozen=True):
    """Somebody in an audience; `because` is what its condition reads, with her values."""

    person: str
    because: list[str]


class AudienceLooked(msgspec.Struct, frozen=True, kw_only=True):
    """What is listed of an audience, and

    at      as of when it is
    size    how many are in it
    sample  the first of them, by name; none for a key that may not see people
    """

    name: str
    at: str
    condition: str | None
    label: str
    used_by: list[AudienceUse]
    last_save: SaveShown | None
    size: int
    sample: list[MemberShown]
