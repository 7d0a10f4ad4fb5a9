"""Validation of the settings in sources.yaml, by the model of each source that is installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from pydantic import BaseModel, ValidationError

from parcours.journey.model.sources import SourceDocument
from parcours.journey.read.channel_settings import depends_on_reference, note_empty_references
from parcours.journey.read.finding import Margin
from parcours.journey.read.reading import note_invalid
from parcours.wording import nearest, quoted

SourceModels: TypeAlias = Mapping[str, type[BaseModel] | str]
"""The settings' model of every installed source; of one that cannot be loaded, and is not validated, why that is."""


def check_sources(sources: Mapping[str, SourceDocument], models: SourceModels, margin: Margin) -> None:
    """Note every source of a kind that is not installed, and wrong settings; warn of kinds that cannot be loaded."""
    for name, source in sources.items():
        if source.kind not in models:
            there = f"; there are {', '.join(sorted(models))}" if models else ""
            hint = nearest(source.kind, models) or there
            margin.error(f"unknown kind of source {quoted(source.kind)}{hint}", name)
        elif isinstance(model := models[source.kind], str):
            margin.warn(model, name, source.kind)
        else:
            _check_settings(source.settings, model, margin.below(name, source.kind))


def _check_settings(settings: object, model: type[BaseModel], margin: Margin) -> None:
    note_empty_references(settings, margin)
    try:
        model.model_validate(settings)
    except ValidationError as error:
        note_invalid(error, model, margin, lambda told: not depends_on_reference(told, settings))
