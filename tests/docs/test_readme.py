"""Does the README say what is so? Its Python runs, its documents are valid, its commands and paths exist."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.docs.blocks import blocks

from parcours.cli import build
from parcours.journey.model.document import JourneyDocument
from parcours.journey.starter import write_starter

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
    "benchmarks/README.md",
    "channels/README.md",
    "engine/ARCHITECTURE.md",
    "engine/CHANGELOG.md",
    "engine/docs/campaigns.md",
    "engine/docs/decisions.md",
    "engine/docs/destinations.md",
    "engine/docs/http.md",
    "engine/docs/identity.md",
    "engine/docs/insight.md",
    "engine/docs/language.md",
    "engine/docs/operating.md",
    "engine/docs/places.md",
    "engine/docs/processes.md",
    "engine/docs/sources.md",
    "engine/parcours/examples/README.md",
    "engine/parcours/testing/README.md",
    "plugins/parcours-webhook/README.md",
]


README = (ROOT / "README.md").read_text()


def test_the_python_of_the_readme_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_starter("shop")
    code = "\n".join(blocks(ROOT / "README.md", "python"))
    assert "assert" in code

    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_the_journey_of_the_readme_is_a_journey() -> None:
    (text,) = blocks(ROOT / "README.md", "yaml")

    journey = JourneyDocument.model_validate(YAML(typ="safe", pure=True).load(text))

    assert [step.id for step in journey.steps] == ["bought", "remind", "done"]


def test_the_commands_of_the_readme_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = [
        line.removeprefix("$ ") for block in blocks(ROOT / "README.md", "console") for line in block.splitlines()
    ]
    assert len(commands) >= 4

    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "parcours"
        with pytest.raises(SystemExit) as ended:
            build()(arguments)
        assert ended.value.code in (0, None), f"{command}: {capsys.readouterr().err}"
    assert (tmp_path / "result" / "summary.json").exists()


def test_the_campaign_of_the_readme_comes_to_these_figures(capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = blocks(ROOT / "README.md", "console demo")
    with pytest.raises(SystemExit) as ended:
        build()([*shlex.split(command.removeprefix("$ parcours ")), "--json"])
    assert ended.value.code in (0, None)
    printed = capsys.readouterr().out
    told = json.loads(printed.splitlines()[-1])
    sets = {name: step["outputs"] for name, step in told["campaigns"]["wishlist"]["steps"].items()}

    (told_in_words,) = re.findall(r"^`parcours demo campaign` shows(.*?)\n\n", README, re.MULTILINE | re.DOTALL)

    assert [int(number) for number in re.findall(r"\b\d+\b", told_in_words)] == [
        sets["visitors"]["main"],
        sets["unique"]["main"],
        sets["at-risk"]["main"],
        sets["mail"]["main"],
        told["channels"]["email"]["sent"],
        told["mails_received"],
        told["channels"]["sms"]["sent"],
        told["channels"]["push"]["sent"],
    ]
    assert f'-->|"{sets["visitors"]["main"]}"|' in printed


def test_the_project_test_of_the_readme_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (case,) = blocks(ROOT / "README.md", "yaml test")
    write_starter("shop")
    Path("shop/tests").mkdir(exist_ok=True)
    Path("shop/tests/cart.yaml").write_text(case)

    with pytest.raises(SystemExit) as ended:
        build()(["test", "shop"])

    assert ended.value.code in (0, None), capsys.readouterr().out


def test_the_readme_s_journey_that_asks_another_system_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_starter("shop")
    Path("shop/tests").mkdir(exist_ok=True)
    for kind, path in (("actions", "actions"), ("asking", "journeys/regulars"), ("asking test", "tests/regulars")):
        (text,) = blocks(ROOT / "README.md", f"yaml {kind}")
        Path(f"shop/{path}.yaml").write_text(text)

    for command in ("check", "test"):
        with pytest.raises(SystemExit) as ended:
            build()([command, "shop"])
        assert ended.value.code in (0, None), capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    links = re.findall(r"\]\(([^)#]+)\)", text)

    dead = [link for link in links if "://" not in link and not (ROOT / page).parent.joinpath(link).exists()]

    assert dead == []


@pytest.mark.parametrize(
    "page, places",
    [
        (".github/CONTRIBUTING.md", [ROOT]),
        ("engine/ARCHITECTURE.md", [ROOT, ROOT / "engine/parcours"]),  # by the room, as a reader of it thinks
    ],
)
def test_the_files_that_a_page_names_are_there(page: str, places: list[Path]) -> None:
    paths = re.findall(r"`([\w.-]+/[\w./-]*)`", (ROOT / page).read_text())

    assert len(paths) > 5
    assert [path for path in paths if not any((place / path).exists() for place in places)] == []


def test_the_architecture_names_every_room() -> None:
    text = (ROOT / "engine/ARCHITECTURE.md").read_text()
    package = ROOT / "engine/parcours"
    rooms = {path.name for path in package.iterdir() if path.is_dir() and (path / "__init__.py").exists()}

    assert {room for room in rooms if f"`{room}`" not in text and f"`{room}/`" not in text} == set()


def test_the_tests_that_the_architecture_names_for_crashes_are_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "engine/ARCHITECTURE.md").read_text()))

    written = set(
        re.findall(r"^def (test_\w+)", (ROOT / "tests/shard/test_moving_crashes.py").read_text(), re.MULTILINE)
    )

    assert len(named) >= 9
    assert named <= written


def test_no_page_shouts_a_path_of_some_machine() -> None:
    for page in PAGES:
        assert os.sep + "tmp" + os.sep not in (ROOT / page).read_text()
