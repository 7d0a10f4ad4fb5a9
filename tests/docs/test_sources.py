"""Does the page on sources say what is so? Its Python runs, its source passes the suite, and its YAML is checked."""

from __future__ import annotations

import re
import unittest
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.docs.blocks import blocks

from parcours.journey.project import Project
from parcours.journey.starter import write_starter
from parcours.sources.opening import sources_of
from parcours.sources.registry import source_models

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "sources.md"


@pytest.fixture(scope="module")
def namespace(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All that the page's Python defines, after it has run from top to bottom."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("sources"))
        patch.syspath_prepend(Path.cwd())
        write_starter("shop")
        for text in blocks(PAGE, "python"):
            if name := re.match(r"# (\w+\.py)\n", text):
                Path(name[1]).write_text(text)
        defined: dict[str, Any] = {"__name__": "sources"}
        exec(compile("\n".join(blocks(PAGE, "python")), PAGE.name, "exec"), defined)
    return defined


def test_the_source_of_the_page_passes_the_suite(namespace: dict[str, Any]) -> None:
    suite = namespace["TestTable"]()
    tests: list[Callable[[], None]] = [getattr(suite, name) for name in dir(suite) if name.startswith("test_")]
    skipped = 0

    for test in tests:
        with suppress(unittest.SkipTest):
            test()
            continue
        skipped += 1

    assert len(tests) > 15
    assert skipped == 2, "it is not installed and tells no times, and nothing else is left out"


@pytest.mark.parametrize("text", blocks(PAGE, "yaml"))
def test_the_yaml_of_the_page_is_right(text: str, tmp_path: Path) -> None:
    write_starter(tmp_path / "shop")
    (tmp_path / "shop" / "sources.yaml").write_text(text)

    assert [
        each for each in Project.check(tmp_path / "shop", sources=source_models()) if each.severity == "error"
    ] == []
    environ = dict.fromkeys(re.findall(r"env:(\w+)", text), "told")
    names = re.findall(r"^  (\w+):", text, re.MULTILINE)
    assert [each.name for each in sources_of(Project.load(tmp_path / "shop"), environ)] == names
