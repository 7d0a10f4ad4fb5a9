"""The registry of sources: those that installed distributions offer under `parcours.sources`."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from pydantic import BaseModel

from parcours.errors import SettingInvalid
from parcours.journey.read.source_settings import SourceModels
from parcours.source import GROUP, Source
from parcours.wording import nearest, shown_value


def source_class(kind: str) -> type[Source]:
    """The source of this kind. Raises SettingInvalid for one that is not installed, or that cannot be loaded."""
    found = [point for point in entry_points(group=GROUP) if point.name == kind]
    if not found:
        known = sorted({point.name for point in entry_points(group=GROUP)})
        hint = nearest(kind, known) or f"; there are {', '.join(known)}"
        raise SettingInvalid(f"no installed distribution offers the source {shown_value(kind)}{hint}")
    if len(found) > 1:
        owners = ", ".join(sorted(point.dist.name for point in found if point.dist))
        raise SettingInvalid(f"the source {shown_value(kind)} is offered by several distributions: {owners}")
    return _loaded(found[0])


def source_models() -> SourceModels:
    """The settings' model of every installed source, or why there is none."""
    return {point.name: _model_of(point) for point in entry_points(group=GROUP)}


def _model_of(point: EntryPoint) -> type[BaseModel] | str:
    try:
        return _loaded(point).Settings
    except SettingInvalid as error:
        return str(error)


def _loaded(point: EntryPoint) -> type[Source]:
    try:
        source: Any = point.load()
    except Exception as error:
        raise SettingInvalid(f"the source {point.name!r} cannot be loaded: {error!r}") from error
    for library in getattr(source, "libraries", ()):
        if find_spec(library) is None:
            ours = point.dist is not None and point.dist.name == "parcours"
            hint = f": `pip install 'parcours[{point.name}]'`" if ours else ""
            raise SettingInvalid(f"the source {point.name!r} needs the library {library}, which is not installed{hint}")
    loaded: type[Source] = source
    return loaded
