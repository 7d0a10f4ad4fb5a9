"""With which channels is an engine opened? Those that only record, and the settings of those that deliver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from parcours.channel import CALL
from parcours.errors import SettingInvalid
from parcours.journey.names import nearest
from parcours.journey.project import Project
from parcours.journey.secrets import resolve_secrets
from parcours.plan import channels_used


def recording(project: Project, records: Iterable[str]) -> tuple[str, ...]:
    """The channels that only record. Raises SettingInvalid unless each is one that the project's messages use."""
    if isinstance(records, str) or not isinstance(records, Iterable):
        raise SettingInvalid(f"records={records!r}: a list of channels is expected, such as records=['email']")
    used = channels_used(project)
    named: list[object] = list(records)
    for name in named:
        if name not in used:
            there_are = f"they use {', '.join(used)}" if used else "they use none"
            hint = nearest(name, used) if isinstance(name, str) else ""
            raise SettingInvalid(
                f"records: none of the project's messages uses the channel {name!r}; {there_are}{hint}"
            )
    return tuple(name for name in used if name in named)


def delivering(
    project: Project, recorded: Iterable[str], environ: Mapping[str, str]
) -> dict[str, Mapping[str, object]]:
    """The settings of all other channels in use, secrets resolved. Raises SettingInvalid."""
    return {
        name: resolve_secrets(_configured(project, name), project.folder, environ, f"channels.{name}")
        for name in channels_used(project)
        if name not in recorded
    }


def _configured(project: Project, channel: str) -> Mapping[str, object]:
    if channel == CALL:
        return {}  # all there is to say about a call is in actions.yaml
    settings = project.channels.get(channel)
    if settings is None:
        raise SettingInvalid(
            f"the project's messages use the channel {channel!r}, and parcours.yaml has no channels.{channel}; "
            f"configure it, or open the engine with records=[{channel!r}]"
        )
    return settings
