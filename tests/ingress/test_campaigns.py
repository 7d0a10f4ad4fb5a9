"""Campaigns behind the door: they are begun, looked at and changed over the real application and a real engine."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import httpx
from tests.ingress.test_operate import KEYS, Shop
from tests.simulation.campaign_shop import campaign, project_in

from parcours import Service, Settings
from parcours.ingress.application import Application, door_of
from parcours.ingress.keys import Keyring
from parcours.ingress.settings import ServeSettings

Step: TypeAlias = dict[str, Any]
Document: TypeAlias = Mapping[str, Any]

PATIENCE_S = 60

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

SOON = Settings(campaign_lead_ms=20)

EVERYBODY: Step = {"id": "all", "read": {"where": "has(profile.score)"}}
LATER: Step = {"id": "later", "wait": "1h"}
MAIL: Step = {"id": "mail", "send": "news", "channels": ["email"]}

GREETING = {
    "journey": "hello",
    "entry": {"event": "Seen"},
    "steps": [{"id": "greet", "send": "news", "channels": ["email"]}],
}


def by_hand(*steps: Step, **more: Any) -> dict[str, Any]:
    """The campaign `push`, which no schedule begins."""
    document = campaign(*steps, **more)
    del document["schedule"]
    return document


def at_the_door(
    folder: Path,
    visit: Callable[[Shop], Awaitable[None]],
    *campaigns: Mapping[str, Any],
    **documents: Mapping[str, Any],
) -> None:
    async def scenario() -> None:
        project = project_in(folder / "shop", *campaigns, journeys_hello=GREETING, **documents)
        records = ["email", "sms"]
        async with Service.open(
            project, "memory:", shards=2, runtime="local", records=records, settings=SOON
        ) as service:
            door = door_of(service, ServeSettings())
            door.keys = Keyring(KEYS)
            transport = httpx.ASGITransport(Application(door))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                await visit(Shop(folder / "shop", service, client))

    asyncio.run(scenario())


async def come(shop: Shop, people: int) -> None:
    """So many people, whose scores are their numbers; two share each address."""
    for number in range(people):
        await shop.service.identify(f"u{number}", {"email": f"m{number // 2}@shop.example", "score": number})
    await shop.service.drain(PATIENCE_S)


async def until(found: Callable[[], Awaitable[Any]], what: str) -> Any:
    """What is found, once there is something."""
    end = asyncio.get_running_loop().time() + PATIENCE_S
    while not (there := await found()):
        assert asyncio.get_running_loop().time() < end, f"it has taken too long until {what}"
        await asyncio.sleep(0.02)
    return there


async def taken(shop: Shop, people: int) -> bool:
    """Whether the run has taken so many people along, and that is committed."""
    dry = (await shop.post("/campaigns/push/pause", {"dry": True})).json()
    return bool(dry["runs"]["stay"] == people)


async def over(shop: Shop, number: int = 1) -> dict[str, Any]:
    """The run, once it is not under way any more."""

    async def run() -> dict[str, Any] | None:
        told: dict[str, Any] = (await shop.get(f"/campaigns/push/runs/{number}")).json()
        return None if told["state"] == "under_way" else told

    done: dict[str, Any] = await until(run, "the run is over")
    return done


def test_a_run_is_begun_by_hand_and_told_step_by_step(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await come(shop, 5)
        before = (await shop.get("/campaigns")).json()

        begun = await shop.post("/campaigns/push/run")
        assert (begun.status_code, begun.json()) == (202, {"name": "push", "run": 1})
        run = await over(shop)
        await shop.service.drain(PATIENCE_S)

        listed, looked = (await shop.get("/campaigns")).json(), (await shop.get("/campaigns/push")).json()
        shown = {"name": "push", "state": "open", "version": 1, "runs": 0, "under_way": [], "goal": 0, "next": None}
        assert before == {"ledger": 1, "campaigns": [shown]}
        assert listed == {"ledger": 1, "campaigns": [{**shown, "runs": 1}]}
        assert {name: looked[name] for name in shown} == {**shown, "runs": 1}
        (kept,) = looked["kept"]
        assert {name: run[name] for name in kept} == kept
        assert (run["name"], run["run"], run["version"], run["state"], run["by"]) == ("push", 1, 1, "done", "ada")
        assert TIME.fullmatch(run["began"]) and TIME.fullmatch(run["ended"]) and run["began"] < run["ended"]
        assert list(run["steps"]) == ["all", "some", "mail"]
        assert run["steps"]["some"] == {
            "at": run["steps"]["all"]["at"], "begins": None, "inflow": 5,
            "outputs": {"main": 3, "rest": 2}, "dropped": {}, "why": "",
        }  # fmt: skip
        mail = run["steps"]["mail"]
        assert mail["at"] == run["steps"]["all"]["at"] < mail["begins"] <= run["ended"]
        assert looked["steps"]["mail"] == {"inflow": 3, "outputs": {"main": 3, "refused": 0}, "dropped": {}}
        assert looked["not_begun"] == [] and looked["ledger"] == 1
        for path in ("/campaigns/pusch", "/campaigns/push/runs/2", "/campaigns/push/runs/one"):
            assert (await shop.get(path)).status_code == 404

    at_the_door(tmp_path, visit, by_hand(EVERYBODY, {"id": "some", "filter": "profile.score > 1"}, MAIL))


def adds_up(step: Mapping[str, Any], beside: str = "refused") -> bool:
    """Whether what a step took is in its outputs, or dropped."""
    counted = sum(size for output, size in step["outputs"].items() if output != beside)
    return bool(step["inflow"] == counted + sum(step["dropped"].values()))


def test_each_step_of_a_run_adds_up(tmp_path: Path) -> None:
    steps: list[Step] = [
        EVERYBODY,
        {"id": "unique", "dedupe": {"by": ["profile.email"], "order": [{"by": "profile.score", "highest": True}]}},
        {"id": "value", "split": [{"name": "low", "when": "profile.score < 6"}, {"name": "high", "otherwise": True}]},
        {"id": "both", "union": ["value.high", "unique"]},
        {"id": "mail", "send": "news", "channels": ["email"]},
        {"id": "opened", "reacted": {"of": "mail", "reaction": "opened", "within": "2s"}},
        {"id": "text", "from": "opened.rest", "send": "news", "channels": ["sms"]},
    ]

    async def visit(shop: Shop) -> None:
        await come(shop, 12)
        await shop.service.consent("u3", "email", granted=False)
        await shop.post("/campaigns/push/run")

        async def mailed() -> bool:
            (run,) = (await shop.service.campaign("push")).runs
            return "refused" in run.steps["mail"].outputs if "mail" in run.steps else False

        await until(mailed, "the mails have left")
        await shop.service.react("u5", "opened", of="push.mail")
        await shop.service.track("u7", "Bought")
        run = await over(shop)

        told = run["steps"]
        assert list(told) == [step["id"] for step in steps]
        assert {name for name, step in told.items() if not adds_up(step)} == set()
        assert told["unique"]["outputs"] == {"main": 6, "rest": 6}
        assert told["value"]["outputs"] == {"low": 3, "high": 3, "rest": 0}
        assert (told["both"]["inflow"], told["both"]["dropped"]) == (9, {"double": 3})
        assert told["mail"]["outputs"] == {"main": 6, "refused": 1}
        assert (told["opened"]["outputs"], told["opened"]["dropped"]) == ({"main": 1, "rest": 4}, {"exited": 1})
        assert told["text"]["outputs"] == {"main": 4, "refused": 4}, "nobody has a phone"
        counted = (await shop.get("/report")).json()["summary"]["campaigns"]["push"]
        assert counted["steps"] == {
            name: {key: step[key] for key in ("inflow", "outputs", "dropped")} for name, step in told.items()
        }

    at_the_door(tmp_path, visit, by_hand(*steps, exit=[{"event": "Bought"}]))


def test_why_a_run_has_failed_or_a_step_did_nothing_is_told_without_what_files_hold(tmp_path: Path) -> None:
    size: Step = {"id": "size", "test": [{"name": "many", "when": "size() > 100"}, {"otherwise": "few"}]}
    wishes: Step = {"id": "wishes", "from": "size.few", "enrich": {"wish": {"table": "wishes", "take": "first"}}}
    columns = {"mail": "string", "price": "decimal(2)"}
    tables = {"wishes": {"file": "wishes.csv", "person": "row.mail", "match": "email", "columns": columns}}
    (tmp_path / "shop").mkdir()
    file = tmp_path / "shop" / "wishes.csv"
    file.write_text("mail,price\nm0@shop.example,1.00\nm0@shop.example,2.00\n")

    async def visit(shop: Shop) -> None:
        await come(shop, 2)
        await shop.post("/campaigns/push/run")
        run = await over(shop)
        file.unlink()
        await shop.post("/campaigns/push/run")
        second = await over(shop, 2)
        seen = (await shop.get("/campaigns/push/runs/1", by="care")).json()

        assert run["state"] == second["state"] == "failed"
        assert run["steps"]["mail"]["why"] == "it took only sets that were skipped, and did nothing"
        assert (run["steps"]["mail"]["inflow"], run["steps"]["mail"]["outputs"]) == (0, {})
        assert run["steps"]["wishes"]["why"] == "table 'wishes'"
        assert "line 2, and" in seen["steps"]["wishes"]["why"], "who may see people sees all of it"
        assert second["steps"]["wishes"]["why"] == "table 'wishes': there is no file"
        counted = (await shop.get("/campaigns/push")).json()
        assert counted["runs"] == 2 and counted["steps"]["mail"] == {"inflow": 0, "outputs": {}, "dropped": {}}
        assert [each["state"] for each in counted["kept"]] == ["failed", "failed"]

    steps = [EVERYBODY, size, {**MAIL, "from": "size.many"}, wishes]
    at_the_door(tmp_path, visit, by_hand(*steps), tables={"tables": tables})


def test_what_changes_nothing_needs_less_than_what_does(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        for verb in ("run", "pause", "resume", "close", "stop"):
            path = f"/campaigns/push/{verb}"
            assert (await shop.client.post(path)).status_code == 401
            refused = await shop.post(path, by="eve")
            assert (refused.status_code, refused.json()["code"]) == (403, "scope")
        for path in ("/campaigns", "/campaigns/push", "/campaigns/push/runs/1"):
            assert (await shop.client.get(path)).status_code == 401
        assert (await shop.get("/campaigns")).json()["campaigns"][0]["runs"] == 0
        assert await shop.changes() == []

    at_the_door(tmp_path, visit, by_hand(EVERYBODY, MAIL))


def test_a_second_run_and_one_of_what_is_shut_are_conflicts(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await come(shop, 2)
        assert (await shop.post("/campaigns/push/run", {})).status_code == 202
        assert (await shop.get("/campaigns")).json()["campaigns"][0]["under_way"] == [1]

        again = await shop.post("/campaigns/push/run")
        closed = await shop.post("/campaigns/push/close")
        shut = await shop.post("/campaigns/push/run")

        assert (again.status_code, again.json()["code"]) == (409, "running")
        assert "run 1 of the campaign 'push' is under way" in again.json()["message"]
        assert closed.json()["changes"] == [
            "no run of 'push' begins any more, and one that is under way goes on"
        ]  # fmt: skip
        assert (shut.status_code, shut.json()["code"]) == (409, "refused")
        assert "the campaign 'push' is closed: no run of it begins" in shut.json()["message"]
        for body in ({"dry": True}, [1]):
            assert (await shop.post("/campaigns/push/run", body)).status_code == 400
        assert (await shop.post("/campaigns/pusch/run")).status_code == 404

    at_the_door(tmp_path, visit, by_hand(EVERYBODY, LATER, MAIL))


def test_a_campaign_is_changed_dry_first_and_by_whoever_knows_the_newest_state(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await come(shop, 3)
        await shop.post("/campaigns/push/run")

        await until(lambda: taken(shop, 3), "all are in the run")
        dry = await shop.post("/campaigns/push/pause", {"dry": True, "ledger": 1})
        done = await shop.post("/campaigns/push/pause", {"ledger": 1})
        late = await shop.post("/campaigns/push/pause", {"ledger": 1})

        assert dry.json() == {
            "ledger": 1, "dry": True, "refused": [], "runs": {"stay": 3, "end": 0, "make_up": 0},
            "deliveries_cancelled": 0, "audiences_filled": [],
            "changes": ["no run of 'push' begins, no step of one does, and nothing is sent for it until it is resumed"],
        }  # fmt: skip
        assert done.json() == {**dry.json(), "ledger": 2, "dry": False}
        assert (late.status_code, late.json()["code"]) == (409, "ledger")
        assert (await shop.get("/campaigns/push")).json()["state"] == "paused"
        assert (await shop.post("/campaigns/push/resume")).json()["ledger"] == 3
        assert (await shop.post("/campaigns/push/stop")).json()["runs"]["end"] == 3
        assert (await over(shop))["state"] == "stopped"
        refused = await shop.post("/campaigns/push/pause")
        assert (refused.status_code, refused.json()["refused"]) == (
            409, ["the campaign 'push' is stopped: nobody is in it, and nobody enters"],
        )  # fmt: skip
        told = [("pause", "push", 2, "ada"), ("resume", "push", 3, "ada"), ("stop", "push", 4, "ada")]
        assert await shop.changes() == told

    at_the_door(tmp_path, visit, by_hand(EVERYBODY, LATER, MAIL))


def test_whoever_reaches_the_goal_is_counted_once_wherever_campaigns_are_told(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await come(shop, 3)
        await shop.post("/campaigns/push/run")
        await until(lambda: taken(shop, 3), "all are in the run")
        for person in ("u0", "u0", "u2"):
            await shop.service.track(person, "Bought")
        await shop.service.drain(PATIENCE_S)

        (listed,) = (await shop.get("/campaigns")).json()["campaigns"]
        looked = (await shop.get("/campaigns/push")).json()
        summary = (await shop.get("/report")).json()["summary"]
        assert listed["goal"] == looked["goal"] == 2
        assert summary["campaigns"]["push"] == {
            "version": 1, "runs": 1, "goal": 2,
            "steps": {
                "all": {"inflow": 3, "outputs": {"main": 3}, "dropped": {}},
                "later": {"inflow": 0, "outputs": {}, "dropped": {}},
                "mail": {"inflow": 0, "outputs": {}, "dropped": {}},
            },
        }  # fmt: skip

    goal = {"event": "Bought", "within": "1d"}
    at_the_door(tmp_path, visit, by_hand(EVERYBODY, LATER, MAIL, goal=goal))


def test_a_campaign_is_no_journey_and_a_journey_no_campaign(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await come(shop, 2)
        await shop.service.track("u0", "Seen")
        await shop.post("/campaigns/push/run")
        await over(shop)

        assert [each["name"] for each in (await shop.get("/journeys")).json()["journeys"]] == ["hello"]
        assert [each.journey for each in await shop.service.journeys()] == ["hello"]
        for path in ("/journeys/push", "/journeys/push/versions"):
            wrong = await shop.get(path)
            assert (wrong.status_code, "a campaign of this name" in wrong.json()["message"]) == (404, True)
        for verb in ("pause", "resume", "close", "stop"):
            wrong = await shop.post(f"/journeys/push/{verb}")
            assert (wrong.status_code, "a campaign of this name" in wrong.json()["message"]) == (404, True)
            wrong = await shop.post(f"/campaigns/hello/{verb}")
            assert (wrong.status_code, wrong.json()["message"]) == (
                404, "'hello' is a journey and no campaign: ask for it as what it is",
            )  # fmt: skip
        assert (await shop.get("/campaigns/hello")).status_code == 404
        assert (await shop.post("/campaigns/hello/run")).status_code == 404
        summary = (await shop.get("/report")).json()["summary"]
        assert list(summary["journeys"]) == ["hello"] and list(summary["campaigns"]) == ["push"]
        assert await shop.changes() == []

    at_the_door(tmp_path, visit, by_hand(EVERYBODY, MAIL))


def test_of_a_campaign_that_is_not_offered_any_more_the_runs_are_told(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await come(shop, 2)
        await shop.post("/campaigns/push/run")
        files = {name: text for name, text in shop.files().items() if name != "campaigns/push.yaml"}
        await until(lambda: taken(shop, 2), "all are in the run")
        changed = shop.files(**{'"wait": "1h"': '"wait": "2h"'})
        dry = (await shop.post("/publish", {"files": changed, "dry": True})).json()
        gone = (await shop.post("/publish", {"files": files})).json()

        assert dry["changes"] == [
            "the campaign 'push' has changed: runs go by version 2, and one under way stays on its own"
        ]
        assert gone["changes"] == [
            "the campaign 'push' is closed, for the project does not have it any more: a run under way goes on"
        ]
        assert dry["runs"] == gone["runs"] == {"stay": 2, "end": 0, "make_up": 0}

        (shown,) = (await shop.get("/campaigns")).json()["campaigns"]
        assert (shown["name"], shown["state"], shown["runs"], shown["under_way"]) == ("push", "closed", 1, [1])
        assert (await shop.post("/campaigns/push/run")).json()["code"] == "refused"
        assert (await shop.get("/journeys/push")).status_code == 404
        assert (await shop.post("/campaigns/push/stop")).status_code == 200
        assert (await over(shop))["state"] == "stopped"

    at_the_door(tmp_path, visit, by_hand(EVERYBODY, LATER, MAIL))
