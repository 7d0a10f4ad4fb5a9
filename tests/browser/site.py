"""A site on a free port: an empty page, and the scripts that pages load, as they lie in a folder."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

EMPTY_PAGE = b"<!doctype html><title>Shop</title>"


class Site(NamedTuple):
    """
    origin  as browsers name it
    """

    origin: str


class _Handler(SimpleHTTPRequestHandler):
    """Files of its folder, and the empty page at the root."""

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(EMPTY_PAGE)))
        self.end_headers()
        self.wfile.write(EMPTY_PAGE)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name in the base
        """Nobody reads that."""


@contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """The site, until the end of the `with`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield Site(f"http://127.0.0.1:{server.server_address[1]}")
        finally:
            server.shutdown()
            thread.join()
