"""How destinations are opened: what destinations.yaml says of where members and facts go, secrets resolved.

It is looked up once, when an engine opens. Nothing of it is stored, nor decides what happens to anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from parcours.channel import CALL
from parcours.errors import SettingInvalid
from parcours.journey.destinations import lane_of
from parcours.journey.model.destinations import FactsTargetDocument, TargetDocument
from parcours.journey.model.headers import unfit
from parcours.journey.project import Project
from parcours.journey.read.destination_settings import place_of, settings_of
from parcours.journey.read.finding import written
from parcours.journey.read.secrets import resolve_secrets
from parcours.routing.fact_destinations import FactsTo


def lanes_to_open(
    project: Project, recorded: Iterable[str], environ: Mapping[str, str], private_hosts: Iterable[str] = ()
) -> dict[str, Mapping[str, object]]:
    """The settings of each destination's lane that is not only recorded.

    private_hosts  networks that may be reached though they are private, besides those of outbound calls
    Raises SettingInvalid for a reference to what is not there, and for a header that can have no such value.
    """
    left_out, networks = set(recorded), [*_allowed(project), *private_hosts]
    return {
        lane_of(name): {
            "kind": document.to.installed_as,
            "settings": _settings(project, name, document.to, environ, networks),
            "batch": document.batch,
        }
        for name, document in project.documents.destinations.of_members.items()
        if lane_of(name) not in left_out
    }


def facts_to_open(project: Project, recorded: Iterable[str], environ: Mapping[str, str]) -> tuple[FactsTo, ...]:
    """The destinations of facts that are not only recorded: of those nothing is told, nor held for later.

    Raises SettingInvalid for a reference to what is not there.
    """
    left_out = set(recorded)
    return tuple(
        FactsTo(
            name,
            document.to.installed_as,
            _settings(project, name, document.to, environ, ()),
            frozenset(document.facts),
            frozenset(document.columns),
            document.hashed,
            document.batch,
        )
        for name, document in sorted(project.documents.destinations.of_facts.items())
        if lane_of(name) not in left_out
    )


def _allowed(project: Project) -> Iterable[object]:
    """The networks that outbound calls may reach: a webhook is one."""
    allowed = project.channels.get(CALL, {}).get("allowed_networks", ())
    assert isinstance(allowed, list | tuple), "as the project's settings were checked"
    return allowed


def _settings(
    project: Project,
    name: str,
    to: TargetDocument | FactsTargetDocument,
    environ: Mapping[str, str],
    networks: Iterable[object],
) -> dict[str, Any]:
    within = written(place_of(name, to))
    resolved = resolve_secrets(settings_of(to, project.folder), project.folder, environ, within)
    if to.kind != "webhook":
        return resolved
    headers = resolved["headers"]
    assert isinstance(headers, Mapping), "as it was read"
    for header, value in headers.items():
        if reason := unfit(str(value)):
            raise SettingInvalid(f"the setting {within}.headers.{header} is what no header can be: {reason}")
    return {**resolved, "allowed_networks": tuple(map(str, networks))}
