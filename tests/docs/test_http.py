"""Does the page on the door say what is answered? Its blocks run in their order, and their answers are compared."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests import installed
from tests.ingress.served import PATIENCE_S, served

from parcours.ingress.settings import ServeSettings, load_settings
from parcours.journey.starter import write_starter

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "http.md"
CONSTRAINTS = Path(__file__).parents[2] / ".ci" / "constraints.txt"

EXAMPLE = re.compile(r"^```bash\n(.*?)^```\n\n```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)

ADDRESS = "http://127.0.0.1:8080"


def test_each_example_is_answered_as_the_page_says(tmp_path: Path) -> None:
    page = PAGE.read_text()
    examples = EXAMPLE.findall(page)
    assert len(examples) == page.count("```bash") == page.count("```json") > 0
    write_starter(tmp_path / "shop")

    with served(tmp_path / "shop", "memory:", "--record", "email", folder=tmp_path) as door:
        for command, answer in examples:
            asked = command.replace(ADDRESS, door.address)
            done = subprocess.run(["bash", "-c", asked], capture_output=True, check=True, text=True)
            assert json.loads(done.stdout) == json.loads(answer), command


PROGRAM = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_each_program_of_the_page_sends_an_event(tmp_path: Path) -> None:
    page = PAGE.read_text()
    programs = PROGRAM.findall(page)
    assert len(programs) == page.count("```python") > 0
    write_starter(tmp_path / "shop")

    with served(tmp_path / "shop", "memory:", "--record", "email", folder=tmp_path) as door:
        for program in programs:
            command = [sys.executable, "-W", "error", "-c", program.replace(ADDRESS, door.address)]
            subprocess.run(command, check=True, timeout=PATIENCE_S)

        accepted = door.figure("parcours_events_total", outcome="accepted")
    assert accepted == len(programs)


CLIENT = re.compile(r"^\| (@?[\w/-]+) \| (\d+\.\d+\.\d+) \|", re.MULTILINE)


def test_the_clients_of_the_page_are_those_that_the_tests_send_with() -> None:
    packages = json.loads((installed.NODE / "package.json").read_text())["dependencies"]
    pinned = dict(line.split("==") for line in CONSTRAINTS.read_text().splitlines() if "==" in line)

    clients = CLIENT.findall(PAGE.read_text())

    assert set(packages) <= {name for name, _ in clients}
    assert clients == [(name, packages.get(name) or pinned[name]) for name, _ in clients]


SETTINGS = re.compile(r"^```yaml\n# serve\.yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_each_serve_yaml_of_the_page_is_one(tmp_path: Path) -> None:
    page = PAGE.read_text()
    written = SETTINGS.findall(page)
    assert len(written) == page.count("```yaml") > 0
    for text in written:
        path = tmp_path / "serve.yaml"
        path.write_text(text)
        load_settings(path, {"PARCOURS_SIGNING_KEY": "s" * 32})


def test_every_setting_of_the_door_stands_on_the_page() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE.read_text()))

    assert set(ServeSettings.model_fields) - named == set()
