"""What has been read of a project's expressions travels with it, so that another process need not read them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from parcours.expression.expression import Expression, compile_expression
from parcours.expression.trees import TEXTS_REMEMBERED, known_trees, take_over, tree_of
from parcours.journey.project import Project

SHIPPED = [
    Path(str(files("parcours.demo") / "luma")),
    *sorted(path for path in Path(str(files("parcours.examples"))).iterdir() if (path / "parcours.yaml").exists()),
]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_every_expression_of_a_project_is_among_its_trees(folder: Path) -> None:
    project = Project.load(folder)

    trees = project.trees()

    written = {each.text for each in expressions(project.program)} - {"false"}  # stands for what is not there
    assert written
    assert written <= trees.keys()


def test_trees_survive_the_way_to_another_process() -> None:
    trees = {text: tree_of(text) for text in ("event.total > 1.5 && has(event.note)", "profile.city == null")}

    assert pickle.loads(pickle.dumps(trees)) == trees


def test_a_text_that_was_read_elsewhere_is_not_read_again() -> None:
    elsewhere = pickle.loads(pickle.dumps(tree_of("event.read_elsewhere")))

    take_over({"event.read_elsewhere": elsewhere})

    assert tree_of("event.read_elsewhere") is elsewhere


def test_the_condition_within_a_text_goes_with_it() -> None:
    text = "count('Order Completed', '30d', 'event.total > 100') > 2"
    compile_expression(text)

    assert set(known_trees([text])) == {text, "event.total > 100"}


def test_no_more_texts_are_remembered_than_a_project_has() -> None:
    first = tree_of("event.number_first")
    take_over({f"event.number_{place}": first for place in range(TEXTS_REMEMBERED)})

    assert known_trees(["event.number_first"]) == {}
    assert len(known_trees(f"event.number_{place}" for place in range(TEXTS_REMEMBERED))) == TEXTS_REMEMBERED


def expressions(part: object) -> Iterator[Expression]:
    if isinstance(part, Expression):
        yield part
    elif is_dataclass(part):
        for field in fields(part):
            yield from expressions(getattr(part, field.name))
    elif isinstance(part, dict | tuple):
        for each in part.values() if isinstance(part, dict) else part:
            yield from expressions(each)
