"""One headless Chromium for all tests of this folder, a fresh page of it for each, and a site whose pages it shows.

The browser is Debian's, started here and ended by its process id. A test is connected to it by Playwright for no longer
than it runs: as long as it is, an event loop runs in the thread, and `asyncio.run` would be refused to everybody else.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from tests import installed
from tests.browser.site import Site, serving
from tests.insight.page.unfriendly import write_unfriendly
from typer.testing import CliRunner

from parcours.cli import build

if TYPE_CHECKING:  # it takes half a second, and is collected with everything else
    from playwright.sync_api import Page

PATIENCE_S: Final = 30

ENDS_WITH_ITS_PARENT: Final = ("setpriv", "--pdeathsig", "KILL")
"""Tests that are killed end no browser."""

OPTIONS: Final = (
    "--headless=new",
    "--no-sandbox",  # as which it does not run for root
    "--disable-breakpad",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--remote-debugging-port=0",
)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running browser, by the address at which it is remotely controlled."""
    command = installed.chromium()
    home = tmp_path_factory.mktemp("chromium")
    places = ("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [*ENDS_WITH_ITS_PARENT, command, *OPTIONS, f"--user-data-dir={home}", "about:blank"],
            stdout=log,
            stderr=log,
            env={**os.environ, **dict.fromkeys(places, str(home))},
            start_new_session=True,
        )
    try:
        yield _address(process, home)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it has started and left behind: they are a group of their own


def _address(process: subprocess.Popen[bytes], home: Path) -> str:
    """Where it listens, once it does: it writes that into a file."""
    written = home / "DevToolsActivePort"
    deadline = time.monotonic() + PATIENCE_S
    while not (written.exists() and len(told := written.read_text().splitlines()) == 2):
        assert process.poll() is None, f"the browser has ended: {(home / 'log').read_text()}"
        assert time.monotonic() < deadline, f"the browser did not start: {(home / 'log').read_text()}"
        time.sleep(0.02)
    port, path = told
    return f"ws://127.0.0.1:{port}{path}"


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    """An empty page that shares nothing with those of other tests. What nobody catches in it fails its test."""
    from playwright.sync_api import sync_playwright

    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(chromium)
        context = browser.new_context()
        context.on("weberror", lambda error: errors.append(str(error.error)))
        yield context.new_page()
        context.close()
        browser.close()  # only the connection: its process goes on
    assert errors == []


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """A site of its own origin, with what npm has installed."""
    with serving(installed.npm_packages()) as site:
        yield site


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of facts whose every text tries to be more than that."""
    folder = tmp_path_factory.mktemp("page")
    project, events = write_unfriendly(folder)
    out, page = folder / "out", folder / "report.html"
    for arguments in (
        ["simulate", project, "--events", events, "--out", out, "--facts"],
        ["report", out, "--format", "html", "--out", page],
    ):
        done = CliRunner().invoke(build(), [*map(str, arguments)])
        assert done.exit_code == 0, done.output
    return page


@pytest.fixture
def asked(page: Page) -> list[str]:
    """What the page asks for, and what the browser says of it, from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: asked.append(message.text))
    return asked
