"""Which files make a project? Its documents, and what messages name beside them; nothing else of the folder.

Secrets in files, tests and recorded events lie in the same folder, and are not for whoever has to read the project.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from parcours.errors import CallerError
from parcours.journey.model.places import GEOJSON_BYTES_MAX
from parcours.journey.read.finding import Finding
from parcours.journey.read.source import (
    FILE_BYTES_MAX,
    FILE_SUFFIX,
    MANY,
    SINGLE,
    file_text,
    read_text,
)
from parcours.journey.read.yaml_files import yaml_files


def project_texts(folder: Path) -> dict[str, str]:
    """The texts of the project in a folder, by their paths in it. Raises CallerError for one that cannot be read."""
    texts: dict[str, str] = {}
    for path in document_files(folder):
        texts[_name(folder, path)] = _text(path)
    for file in _of_models(texts.get(SINGLE["scores"], "")):
        if (folder / file).is_file():  # what is missing is told by whoever reads the project
            texts[_name(folder, folder / file)] = _text(folder / file)
    for name, text in list(texts.items()):
        if name == SINGLE["places"]:
            for beside in _place_files(text, name):
                path = folder / beside
                if path.is_file():
                    texts[_name(folder, path)] = _text(path, GEOJSON_BYTES_MAX)
        if name.startswith(f"{MANY['message']}/"):
            for beside in _named_files(text, name):
                path = (folder / name).parent / beside
                if path.is_file():  # what is missing is told by whoever reads the project
                    texts[_name(folder, path)] = _text(path)
    return texts


def _of_models(text: str) -> Iterator[str]:
    """The files of models that scores.yaml names."""
    scores = _read(text, "scores", SINGLE["scores"]).get("scores")
    for score in scores.values() if isinstance(scores, dict) else ():
        model = score.get("model") if isinstance(score, dict) else None
        if isinstance(model, dict) and isinstance(model.get("file"), str):
            yield model["file"]


def document_files(folder: Path) -> Iterator[Path]:
    """The documents of the project in a folder; what messages and others name beside them is not among these."""
    yield from (folder / name for name in SINGLE.values() if (folder / name).is_file())
    ignored: list[Finding] = []
    for name in MANY.values():
        yield from yaml_files(folder / name, ignored)


def _name(folder: Path, path: Path) -> str:
    """The path in the folder, once links are followed and `..` is gone."""
    resolved, inside = path.resolve(), folder.resolve()
    if not resolved.is_relative_to(inside):
        raise CallerError(f"{path} lies outside the project's folder {folder}, and is not sent.")
    if path.is_symlink():
        return path.relative_to(folder).as_posix()
    return resolved.relative_to(inside).as_posix()


def _text(path: Path, bytes_max: int = FILE_BYTES_MAX) -> str:
    try:
        return file_text(path, bytes_max)
    except (UnicodeError, ValueError) as error:
        raise CallerError(f"{path} cannot be sent: {error}.") from None


def _place_files(text: str, name: str) -> Iterator[str]:
    """The paths that places.yaml names."""
    places = _read(text, "places", name).get("places")
    for place in places.values() if isinstance(places, dict) else ():
        if isinstance(place, dict) and isinstance(place.get("file"), str):
            yield place["file"]


def _read(text: str, kind: str, name: str) -> dict[str, Any]:
    """A document as it is written; nothing if it cannot be read."""
    try:
        data = read_text(text, kind, name, []).data
    except (YAMLError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _named_files(text: str, name: str) -> Iterator[str]:
    """The paths that a message names."""
    for content in _read(text, "message", name).values():
        for key, value in content.items() if isinstance(content, dict) else ():
            if key.endswith(FILE_SUFFIX) and isinstance(value, str):
                yield value
