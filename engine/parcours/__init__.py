"""Parcours: an embeddable engine for customer journeys.

The names below are loaded when they are first used, so that a part of the package, such as the command
line's help or a channel plugin, does not pay for the whole.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parcours.config import Settings
    from parcours.errors import ParcoursError
    from parcours.insight.explain_text import explanation_text
    from parcours.journey.project import Project
    from parcours.service.acknowledgement import Acknowledgement, Ingested
    from parcours.service.engine import Engine
    from parcours.simulation.simulation import Result, simulate

__all__ = [
    "Acknowledgement",
    "Engine",
    "Ingested",
    "ParcoursError",
    "Project",
    "Result",
    "Settings",
    "explanation_text",
    "simulate",
]

_HOMES = {
    "Acknowledgement": "parcours.service.acknowledgement",
    "Engine": "parcours.service.engine",
    "Ingested": "parcours.service.acknowledgement",
    "ParcoursError": "parcours.errors",
    "Project": "parcours.journey.project",
    "Result": "parcours.simulation.simulation",
    "Settings": "parcours.config",
    "explanation_text": "parcours.insight.explain_text",
    "simulate": "parcours.simulation.simulation",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'parcours' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
