"""The files of models that scores.yaml names: read whole with the documents, and judged, for they go where those go."""

from __future__ import annotations

from pathlib import Path

from parcours.journey.model.scores import ScoresDocument
from parcours.journey.read.source import OUTSIDE, file_text
from parcours.scoring.model import ModelFault, ScoreModel, read_model


def read_models(folder: Path, scores: ScoresDocument) -> dict[str, ScoreModel | ModelFault]:
    """The models by their files; a file that is not there is not among them."""
    files = dict.fromkeys(each.model.file for each in scores.scores.values())
    return {file: _read(folder, folder / file) for file in files if (folder / file).exists()}


def _read(folder: Path, path: Path) -> ScoreModel | ModelFault:
    if not path.resolve().is_relative_to(folder.resolve()):
        return ModelFault(OUTSIDE)
    try:
        return read_model(file_text(path))
    except (OSError, UnicodeError, ValueError) as error:
        return ModelFault(f"it cannot be read: {error}")
