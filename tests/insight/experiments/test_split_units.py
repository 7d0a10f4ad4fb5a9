"""Which splits are units of an experiment, when its versions share out otherwise or call their ways otherwise?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.insight.warehouse.rows import MINUTE, TEN

from parcours.errors import AnalysisRefused
from parcours.expression.expression import compile_expression
from parcours.insight.analyses.happenings import Happening
from parcours.insight.experiments.asking import Answered
from parcours.insight.experiments.experiment import Unit, evaluate, holdout_design
from parcours.insight.experiments.goal import Goal
from parcours.insight.experiments.split_units import Asked, SplitUnits, split_units
from parcours.insight.experiments.ways import Ways
from parcours.insight.warehouse.told_rows import Assigned, Assignment
from parcours.journey.experiments import Experiment
from parcours.journey.parts import Trigger

EXPERIMENT = Experiment(
    trigger=Trigger("Bought"), within_ms=10 * MINUTE, value=None, control="a", planned=None, cuped_ms=5 * MINUTE
)
NEWEST = Ways(["a", "b"], [50, 50])
VERSIONS = {
    1: Ways([None, None], [50, 50]),  # before the ways had names
    2: Ways(["b", "a"], [20, 80]),
    3: NEWEST,
    4: Ways(["a", "c"], [50, 50]),
}
KNOWN = Asked(known_ms=TEN + 60 * MINUTE)


def assigned(person: str, *taken: tuple[float, int, int], bought: Sequence[float] = ()) -> Assigned:
    """Splits by minute, way and version."""
    assignments = [
        Assignment(TEN + int(at * MINUTE), number, way, version) for number, (at, way, version) in enumerate(taken, 1)
    ]
    return Assigned(person, assignments, [Happening(TEN + int(at * MINUTE), "Bought") for at in bought])


def units_of(*people: Assigned, asked: Asked = KNOWN, experiment: Experiment = EXPERIMENT) -> SplitUnits:
    return split_units(experiment, NEWEST, VERSIONS, people, asked)


def test_ways_are_the_same_by_name_in_all_versions() -> None:
    found = units_of(assigned("p", (0, 0, 2)), assigned("q", (0, 0, 3)))

    assert [each.variant for each in found.units] == ["b", "a"]


def test_a_split_of_a_version_without_these_names_is_none_of_the_experiment() -> None:
    found = units_of(
        assigned("p", (0, 0, 1), (5, 1, 3)),
        assigned("q", (0, 1, 4)),
        assigned("r", (0, 0, 9)),
        assigned("s", (0, 7, 3)),
    )

    assert [each.variant for each in found.units] == ["b"] and found.unnamed == 4


@pytest.mark.parametrize(
    ("bought", "outcome", "covariate"),
    [
        ((20,), None, None),  # the instant of the split belongs to neither
        ((20.001,), 1, None),
        ((30,), 1, None),  # the end of the time is in it
        ((30.001,), None, None),
        ((19.999,), None, 1),
        ((15,), None, 1),
        ((14.999,), None, None),
        ((16, 17, 21, 22), 1, 1),
    ],
)
def test_a_goal_counts_after_the_split_and_its_covariate_before(
    bought: Sequence[float], outcome: float | None, covariate: float | None
) -> None:
    (unit,) = units_of(assigned("p", (20, 0, 3), bought=bought)).units

    assert unit == Unit("a", outcome, covariate, True)


def test_a_time_is_over_when_everything_in_it_is_known() -> None:
    found = units_of(assigned("p", (49.999, 0, 3)), assigned("q", (50, 0, 3)))

    assert [each.mature for each in found.units] == [True, False]


def test_whose_first_split_is_outside_the_window_is_no_unit_by_a_later_one() -> None:
    twice = assigned("p", (0, 0, 3), (20, 0, 3))
    asked = replace(KNOWN, from_ms=TEN + 10 * MINUTE, to_ms=TEN + 21 * MINUTE)

    assert not units_of(twice, asked=asked).units
    assert len(units_of(twice, asked=asked, experiment=replace(EXPERIMENT, by="run")).units) == 1


def test_percentages_are_those_of_the_versions_by_their_units() -> None:
    of_two = [assigned(f"p{number}", (0, 1, 2)) for number in range(3)]

    assert units_of(*of_two).design.percents == {"a": 80, "b": 20}
    assert units_of(*of_two, assigned("q", (0, 0, 3))).design.percents == pytest.approx({"a": 72.5, "b": 27.5})
    assert units_of(*of_two, assigned("q", (55, 0, 3))).design.percents == {"a": 80, "b": 20}  # it does not count yet
    assert units_of().design.percents == {"a": 50, "b": 50}


def test_a_goal_whose_sum_no_number_can_be_is_refused_and_infinity_is_worth_nothing() -> None:
    goal = Goal(Trigger("Bought"), compile_expression("event.total * 10"))
    totals = (15e306, 15e306, 1e308)
    reached = goal.reached([Happening(at, "Bought", f'{{"total": {total}}}') for at, total in enumerate(totals)])

    assert goal.came_to(reached, 0, 0) == 1.5e308 and goal.came_to(reached, 2, 2) == 0
    with pytest.raises(AnalysisRefused, match="larger than any number can be"):
        goal.came_to(reached, 0, 2)


@pytest.mark.parametrize(
    ("unnamed", "said"),
    [(0, []), (1, ["1 split by ways that it does not compare: left out."]), (1_200, ["1,200 splits by ways that"])],
)
def test_splits_by_ways_that_are_not_compared_are_said(unnamed: int, said: list[str]) -> None:
    design = holdout_design(20, "rate")

    told = Answered(design, evaluate(design, []), unnamed).left_out

    assert len(told) == len(said) and all(each.startswith(words) for each, words in zip(told, said, strict=True))
