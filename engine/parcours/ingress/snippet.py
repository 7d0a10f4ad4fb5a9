"""The script of pages, which asks for offers, tells what became of them, and follows an inbox: /parcours.js."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request, Route

SCRIPT: Final = Path(__file__).with_name("parcours.js")

SCRIPT_BYTES_MAX: Final = 3 * 1024
"""Every visitor of every page loads it."""

KEPT_FOR_S: Final = 3_600
"""How long browsers keep it: after an hour a new version of the door has its own script in all pages."""

HEADERS: Final = {
    "Cache-Control": f"public, max-age={KEPT_FOR_S}",
    "Access-Control-Allow-Origin": "*",  # so that a page may ask for `integrity`; it says nothing of anybody
    "Cross-Origin-Resource-Policy": "cross-origin",
}


async def script(_door: Door, _request: Request) -> Answer:
    """The script, the same for everybody."""
    return Answer(body=_source(), media_type="text/javascript; charset=utf-8", headers=HEADERS)


@cache
def _source() -> bytes:
    return SCRIPT.read_bytes()


ROUTES: Final = (
    Route(
        method="GET",
        path="/parcours.js",
        handler=script,
        always=True,
        summary="The script by which pages ask for offers, tell what became of them, and show an inbox.",
    ),
)
