"""The steps of a campaign: one model for each kind, chosen by the key that names the kind."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import Discriminator, Tag

from parcours.journey.model.campaign_acts import (
    CampaignSendStep,
    ExportStep,
    ReactedStep,
    SaveStep,
    TestStep,
    UpdatePeopleStep,
    WaitAllStep,
)
from parcours.journey.model.campaign_sets import (
    DedupeStep,
    DivideStep,
    EnrichStep,
    ExcludeStep,
    FilterStep,
    IntersectStep,
    ReadStep,
    UnionStep,
)
from parcours.journey.model.forms import chooser, tagged

_AnyStep: TypeAlias = (
    Annotated[ReadStep, Tag("<read>")]
    | Annotated[FilterStep, Tag("<filter>")]
    | Annotated[DedupeStep, Tag("<dedupe>")]
    | Annotated[DivideStep, Tag("<split>")]
    | Annotated[UnionStep, Tag("<union>")]
    | Annotated[IntersectStep, Tag("<intersect>")]
    | Annotated[ExcludeStep, Tag("<exclude>")]
    | Annotated[EnrichStep, Tag("<enrich>")]
    | Annotated[SaveStep, Tag("<save>")]
    | Annotated[UpdatePeopleStep, Tag("<update>")]
    | Annotated[ExportStep, Tag("<export>")]
    | Annotated[WaitAllStep, Tag("<wait>")]
    | Annotated[TestStep, Tag("<test>")]
    | Annotated[ReactedStep, Tag("<reacted>")]
    | Annotated[CampaignSendStep, Tag("<send>")]
)

CAMPAIGN_STEP_MODELS: Final = {tag.strip("<>"): model for tag, model in tagged(_AnyStep).items()}
"""The model of each kind of step, by the key by which it is recognised."""

CAMPAIGN_STEP_KINDS: Final = tuple(CAMPAIGN_STEP_MODELS)
"""Those keys."""

CampaignStepDocument: TypeAlias = Annotated[
    _AnyStep,
    Discriminator(
        chooser(*CAMPAIGN_STEP_KINDS),
        custom_error_type="campaign_step",
        custom_error_message=(f"a step is one of {', '.join(CAMPAIGN_STEP_KINDS[:-1])} and {CAMPAIGN_STEP_KINDS[-1]}"),
    ),
]
