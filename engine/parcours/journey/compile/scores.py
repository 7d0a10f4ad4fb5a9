"""The compiler of scores: features become expressions as all others, and a model has to be one of just these."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from parcours.expression.expression import Expression
from parcours.expression.kinds import ExpectedKind
from parcours.expression.names import Names
from parcours.journey.compile.audience import now_misuse
from parcours.journey.compile.campaigns.tables import lost_names
from parcours.journey.compile.declarations import Declarations, condition, value
from parcours.journey.model.scores import (
    ChoiceFeature,
    FeatureForm,
    KeepDocument,
    ModelDocument,
    NumberFeature,
    ScoreDocument,
)
from parcours.journey.read.documents import Documents, Margins
from parcours.journey.read.finding import Margin
from parcours.scoring.features import Feature
from parcours.scoring.model import Kind, ModelFault, ScoreModel
from parcours.scoring.score import Keep, Outcome, Score
from parcours.wording import nearest, quoted

_FEATURE: Final = ExpectedKind("a feature is a number or a truth value", ("number", "boolean"))
_CHOICE: Final = ExpectedKind(
    "what is told apart is a string, a number or a truth value", ("string", "number", "boolean")
)
_NO_SCORE: Final = "a score is told by what is known of somebody, and not by scores"


def compiled_scores(documents: Documents, margins: Margins, declared: Declarations) -> dict[str, Score]:
    """The scores by name. One whose model is missing, or is not its own, has none: the project may only be tried."""
    names = declared.names()
    if names.past is not None:
        names = replace(names, past=replace(names.past, unscored={"": _NO_SCORE}))
    margin = margins.single["scores"]
    _check_kept_apart(documents, margin)
    faulty = lost_names(margins, "scores")
    compiled: dict[str, Score] = {}
    for name, document in documents.scores.scores.items():
        within = margin.below("scores", name)
        score = _score(name, document, within, declared, names)
        if name not in faulty:  # else nobody knows what its model has to be like
            score = replace(score, model=_model(score, document.model, documents.models, within.below("model")))
        compiled[name] = score
    return compiled


def _score(name: str, document: ScoreDocument, margin: Margin, declared: Declarations, names: Names) -> Score:
    features = tuple(
        _feature(each, form, margin.below("features", each), names) for each, form in document.features.items()
    )
    predicts = document.predicts
    properties = declared.properties(margin, predicts.event, "predicts", "event")
    when: Expression | None = None
    if predicts.when is not None:
        of_event = Names(declared.traits, properties, now=False, trees=declared.trees)
        when = condition(margin, predicts.when, of_event, "predicts", "when")
    compiled = Score(
        name=name,
        predicts=Outcome(declared.definition_keys.event(predicts.event), when, predicts.within),
        among=None if document.among is None else condition(margin, document.among, names, "among"),
        features=features,
        bands=document.bands,
        keep=None if document.keep is None else _keep(document.keep, margin.below("keep"), declared, features),
    )
    misused = any(now_misuse(each.text, declared.trees) for each in compiled.expressions())
    return replace(compiled, is_foreseen=not misused)


def _keep(document: KeepDocument, margin: Margin, declared: Declarations, features: tuple[Feature, ...]) -> Keep:
    trait, kind = document.trait, declared.traits.get(document.trait)
    if "traits" not in declared.unread:
        if kind is None:
            margin.error(f"unknown trait {quoted(trait)}{nearest(trait, declared.traits)}", "trait")
        elif kind not in ("number", "any"):
            margin.error(f"the trait {quoted(trait)} is declared as {kind}, and a score is a number", "trait")
    if kind in ("number", "any") and any(f"profile.{trait}" in each.value.paths for each in features):
        margin.error(f"a feature asks for {quoted(trait)}: the score would follow itself", "trait")
    for number, event in enumerate(document.on):
        declared.properties(margin, event, "on", number)
    on = tuple(map(declared.definition_keys.event, dict.fromkeys(document.on)))
    return Keep(trait, on, document.every)


def _check_kept_apart(documents: Documents, margin: Margin) -> None:
    """Of two scores that are kept by one trait nobody would know which it follows."""
    first: dict[str, str] = {}
    for name, document in documents.scores.scores.items():
        if document.keep is not None and (other := first.setdefault(document.keep.trait, name)) != name:
            why = f"the trait {quoted(document.keep.trait)} follows the score {quoted(other)} already"
            margin.error(why, "scores", name, "keep", "trait")


def _feature(name: str, form: FeatureForm, margin: Margin, names: Names) -> Feature:
    if isinstance(form, ChoiceFeature):
        return Feature(name, value(margin, form.value, names, _CHOICE, "value"), form.one_of)
    if isinstance(form, NumberFeature):
        return Feature(name, value(margin, form.value, names, _FEATURE, "value"), missing=form.missing)
    return Feature(name, value(margin, form, names, _FEATURE))


def _model(
    score: Score, document: ModelDocument, models: Mapping[str, ScoreModel | ModelFault], margin: Margin
) -> ScoreModel | None:
    """The score's own model; None, with a finding that keeps the project from running, where there is none."""
    found = models.get(document.file)
    if found is None:
        margin.draft(
            f"there is no file {quoted(document.file)} in the project's folder: "
            "`parcours score train` makes it from what has happened",
            "file",
        )
        return None
    if isinstance(found, ModelFault):
        margin.draft(f"{document.file}: {found.reason}", "file")
        return None
    if fault := _difference(score, document.kind, found):
        margin.draft(f"{document.file}: {fault}; train it again", "file")
        return None
    return found


def _difference(score: Score, kind: Kind, model: ScoreModel) -> str | None:
    """Why a sound model is none of this score; None if it is."""
    if model.score != score.name:
        return f"it is a model of the score {quoted(model.score)}"
    if model.kind != kind:
        return f"its kind is {model.kind}"
    known = {column: (each.value.text.strip(), each.missing) for each in score.features for column in each.columns}
    return _unlike(known, {each.name: (each.text.strip(), each.missing) for each in model.features})


def _unlike(known: Mapping[str, tuple[str, float | None]], given: Mapping[str, tuple[str, float | None]]) -> str | None:
    if lacking := _first(known, given):
        return f"it was trained without the feature {quoted(lacking)}"
    if other := _first(given, known):
        return f"it was trained with a feature {quoted(other)}{nearest(other, known)}"
    for column, (text, missing) in known.items():
        other_text, other_missing = given[column]
        if text != other_text:
            return f"its feature {quoted(column)} was {quoted(other_text)}"
        if missing != other_missing:
            return f"where its feature {quoted(column)} has no value, it was trained with {_shown(other_missing)}"
    return None


def _first(some: Collection[str], others: Collection[str]) -> str | None:
    return next((each for each in some if each not in others), None)


def _shown(missing: float | None) -> str:
    return "nobody" if missing is None else f"{missing:g}"
