"""What tests need that no Python package brings along: .ci/packages installs it, and a test names what it lacks."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Final, NoReturn

import pytest

NODE: Final = Path(__file__).with_name("ingress") / "node"
"""Where the clients lie that are written for Node and for browsers, named by its package.json."""


def node() -> str:
    """The path of Node."""
    return _command("node")


def chromium() -> str:
    """The path of the browser."""
    return _command("chromium")


def npm_packages() -> Path:
    """The folder with the packages of package.json, each as its maker ships it."""
    packages = NODE / "node_modules"
    wanted = json.loads((NODE / "package.json").read_text())
    for name, version in (wanted["dependencies"] | wanted["devDependencies"]).items():
        described = packages / name / "package.json"
        if not described.exists() or json.loads(described.read_text())["version"] != version:
            _miss(f"{name} {version}")
    return packages


def _command(name: str) -> str:
    return shutil.which(name) or _miss(name)


def _miss(what: str) -> NoReturn:
    told = f"{what} is not installed: .ci/packages does it"
    if os.environ.get("PARCOURS_NO_SKIPS"):
        pytest.fail(told)
    pytest.skip(told)
