"""People become members of a saved audience by a call at the door, and by the command that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.engine.test_kept_audiences import FIRST, LOST
from tests.engine.test_saved_people import FUNNELS
from tests.ingress.served import served, until
from tests.ingress.test_campaigns import TIME
from tests.ingress.test_looks import at_the_door
from tests.ingress.test_operate import Shop
from tests.simulation.test_kept_audiences import keeping
from tests.simulation.test_kept_audiences import shop as project_in
from typer.testing import CliRunner

from parcours.cli import build
from parcours.insight.warehouse import opening

PATH = "/audiences/best/members"


def test_whoever_is_named_is_in_it_when_it_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parcours.shard.host.ROUNDS_BETWEEN", 20_000)  # a shard that has much else to do first

    async def visit(shop: Shop) -> None:
        saved = await shop.post(PATH, {"people": ["u1", "u2", "u9"]})

        assert saved.status_code == 200, saved.text
        told = saved.json()
        assert TIME.fullmatch(told.pop("at"))
        assert told == {"name": "best", "people": 2, "unknown": 1}
        assert (await shop.post(PATH, {"people": ["u3"], "mode": "append"})).status_code == 200
        shown = (await shop.get("/audiences/best", by="care")).json()
        assert (shown["size"], [each["person"] for each in shown["sample"]]) == (3, ["u1", "u2", "u3"])
        assert (await shop.post(PATH, {"people": []})).json()["people"] == 0
        assert (await shop.get("/audiences/best")).json()["size"] == 0

    at_the_door(tmp_path, visit)


@pytest.mark.parametrize(
    ("by", "path", "body", "status", "said"),
    [
        ("eve", PATH, {"people": []}, 403, "operate"),
        ("nobody", PATH, {"people": []}, 401, ""),
        ("ada", "/audiences/bset/members", {"people": []}, 409, "add 'bset: {saved: true}' to audiences.yaml"),
        ("ada", "/audiences/high/members", {"people": []}, 409, "'high' is an audience by a condition"),
        ("ada", PATH, {}, 400, "one of `people` and `funnel`"),
        ("ada", PATH, {"people": [], "funnel": {"words": "Seen", "who": "reached:1"}}, 400, "one of `people` and"),
        ("ada", PATH, {"people": ["u1"], "mode": "remove"}, 400, "mode"),
        ("ada", PATH, {"people": [str(each) for each in range(5_001)]}, 400, "5000"),
        ("ada", PATH, {"funnel": {"words": "Sene > Bought", "who": "lost:1"}}, 409, "did you mean 'Seen'"),
        ("ada", PATH, {"funnel": {"words": "Seen > Bought", "who": "lost:1"}}, 409, "the store lies in memory"),
    ],
)
def test_what_is_wrong_is_refused(
    tmp_path: Path, by: str, path: str, body: Mapping[str, Any], status: int, said: str
) -> None:
    async def visit(shop: Shop) -> None:
        refused = await shop.post(path, body, by=by)

        assert refused.status_code == status, refused.text
        assert said in refused.json()["message"]

    at_the_door(tmp_path, visit)


def test_without_the_libraries_for_facts_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def visit(shop: Shop) -> None:
        monkeypatch.setattr(opening, "LIBRARIES", ("no_such_library",))
        refused = await shop.post(PATH, {"funnel": {"words": "Seen > Bought", "who": "lost:1"}})

        assert refused.status_code == 409, refused.text
        assert "parcours[insight]" in refused.json()["message"]

    at_the_door(tmp_path, visit)


def test_the_command_has_the_engine_ask_its_own_facts(tmp_path: Path) -> None:
    project_in(tmp_path / "shop", FUNNELS, parcours={"project": "shop"})
    with served(
        tmp_path / "shop", f"sqlite:///{tmp_path}/store", "--record", "email", "--record", "sms", folder=tmp_path
    ) as door:
        assert httpx.post(f"{door.address}/v1/batch", json={"batch": FIRST}).status_code == 200

        def asked(*arguments: str) -> tuple[int, str]:
            done = CliRunner().invoke(build(), ["funnel", *arguments, "--url", door.address])
            return done.exit_code, " ".join(done.stderr.split())

        saving = ("--save-audience", "almost", "--who")
        code, told = asked("buying", *saving, "lost:1")
        assert (code, told.partition(",")[0]) == (0, f"{len(LOST)} people are saved as the audience 'almost'")
        assert asked("Seen > Bought", "--within", "1h", "--live", *saving, "reached:2", "--append")[0] == 0
        assert httpx.get(f"{door.address}/audiences/almost").json()["size"] == len(FIRST[:12])

        code, told = asked("buying", "--save-audience", "almst", "--who", "lost:1")
        assert code == 1 and "add 'almst: {saved: true}' to audiences.yaml" in told
        code, told = asked("buying", *saving, "lost:1", "--project", str(tmp_path / "shop"))
        assert code == 2 and "it is asked of the engine" in told


def test_an_audience_that_is_kept_is_looked_at_and_made_but_not_paused(tmp_path: Path) -> None:
    project_in(tmp_path / "shop", keeping(rule="FREQ=YEARLY"), parcours={"project": "shop"})
    with served(
        tmp_path / "shop", f"sqlite:///{tmp_path}/store", "--record", "email", "--record", "sms", folder=tmp_path
    ) as door:
        assert httpx.post(f"{door.address}/v1/batch", json={"batch": FIRST}).status_code == 200
        path = f"{door.address}/campaigns/kept.almost"

        looked = httpx.get(path).json()
        assert (looked["name"], looked["state"], looked["version"], looked["kept"]) == ("kept.almost", "open", 1, [])
        assert httpx.post(f"{path}/run").json() == {"name": "kept.almost", "run": 1}
        until(lambda: [each["state"] for each in httpx.get(path).json()["kept"]] == ["done"], "the run")
        assert httpx.get(f"{path}/runs/1").json()["steps"]["save"]["outputs"] == {"main": len(LOST)}
        assert [each["name"] for each in httpx.get(f"{door.address}/campaigns").json()["campaigns"]] == ["kept.almost"]
        for verb in ("pause", "resume", "close", "stop"):
            refused = httpx.post(f"{path}/{verb}", json={})
            assert refused.status_code == 400, refused.text
            assert "kept up to date" in refused.json()["message"]
