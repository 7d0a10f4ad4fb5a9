"""References to secrets in settings: `env:NAME` and `file:PATH`, resolved only when a channel starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from parcours.errors import SettingInvalid
from parcours.journey.model.references import is_reference, names_nothing


def resolve_secrets(
    settings: Mapping[str, object], folder: Path, environ: Mapping[str, str], within: str = ""
) -> dict[str, object]:
    """A channel's settings with every reference replaced by what it refers to.

    folder   where relative paths begin: the project's folder
    environ  the environment's variables
    within   where the settings stand, such as `channels.email`, for errors to name
    Raises SettingInvalid with every variable that is not set and every file that cannot be read.
    """
    missing: list[str] = []
    resolved = _all_resolved(settings, within, folder, environ, missing)
    if missing:
        raise SettingInvalid("; ".join(missing))
    return resolved


def _all_resolved(
    settings: Mapping[str, object], within: str, folder: Path, environ: Mapping[str, str], missing: list[str]
) -> dict[str, object]:
    return {
        str(key): _resolved(value, f"{within}.{key}" if within else str(key), folder, environ, missing)
        for key, value in settings.items()
    }


def _resolved(value: object, key: str, folder: Path, environ: Mapping[str, str], missing: list[str]) -> object:
    if isinstance(value, Mapping):
        return _all_resolved(value, key, folder, environ, missing)
    if isinstance(value, list | tuple):
        return [_resolved(inner, key, folder, environ, missing) for inner in value]
    if not isinstance(value, str) or not is_reference(value):
        return value
    try:
        return _looked_up(value, key, folder, environ)
    except SettingInvalid as error:
        missing.append(str(error))
        return None


def _looked_up(value: str, key: str, folder: Path, environ: Mapping[str, str]) -> str:
    scheme, _, rest = value.partition(":")
    if reason := names_nothing(value):
        raise SettingInvalid(f"the setting {key} is {value!r}, which {reason}")
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
