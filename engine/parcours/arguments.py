"""The checks of what callers hand in, where a call is made: what no type checker has seen is refused in words."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Final

from parcours.errors import CallerError
from parcours.wording import shown_value

TIMEOUT_MAX_S: Final = 100 * 365 * 24 * 60 * 60
"""A hundred years: much more than that no clock of the machine can wait for."""

PATH_BYTES_MAX: Final = 4096
"""What Linux takes for a path, with the NUL behind it; macOS takes less, and its own error is told then."""

NAME_BYTES_MAX: Final = 255
"""What usual file systems take for each name in a path."""


def check_kind(name: str, value: object, kind: type | tuple[type, ...], expected: str) -> None:
    """Raises CallerError for what is not of this kind, by the name of the argument."""
    if not isinstance(value, kind):
        raise CallerError(f"{name}={shown_value(value)}: {expected} is expected")


def check_callable(name: str, value: object) -> None:
    """Raises CallerError for what is neither None nor a function."""
    if value is not None and not callable(value):
        raise CallerError(f"{name}={shown_value(value)}: a function is expected")


def check_method(name: str, value: object, method: str) -> None:
    """Raises CallerError for what is neither None nor an object with this method."""
    if value is not None and (isinstance(value, type) or not callable(getattr(value, method, None))):
        raise CallerError(f"{name}={shown_value(value)}: an object with the method `{method}` is expected")


def check_whole(name: str, value: object, least: int, most: int) -> None:
    """Raises CallerError for what is no whole number within these bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise CallerError(f"{name}={shown_value(value)}: a whole number from {least} to {most} is expected")


def check_timeout(name: str, value: object) -> None:
    """Raises CallerError for what is neither None, to wait for ever, nor a number of seconds."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not value <= TIMEOUT_MAX_S:
        raise CallerError(f"{name}={shown_value(value)}: a number of seconds, or None, is expected")


def folder_path(asked: str, value: object) -> Path:
    """The path of a folder. Raises CallerError for what can be none."""
    if not isinstance(value, str | PurePath) or value == "":
        raise CallerError(f"{asked}({shown_value(value)}): the path of a folder is expected")
    if not is_path(str(value)):
        raise CallerError(f"{asked}({shown_value(value)}): no folder can have this path")
    return Path(value)


def is_path(text: str) -> bool:
    """Whether a file can have this path, wherever it may be."""
    try:
        path = text.encode(errors="surrogateescape")  # by which Python reads names that are not UTF-8
    except UnicodeEncodeError:
        return False
    return b"\0" not in path and len(path) < PATH_BYTES_MAX and max(map(len, path.split(b"/"))) <= NAME_BYTES_MAX
