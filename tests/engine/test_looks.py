"""What a campaign would do, and who is in an audience, of an engine that goes on: nothing happens to anybody by it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.engine.campaign_behaviour import events, sizes_of, until, wishlist
from tests.simulation.campaign_shop import campaign, project_in
from typer.testing import CliRunner

from parcours import Engine, Service, Settings
from parcours.campaigns import live_previews
from parcours.cli import build
from parcours.core.fact import DeliveryReached
from parcours.errors import CallerError, EngineClosed
from parcours.insight.audience_shown import AudienceShown, Member
from parcours.journey.project import Project
from parcours.service.campaign_preview import CampaignForeseen
from parcours.service.campaign_state import RunOfCampaign
from parcours.shard.requests import GetHolding

PATIENCE_S = 60.0

EVERYBODY = {"id": "all", "read": {"where": "has(profile.score)"}}
MAIL = {"id": "mail", "send": "news", "channels": ["email"]}


def shop(folder: Path, *steps: dict[str, Any], **more: Any) -> Project:
    """A project with the campaign `push`, which no schedule begins."""
    document = campaign(*steps)
    del document["schedule"]
    return project_in(folder / "shop", document, **more)


def small(project: Project, store: str) -> Engine:
    settings = Settings(campaign_lead_ms=20)
    return Engine.open(project, store, runtime="local", shards=2, records=["email", "sms"], settings=settings)


def ran(engine: Engine, number: int) -> RunOfCampaign:
    """The run of `push` with this number, which begins and ends."""
    assert engine.run_campaign("push") == number
    until(lambda: engine.campaign("push").runs[-1].state == "done")
    return engine.campaign("push").runs[-1]


def in_service(project: Project, visit: Callable[[Service], Awaitable[None]], *, store: str = "memory:") -> None:
    """Visit a service with six people, whose scores are their numbers."""

    async def scenario() -> None:
        settings, records = Settings(campaign_lead_ms=20), ["email", "sms"]
        async with Service.open(
            project, store, shards=2, runtime="local", records=records, settings=settings
        ) as service:
            for number in range(6):
                await service.identify(f"u{number}", {"email": f"m{number}@shop.example", "score": number})
            await service.drain(PATIENCE_S)
            await visit(service)

    asyncio.run(scenario())


async def no_scan(service: Service) -> None:
    """Return once no shard knows of a scan any more."""
    end = asyncio.get_running_loop().time() + PATIENCE_S
    while any([(await port.ask(GetHolding())).scans for port in service._host.ports]):
        assert asyncio.get_running_loop().time() < end, "scans are still there"
        await asyncio.sleep(0.02)


def test_a_preview_of_the_example_is_what_its_run_then_does(tmp_path: Path) -> None:
    project = wishlist(tmp_path / "wishlist")
    records, settings = ["email", "sms", "push"], Settings(campaign_lead_ms=100)
    with Engine.open(
        project, f"sqlite:///{tmp_path}/store", runtime="local", shards=2, records=records, settings=settings
    ) as engine:
        engine.ingest(events(project)).result()
        engine.consent("sarah", "email", granted=False)
        engine.drain(PATIENCE_S)

        foreseen = engine.preview_campaign("wishlist").foreseen
        again = engine.preview_campaign("wishlist").foreseen
        engine.run_campaign("wishlist")
        until(lambda: engine.campaign("wishlist").runs[0].state == "done")
        (run,) = engine.campaign("wishlist").runs

    assert again == foreseen
    steps = foreseen.steps
    unforeseen = list(steps).index("clicked")
    known = [*steps][:unforeseen]
    assert "mail" in known and steps["clicked"].unforeseen is True
    came = {name: (step.inflow, step.outputs, step.dropped) for name, step in run.steps.items() if name in known}
    assert {name: (steps[name].inflow, steps[name].outputs, steps[name].dropped) for name in known} == came
    assert steps["mail"].outputs["refused"] > 0, "gates say something"
    assert sizes_of(run)["mail.main"] == foreseen.sizes()["mail"] > 0
    assert foreseen.sample["mail"][0].keys() > {"person"}
    assert not [*(tmp_path / "store" / "campaigns" / ".scratch").iterdir()]


def test_a_preview_of_a_closed_store_is_what_the_next_run_then_does(tmp_path: Path) -> None:
    """Whom earlier runs took is known there too, and so is the number of the run, by which lots are drawn."""
    new, half = EVERYBODY | {"new": True}, {"id": "half", "split": {"even": ["a", "b"]}}
    project, store = shop(tmp_path, new, half, MAIL | {"from": "half.a"}), f"sqlite:///{tmp_path}/store"
    asked = ["campaign", "preview", str(tmp_path / "shop"), "push", "--store", store, "--sample", "20"]
    sizes = list[int]()

    for number, people in ((1, range(6)), (2, range(3, 14)), (3, range(20))):
        with small(project, store) as engine:
            for each in people:
                engine.identify(f"u{each}", {"email": f"m{each}@shop.example", "score": each})
            engine.drain(PATIENCE_S)
        told = CliRunner().invoke(build(), [*asked, "--format", "json"])
        foreseen = msgspec.json.decode(told.stdout, type=CampaignForeseen)
        with small(project, store) as engine:
            run = ran(engine, number)
            places = {f"u{each}": engine.explain(f"u{each}").sets for each in range(20)}

        came = {name: (step.inflow, step.outputs, step.dropped) for name, step in run.steps.items()}
        assert {name: (step.inflow, step.outputs, step.dropped) for name, step in foreseen.steps.items()} == came
        for output in ("a", "b"):
            inside = {
                name
                for name, told_of in places.items()
                for place in told_of
                if (place.run, place.step) == (number, "half") and output in place.outputs
            }
            assert {row["person"] for row in foreseen.sample[f"half.{output}"]} == inside
        sizes.append(came["all"][1]["main"])
    assert sizes == [6, 8, 6]


def test_what_is_previewed_happens_to_nobody(tmp_path: Path) -> None:
    new = {"id": "all", "read": {"where": "has(profile.score)"}, "new": True}

    async def visit(service: Service) -> None:
        for _ in range(2):
            foreseen = (await service.preview_campaign("push", 2)).foreseen
            assert foreseen.sizes() == {"all": 6, "mail": 6, "mail.refused": 0}
            assert [row["person"] for row in foreseen.sample["all"]] == ["u0", "u1"]
        assert [fact for fact in await service.facts("u0") if isinstance(fact, DeliveryReached)] == []
        assert (await service.campaign("push")).runs == ()
        await no_scan(service)

        await service.run_campaign("push")
        end = asyncio.get_running_loop().time() + PATIENCE_S
        while (await service.campaign("push")).runs[0].state != "done":
            assert asyncio.get_running_loop().time() < end, "the run is not over"
            await asyncio.sleep(0.02)
        assert (await service.preview_campaign("push")).foreseen.sizes()["all"] == 0, "an earlier run took them"

    in_service(shop(tmp_path, new, MAIL), visit)


def test_who_goes_away_leaves_no_scan_and_no_file_and_others_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def hangs(*_: object) -> None:
        begun.set()
        await may_go_on.wait()

    async def visit(service: Service) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(live_previews, "until_past", hangs)
            leaving = asyncio.ensure_future(service.preview_campaign("push"))
            await begun.wait()
            waiting = asyncio.ensure_future(service.preview_campaign("push"))
            leaving.cancel()
            await asyncio.wait({leaving})
            may_go_on.set()
            assert leaving.cancelled()
            assert (await waiting).foreseen.sizes()["all"] == 6
        await no_scan(service)
        assert not [*(tmp_path / "store" / "campaigns" / ".scratch").iterdir()]

    in_service(shop(tmp_path, EVERYBODY, MAIL), visit, store=f"sqlite:///{tmp_path}/store")


def test_closing_ends_a_preview_and_an_opening_takes_away_what_a_process_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, store = shop(tmp_path, EVERYBODY, MAIL), f"sqlite:///{tmp_path}/store"
    scratch = tmp_path / "store" / "campaigns" / ".scratch"
    begun = asyncio.Event()

    async def hangs(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def closes(service: Service) -> None:
        monkeypatch.setattr(live_previews, "until_past", hangs)
        previewing = asyncio.ensure_future(service.preview_campaign("push"))
        await begun.wait()
        assert [*scratch.iterdir()]
        await service.close()
        with pytest.raises(EngineClosed):
            await previewing

    in_service(project, closes, store=store)
    monkeypatch.undo()
    assert not [*scratch.iterdir()]
    (scratch / "left" / "sets").mkdir(parents=True)

    async def sees(service: Service) -> None:
        await no_scan(service)
        assert (await service.preview_campaign("push")).foreseen.sizes()["all"] == 6

    in_service(project, sees, store=store)
    assert not [*scratch.iterdir()]


def test_an_audience_is_counted_and_shown_with_what_its_condition_reads(tmp_path: Path) -> None:
    audiences = {"audiences": {"high": "profile.score > 2", "best": {"saved": True}}}

    async def visit(service: Service) -> None:
        at = service.now_ms()
        shown = await service.audience("high", 2)
        members = tuple(Member(f"u{number}", (f"profile.score = {number}",)) for number in (3, 4))
        assert shown == AudienceShown("high", shown.at, "profile.score > 2", 3, members)
        assert shown.at >= at
        assert (await service.audience("best")).size == 0
        listed = [(each.audience, each.condition) for each in await service.audiences()]
        assert listed == [("best", None), ("high", "profile.score > 2")]
        with pytest.raises(CallerError, match="did you mean 'high'"):
            await service.audience("hihg")
        for sample in (-1, 1_001, True, "5"):
            with pytest.raises(CallerError, match="a whole number from 0 to 1000"):
                await service.audience("high", sample)  # type: ignore[arg-type]  # that is the point
        await no_scan(service)

    in_service(shop(tmp_path, EVERYBODY, MAIL, audiences=audiences), visit)


def test_a_preview_of_what_there_is_not_is_told_in_a_sentence(tmp_path: Path) -> None:
    async def visit(service: Service) -> None:
        with pytest.raises(CallerError, match="did you mean 'push'"):
            await service.preview_campaign("pusch")
        with pytest.raises(CallerError, match="only records what would leave on 'email'"):
            await service.prove_campaign("push", "mail", "u0", "marion@luma.example")
        with pytest.raises(CallerError, match="sends nothing; those that do are mail"):
            await service.prove_campaign("push", "all", "u0", "marion@luma.example")
        assert isinstance((await service.preview_campaign("push", 0)).foreseen, CampaignForeseen)

    in_service(shop(tmp_path, EVERYBODY, MAIL), visit)


def test_who_moves_to_another_shard_meanwhile_is_tried_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    visitors = 8

    async def visit(service: Service) -> None:
        for number in range(visitors):
            await service.identify(
                None, {"city": "Oslo", "email": f"a{number}@shop.example"}, anonymous_id=f"a{number}"
            )

        async def logs_in(*_: object) -> None:
            """The instant has passed, and nobody has been listed."""
            for number in range(visitors):
                await service.identify(f"v{number}", {}, anonymous_id=f"a{number}")
                await service.consent(f"v{number}", "email", granted=False)
            await service.drain(PATIENCE_S)

        with monkeypatch.context() as patched:
            patched.setattr(live_previews, "until_past", logs_in)
            foreseen = (await service.preview_campaign("push", visitors)).foreseen

        names = [row["person"] for row in foreseen.sample["all"]]
        assert names == [f"@anonymous/a{number}" for number in range(visitors)]
        homes = {(service._host.port_of(f"@anonymous/a{n}"), service._host.port_of(f"v{n}")) for n in range(visitors)}
        assert any(before is not after for before, after in homes), "somebody moves"
        assert foreseen.sizes()["mail.refused"] == visitors
        assert foreseen.steps["mail"].gates == {"consent": visitors}

    read = {"id": "all", "read": {"where": 'profile.city == "Oslo"'}}
    in_service(shop(tmp_path, read, MAIL), visit)
