"""What destinations.yaml says of where something goes, as the destination takes it, and its validation by that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from parcours.destination import Destination
from parcours.errors import DestinationUnknown, ExtraMissing
from parcours.journey.model.destinations import (
    DestinationDocument,
    FactsDocument,
    FactsTargetDocument,
    TargetDocument,
)
from parcours.journey.read.channel_settings import depends_on_reference, note_empty_references
from parcours.journey.read.finding import KeyPath, Margin
from parcours.journey.read.reading import note_invalid

DestinationKinds: TypeAlias = Callable[[str], type[Destination]]
"""The installed destination of a name. Raises DestinationUnknown, or ExtraMissing for one whose library is missing."""

OF_ALL: Final = ("begin", "add", "finish", "abandon")
"""What a destination has that can be told of all members at once."""


def settings_of(to: TargetDocument | FactsTargetDocument, folder: Path) -> dict[str, Any]:
    """What the destination takes, with references as they are written; `folder` is the project's."""
    if to.plugin is not None:
        return to.plugin.settings
    if isinstance(to, TargetDocument) and to.file is not None:
        return {"path": folder / to.file}
    written = to.kafka or to.nats or (to.webhook if isinstance(to, TargetDocument) else None)
    assert written is not None, "it goes to one of these"
    given = written.model_dump(exclude={"timeout"}, exclude_none=True)
    return {**given, "timeout_s": written.timeout / 1_000}


def place_of(name: str, to: TargetDocument | FactsTargetDocument) -> KeyPath:
    """Where in destinations.yaml the settings of a destination stand."""
    return "destinations", name, "to", to.kind, *(() if to.plugin is None else ("settings",))


def check_destinations(
    destinations: Mapping[str, DestinationDocument | FactsDocument],
    kinds: DestinationKinds,
    folder: Path,
    margin: Margin,
) -> None:
    """Note those that nobody offers or that take something else, and wrong settings; warn of missing libraries."""
    for name, document in destinations.items():
        place, kind = margin.below("destinations", name, "to"), document.to.installed_as
        try:
            loaded = kinds(kind)
        except DestinationUnknown as error:
            place.error(str(error))
        except ExtraMissing as error:
            place.warn(str(error))
        else:
            if reason := misfit(loaded, kind, facts=isinstance(document, FactsDocument)):
                place.error(reason)
                continue
            if isinstance(document, DestinationDocument) and document.full is not None and not takes_all(loaded):
                reason = f"the destination {kind!r} cannot be told of all members at once"
                margin.error(reason, "destinations", name, "full")
            _check_settings(settings_of(document.to, folder), loaded, margin.below(*place_of(name, document.to)))


def misfit(kind: type, name: str, *, facts: bool) -> str | None:
    """Why a destination cannot be told facts, or else members; None where it can."""
    if hasattr(kind, "publish" if facts else "send"):
        return None
    return (
        f"the destination {name!r} takes {'members of audiences, and no facts' if facts else 'facts, and no members'}"
    )


def takes_all(kind: type) -> bool:
    """Whether a destination can be told of all members at once."""
    return all(hasattr(kind, each) for each in OF_ALL)


def _check_settings(settings: Mapping[str, Any], kind: type[Destination], margin: Margin) -> None:
    note_empty_references(settings, margin)
    try:
        kind.Settings.model_validate(settings)
    except ValidationError as error:
        note_invalid(error, kind.Settings, margin, lambda told: not depends_on_reference(told, settings))
