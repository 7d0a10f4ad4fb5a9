"""The exporter of a plan: whether there is one, where its files are, and by what addresses are hashed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from parcours.clock import Clock
from parcours.insight.exporter.exporter import Exporter
from parcours.insight.exporter.opening import open_upkeep, range_opener
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.read.secrets import resolve_secrets
from parcours.routing.plan import Plan
from parcours.store.address import files_of, folder_of

LIBRARIES = ("pyarrow", "zstandard")
"""What the extra `insight` brings, and the exporter needs."""


def can_export(store: str) -> bool:
    """Whether facts of this store are exported: it has a folder for files, and the extra `insight` is installed."""
    return files_of(store) is not None and all(find_spec(library) is not None for library in LIBRARIES)


def address_secret(project: Project, environ: Mapping[str, str]) -> str | None:
    """By what the project has addresses hashed. Raises SettingInvalid for a reference to what is not there."""
    secret = project.program.insight.secret
    if secret is None:
        return None
    resolved = resolve_secrets({"secret": secret}, project.folder, environ, "insight")["secret"]
    assert isinstance(resolved, str), "a reference stands for a text"
    return resolved


def new_exporter(plan: Plan, program: Program, clock: Clock) -> Exporter:
    """An exporter into the folder of the plan's store, not started yet."""
    folder = folder_of(plan.store)
    opens = range_opener(folder, plan.address_secret)
    return Exporter(opens, program, plan.settings, open_upkeep(folder, plan.settings), clock)
