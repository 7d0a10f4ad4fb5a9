"""Which example projects come along? A folder each, beside this file: one idea, a few documents, and their tests."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from parcours.errors import CallerError
from parcours.journey.starter import write_documents
from parcours.wording import nearest, quoted

EXAMPLES: Final = {
    "welcome": "steps that follow one another, at the person's own time of day, and only with consent",
    "checkout": "waiting for an event with a limit, one run for each cart, texts filled from event and profile",
    "abandoned-cart": "reacting to an opened mail, three channels, a goal, an exit, caps and quiet hours",
    "launch": "reading an audience once, listeners that share a time-out, an event recognised by what it says",
    "win-back": "an audience that changes as time passes, a score in a branch, a split, the morning after",
    "double-opt-in": "asking back before anybody is on a list, and why a click in a mail is no answer",
    "anonymous-cart": "a visitor who logs in on two devices takes her run along, and buys on the other one",
    "wishlist": "a campaign over sets of people: one for each address, tables beside the profile, exact halves",
    "lapsed-buyers": "orders from Kafka by a map, and an audience that two other systems are told of",
    "studio": "offers, a score, a place: each decision with its reason, in a mail, on a page, in the door",
}
"""What each one shows, in the order in which they are best read."""


def write_example(folder: str | Path, name: str) -> list[Path]:
    """Write an example into a new or empty folder and return its files.

    Raises CallerError for a name that is not in EXAMPLES, and where the folder holds something already.
    """
    if name not in EXAMPLES:
        raise CallerError(
            f"there is no example {quoted(name)}{nearest(name, EXAMPLES)}; there are {', '.join(EXAMPLES)}"
        )
    source = files(__name__).joinpath(name)
    return write_documents(folder, source, tuple(_names(source)))


def _names(folder: Traversable, above: str = "") -> Iterator[str]:
    """The files below a folder, as paths with slashes, sorted."""
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _names(entry, f"{above}{entry.name}/")
        else:
            yield above + entry.name
