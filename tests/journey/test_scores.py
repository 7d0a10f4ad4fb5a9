"""What scores.yaml may say, what is wrong with it, and which model is a score's own."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from tests.projects import findings_of, write_texts

from parcours.errors import ProjectInvalid
from parcours.expression.expression import Scope
from parcours.journey.model.document import EventsDocument, ProfileDocument, ProjectDocument
from parcours.journey.model.scores import ScoresDocument
from parcours.journey.project import Project
from parcours.journey.publish.difference import beyond, differences
from parcours.journey.publish.publications import PublicationCompiler, begun
from parcours.journey.read.project_files import project_texts
from parcours.routing.change_protocol import publishing
from parcours.scoring.model import ScoreModel, read_model

COUNT, CITY = 'count("Seen", "7d")', "profile.city"

SHOP = {
    "parcours.yaml": "project: shop\n",
    "profile.yaml": "traits: {city: string, age: number, buy_yoga: number}\n",
    "events.yaml": "events: {Seen: {properties: {page: string}}, Bought: {properties: {total: number}}}\n",
}

SCORES = """\
scores:
  buy:
    predicts: {event: Bought, when: event.total > 3, within: 14d}
    among: count("Seen", "30d") > 0
    features:
      views: count("Seen", "7d")
      age: {value: profile.age, missing: 30}
      city: {value: profile.city, one_of: [Paris, 75, true]}
    model: {file: models/buy.json, kind: logistic}
"""

FEATURES: list[dict[str, Any]] = [
    {"name": "age", "text": "profile.age", "missing": 30},
    {"name": "views", "text": COUNT},
    {"name": 'city="Paris"', "text": CITY},
    {"name": "city=75", "text": CITY},
    {"name": "city=true", "text": CITY},
    {"name": "city=else", "text": CITY},
]


def model(**changes: Any) -> dict[str, Any]:
    whole = {"format": 1, "score": "buy", "kind": "logistic", "features": FEATURES, "intercept": 0}
    return {**whole, "weights": [1, 10, 100, 1_000, 10_000, 100_000], **changes}


def shop(folder: Path, scores: str = SCORES, file: Any = None, **more: str) -> Path:
    """The shop with its score and the score's model; `more` has texts of other documents, by their names."""
    others = {f"{name}.yaml": text for name, text in more.items()}
    written = json.dumps(model() if file is None else file)
    write_texts(folder, {**SHOP, "scores.yaml": scores, "models/buy.json": written, **others})
    return folder


def test_a_score_reads_its_features_in_the_order_of_the_file(tmp_path: Path) -> None:
    project = Project.load(shop(tmp_path))

    score = project.program.scores["buy"]

    assert score.columns == ("views", "age", 'city="Paris"', "city=75", "city=true", "city=else")
    assert score.of(Scope()) is None  # nothing was seen, so she is none of those whom it is about
    everybody = Project.load(shop(tmp_path, SCORES.replace('    among: count("Seen", "30d") > 0\n', "")))
    cases: list[tuple[dict[str, object], tuple[float, ...]]] = [
        ({}, (30, 0, 0, 0, 0, 1)),
        ({"age": 20, "city": "Paris"}, (20, 0, 1, 0, 0, 0)),
        ({"age": True, "city": 75.0}, (1, 0, 0, 1, 0, 0)),
        ({"age": "20", "city": True}, (30, 0, 0, 0, 1, 0)),
        ({"age": 1e39, "city": 1}, (30, 0, 0, 0, 0, 1)),
        ({"age": 0.1, "city": "75"}, (0.10000000149011612, 0, 0, 0, 0, 1)),
    ]
    for profile, numbers in cases:
        assert everybody.program.scores["buy"].numbers(Scope(profile=profile)) == numbers


def test_a_model_that_was_trained_again_is_told_of_as_a_change_besides_any_journey(tmp_path: Path) -> None:
    asking = 'journey: tell\nentry: {event: Seen, when: score("buy") > 0.5}\nsteps: [{id: done, end: true}]\n'
    folder = shop(tmp_path)
    write_texts(folder, {"journeys/tell.yaml": asking})
    before = Project.load(folder)
    write_texts(folder, {"models/buy.json": json.dumps(model(intercept=1))})
    after, published = Project.load(folder), begun(before)

    changed = differences(published, publishing(after, reopen=False)(published, 0))

    assert [each.text for each in changed] == ["the score 'buy' has changed"]
    assert beyond(changed, after, "tell") == ["the score 'buy' has changed"]
    assert differences(published, publishing(before, reopen=False)(published, 0)) == []


def test_histories_of_features_are_kept(tmp_path: Path) -> None:
    program = Project.load(shop(tmp_path)).program

    assert [each.window_ms for each in program.series["Seen"]] == [30 * 86_400_000]
    assert "Bought" not in program.series  # what is predicted is asked in training alone


def test_a_score_goes_where_its_documents_go(tmp_path: Path) -> None:
    project = Project.load(shop(tmp_path / "shop"))
    scope = Scope(profile={"age": 1})

    for other in (
        Project.from_json(project.to_json()).program,
        pickle.loads(pickle.dumps(project)).program,
        PublicationCompiler().program(begun(project)),
    ):
        assert other.scores["buy"].model == project.program.scores["buy"].model is not None
        assert other.scores["buy"].numbers(scope) == project.program.scores["buy"].numbers(scope)
    texts = project_texts(tmp_path / "shop")
    write_texts(tmp_path / "there", texts)
    assert Project.load(tmp_path / "there").to_json() == project.to_json()


def test_a_project_of_python_models_has_scores() -> None:
    scores = ScoresDocument.model_validate(
        {
            "scores": {
                "buy": {
                    "predicts": {"event": "Bought", "within": "1d"},
                    "features": {"age": "profile.age"},
                    "model": {"file": "m.json", "kind": "logistic"},
                }
            }
        }
    )
    features = [{"name": "age", "text": "profile.age"}]
    sound = read_model(json.dumps(model(features=features, weights=[1])))
    assert isinstance(sound, ScoreModel)

    def made(**models: Any) -> Project:
        return Project.of(
            ProjectDocument(project="shop"),
            ProfileDocument(traits={"age": "number"}),
            EventsDocument.model_validate({"events": {"Bought": {}}}),
            scores=scores,
            models=models["models"] if models else None,
        )

    scored = made(models={"m.json": sound}).program.scores["buy"].of(Scope(profile={"age": 0}))
    assert scored is not None and scored.probability == 0.5 and scored.band == "medium"
    with pytest.raises(ProjectInvalid, match=r"there is no file 'm.json'"):
        made()


@pytest.mark.parametrize(
    "file, words",
    [
        (model(score="sell"), "it is a model of the score 'sell'"),
        (model(kind="trees", weights=None, trees=[[[-1, 0, 0, 0, 1]]]), "its kind is trees"),
        (model(features=FEATURES[1:], weights=[1] * 5), "it was trained without the feature 'age'"),
        (
            model(features=[*FEATURES, {"name": "view", "text": COUNT}], weights=[1] * 7),
            "it was trained with a feature 'view', did you mean 'views'?",
        ),
        (
            model(features=[*FEATURES[:1], {"name": "views", "text": 'count("Seen", "8d")'}, *FEATURES[2:]]),
            "its feature 'views' was 'count(\"Seen\", \"8d\")'",
        ),
        (
            model(features=[{"name": "age", "text": "profile.age"}, *FEATURES[1:]]),
            "where its feature 'age' has no value, it was trained with nobody",
        ),
        ({"format": 1}, "this is no model of a score"),
    ],
)
def test_a_project_with_a_model_of_something_else_can_only_be_tried(file: Any, words: str, tmp_path: Path) -> None:
    folder = shop(tmp_path, file=file)

    (told,) = findings_of(folder)

    assert words in told and "scores.buy.model.file" in told
    with pytest.raises(ProjectInvalid):
        Project.load(folder)
    tried = Project.load(folder, drafts=True)
    assert tried.program.scores["buy"].model is None
    assert tried.program.scores["buy"].of(Scope()) is None


def test_a_model_that_is_missing_too_large_or_elsewhere_is_told(tmp_path: Path) -> None:
    folder = shop(tmp_path / "shop")
    (folder / "models" / "buy.json").unlink()
    assert ["there is no file 'models/buy.json'" in each for each in findings_of(folder)] == [True]
    (folder / "models" / "buy.json").write_text(" " * 4_000_001)
    assert ["larger than 4000000 bytes" in each for each in findings_of(folder)] == [True]
    (folder / "models" / "buy.json").write_bytes(b"\xff\xfe")
    assert ["it cannot be read" in each for each in findings_of(folder)] == [True]
    (tmp_path / "elsewhere.json").write_text(json.dumps(model()))
    (folder / "models" / "buy.json").unlink()
    (folder / "models" / "buy.json").symlink_to(tmp_path / "elsewhere.json")
    assert ["outside the project folder" in each for each in findings_of(folder)] == [True]


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("event: Bought", "event: Bougth", "unknown event 'Bougth', did you mean 'Bought'?"),
        ("event.total > 3", "event.totl > 3", "unknown name event.totl, did you mean 'event.total'?"),
        ("event.total > 3", "event.total", "a condition is true or false, and this is a number"),
        ("within: 14d", "within: 0s", "a duration that is longer than nothing is expected"),
        ('among: count("Seen", "30d") > 0', "among: event.page", "'event' has no meaning here"),
        ("views: count", "views: cuont", "unknown function cuont()"),
        ('views: count("Seen", "7d")', "views: profile.city", "a feature is a number or a truth value"),
        ('views: count("Seen", "7d")', 'views: score("buy")', "a score is told by what is known of somebody"),
        ("one_of: [Paris, 75, true]", "one_of: []", "at least one is needed"),
        ("one_of: [Paris, 75, true]", "one_of: [1, 1.0]", "a value of one_of is given twice"),
        ("missing: 30", "missing: 1e39", "models read numbers of 32 bits, and this is none"),
        ("file: models/buy.json", "file: ../buy.json", "a model's file lies within the project's folder"),
        ("file: models/buy.json", "file: models/buy.pkl", "a model is a .json file"),
        ("kind: logistic", "kind: forest", "'logistic' or 'trees'"),
        ("    among:", "    bands: [0.7, 0.3]\n    among:", "two probabilities are expected"),
        ("    among:", "    keep: {trait: buy_yoga}\n    among:", "say when the trait is renewed"),
        ("    among:", "    keep: {trait: buy_yog, every: 1d}\n    among:", "unknown trait 'buy_yog', did you mean"),
        ("    among:", "    keep: {trait: city, every: 1d}\n    among:", "is declared as string, and a score is"),
        ("    among:", "    keep: {trait: age, every: 1d}\n    among:", "the score would follow itself"),
        (
            "    among:",
            "    keep: {trait: buy_yoga, on: [Sen]}\n    among:",
            "unknown event 'Sen', did you",
        ),
        ("    among:", "    amnog:", "did you mean 'among'?"),
    ],
)
def test_what_is_wrong_with_a_score_is_told_once(old: str, new: str, words: str, tmp_path: Path) -> None:
    assert SCORES.count(old) == 1

    told = findings_of(shop(tmp_path, SCORES.replace(old, new)))
    told = [each for each in told if "train it again" not in each]  # its features are others now

    assert len(told) == 1 and words in told[0] and told[0].startswith("scores.yaml:")


def test_two_scores_are_not_kept_by_one_trait(tmp_path: Path) -> None:
    kept = SCORES.replace("    among:", "    keep: {trait: buy_yoga, every: 1d}\n    among:")
    other = kept.partition("scores:\n")[2].replace("  buy:", "  sell:")

    told = [each for each in findings_of(shop(tmp_path, kept + other)) if "it is a model of" not in each]

    assert len(told) == 1 and "the trait 'buy_yoga' follows the score 'buy' already" in told[0]


def test_an_audience_asks_for_the_trait_that_keeps_a_score(tmp_path: Path) -> None:
    kept = SCORES.replace("    among:", "    keep: {trait: buy_yoga, every: 1d}\n    among:")
    audiences = 'audiences: {likely: score("buy") > 0.5}\n'

    told = [each for each in findings_of(shop(tmp_path, kept, audiences=audiences)) if each.startswith("audiences")]
    plain = findings_of(shop(tmp_path, audiences=audiences))

    assert len(told) == 1 and "ask for the trait that keeps it, profile.buy_yoga" in told[0]
    assert len(plain) == 1 and "let an update step of a journey keep it as a trait" in plain[0]
    unknown = findings_of(shop(tmp_path, audiences='audiences: {likely: band("bye") == "high"}\n'))
    assert len(unknown) == 1 and "unknown score 'bye', did you mean 'buy'?" in unknown[0]


def test_a_faulty_score_is_still_known_by_its_name(tmp_path: Path) -> None:
    scores = SCORES.replace("event: Bought, when: event.total > 3, within: 14d", "within: 14d")
    audiences = 'audiences: {likely: score("buy") > 0.5}\n'

    told = findings_of(shop(tmp_path, scores, audiences=audiences))

    assert [each.split(":")[0] for each in told] == ["audiences.yaml", "scores.yaml"]
    assert "an audience asks for no score" in told[0]


def test_a_score_has_no_meaning_where_there_is_no_past(tmp_path: Path) -> None:
    events = 'events: {Seen: {}, Bought: {properties: {total: number}}, Likely: {of: Seen, rule: score("buy") > 0.5}}\n'

    told = findings_of(shop(tmp_path, events=events))

    assert len(told) == 1 and "score() has no meaning here" in told[0]
