"""Occasions: what a person's runs react to, an event under all its names, changes of audience, or both at once."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from parcours.journey.program import AudienceTrigger


class Occasion(msgspec.Struct, frozen=True):
    """names and properties are the event's; changes are the audiences entered and left, by the event or by time."""

    names: tuple[str, ...] = ()
    properties: Mapping[str, object] = {}
    changes: tuple[AudienceTrigger, ...] = ()
