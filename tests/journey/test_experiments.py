"""What an experiment of a split may say, what becomes of it, and what the checker says of the rest."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from shutil import copytree

import pytest
from tests.journey.test_many_mistakes import around_of, findings_elsewhere, parts_of

from parcours.expression.expression import Scope
from parcours.journey.model.document import JourneyDocument
from parcours.journey.picture.mermaid import mermaid
from parcours.journey.program import Split
from parcours.journey.project import Project
from parcours.journey.publish.digest import digests_of
from parcours.journey.read.finding import written
from parcours.journey.read.source import read_text

YOGA = Path(__file__).parent / "yoga"
FILE = "journeys/cart.yaml"
WAYS = "[{name: mailed, percent: 66.5, next: remind}, {name: control, percent: 33.5, next: done}]"
GOAL = "{event: Order Completed, within: 14d, value: event.total}"


def cart(split: str, experiment: str) -> str:
    return f"""\
journey: cart
entry: {{event: Product Added}}
steps:
  - id: test
    split: {split}
    experiment: {experiment}
  - {{id: remind, send: reminder, channels: [email]}}
  - {{id: done, end: true}}
"""


def project(folder: Path, split: str = WAYS, experiment: str = f"{{goal: {GOAL}, control: control}}") -> Path:
    copytree(YOGA, folder, dirs_exist_ok=True)
    (folder / FILE).write_text(cart(split, experiment))
    return folder


def split_of(folder: Path) -> Split:
    (journey,) = Project.load(folder).program.journeys
    step = journey.steps["test"]
    assert isinstance(step, Split)
    return step


def test_an_experiment_is_compiled_with_the_names_of_its_ways(tmp_path: Path) -> None:
    goal = "{event: Order Completed, when: event.total > 5, within: 14d, value: event.total}"
    settings = "control: control, planned: 5000, cuped: 28d, by: run, mature: false"

    step = split_of(project(tmp_path, experiment=f"{{goal: {goal}, {settings}}}"))

    assert (step.names, step.percents) == (("mailed", "control"), (66.5, 33.5))
    told = step.experiment
    assert told is not None and told.value is not None and told.trigger.when is not None
    assert (told.trigger.event, told.trigger.when.text) == ("Order Completed", "event.total > 5")
    assert (told.within_ms, told.cuped_ms, told.planned) == (14 * 86_400_000, 28 * 86_400_000, 5_000)
    assert (told.control, told.by, told.mature, told.value.text) == ("control", "run", False, "event.total")


def test_without_more_words_people_count_whose_time_is_over(tmp_path: Path) -> None:
    told = split_of(project(tmp_path)).experiment

    assert told is not None
    assert (told.by, told.mature, told.planned, told.cuped_ms) == ("person", True, None, None)


def test_a_goal_that_is_recognised_by_a_rule_is_the_event_that_arrives(tmp_path: Path) -> None:
    told = split_of(
        project(tmp_path, experiment="{goal: {event: Large Order, within: 1d}, control: control}")
    ).experiment

    assert told is not None and told.trigger.when is not None
    assert told.trigger.event == "Order Completed"
    assert [told.trigger.when.holds(Scope(event={"total": total})) for total in (499, 500)] == [False, True]


MISTAKES = [
    # a way without a name, two of one name, and a control that is none of them
    (
        "[{percent: 50, next: remind}, {name: control, percent: 50}]",
        f"{{goal: {GOAL}, control: control}}",
        ["5: steps[0].split[0]: a way of a split with an experiment needs a name"],
    ),
    (
        "[{name: control, percent: 50, next: remind}, {name: control, percent: 50}]",
        f"{{goal: {GOAL}, control: control}}",
        ["5: steps[0].split[1].name: two ways of this split are called 'control'"],
    ),
    (
        WAYS,
        f"{{goal: {GOAL}, control: controll}}",
        ["6: steps[0].experiment.control: 'controll' is no part of this split, did you mean 'control'?"],
    ),
    # whose name could not be read is asked for nothing more
    (
        "[{name: [], percent: 50, next: remind}, {name: control, percent: 50}]",
        f"{{goal: {GOAL}, control: other}}",
        ["5: steps[0].split[0].name"],
    ),
    # shares that do not sum up leave the names alone
    (
        "[{name: mailed, percent: 50, next: remind}, {name: control, percent: 40}]",
        f"{{goal: {GOAL}, control: control}}",
        ["5: steps[0].split: the percents sum to 90, not to 100"],
    ),
    # a goal sees the event and nothing else: no history is kept for it
    (
        WAYS,
        "{goal: {event: Order Complete, within: 1d}, control: control}",
        ["6: steps[0].experiment.goal.event: unknown event 'Order Complete', did you mean 'Order Completed'?"],
    ),
    (
        WAYS,
        '{goal: {event: Order Completed, within: 1d, when: \'count("Page Viewed", "1d") > 3\'}, control: control}',
        ["6: steps[0].experiment.goal.when: count() has no meaning here (column 1)"],
    ),
    (
        WAYS,
        "{goal: {event: Order Completed, within: 1d, when: entry.price > 3}, control: control}",
        ["6: steps[0].experiment.goal.when: 'entry' has no meaning here (column 1)"],
    ),
    (
        WAYS,
        "{goal: {event: Order Completed, within: 1d, value: event.coupon}, control: control}",
        ["6: steps[0].experiment.goal.value: a number is expected, and this is a string"],
    ),
    (
        WAYS,
        "{goal: {event: Product Viewed, within: 1d, when: event.card == 'x'}, control: control}",
        ["6: steps[0].experiment.goal.when: event.card is personal, so that facts do not have it"],
    ),
    (WAYS, "{control: control}", ["6: steps[0].experiment.goal: this key is needed"]),
    (
        WAYS,
        f"{{goal: {GOAL}, control: control, by: visit}}",
        ["6: steps[0].experiment.by"],
    ),
]


@pytest.mark.parametrize(("split", "experiment", "said"), MISTAKES)
def test_each_mistake_is_told_at_its_place(split: str, experiment: str, said: list[str], tmp_path: Path) -> None:
    found = Project.check(project(tmp_path, split, experiment))

    told = [f"{each.line}: {each.path}: {each.message}" for each in found if each.file == FILE]
    assert len(told) == len(said), told
    assert all(each.startswith(expected) for each, expected in zip(told, said, strict=True)), told


def test_a_goal_of_an_event_that_is_not_kept_is_warned_of(tmp_path: Path) -> None:
    folder = project(tmp_path)
    with (folder / "parcours.yaml").open("a") as settings:
        settings.write("insight: {events: [Page Viewed]}\n")

    (finding,) = [each for each in Project.check(folder) if each.file == FILE]

    assert (finding.severity, finding.path) == ("warning", "steps[0].experiment.goal.event")


@pytest.mark.parametrize("misspelt", [False, True])
def test_a_faulty_part_has_no_finding_elsewhere(misspelt: bool, tmp_path: Path) -> None:
    folder = project(tmp_path)
    data = read_text((folder / FILE).read_text(), "any", FILE, []).data
    for path in parts_of(data):
        mutated = deepcopy(data)
        around, key = around_of(mutated, path), path[-1]
        if not misspelt:
            around[key] = [[]]
        elif isinstance(key, str):
            around[f"{key}zz"] = around.pop(key)
        (folder / FILE).write_text(json.dumps(mutated))

        errors = [each for each in Project.check(folder) if each.severity != "warning"]
        assert findings_elsewhere(errors, FILE, written(path)) == [], path


def test_the_graph_shows_the_names_of_the_ways(tmp_path: Path) -> None:
    (journey,) = Project.load(project(tmp_path)).program.journeys

    assert '-->|"mailed 66.5%"|' in mermaid(journey) and '-->|"control 33.5%"|' in mermaid(journey)


def test_another_goal_is_another_version_and_asks_nothing_of_what_comes_in(tmp_path: Path) -> None:
    one, other = (
        Project.load(project(tmp_path / name, experiment=f"{{goal: {{event: {event}, within: 1d}}, control: control}}"))
        for name, event in (("one", "Page Viewed"), ("other", "Order Completed"))
    )

    digests = [digests_of(each.documents, each.program).journeys["cart"] for each in (one, other)]

    assert digests[0] != digests[1]
    for each in (one, other):
        assert each.program.moving == {"Product Added"} and not each.program.series


def test_a_document_without_an_experiment_is_the_same_as_ever() -> None:
    document = {"journey": "a", "entry": {"event": "E"}, "steps": [{"id": "s", "split": [{"percent": 100}]}]}

    dumped = JourneyDocument.model_validate(document).model_dump(mode="json", by_alias=True, exclude_defaults=True)

    assert dumped["steps"] == [{"id": "s", "split": [{"percent": "100%"}]}]
