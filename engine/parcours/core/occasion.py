"""What is it that happens? An event under all its names, audiences entered or left, or both at once."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from parcours.journey.program import AudienceTrigger


class Occasion(msgspec.Struct, frozen=True):
    """names and properties are those of an event; changes are what it, or time, did to audiences."""

    names: tuple[str, ...] = ()
    properties: Mapping[str, object] = {}
    changes: tuple[AudienceTrigger, ...] = ()
