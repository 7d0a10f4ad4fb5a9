"""The command line: `parcours`, with a command for each task of a user.

`build`, and with it all that a command line needs, is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.cli.start import main

if TYPE_CHECKING:
    from parcours.cli.app import build

__all__ = ["build", "main"]


def __getattr__(name: str) -> object:
    if name != "build":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from parcours.cli.app import build

    return build
