"""Whoever keeps an engine: what is done in one place for all who use it.

Changes of what is published, reads, campaigns, erasures and backups are done by one process; many others may hand in
lines and ask for people. What goes to it and comes back are values that can be sent to another process.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from parcours.core.effect import Outgoing
from parcours.dispatch.channel_state import ChannelState
from parcours.insight.people_question import PeopleQuestion
from parcours.insight.windows import Window
from parcours.journey.campaign_steps import SavingMode
from parcours.service.campaign_preview import CampaignPreview
from parcours.service.erasure import ErasureJob
from parcours.service.people_table import PersonRow

if TYPE_CHECKING:
    from parcours.campaigns.campaign_line import CampaignLine
    from parcours.campaigns.run_place import RunPlace

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """
    runs       how far each run of a campaign is of which something is kept, the oldest first
    not_begun  the newest instants of its schedule with which no run began, the oldest first
    """

    runs: list[RunPlace]
    not_begun: list[CampaignLine]


class Keeper(Protocol):
    """Asked on the loop of whoever asks. Each raises ShardUnavailable while nobody keeps the engine."""

    @property
    def campaigns_folder(self) -> Path | None:
        """Where campaigns keep what they have to know, None as long as there has been none."""

    async def standing(self, campaigns: Sequence[str]) -> dict[str, Standing]:
        """How far these campaigns are. Raises OSError."""

    async def begin_run(self, campaign: str, by: str) -> int:
        """Let a run of a campaign begin now; returns its number. Raises CallerError where none may."""

    async def preview(self, campaign: str, sample: int) -> CampaignPreview:
        """The sets of a campaign as they would be now. Raises as `Service.preview_campaign`."""

    async def compose_proof(self, campaign: str, step: str, person: str, to: str, channel: str | None) -> Outgoing:
        """What a campaign's send would say to a person now, for an address. Raises as `Service.prove_campaign`."""

    async def save_members(self, audience: str, people: Sequence[str], mode: SavingMode, by: str) -> RunPlace:
        """How far the run is by which these people become members of an audience, once it is over, or all is closed.

        Raises ExtraMissing, OSError.
        """

    async def funnel_people(
        self, words: str, options: Mapping[str, object], who: str, window: Window, *, stitch: bool
    ) -> list[str]:
        """The people of a funnel as of now. Raises as `Service.save_funnel`."""

    async def look_at(self, question: PeopleQuestion[T], owner: str | None = None) -> T:
        """The answer to a question about everybody now, or about whom lives under a name alone.

        Raises CallerError for what there is not, ShardUnavailable where a shard takes too long to stand still.
        """

    def people_rows(self) -> AsyncGenerator[list[PersonRow]]:
        """Everybody as of one instant, in slices and in no order. Raises CallerError for who takes too long."""

    async def erase(self, person: str, by: str) -> ErasureJob:
        """Forget a person; durable when it returns."""

    async def erasure(self, name: str) -> ErasureJob | None:
        """How far an erasure is, None if there is none of this id."""

    async def back_up(self, folder: Path) -> None:
        """Make a backup, while everything goes on. Raises as `Service.backup`."""

    async def channel_states(self) -> list[ChannelState]:
        """Where each channel stands that is open, as far as whoever sends on it answers."""

    async def troubles(self) -> list[str]:
        """What is not in order now, a sentence each."""
