"""The channels with which an engine is opened: those that only record, and the settings of those that deliver.

Those whose deliveries lie in inboxes are neither: nothing is set up for them, and nothing leaves.

Older versions of the project, which the store still holds, may use channels that its newest one does not: so
what is named in `records` or set up in parcours.yaml is opened though no message of the project uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec

from parcours.channel import CALL, INBOX
from parcours.dispatch.registry import Registry
from parcours.errors import SettingInvalid
from parcours.journey.channels import channels_used, ways_out
from parcours.journey.destinations import lane_of
from parcours.journey.project import Project
from parcours.journey.read.secrets import resolve_secrets
from parcours.service.call_secrets import call_secrets
from parcours.wording import nearest, shown_value


def recording(project: Project, records: Iterable[str], registry: Registry | None = None) -> tuple[str, ...]:
    """The channels that only record. Raises SettingInvalid unless each is in use, installed, or `call`."""
    if isinstance(records, str) or not isinstance(records, Iterable):
        raise SettingInvalid(
            f"records={shown_value(records)}: a list of channels is expected, such as records=['email']"
        )
    installed = (registry or Registry.installed()).names()
    facts = map(lane_of, project.documents.destinations.of_facts)
    known = sorted({*ways_out(project.program), *facts, *installed, CALL})
    named: list[object] = list(records)
    for name in named:
        if name not in known:
            hint = nearest(name, known) if isinstance(name, str) else ""
            raise SettingInvalid(
                f"records: there is no channel {shown_value(name)}; there are {', '.join(known)}{hint}"
            )
    return tuple(name for name in known if name in named)


def delivering(
    project: Project, recorded: Iterable[str], environ: Mapping[str, str], registry: Registry | None = None
) -> Mapping[str, Mapping[str, object]]:
    """The settings of all other channels to open, secrets resolved; of calls, those of their headers as `secrets`.

    Raises SettingInvalid for a channel that is not set up, and for a reference to what is not there.
    These are the channels in use, those that are set up and can be loaded, and `call` where its library is there.
    """
    used = set(channels_used(project.program)) - INBOX
    spare = _loadable(set(project.channels) - used - INBOX, registry)
    if find_spec("aiohttp") is not None:
        spare.add(CALL)
    written = {name: _configured(project, name) for name in sorted((used | spare) - set(recorded))}
    settings: dict[str, dict[str, object]] = {}
    for name, resolved in resolve_secrets(written, project.folder, environ, "channels").items():
        assert isinstance(resolved, dict), "what stands for a channel's settings"
        settings[name] = resolved
    if CALL in settings and (secrets := call_secrets(project, environ)):
        settings[CALL]["secrets"] = secrets
    return settings


def allowing(
    channels: Mapping[str, Mapping[str, object]], private_hosts: Iterable[str]
) -> Mapping[str, Mapping[str, object]]:
    """The settings of the channels, with these networks open to outbound calls besides those of the project."""
    networks = list(private_hosts)
    if CALL not in channels or not networks:
        return channels
    allowed = channels[CALL].get("allowed_networks", ())
    assert isinstance(allowed, list | tuple), "as the project's settings were checked"
    return {**channels, CALL: {**channels[CALL], "allowed_networks": [*allowed, *networks]}}


def unlinked(project: Project, channels: Iterable[str], registry: Registry | None = None) -> list[str]:
    """Those of the channels to open whose contents could carry links, and on which the project has marketing."""
    marketing = {
        channel
        for message in project.program.messages.values()
        if message.message_class == "marketing"
        for channel in message.contents
    }
    installed = registry or Registry.installed()
    return [name for name in sorted(marketing.intersection(channels)) if installed.put_in(name) is not None]


def _loadable(names: set[str], registry: Registry | None) -> set[str]:
    """Those that somebody offers and that can be loaded; the others are missed by nobody as long as none uses them."""
    return names & set((registry or Registry.installed()).contents()) if names else set()


def _configured(project: Project, channel: str) -> Mapping[str, object]:
    if channel == CALL:
        return project.channels.get(CALL, {})  # what is set there is an exception, and mostly nothing is
    settings = project.channels.get(channel)
    if settings is None:
        raise SettingInvalid(
            f"the project's messages use the channel {channel!r}, and parcours.yaml has no channels.{channel}; "
            f"configure it, or open the engine with records=[{channel!r}]"
        )
    return settings
