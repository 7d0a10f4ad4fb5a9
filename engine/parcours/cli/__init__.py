"""The command line: `parcours`, with a command for each task of a user."""

from parcours.cli.app import build, main

__all__ = ["build", "main"]
