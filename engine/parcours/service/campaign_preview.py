"""What a campaign would do, as it is told: counts as the summary has them, what gates would say, and a sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from parcours.journey.campaign_steps import SetRef
from parcours.journey.model.campaign_sets import MAIN

if TYPE_CHECKING:
    from parcours.campaigns.look_asked import StepPreview
    from parcours.journey.campaign_program import CampaignProgram

SAMPLE_MAX = 1_000
"""Rows of a set, or people of an audience, that are shown at most."""


class StepForeseen(msgspec.Struct, frozen=True, kw_only=True):
    """
    inflow      the rows that it would take, and `outputs` how many would be in each of its sets
    dropped     how many would be in none of them, by reason
    gates       by gate, how many deliveries it would refuse or hold; unset where none would
    unforeseen  whoever comes here would wait, or may react: what follows is shown as nobody; unset elsewhere
    """

    inflow: int
    outputs: Mapping[str, int]
    dropped: Mapping[str, int]
    gates: Mapping[str, int] | msgspec.UnsetType = msgspec.UNSET
    unforeseen: bool | msgspec.UnsetType = msgspec.UNSET


class CampaignForeseen(msgspec.Struct, frozen=True, kw_only=True):
    """What the summary tells of a campaign (`CampaignCount`), before any run of it.

    sample  the first rows of each set by `STEP` or `STEP.OUTPUT`: `person`, and the set's columns
    """

    version: int
    runs: int = 0
    goal: int = 0
    steps: Mapping[str, StepForeseen]
    sample: Mapping[str, list[Mapping[str, Any]]] = {}

    def sizes(self) -> dict[str, int]:
        """How many would be in each set, by `STEP` or `STEP.OUTPUT`."""
        return {
            str(SetRef(step, output)): size
            for step, foreseen in self.steps.items()
            for output, size in foreseen.outputs.items()
        }


@dataclass(frozen=True, slots=True)
class CampaignPreview:
    """A campaign as it would be at the instant `at`, in ms; nobody was sent anything."""

    campaign: str
    at: int
    foreseen: CampaignForeseen


def campaign_preview(campaign: CampaignProgram, at: int, steps: Mapping[str, StepPreview]) -> CampaignPreview:
    """What is told of a preview, from what was made."""
    foreseen = CampaignForeseen(
        version=campaign.version,
        steps={name: _step(each) for name, each in steps.items()},
        sample={
            name if output == MAIN else f"{name}.{output}": rows
            for name, each in steps.items()
            for output, rows in each.sample.items()
        },
    )
    return CampaignPreview(campaign.name, at, foreseen)


def _step(step: StepPreview) -> StepForeseen:
    return StepForeseen(
        inflow=step.made.inflow,
        outputs=step.made.outputs,
        dropped=dict(sorted(step.made.dropped.items())),
        gates=dict(step.gates) or msgspec.UNSET,
        unforeseen=step.unforeseen or msgspec.UNSET,
    )
