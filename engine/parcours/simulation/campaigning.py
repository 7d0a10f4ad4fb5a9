"""Campaigns of a simulation: what a caller asks of them, and whoever conducts them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from parcours.campaigns.campaign_line import CampaignLine
from parcours.campaigns.set_engines import check_makeable
from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.errors import CallerError, ExtraMissing
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.routing.ports import ShardPort
from parcours.wording import nearest, quoted

if TYPE_CHECKING:
    from parcours.campaigns.coordinator import Coordinator
    from parcours.campaigns.look_asked import PreviewAsked
    from parcours.campaigns.run_world import Find
    from parcours.campaigns.set_places import SetPlace


def _nobody(line: CampaignLine) -> None:
    """Lines that nobody asks for."""


@dataclass(frozen=True, slots=True)
class CampaignsAsked:
    """
    exports  the folder for the files that campaigns export; None: they are written nowhere that lasts
    starts   runs that begin by hand: the campaign, and the instant in ms; None: with the last event
    told     called with each line, in the order in which they become known
    explain  a person, and who is told where she is in the sets of each run
    preview  a campaign that is previewed, at an instant or with the last event; no campaign does anything after that
    """

    exports: Path | None = None
    starts: Sequence[tuple[str, int | None]] = ()
    told: Callable[[CampaignLine], None] = _nobody
    preview: PreviewAsked | None = None
    explain: tuple[str, Callable[[SetPlace], None]] | None = None


def check_asked(project: Project, asked: CampaignsAsked) -> None:
    """Raises CallerError for a campaign that the project does not have."""
    previewed = [] if asked.preview is None else [asked.preview.campaign]
    for name in (*(name for name, _ in asked.starts), *previewed):
        campaign_named(project, name)


def campaign_named(project: Project, name: str) -> CampaignProgram:
    """The campaign, or that by which an audience is kept up to date.

    Raises CallerError for one that the project does not have.
    """
    known = {each.name: each for each in (*project.program.campaigns, *project.program.keeping)}
    if name not in known:
        raise CallerError(f"there is no campaign {quoted(name)}{nearest(name, known)}")
    return known[name]


def new_coordinator(
    project: Project,
    ports: Sequence[ShardPort],
    slot_map: SlotMap,
    settings: Settings,
    folder: Path,
    asked: CampaignsAsked,
    tell: Callable[[CampaignLine], None],
    program: Program | None = None,
    find: Find | None = None,
) -> Coordinator:
    """Whoever conducts the campaigns of the project, with sets below `folder`.

    Raises ExtraMissing, and SettingInvalid where the engine that the settings name cannot make their sets.

    program  what is published, if that is more than the project
    find     whom facts tell of; without it no audience is kept up to date
    """
    try:
        from parcours.campaigns.coordinator import Coordinator
        from parcours.campaigns.people import People
    except ImportError as error:
        raise ExtraMissing.of("A campaign", "campaigns") from error
    check_makeable(settings, program or project.program, folder)
    people = People(ports, slot_map, settings.due_people_max)
    coordinator = Coordinator(
        program or project.program,
        people,
        folder / "sets",
        project.folder,
        asked.exports or folder / "exports",
        settings,
        tell,
        find,
    )
    for name, at in asked.starts:
        coordinator.start(name, at)
    if asked.preview is not None:
        coordinator.ask_preview(asked.preview)
    if asked.explain is not None:
        coordinator.explain(*asked.explain)
    return coordinator
