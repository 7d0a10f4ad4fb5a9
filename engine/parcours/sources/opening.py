"""The sources of a project, made with their settings, and what their messages mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from parcours.errors import SettingInvalid
from parcours.journey.compile.sources import compiled_map
from parcours.journey.model.sources import SourceDocument
from parcours.journey.project import Project
from parcours.journey.read.complaints import in_a_line
from parcours.journey.read.finding import Margin
from parcours.journey.read.secrets import resolve_secrets
from parcours.source import Source
from parcours.sources.lines import MakeLine, as_it_is
from parcours.sources.mapping import mapped_by
from parcours.sources.registry import source_class


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """A source that is yet to be started, and what its messages mean."""

    name: str
    source: Source
    make: MakeLine


def sources_of(project: Project, environ: Mapping[str, str]) -> list[OpenedSource]:
    """Those of sources.yaml. Raises SettingInvalid for what cannot be read, and for a secret that is not there."""
    return [
        OpenedSource(name, source_of(name, document, project, environ), maker_of(document, project))
        for name, document in project.documents.sources.sources.items()
    ]


def source_of(name: str, document: SourceDocument, project: Project, environ: Mapping[str, str]) -> Source:
    """One of them, which is yet to be started. Raises SettingInvalid."""
    loaded = source_class(document.kind)
    written = {document.kind: document.settings}
    settings = resolve_secrets(written, project.folder, environ, f"sources.{name}")[document.kind]
    try:
        return loaded(loaded.Settings.model_validate(settings, context={"folder": project.folder}))
    except ValidationError as error:
        raise SettingInvalid(f"sources.{name}.{document.kind}: {in_a_line(error, loaded.Settings)}") from None


def maker_of(document: SourceDocument, project: Project) -> MakeLine:
    """What makes a line of each of its messages."""
    fields = compiled_map(document, Margin("sources.yaml", []), project.trees)
    return mapped_by(fields) if fields else as_it_is
