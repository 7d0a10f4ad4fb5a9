"""The shop whose pages the browser shows, at a door that lets only them in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.browser.site import Site
from tests.ingress.served import Served, served
from tests.ingress.shop import ROOM_BYTES, write_shop

PAGE_KEY: Final = "wk_page"
"""The key that stands in the pages, where everybody can read it."""

CARE_KEY: Final = "sk_care"
"""The key of those who may look at people."""

SERVER_KEY: Final = "wk_server"
"""The key of the shop's own server, which tells of events, too."""


@contextmanager
def shop(site: Site, folder: Path, store: str = "memory:", port: int = 0) -> Iterator[Served]:
    """A door for the pages of this site, which `crowded` can fill."""
    settings = folder / "serve.yaml"
    settings.write_text(f"""
body_bytes_max: {ROOM_BYTES}
notice_s: 0
keys:
  - {{name: page, sha256: {_hash(PAGE_KEY)}, scopes: [ingest], public: true, origins: ["{site.origin}"]}}
  - {{name: server, sha256: {_hash(SERVER_KEY)}, scopes: [ingest]}}
  - {{name: care, sha256: {_hash(CARE_KEY)}, scopes: [people, "operate:read"]}}
""")
    project = write_shop(folder / "shop")
    with served(project, store, "--config", str(settings), "--port", str(port), folder=folder) as door:
        yield door


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
