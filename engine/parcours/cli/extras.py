"""Missing extras: an import that fails becomes an error that says what to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from parcours.errors import ExtraMissing


@contextmanager
def extra(part: str, name: str) -> Iterator[None]:
    """Around imports that need the extra `name`. Raises ExtraMissing where one is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0].startswith("parcours"):
            raise  # our own module: no extra would install it
        raise ExtraMissing.of(part, name) from error
