"""What can be imported from `parcours` itself, and can a caller change what is handed out?"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from pydantic import BaseModel

import parcours
import parcours.errors

RECORDS = [
    kind
    for kind in (getattr(parcours, name) for name in parcours.__all__)
    if isinstance(kind, type) and (issubclass(kind, msgspec.Struct | BaseModel) or dataclasses.is_dataclass(kind))
]


def imported_names(tree: ast.AST) -> list[str]:
    """What this code imports from parcours and the modules in it."""
    return [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "parcours"
        for alias in node.names
    ]


@pytest.mark.parametrize("name", parcours.__all__)
def test_every_name_can_be_imported(name: str) -> None:
    loaded = getattr(parcours, name)

    assert getattr(loaded, "__name__", name) == name


def test_a_name_that_there_is_not_is_told_by_its_name() -> None:
    with pytest.raises(ImportError, match="cannot import name 'Enigne' from 'parcours'"):
        exec("from parcours import Enigne")
    with pytest.raises(AttributeError, match="module 'parcours' has no attribute 'Enigne'"):
        getattr(parcours, "Enigne")  # noqa: B009  # a plain use is refused by the type checker


def test_all_errors_can_be_imported() -> None:
    errors = {
        name
        for name, kind in vars(parcours.errors).items()
        if isinstance(kind, type) and issubclass(kind, parcours.ParcoursError)
    }

    assert "PublishRefused" in errors
    assert errors <= set(parcours.__all__)


def test_a_type_checker_and_python_find_the_same_names() -> None:
    tree = ast.parse(Path(parcours.__file__).read_text(encoding="utf-8"))

    (for_types, *_) = (node for node in tree.body if isinstance(node, ast.If))

    assert sorted(imported_names(for_types)) == sorted(parcours.__all__)


def test_the_names_are_listed() -> None:
    assert set(parcours.__all__) <= set(dir(parcours))


def test_a_name_is_loaded_when_it_is_first_used() -> None:
    told = "import sys, parcours; assert not [name for name in sys.modules if name.startswith('parcours.')]"
    error = "from parcours import StoreBusy; assert 'parcours.service.engine' not in sys.modules"

    done = subprocess.run([sys.executable, "-c", f"{told}; {error}"], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_what_is_handed_out_cannot_be_changed(kind: type) -> None:
    if issubclass(kind, msgspec.Struct):
        assert kind.__struct_config__.frozen
    elif issubclass(kind, BaseModel):
        assert kind.model_config["frozen"]
    else:
        assert inspect.getattr_static(kind, "__dataclass_params__").frozen


def test_the_records_are_all_looked_at() -> None:
    names = {kind.__name__ for kind in RECORDS}

    assert {"Explanation", "Ingested", "JourneyState", "Moved", "Result", "Settings", "Summary"} <= names
