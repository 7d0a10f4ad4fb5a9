"""What can be checked and drawn, but not run: a project that has it is neither published, simulated nor served."""

from __future__ import annotations

from parcours.errors import ProjectInvalid
from parcours.journey.project import Project


def refuse_unready(project: Project) -> None:
    """Raises ProjectInvalid for a project with campaigns, or with audiences that only campaigns fill."""
    campaigns = [each.name for each in project.program.campaigns]
    saved = [f"audience {name}" for name in project.documents.audiences.saved]
    if campaigns or saved:
        raise ProjectInvalid(
            "campaigns are checked and drawn, and cannot be run yet: a project with them is neither published, "
            f"simulated nor served (here: {', '.join([*campaigns, *saved])})"
        )
