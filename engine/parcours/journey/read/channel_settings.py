"""Validation of the channels' settings in parcours.yaml, by each channel's own model.

A reference such as `env:SMTP_PASSWORD` is resolved only when the engine opens. So its key is validated, while its value
is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from parcours.channel import CALL
from parcours.journey.model.channel_keys import own_settings
from parcours.journey.model.references import is_reference, names_nothing
from parcours.journey.read.finding import Margin
from parcours.journey.read.reading import note_invalid
from parcours.wording import nearest, quoted

ChannelModels: TypeAlias = Mapping[str, type[BaseModel] | None]
"""The settings' model of every installed channel; None for one that cannot be loaded, and is not validated."""


def check_channels(channels: Mapping[str, Mapping[str, object]], models: ChannelModels, margin: Margin) -> None:
    """Note every channel that is not installed, and every key of the others that is unknown, missing or wrong."""
    for name, settings in channels.items():
        if name == CALL:
            continue  # its settings belong to the language, and are checked with or without models
        if name not in models:
            margin.error(f"unknown channel {quoted(name)}{nearest(name, models)}", name)
        elif (model := models[name]) is not None:
            check_settings(settings, model, margin.below(name))


def check_settings(settings: Mapping[str, object], model: type[BaseModel], margin: Margin) -> None:
    """Note every key of the channel's own that is unknown, missing or wrong."""
    note_empty_references(settings, margin)
    try:
        model.model_validate(own_settings(settings))
    except ValidationError as error:
        note_invalid(error, model, margin, lambda details: not depends_on_reference(details, settings))


def note_empty_references(settings: object, margin: Margin) -> None:
    """Note every reference that names nothing."""
    if isinstance(settings, Mapping):
        for key, each in settings.items():
            note_empty_references(each, margin.below(key))
    elif isinstance(settings, list | tuple):
        for place, each in enumerate(settings):
            note_empty_references(each, margin.below(place))
    elif isinstance(settings, str) and is_reference(settings) and (reason := names_nothing(settings)):
        margin.error(f"the reference {reason}")


def depends_on_reference(details: ErrorDetails, settings: object) -> bool:
    """Whether the complaint is about the value of a reference."""
    if details["type"] in ("missing", "extra_forbidden") or details["loc"][-1:] == ("[key]",):
        return False  # a key is no reference
    value = settings
    for key in details["loc"]:
        if isinstance(value, Mapping) and key in value:
            value = value[key]
        elif isinstance(value, list | tuple) and isinstance(key, int) and key < len(value):
            value = value[key]
    return _holds_reference(value)


def _holds_reference(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_reference(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_reference(each) for each in value)
    return is_reference(value)
