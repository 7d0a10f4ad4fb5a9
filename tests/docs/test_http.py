"""Does the page on the door say what is answered? Its blocks run in their order, and their answers are compared."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tests.ingress.served import served

from parcours.ingress.settings import ServeSettings, load_settings
from parcours.journey.starter import write_starter

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "http.md"

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
