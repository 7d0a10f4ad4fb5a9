"""Which extra is missing? An import that fails is told as what to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from parcours.errors import ExtraMissing


@contextmanager
def extra(part: str, name: str) -> Iterator[None]:
    """Around imports that the extra `name` brings along. Raises ExtraMissing where one is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0].startswith("parcours"):
            raise  # a module of our own is missing, and no extra would bring it
        raise ExtraMissing.of(part, name) from error
