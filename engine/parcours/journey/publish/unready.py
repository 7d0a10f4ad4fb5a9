"""What can be simulated, but not served yet: a project that has it is refused by an engine."""

from __future__ import annotations

from parcours.journey.project import Project


def unready(project: Project) -> list[str]:
    """Why an engine does not run the project: campaigns, or audiences that only campaigns fill; nothing if it does."""
    campaigns = [each.name for each in project.program.campaigns]
    saved = [f"audience {name}" for name in project.documents.audiences.saved]
    if not (campaigns or saved):
        return []
    here = ", ".join([*campaigns, *saved])
    return [f"campaigns are simulated, and run in no engine yet: a project with them is not served (here: {here})"]
