"""References to secrets in settings: `env:NAME` and `file:PATH`, resolved only when a channel starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from parcours.errors import SettingInvalid

SCHEMES: Final = ("env", "file")
"""The schemes of a reference, before its colon."""


def is_reference(value: object) -> bool:
    """Whether a setting's value is a reference."""
    return isinstance(value, str) and value.partition(":")[0] in SCHEMES and ":" in value


def resolve_secrets(
    settings: Mapping[str, object], folder: Path, environ: Mapping[str, str], within: str = ""
) -> dict[str, object]:
    """A channel's settings with every reference replaced by what it refers to.

    folder   where relative paths begin: the project's folder
    environ  the environment's variables
    within   where the settings stand, such as `channels.email`, for errors to name
    Raises SettingInvalid for a variable that is not set and for a file that cannot be read.
    """
    return {
        key: _resolved(value, f"{within}.{key}" if within else key, folder, environ) for key, value in settings.items()
    }


def _resolved(value: object, key: str, folder: Path, environ: Mapping[str, str]) -> object:
    if isinstance(value, Mapping):
        return {str(each): _resolved(inner, f"{key}.{each}", folder, environ) for each, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(inner, key, folder, environ) for inner in value]
    if not isinstance(value, str) or not is_reference(value):
        return value
    scheme, _, rest = value.partition(":")
    if not rest:
        wanted = "the environment variable" if scheme == "env" else "the file"
        raise SettingInvalid(f"the setting {key} is {value!r}, which does not name {wanted} that it refers to")
    if scheme == "env":
        if rest not in environ:
            raise SettingInvalid(f"the setting {key} refers to the environment variable {rest}, which is not set")
        return environ[rest]
    return _from_file(folder / rest, key)


def _from_file(path: Path, key: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeError) as error:
        raise SettingInvalid(f"the setting {key} refers to the file {path}, which cannot be read: {error}") from None
