"""A door that stops takes what is tried out with it, and says nothing of it."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

import httpx
from tests.ingress.page.studio import HTML, TEXTS, Seen
from tests.ingress.page.trying import SARAH
from tests.ingress.served import served
from tests.projects import write_texts

KEY = "sk_ada"


def test_a_door_that_stops_ends_what_is_tried_out(tmp_path: Path) -> None:
    write_texts(tmp_path / "studio", TEXTS)
    digest = sha256(KEY.encode()).hexdigest()
    (tmp_path / "serve.yaml").write_text(f"{{notice_s: 0, keys: [{{name: ada, sha256: {digest}, scopes: [operate]}}]}}")
    options = ["--config", str(tmp_path / "serve.yaml"), "--record", "email"]

    async def begin(address: str) -> str:
        headers = {**HTML, "Origin": address}
        async with httpx.AsyncClient(base_url=address, headers=headers) as browser:
            await browser.post("/in", data={"key": KEY})
            token = Seen((await browser.get("/try")).text).fields["token"]
            begun = await browser.post("/try", data={"token": token, "source": "folder", "shorten": "5m", **SARAH})
            return (await browser.get(begun.headers["location"])).text

    with served(tmp_path / "studio", f"sqlite:///{tmp_path}/store", *options, folder=tmp_path) as door:
        page = asyncio.run(begin(door.address))

        assert "the project as it lies in the folder" in page
        assert door.stop() == 0
        assert [line for line in door.logged() if line["level"] not in ("info", "INFO")] == []
