"""The references in the headers of outbound calls: which there are, and what they stand for when an engine opens.

An engine knows what its own project named when it was opened. A version from before, or a project that is published
later, may name something else; what it cannot know then is told, and is no reason to look into the environment again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from parcours.errors import SettingInvalid
from parcours.journey.model.headers import unfit
from parcours.journey.model.references import is_reference
from parcours.journey.program import Action, CallAction, Journey
from parcours.journey.project import Project
from parcours.journey.read.secrets import resolve_secrets


def call_secrets(project: Project, environ: Mapping[str, str]) -> dict[str, str]:
    """What each reference in the headers of the project's actions stands for.

    Raises SettingInvalid, which names the header and the reference and never the value, for one that cannot be looked
    up, and for one whose value no header can have.
    """
    secrets: dict[str, str] = {}
    for place, reference in _references(project.program.actions.values()):
        resolved = resolve_secrets({place: reference}, project.folder, environ)[place]
        assert isinstance(resolved, str), "a reference stands for a text"
        if reason := unfit(resolved):
            raise SettingInvalid(f"the setting {place} is {reference!r}, whose value no header can have: {reason}")
        secrets[reference] = resolved
    return secrets


def unknown_references(journeys: Iterable[Journey], known: Collection[str]) -> list[str]:
    """The headers that calls of these journeys carry by a reference that the engine was not opened with, in words."""
    actions = [
        journey.actions[step.action]
        for journey in journeys
        for step in journey.steps.values()
        if isinstance(step, CallAction)
    ]
    told = dict.fromkeys(_references(actions))  # once, however many steps make the call
    return [
        f"{place} is {reference!r}, which the engine was not opened with"
        for place, reference in told
        if reference not in known
    ]


def _references(actions: Iterable[Action]) -> Iterator[tuple[str, str]]:
    for action in actions:
        for name, value in action.headers.items():
            if is_reference(value):
                yield f"actions.{action.name}.headers.{name}", value
