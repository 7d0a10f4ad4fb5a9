"""What is held of a person, as a command writes it: of a store that nobody uses, and of a door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.conftest import Ask
from tests.ingress.served import served

from parcours import Engine, Project, Settings
from parcours.examples import write_example

CART = {"cart": {"total": 80, "currency": "EUR", "items": 1}, "shipping": {"country": "FR"}}
CHANNELS = ("email", "sms", "push")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_example(tmp_path / "shop", "abandoned-cart")
    settings = tmp_path / "shop" / "parcours.yaml"
    settings.write_text(f"{settings.read_text()}\ninsight: {{events: all, inputs: true}}\n")
    return tmp_path / "shop"


@pytest.mark.parametrize("journal_bytes_max", [64 * 1024 * 1024, 1])
@pytest.mark.parametrize("export_every_ms", [60_000, 1])
def test_a_store_that_nobody_uses_gives_the_document_that_its_engine_gave(
    shop: Path, ask: Ask, tmp_path: Path, export_every_ms: int, journal_bytes_max: int
) -> None:
    store = f"sqlite:///{tmp_path}/store"
    settings = Settings(export_every_ms=export_every_ms, journal_bytes_max=journal_bytes_max)
    with Engine.open(
        Project.load(shop), store, runtime="local", records=CHANNELS, settings=settings, shards=2
    ) as engine:
        for person in ("sarah", "paul"):
            engine.identify(person, {"email": f"{person}@shop.example"}).result(30)
            engine.track(person, "Cart Left", CART).result(30)
        engine.drain(30)
        record = engine.record("sarah")
    assert record is not None

    written = ask("person", "export", "sarah", "--store", store, "--out", tmp_path / "sarah.json")
    shown = ask("person", "export", "sarah", "--store", store)

    assert written.exit_code == shown.exit_code == 0, written.output
    document = json.loads((tmp_path / "sarah.json").read_bytes())
    live = json.loads(b"".join(record.document()))
    assert json.loads(shown.stdout) == document
    assert held(document) == held(live) and len(document["lines"]) == 2
    assert "paul" not in shown.stdout


def held(document: dict[str, Any]) -> dict[str, Any]:
    """The document without what goes by how far the export is: rows of events, and what facts say there."""
    facts = [(fact["fact"], fact["at"]) for fact in document["facts"]]
    return {name: value for name, value in document.items() if name != "events"} | {"facts": facts}


def test_a_door_gives_it_too_and_whoever_is_not_known_is_told_so(
    shop: Path, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PARCOURS_KEY", raising=False)
    recording = [each for channel in CHANNELS for each in ("--record", channel)]
    store = f"sqlite:///{tmp_path}/store"
    with served(shop, store, *recording, folder=tmp_path) as door:
        call = {"type": "track", "anonymousId": "7f3a", "event": "Cart Left", "properties": CART}
        assert httpx.post(f"{door.address}/v1/batch", json={"batch": [call]}).json()["accepted"] == 1

        told = ask("person", "export", "@anonymous/7f3a", "--url", door.address)
        nobody = ask("person", "export", "nobody", "--url", door.address)
        door.stop()

    assert told.exit_code == 0 and json.loads(told.stdout)["person"] == "@anonymous/7f3a"
    assert nobody.exit_code == 1 and "Nothing is known of such a person." in nobody.stderr
    refused = ask("person", "export", "nobody", "--store", store)
    assert refused.exit_code == 1 and "Nothing is held of 'nobody'." in refused.stderr
