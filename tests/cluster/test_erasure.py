"""Somebody is erased from an engine on Ray: her shard is in another process, whose store has nothing of her then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.canaries import PERSON, SETTINGS, done, found

from parcours.journey.project import Project
from parcours.service.engine import Engine

pytestmark = pytest.mark.ray


def test_no_byte_of_her_is_left_and_others_live_on(tmp_path: Path, new_shop: Callable[..., Project]) -> None:
    folder = tmp_path / "store"
    with Engine.open(
        new_shop(), f"sqlite:///{folder}", shards=1, runtime="ray", records=["email"], settings=SETTINGS
    ) as engine:
        for person, words in ((PERSON, "canary"), ("u1", "other")):
            engine.identify(person, {"email": f"{words}-mail@mail.example"}).result()
            engine.track(person, "Started", {"cart": f"{words}-property"}, message_id=f"{words}-message").result()
        engine.drain(30)
        assert found(folder)

        job = engine.erase(PERSON, by="ada")

        assert engine.profile(PERSON) is None and engine.facts(PERSON) == []
        done(engine, folder, job)
        assert found(folder) == set()
        assert engine.profile("u1") and engine.facts("u1")
