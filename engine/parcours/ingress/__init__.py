"""The door: how events, reports of providers and the questions of operators get in over HTTP.

`parcours.ingress.app(engine, settings)` is an ASGI application to serve or to mount.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parcours.ingress.application import app
    from parcours.ingress.sealed_links import SealedLinks
    from parcours.ingress.settings import ServeSettings, load_settings

__all__ = ["SealedLinks", "ServeSettings", "app", "load_settings"]

if not TYPE_CHECKING:  # the pure parts, such as tokens, need no server
    from importlib import import_module

    _HOMES = {
        "SealedLinks": "parcours.ingress.sealed_links",
        "ServeSettings": "parcours.ingress.settings",
        "app": "parcours.ingress.application",
        "load_settings": "parcours.ingress.settings",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'parcours.ingress' has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)
