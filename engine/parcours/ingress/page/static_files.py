"""What screens load: the style sheet, which is that of reports and pictures and some rules more, the script, an icon.

The address of a file has the hash of its content, so browsers may keep it for as long as they like.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route
from parcours.insight.page.sheet import page_sheet

FOLDER: Final = Path(__file__).with_name("static")

TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

KEPT_FOR_S: Final = 365 * 24 * 3_600

HEADERS: Final = {"Cache-Control": f"public, max-age={KEPT_FOR_S}, immutable"}


@cache
def _files() -> Mapping[str, bytes]:
    """The files by the names under which they are asked for."""
    contents = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}
    contents["page.css"] = page_sheet().encode() + contents["page.css"]
    return {_named(name, content): content for name, content in contents.items()}


def _named(name: str, content: bytes) -> str:
    stem, _, kind = name.partition(".")
    return f"{stem}-{sha256(content).hexdigest()[:16]}.{kind}"


@cache
def static_path(name: str) -> str:
    """Where the file of this name is, below the door's root."""
    stem, _, kind = name.partition(".")
    (found,) = [each for each in _files() if each.startswith(f"{stem}-") and each.endswith(f".{kind}")]
    return f"/page/{found}"


async def static_file(_door: Door, request: Request) -> Answer:
    """A file, at the address that belongs to its content."""
    content = _files().get(name := request.params["name"])
    if content is None:
        raise Problem(404, "unknown", "there is no such file")
    return Answer(body=content, media_type=TYPES[Path(name).suffix], headers=HEADERS)


ROUTES: Final = (
    Route(method="GET", path="/page/{name}", handler=static_file, always=True, summary="What the page loads."),
)
