"""Is a model trained with what was known then, and with what became of people after it? And is it always the same?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from math import log
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sklearn.metrics
from tests.training.conftest import BEGIN, CUT, booked, line, month, viewed

from parcours.config import Settings
from parcours.errors import AnalysisRefused, CallerError
from parcours.instants import floor_ms
from parcours.journey.project import Project
from parcours.scoring.contributions import mean_margin
from parcours.simulation.score_cut import ScoreCut
from parcours.simulation.simulation import simulate
from parcours.training.artefact import Trained, text_of
from parcours.training.cases import Gathering, is_held_out
from parcours.training.check import check
from parcours.training.drift import Bins, bins_of, drift_of
from parcours.training.quality import quality_of
from parcours.training.train import train


def trained(folder: Path, lines: Iterable[str], *cuts: datetime, **settings: Any) -> Trained:
    project = Project.load(folder, drafts=True)
    encoded = [each.encode() for each in lines]
    return train(project, "book", encoded, [floor_ms(each) for each in cuts or (CUT,)], Settings(**settings))


def of_kind(folder: Path, kind: str) -> None:
    scores = folder / "scores.yaml"
    scores.write_text(scores.read_text().replace("kind: logistic", f"kind: {kind}"))


@pytest.mark.parametrize("kind", ["logistic", "trees"])
def test_a_model_is_better_than_chance_and_the_same_for_the_same_events(studio: Path, kind: str) -> None:
    of_kind(studio, kind)
    lines = month()
    shuffled = lines[:]
    Random(1).shuffle(shuffled)

    once, again = trained(studio, lines), trained(studio, shuffled)

    assert once.quality.auc > 0.75
    assert once.influence[0][0] == "views"
    assert text_of(once) == text_of(again)
    common = max(once.quality.calibration, key=lambda each: each.cases)
    assert abs(common.predicted - common.happened) < 0.2
    assert once.quality.lift[0].lift > 1.5 > once.quality.lift[-1].lift


@pytest.mark.parametrize("kind", ["logistic", "trees"])
def test_the_written_model_says_live_what_it_said_in_training(studio: Path, kind: str) -> None:
    of_kind(studio, kind)
    lines = month()
    made = trained(studio, lines)
    (studio / "models").mkdir()
    (studio / "models" / "book.json").write_text(text_of(made))

    score = Project.load(studio).program.scores["book"]

    assert score.model == made.model
    file = json.loads(text_of(made))
    assert file["trained"]["cases"] == made.cases == sum(file["bins"]["features"]["views"]["counts"])
    assert sum(file["bins"]["score"]["counts"]) == made.cases and len(file["trained"]["digest"]) == 32
    assert file["quality"]["auc"] == made.quality.auc
    positive = made.positive / made.cases
    assert abs(mean_margin(made.model) - log(positive / (1 - positive))) < 1.0


def gathered(folder: Path, lines: list[str], *cuts: datetime) -> dict[tuple[str, int], tuple[tuple[float, ...], bool]]:
    """The numbers and the outcome of each case, by person and the day of the cut."""
    from parcours.training.train import _gathered  # the cases are no part of what is told

    project = Project.load(folder, drafts=True)
    cuts_ms = [floor_ms(each) for each in cuts]
    found: Gathering = _gathered(
        project, "book", [each.encode() for each in lines], cuts_ms, 7 * 86_400_000, Settings()
    )
    return {
        (case.person, (case.at_ms - floor_ms(BEGIN)) // 86_400_000): (case.numbers, case.happened)
        for case in found.finish()
    }


def test_features_are_as_of_the_cut_and_outcomes_from_after_it_to_the_millisecond(studio: Path) -> None:
    moment, end = timedelta(milliseconds=1), CUT + timedelta(days=7)
    lines = [
        viewed("at", CUT), booked("at", CUT),  # a booking at the cut is known, and predicts nothing
        viewed("soon", CUT - moment), viewed("soon", CUT + moment), booked("soon", CUT + moment),
        viewed("last", CUT), booked("last", end),
        viewed("late", CUT), booked("late", end + moment),
        viewed("other", CUT), booked("other", CUT + moment, "boxing"),
        viewed("new", CUT + moment), booked("new", CUT + timedelta(days=1)),
        line("identify", "idle", BEGIN, traits={"age": 20}), booked("idle", CUT + moment),
    ]  # fmt: skip

    cases = gathered(studio, lines, CUT)

    expected = {"at": False, "soon": True, "last": True, "late": False, "other": False}
    assert {person: happened for (person, _), (_, happened) in cases.items()} == expected
    assert {numbers for numbers, _ in cases.values()} == {(1.0, 40.0, 0.0, 0.0, 1.0)}


def test_each_cut_is_a_case_and_windows_slide(studio: Path) -> None:
    later = CUT + timedelta(days=25)
    lines = [viewed("p", CUT - timedelta(days=6)), viewed("p", CUT), booked("p", later + timedelta(days=1))]
    lines.append(booked("q", later + timedelta(days=9)))

    cases = gathered(studio, lines, CUT, later)

    assert cases == {("p", 14): ((2.0, 40.0, 0.0, 0.0, 1.0), False), ("p", 39): ((1.0, 40.0, 0.0, 0.0, 1.0), True)}


def test_what_a_visitor_did_once_she_was_known_is_her_outcome(studio: Path) -> None:
    visit = json.dumps(
        {
            "type": "track",
            "anonymousId": "a1",
            "event": "Class Viewed",
            "properties": {"kind": "yoga"},
            "timestamp": CUT.isoformat(),
        }
    )
    known = line("identify", "sarah", CUT + timedelta(hours=1), anonymousId="a1", traits={})
    lines = [visit, known, booked("sarah", CUT + timedelta(hours=2)), booked("x", CUT + timedelta(days=8))]

    cases = gathered(studio, lines, CUT)

    assert [happened for _, happened in cases.values()] == [True]


def test_who_does_not_want_to_be_personalised_is_no_case(studio: Path) -> None:
    refused = json.dumps(
        {
            "type": "consent",
            "userId": "no",
            "channel": "personalisation",
            "granted": False,
            "timestamp": BEGIN.isoformat(),
        }
    )
    lines = [refused, viewed("no", CUT), viewed("yes", CUT), booked("x", CUT + timedelta(days=8))]

    assert [person for person, _ in gathered(studio, lines, CUT)] == ["yes"]


def test_too_few_cases_are_refused_with_their_numbers(studio: Path) -> None:
    with pytest.raises(AnalysisRefused, match=r"book needs 200 cases of each outcome, and has \d+ in which"):
        trained(studio, month(people=200))
    assert trained(studio, month(people=200), score_cases_min=20).cases > 100


def test_a_cut_whose_outcome_is_not_known_yet_is_refused(studio: Path) -> None:
    lines = [viewed("p", CUT), booked("p", CUT + timedelta(days=6))]

    with pytest.raises(CallerError, match="name an earlier --at"):
        trained(studio, lines)
    with pytest.raises(CallerError, match="there is none"):
        trained(studio, [])


def test_an_unknown_score_is_named(studio: Path) -> None:
    project = Project.load(studio, drafts=True)

    with pytest.raises(CallerError, match="there is no score 'bok', did you mean 'book'"):
        train(project, "bok", [], [0])
    with pytest.raises(CallerError, match="there is no score 'bok'"):
        simulate(project, [], cuts=[ScoreCut("bok", 0, lambda told: None)])
    with pytest.raises(CallerError, match="name an instant"):
        train(project, "book", [], [])


def test_a_fifth_of_the_people_is_held_out_whatever_else_there_is() -> None:
    drawn = [is_held_out("book", f"p{number}") for number in range(10_000)]

    assert 1_900 < sum(drawn) < 2_100
    assert drawn != [is_held_out("sell", f"p{number}") for number in range(10_000)]


def test_quality_is_what_scikit_learn_says() -> None:
    chance = Random(3)
    probabilities = [round(chance.random(), 1) for _ in range(500)]  # many are equal
    happened = [chance.random() < each for each in probabilities]

    quality = quality_of(probabilities, happened)

    clipped = [min(max(each, 1e-6), 1 - 1e-6) for each in probabilities]
    assert quality.auc == pytest.approx(sklearn.metrics.roc_auc_score(happened, probabilities), abs=1e-12)
    assert quality.log_loss == pytest.approx(sklearn.metrics.log_loss(happened, clipped), abs=1e-5)
    assert quality.brier == pytest.approx(sklearn.metrics.brier_score_loss(happened, probabilities), abs=1e-12)
    assert sum(each.cases for each in quality.lift) == sum(each.cases for each in quality.calibration) == 500
    assert sum(each.lift * each.cases for each in quality.lift) == pytest.approx(500)
    assert sum(each.happened * each.cases for each in quality.calibration) == pytest.approx(sum(happened))


def test_drift_is_the_population_stability_index() -> None:
    then = Bins((1.0, 2.0), (50, 30, 20))

    same = drift_of("f", then, [1.0] * 5 + [2.0] * 3 + [9.0] * 2)
    moved = drift_of("f", then, [1.0] * 2 + [1.5] * 3 + [9.0] * 5)
    gone = drift_of(None, then, [9.0])

    assert (same.index, same.verdict) == (0.0, "fine")
    assert moved.index == pytest.approx((0.2 - 0.5) * log(0.2 / 0.5) + (0.5 - 0.2) * log(0.5 / 0.2), abs=1e-12)
    assert moved.verdict == "act" and gone.verdict == "act"


def test_people_who_are_as_those_of_the_training_have_not_drifted_and_others_have(studio: Path) -> None:
    lines = month()
    text = text_of(trained(studio, lines))
    (studio / "models").mkdir()
    (studio / "models" / "book.json").write_text(text)
    project, at_ms = Project.load(studio), floor_ms(CUT)
    more = [
        *lines,
        *(viewed(f"p{number}", CUT - timedelta(hours=each)) for number in range(1_500) for each in range(9)),
    ]

    same = check(project, "book", [each.encode() for each in lines], at_ms, text)
    others = check(project, "book", [each.encode() for each in more], at_ms, text)

    assert [each.name for each in same.drifts] == [None, *project.program.scores["book"].columns]
    assert {each.verdict for each in same.drifts} == {"fine"}
    assert {each.name for each in others.drifts if each.verdict == "act"} == {None, "views"}
    assert (same.people, same.missing) == (len(gathered(studio, lines, CUT)), 0)


@pytest.mark.parametrize(
    "file, words",
    [
        ("{}", "it was made elsewhere"),
        ("nothing", "that can be read"),
        ('{"bins": {"features": {}, "score": {"edges": [1], "counts": [1]}}}', "other bins than edges"),
        ('{"bins": {"features": {}, "score": {"edges": [], "counts": [0]}}}', "or nobody in them"),
    ],
)
def test_a_model_without_histograms_cannot_be_checked(file: str, words: str) -> None:
    with pytest.raises(CallerError, match=words):
        bins_of(file)
