"""People who are named, or found by a funnel, become members of a saved audience of a running engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.engine.test_campaigns import until
from tests.engine.test_kept_audiences import FIRST, LOST, changes, inside
from tests.simulation.test_kept_audiences import shop

from parcours import Engine, Settings
from parcours.campaigns.live_people import LivePeople
from parcours.campaigns.run_place import kept_runs
from parcours.errors import CallerError
from parcours.insight.windows import Window

FUNNELS = {"funnels": {"buying": {"steps": ["Seen", "Bought"]}}}


def opened(folder: Path, shards: int = 2, store: str = "", settings: Settings | None = None) -> Engine:
    return Engine.open(
        shop(folder / "shop", FUNNELS),
        store or f"sqlite:///{folder / 'store'}",
        runtime="local",
        shards=shards,
        records=["email", "sms"],
        settings=settings,
    )


def test_a_funnel_that_takes_too_long_to_ask_is_told(tmp_path: Path) -> None:
    with opened(tmp_path, settings=Settings(analysis_timeout_s=1e-6)) as engine:
        with pytest.raises(CallerError, match="longer to find than analysis_timeout_s, 1e-06 s"):
            engine.save_funnel("almost", "buying", "lost:1")
        assert inside(engine) == []


@pytest.mark.parametrize("shards", [1, 2, 8])
def test_the_people_of_a_funnel_enter_at_one_instant(tmp_path: Path, shards: int) -> None:
    with opened(tmp_path, shards) as engine:
        engine.ingest(FIRST).result()

        saved = engine.save_funnel("almost", "buying", "lost:1", by="ada")

        assert (saved.audience, saved.people, saved.unknown) == ("almost", len(LOST), 0)
        until(lambda: len(changes(engine)) == len(LOST))
        assert changes(engine) == sorted((who, "entered", saved.at) for who in LOST)
        (journey,) = {each.journey for each in engine.explain("u1").journeys}
        assert journey == "greeting"
        sets = [(each.campaign, each.step, each.why) for each in engine.explain("u1").sets]
        assert sets == [("named.almost", "people", "among those who were named"), ("named.almost", "save", "")]
        assert [each.by for each in kept_runs(tmp_path / "store" / "campaigns" / "named.almost")] == ["ada"]

        words = engine.save_funnel("almost", 'Seen > "Bought"', "reached:2", options={"within": "1h"})
        assert words.people == 4
        nobody = engine.save_funnel("almost", "buying", "lost:1", window=Window(to_ms=1))
        assert nobody.people == 0
        until(lambda: inside(engine) == [])
        assert engine.save_funnel("almost", "buying", "lost:1", window=Window(live=True)).people == len(LOST)
        with pytest.raises(CallerError, match="without --from and --to"):
            Window(1, live=True)
        assert engine.troubles() == []


def test_whoever_is_named_takes_the_place_of_others_or_comes_in_besides(tmp_path: Path) -> None:
    with opened(tmp_path, store="memory:") as engine:
        engine.ingest(FIRST).result()

        assert engine.save_people("almost", ["u1", "u2", "nobody", "u1"]).unknown == 1
        assert engine.save_people("almost", ["u3"], "append").people == 1
        until(lambda: inside(engine) == ["u1", "u2", "u3"])
        engine.save_people("almost", [])
        until(lambda: inside(engine) == [])
        assert len(engine.explain("u3").journeys) == 1


@pytest.mark.parametrize(
    "asked, said",
    [
        ({"audience": "almst", "people": ["u1"]}, "add 'almst: {saved: true}' to audiences.yaml"),
        ({"audience": "almost", "people": ["u1"], "mode": "remove"}, "replace or append is expected"),
        ({"audience": "almost", "people": [str(each) for each in range(5_001)]}, "5,000 can be named in one call"),
        ({"audience": "almost", "people": [None]}, "a person's id is a text or a whole number"),
        ({"audience": "almost", "funnel": "byuing", "who": "lost:1"}, "did you mean 'buying'"),
        ({"audience": "almost", "funnel": "buying", "who": "lost:2"}, "behind the last one nobody is lost"),
        ({"audience": "almost", "funnel": "buying", "who": "group:a"}, "the funnel has no groups"),
        ({"audience": "almost", "funnel": "buying", "who": "lost:1", "options": {"width": 1}}, "width"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, asked: dict[str, Any], said: str) -> None:
    with opened(tmp_path) as engine:
        call: Callable[..., object] = engine.save_people if "people" in asked else engine.save_funnel
        with pytest.raises(CallerError) as refused:
            call(**asked)
    assert said in str(refused.value)


def test_a_store_in_memory_has_no_facts_to_ask(tmp_path: Path) -> None:
    with opened(tmp_path, store="memory:") as engine, pytest.raises(CallerError, match="the store lies in memory"):
        engine.save_funnel("almost", "buying", "lost:1")


def test_what_an_engine_has_begun_another_one_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, opened(tmp_path) as engine:
        engine.ingest(FIRST).result()

        async def fails(*_arguments: object, **_named: object) -> int:
            raise OSError("no disk")

        patched.setattr(LivePeople, "save", fails)
        waiting = engine.submit(engine._facade.save_people("almost", ["u1"]))
        until(lambda: any("no disk" in each for each in engine.troubles()))
    assert waiting.exception() is not None, "it has not been saved when the engine is closed"

    with opened(tmp_path) as engine:
        until(lambda: inside(engine) == ["u1"])
        assert engine.troubles() == []
