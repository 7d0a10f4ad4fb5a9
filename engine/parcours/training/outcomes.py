"""What became of people after a cut: asked of the engine as well, as a score whose one feature is the outcome.

The events that follow are counted by the history that any expression may ask for, over the time that the score
predicts, as of its end. So what is one of these events, whose it is, and what its condition sees is decided by the same
code as everything else.
"""

from __future__ import annotations

import json
from dataclasses import replace

from parcours.errors import ProjectInvalid
from parcours.expression.duration import format_duration
from parcours.journey.compile.project import compile_project
from parcours.journey.model.scores import NumberFeature, ScoreDocument, ScoresDocument
from parcours.journey.project import Project
from parcours.journey.read.documents import margins_of
from parcours.journey.read.finding import Finding, errors


def with_outcome(project: Project, score: str) -> tuple[Project, str]:
    """The project with one more score, which is the outcome of this one; and its name.

    Raises ProjectInvalid where the outcome cannot be asked for.
    """
    scores = dict(project.documents.scores.scores)
    name = f"{score}-outcome"
    while name in scores:
        name = f"{name}-"
    scores[name] = _outcome(scores[score])
    documents = replace(project.documents, scores=ScoresDocument.model_construct(scores=scores))
    findings: list[Finding] = []
    program, checked = compile_project(documents, margins_of(documents, findings), trees=project.trees)
    if faults := errors(findings, drafts=True):
        raise ProjectInvalid("\n".join(map(str, sorted(set(faults)))))
    return Project(checked, program, project.folder, project.trees), name


def _outcome(document: ScoreDocument) -> ScoreDocument:
    predicts = document.predicts
    arguments = [predicts.event, format_duration(predicts.within), *([] if predicts.when is None else [predicts.when])]
    text = f"count({', '.join(json.dumps(each, ensure_ascii=False) for each in arguments)})"
    return document.model_copy(update={"among": None, "keep": None, "features": {"outcome": NumberFeature(value=text)}})
