"""The syntax trees of a project travel with it, so that another process need not parse its expressions."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from importlib.resources import files
from pathlib import Path

import pytest

from parcours.expression import trees
from parcours.expression.expression import Expression, Scope, compile_expression
from parcours.expression.names import Names, Past
from parcours.expression.nodes import Literal, Node
from parcours.expression.trees import Trees
from parcours.journey.project import Project

EVERYTHING = Names({"*": "any"}, past=Past({"*": {"*": "any"}}, frozenset("*"), frozenset("*")))

SHIPPED = [
    Path(str(files("parcours.demo") / "luma")),
    *sorted(path for path in Path(str(files("parcours.examples"))).iterdir() if (path / "parcours.yaml").exists()),
]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_every_expression_of_a_project_is_among_its_trees(folder: Path) -> None:
    project = Project.load(folder)

    known = project.trees.known()

    written = {each.text for each in expressions(project.program)} - {"false"}  # stands for what is not there
    assert written
    assert written <= known.keys()


def test_trees_survive_the_way_to_another_process() -> None:
    read = Trees()
    texts = ("event.total > 1.5 && has(event.note)", "profile.city == null")
    known = {text: read.of(text) for text in texts}

    assert pickle.loads(pickle.dumps(read.known())) == known


def test_a_text_that_was_read_elsewhere_is_not_read_again() -> None:
    elsewhere = Literal("1 +", 1, 7.0)  # no text that could be read here

    known = Trees({"1 +": elsewhere})

    assert compile_expression("1 +", Names(trees=known)).value(Scope()) == 7.0


def test_the_condition_within_a_text_goes_with_it() -> None:
    read = Trees()
    text = "count('Order Completed', '30d', 'event.total > 100') > 2"

    compile_expression(text, replace(EVERYTHING, trees=read))

    assert set(read.known()) == {text, "event.total > 100"}


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_a_project_travels_without_being_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.load(folder)
    travelling = pickle.dumps(project)
    monkeypatch.setattr(trees, "_parsed", refuse)

    arrived = pickle.loads(travelling)

    assert (arrived.program, arrived.folder) == (project.program, folder)


def refuse(text: str) -> Node:
    raise AssertionError(f"{text!r} has been read before")


def expressions(part: object) -> Iterator[Expression]:
    if isinstance(part, Expression):
        yield part
    elif is_dataclass(part):
        for field in fields(part):
            yield from expressions(getattr(part, field.name))
    elif isinstance(part, dict | tuple):
        for each in part.values() if isinstance(part, dict) else part:
            yield from expressions(each)
