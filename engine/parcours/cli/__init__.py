"""The command line: `parcours`, with a command for each thing that a user asks for."""

from parcours.cli.app import build, main

__all__ = ["build", "main"]
