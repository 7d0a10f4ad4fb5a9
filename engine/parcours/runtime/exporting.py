"""The exporter of a plan: whether there is one, where its files are, and by what addresses are hashed. And whoever
tells destinations of facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from functools import partial
from importlib.util import find_spec

from parcours.clock import Clock
from parcours.destination import FactsDestination
from parcours.dispatch.destinations import InstalledDestinations
from parcours.insight.exporter.exporter import Exporter
from parcours.insight.exporter.fact_sender import FactSenders
from parcours.insight.exporter.opening import open_upkeep, range_opener
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.read.secrets import resolve_secrets
from parcours.routing.fact_destinations import FactsTo
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


def check_takes_facts(facts_to: Iterable[FactsTo], installed: InstalledDestinations | None = None) -> None:
    """Raises SettingInvalid for a destination that takes members alone, DestinationUnknown or ExtraMissing."""
    for to in facts_to:
        _open(to, installed or InstalledDestinations.installed())


def _open(to: FactsTo, installed: InstalledDestinations) -> FactsDestination:
    return installed.open_for_facts(to.kind, to.settings, f"destinations.{to.name}.to")


def new_fact_senders(plan: Plan, program: Program, installed: InstalledDestinations | None = None) -> FactSenders:
    """Whoever tells the plan's destinations of facts, not started yet."""
    known = installed or InstalledDestinations.installed()
    opens = [(to, partial(_open, to, known)) for to in plan.facts_to]
    return FactSenders(opens, program, plan.project.name, plan.address_secret)


def new_exporter(plan: Plan, program: Program, clock: Clock, gentle: Executor | None = None) -> Exporter:
    """An exporter into the folder of the plan's store, not started yet; `gentle` as there."""
    folder = folder_of(plan.store)
    opens = range_opener(folder, plan.address_secret)
    return Exporter(opens, program, plan.settings, open_upkeep(folder, plan.settings), clock, gentle=gentle)
