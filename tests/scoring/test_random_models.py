"""Models made by chance say of people made by chance what an independent reader of their files says."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from tests.model.reference.scores import Asked, answer_of

from parcours.config import Settings
from parcours.core.columns import PersonColumns
from parcours.core.profile import Profile
from parcours.expression.expression import Scope
from parcours.insight.score_stories import ScoreStory, score_stories, story_by_columns
from parcours.journey.model.document import EventsDocument, ProfileDocument, ProjectDocument
from parcours.journey.model.scores import ScoresDocument
from parcours.journey.project import Project
from parcours.scoring.model import ScoreModel, read_model

MODELS, PEOPLE = 20, 500
"""Ten thousand rows."""

WORDS = ["Paris", 'a "b" \\ c', "", "75", 75, 2.5, True, False, "é"]


def tree(chance: Random, columns: int, depth: int) -> list[list[Any]]:
    nodes: list[list[Any]] = []

    def grow(left_over: int) -> float:
        at = len(nodes)
        nodes.append([])
        if left_over == 0 or chance.random() < 0.25:
            nodes[at] = [-1, 0.0, 0, 0, chance.gauss(0, 0.5)]
        else:
            left, below = len(nodes), grow(left_over - 1)
            right, above = len(nodes), grow(left_over - 1)
            threshold = chance.choice([0.5, chance.gauss(2, 3)])
            nodes[at] = [chance.randrange(columns), threshold, left, right, (below + above) / 2]
        return float(nodes[at][4])

    grow(depth)
    return nodes


def names_of(feature: Asked) -> list[str]:
    if feature.one_of is None:
        return [feature.name]
    return [f"{feature.name}={json.dumps(each, ensure_ascii=False)}" for each in feature.one_of] + [
        f"{feature.name}=else"
    ]


def made(chance: Random) -> tuple[list[Asked], dict[str, Any]]:
    """Features, and the file of a model of them, in an order of its own."""
    features = [
        Asked(f"f{number}", chance.sample(WORDS, chance.randrange(1, 5)))
        if chance.random() < 0.3
        else Asked(f"f{number}", None, chance.choice([None, 0.0, -1.5, 40.0]))
        for number in range(chance.randrange(1, 9))
    ]
    columns = [
        {
            "name": name,
            "text": f"profile.x.{each.name}",
            "missing": each.missing,
            "mean": chance.gauss(0, 3),
            "scale": chance.uniform(0.1, 5),
        }
        for each in features
        for name in names_of(each)
    ]
    chance.shuffle(columns)
    file: dict[str, Any] = {"format": 1, "score": "s", "features": columns, "intercept": chance.gauss(0, 1)}
    if chance.random() < 0.5:
        return features, {**file, "kind": "logistic", "weights": [chance.gauss(0, 1) for _ in columns]}
    trees = [tree(chance, len(columns), 4) for _ in range(chance.randrange(1, 30))]
    return features, {**file, "kind": "trees", "trees": trees}


def project_of(features: list[Asked], file: dict[str, Any]) -> Project:
    documents = {
        each.name: f"profile.x.{each.name}"
        if each.one_of is None and each.missing is None
        else {"value": f"profile.x.{each.name}", "one_of": each.one_of}
        if each.one_of is not None
        else {"value": f"profile.x.{each.name}", "missing": each.missing}
        for each in features
    }
    model = read_model(json.dumps(file))
    assert isinstance(model, ScoreModel), model
    score = {
        "predicts": {"event": "E", "within": "1d"},
        "features": documents,
        "model": {"file": "s.json", "kind": file["kind"]},
    }
    return Project.of(
        ProjectDocument(project="p"),
        ProfileDocument(traits={"x": "object"}),
        EventsDocument.model_validate({"events": {"E": {}}}),
        scores=ScoresDocument.model_validate({"scores": {"s": score}}),
        models={"s.json": model},
    )


def person(chance: Random, features: list[Asked]) -> dict[str, object]:
    def value() -> object:
        kinds = [chance.choice(WORDS), chance.gauss(2, 5), chance.randrange(-3, 90), chance.random() < 0.5, 1e39, 1e-30]
        return chance.choice([*kinds, *kinds[1:3] * 4])

    return {each.name: value() for each in features if chance.random() < 0.95}


def told(story: ScoreStory) -> tuple[float, float, dict[str, float], float]:
    assert story.score is not None and story.margin is not None and story.mean is not None
    return story.score, story.margin, {each.feature: each.by for each in story.moved}, story.mean


@pytest.mark.parametrize("seed", range(MODELS))
def test_a_model_says_what_an_independent_reader_of_its_file_says(seed: int) -> None:
    chance = Random(seed)
    features, file = made(chance)
    program = project_of(features, file).program
    score, answers = program.scores["s"], 0

    for _ in range(PEOPLE):
        traits = person(chance, features)
        expected = answer_of(file, features, traits)
        said = score.of(Scope(profile={"x": traits}))
        (story,) = score_stories(Profile(traits={"x": traits}), 0, program, Settings())
        assert (said is None) == (expected is None) == (story.score is None)
        if said is None or expected is None:
            assert story.missing == "no_value" and story.lacks
            continue

        answers += 1
        assert abs(said.margin - expected.margin) <= 1e-9 and said.probability == expected.probability
        probability, margin, moved, mean = told(story)
        assert (probability, margin) == (said.probability, said.margin)
        assert sum(moved.values()) + story.others == pytest.approx(margin - mean, abs=1e-9)
        largest = sorted(expected.moved.items(), key=lambda each: -abs(each[1]))[:3]
        assert sorted(map(abs, moved.values())) == pytest.approx(sorted(abs(by) for _, by in largest), abs=1e-9)
        assert all(moved[name] == pytest.approx(expected.moved[name], abs=1e-9) for name in moved)
        assert mean == pytest.approx(expected.mean, abs=1e-9)
        columns = PersonColumns([], [traits.get(each.name) for each in features], [], [], [])
        assert story_by_columns(score, 0, columns) == story
    assert answers > PEOPLE / 5
