"""Are the house's own rules kept, those that no tool off the shelf knows?"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

import parcours.config

LINES_IN_A_FILE_MAX = 400
LINES_IN_A_FUNCTION_MAX = 70

ROOT_NAMES = {
    "engine", "channels", "plugins", "tests", "benchmarks",
    "pyproject.toml", "README.md", "LICENSE",
}  # fmt: skip

WALL_CLOCK = {
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.strftime", "time.ctime",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
}  # fmt: skip
GENERATED = {"__pycache__", "node_modules"}

STOPWATCH = {"time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns"}

# Where the engine may read the wall clock: one file, behind the Clock that everyone is handed.
WALL_CLOCK_SEAM = ("engine/parcours/clock.py",)
# Where it may take the time between two moments, which decides nothing about a person.
STOPWATCH_SEAMS = (
    "engine/parcours/clock.py",
    "engine/parcours/runtime/cluster/",
    "engine/parcours/demo/",
    "engine/parcours/testing/",
)

DECIDING_ROOMS = tuple(f"engine/parcours/{room}/" for room in ("core", "expression", "journey", "shard"))
CHANCE = ("random.", "secrets.", "uuid.uuid1", "uuid.uuid4", "os.urandom", "builtins.hash")

# Beside those that are called like the room of the engine whose tests they hold.
OTHER_TEST_FOLDERS = {
    "benchmarks",  # the tool that measures, and how much work an event makes
    "browser",  # what needs one: pages that speak to a door
    "channels",  # those that come along
    "corpus",  # what the outside has said to others, and what it means
    "cluster",  # what needs Ray: every runtime, room or promise
    "docs",
    "engine",
    "faults",  # the harness of parcours.testing.faults, and the engine under it
    "model",  # a second engine, as plain as can be, that has to agree with the first
    "package",  # the names and modules that lie beside the rooms
    "tidy",
}

# In two halves each, so that this file does not break its own rule.
FORBIDDEN_WORDS = re.compile(
    "|".join(
        [
            rf"\b(?:{'TO' + 'DO'}|{'FIX' + 'ME'}|{'XX' + 'X'})\b",
            rf"/(?:{'wo' + 'rk'}|{'fa' + 'rm'}|{'ro' + 'ot'})/",
            rf"{'pypi' + '.org'}|{'python' + 'hosted.org'}|{'registry.npm' + 'js'}|{'conda' + '.anaconda'}",
        ]
    )
)


def test_the_root_holds_the_agreed_names_only(repository: Path) -> None:
    visible = {entry.name for entry in repository.iterdir() if not entry.name.startswith(".")}

    assert visible == ROOT_NAMES


def test_nothing_is_kept_that_a_tool_makes(repository: Path) -> None:
    if not (repository / ".git").exists():
        pytest.skip("not a clone: there is no telling what is kept")
    listing = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]

    done = subprocess.run(listing, cwd=repository, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout == ""


def test_tests_lie_in_a_folder_that_is_called_like_their_room(repository: Path) -> None:
    rooms = {each.parent.name for each in (repository / "engine" / "parcours").glob("*/__init__.py")}

    folders = {each.parent.name for each in (repository / "tests").glob("*/test_*.py")}

    assert folders <= rooms | OTHER_TEST_FOLDERS


def test_no_source_file_is_too_long(repository: Path) -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in source_files(repository)}

    assert not {path for path, length in lengths.items() if length > LINES_IN_A_FILE_MAX}


def test_no_function_is_too_long(repository: Path) -> None:
    assert not [
        f"{path}:{function.lineno} {function.name} has {length} lines"
        for path in source_files(repository)
        for function, length in functions(parse(path))
        if length > LINES_IN_A_FUNCTION_MAX
    ]


def test_every_module_says_what_it_is_for(repository: Path) -> None:
    assert not [path for path in python_files(repository) if ast.get_docstring(parse(path)) is None]


def test_the_engine_reads_the_wall_clock_in_one_file(repository: Path) -> None:
    assert not readings(repository, WALL_CLOCK, allowed=WALL_CLOCK_SEAM)


def test_the_engine_takes_times_at_its_edges_only(repository: Path) -> None:
    assert not readings(repository, STOPWATCH, allowed=STOPWATCH_SEAMS)


def test_where_time_begins_is_written_down_once(repository: Path) -> None:
    written = [path for path in engine_files(repository) if "datetime(1970, 1, 1" in path.read_text()]

    assert [path.relative_to(repository).as_posix() for path in written] == ["engine/parcours/instants.py"]


def test_nothing_that_decides_leaves_anything_to_chance(repository: Path) -> None:
    assert not [
        f"{path}:{line} {name}"
        for path in engine_files(repository)
        if path.relative_to(repository).as_posix().startswith(DECIDING_ROOMS)
        for line, name in names_used(parse(path))
        if name.startswith(CHANCE)
    ]


def test_every_setting_is_described() -> None:
    models = [
        model
        for model in vars(parcours.config).values()
        if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__ == "parcours.config"
    ]

    assert models, "parcours.config holds the settings"
    assert not [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not field.description
    ]


def test_no_file_names_a_machine_a_registry_or_unfinished_work(repository: Path) -> None:
    assert not [
        f"{path}:{number} {found.group()}"
        for path in text_files(repository)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if (found := FORBIDDEN_WORDS.search(line))
    ]


@pytest.mark.parametrize(
    "source, name",
    [
        ("import time\ntime.time()", "time.time"),
        ("import time as t\nt.time_ns()", "time.time_ns"),
        ("from time import time\nread = time", "time.time"),  # handed on rather than called
        ("from datetime import datetime as d, UTC\nd.now(UTC)", "datetime.datetime.now"),
        ("import datetime\ndatetime.date.today()", "datetime.date.today"),
        ("from uuid import uuid4\nuuid4()", "uuid.uuid4"),
        ("import os\nos.urandom(8)", "os.urandom"),
        ("hash('x')", "builtins.hash"),
    ],
)
def test_a_use_is_found_under_whatever_name_it_was_imported(source: str, name: str) -> None:
    assert name in {found for _, found in names_used(ast.parse(source))}


def test_a_method_of_the_same_name_is_not_mistaken_for_a_use() -> None:
    source = "class Digest:\n    def hash(self) -> int:\n        return self.time.time"

    assert not {found for _, found in names_used(ast.parse(source))} & {"builtins.hash", "time.time"}


def source_files(repository: Path) -> Iterator[Path]:
    """The Python files that are shipped: the engine, the channels, the plugins without their tests."""
    yield from engine_files(repository)
    yield from sorted((repository / "channels").rglob("*.py"))
    plugins = (repository / "plugins").rglob("*.py")
    yield from sorted(path for path in plugins if "tests" not in path.parts)


def engine_files(repository: Path) -> list[Path]:
    found = sorted((repository / "engine").rglob("*.py"))
    assert found, "the engine lies in engine/"
    return found


def python_files(repository: Path) -> Iterator[Path]:
    for root in ("engine", "channels", "plugins", "tests", "benchmarks"):
        yield from sorted((repository / root).rglob("*.py"))


def text_files(repository: Path) -> Iterator[Path]:
    """Every file of the repository that is text, the hidden ones that belong to it included."""
    for name in sorted({*ROOT_NAMES, ".ci", ".github", ".gitignore"}):
        path = repository / name
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and not GENERATED.intersection(file.parts) and is_text(file):
                yield file


def is_text(path: Path) -> bool:
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return True


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node, node.end_lineno - node.lineno + 1


def readings(repository: Path, clock: set[str], allowed: tuple[str, ...]) -> list[str]:
    """Where the engine uses a name of `clock` outside the allowed files and folders."""
    return [
        f"{path}:{line} {name}"
        for path in engine_files(repository)
        if not path.relative_to(repository).as_posix().startswith(allowed)
        for line, name in names_used(parse(path))
        if name in clock
    ]


def names_used(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of each use of something imported or built in, by whatever alias."""
    aliases = {"hash": "builtins.hash", **dict(imported(tree))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and (name := dotted(node)):
            first, _, rest = name.partition(".")
            if first in aliases:
                yield node.lineno, f"{aliases[first]}.{rest}" if rest else aliases[first]


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What a name of this module stands for: ("d", "datetime.datetime")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def dotted(node: ast.expr) -> str | None:
    """`a.b.c` as text, None for anything that does not start with a plain name."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            start = dotted(value)
            return f"{start}.{attribute}" if start else None
        case _:
            return None
