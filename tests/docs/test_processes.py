"""Does the page on processes say what is so? Its Python runs, and its application serves."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from parcours.journey.starter import write_starter

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "processes.md"


@pytest.fixture
def namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """All that the page's Python defines, after it has run from top to bottom."""
    monkeypatch.chdir(tmp_path)
    write_starter("shop")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL))
    defined: dict[str, Any] = {"__name__": "processes"}
    exec(compile(code, PAGE.name, "exec"), defined)
    return defined


def test_the_code_of_the_page_runs_and_its_application_serves(namespace: dict[str, Any]) -> None:
    app = namespace["app"]
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def serve() -> None:
        asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        started = asyncio.Event()

        async def tell(message: dict[str, Any]) -> None:
            await send(message)
            started.set()

        living = asyncio.ensure_future(app({"type": "lifespan"}, asked.get, tell))
        await asked.put({"type": "lifespan.startup"})
        await started.wait()
        await app({"type": "http", "path": "/paul"}, asked.get, send)
        await asked.put({"type": "lifespan.shutdown"})
        await living

    asyncio.run(serve())

    assert [each["type"] for each in sent] == [
        "lifespan.startup.complete",
        "http.response.start",
        "http.response.body",
        "lifespan.shutdown.complete",
    ]
    assert sent[1]["status"] == 200
