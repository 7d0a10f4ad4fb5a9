"""What is asked and answered about sets of people as of now: the bodies of the routes of looks.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import msgspec

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


class AudienceNamed(msgspec.Struct, frozen=True):
    """`condition` is as it is written, None of one that campaigns save."""

    name: str
    condition: str | None


class Audiences(msgspec.Struct, frozen=True):
    """All that there are, by name."""

    audiences: list[AudienceNamed]


class MemberShown(msgspec.Struct, frozen=True):
    """Somebody in an audience; `because` is what its condition reads, with her values."""

    person: str
    because: list[str]


class AudienceLooked(msgspec.Struct, frozen=True, kw_only=True):
    """
    at      as of when it is
    size    how many are in it
    sample  the first of them, by name; none for a key that may not see people
    """

    name: str
    at: str
    condition: str | None
    size: int
    sample: list[MemberShown]
