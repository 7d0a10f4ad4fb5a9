"""Campaigns in a running engine: runs begin, take people along, and go on where they were when it is opened again."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pytest
from tests.simulation.campaign_shop import BEGIN_MS, HOUR_MS, campaign, project_in
from typer.testing import CliRunner

from parcours import Engine, Settings
from parcours.campaigns import live_runs
from parcours.campaigns.campaign_run import CampaignRun
from parcours.campaigns.live_people import LivePeople
from parcours.campaigns.saved_members import Change, SavedMembers
from parcours.cli import build
from parcours.clock import ManualClock
from parcours.core.fact import Changed, DeliveryReached
from parcours.core.time_text import time_text
from parcours.errors import CallerError
from parcours.insight.explain import Explanation
from parcours.journey.campaign_steps import SavingMode
from parcours.journey.project import Project
from parcours.service.campaign_state import RunOfCampaign, StepOfRun
from parcours.service.person import Person
from parcours.shard.closed_store import read_shard_of
from parcours.shard.requests import GetHolding

Step: TypeAlias = dict[str, Any]

SOON = Settings(campaign_lead_ms=20)
NOTHING = StepOfRun(0, None, 0, {}, {})
EVERYBODY: Step = {"id": "all", "read": {"where": "has(profile.email)"}}
MAIL: Step = {"id": "mail", "send": "news", "channels": ["email"]}


def opened(project: Project, store: str, **more: Any) -> Engine:
    return Engine.open(
        project, store, runtime="local", records=["email", "sms"], settings=more.pop("settings", SOON), **more
    )


def filled(engine: Engine, people: int) -> None:
    for number in range(people):
        engine.identify(f"u{number}", {"email": f"u{number}@mail.example", "score": number, "city": "Paris"})
    engine.drain(30)


def until(found: Callable[[], object], within_s: float = 30) -> None:
    """Return once there is something."""
    end = time.monotonic() + within_s
    while not found():
        assert time.monotonic() < end, "it has taken too long"
        time.sleep(0.02)


@contextmanager
def going_on(clock: ManualClock) -> Iterator[None]:
    """Time passes within this."""
    over = threading.Event()

    def pass_time() -> None:
        while not over.wait(0.005):
            clock.move_to(clock.now_ms() + 5)

    passing = threading.Thread(target=pass_time)
    passing.start()
    try:
        yield
    finally:
        over.set()
        passing.join()


def over(engine: Engine, name: str = "push", number: int = 1, within_s: float = 30, despite: str = "") -> RunOfCampaign:
    """The run, once it is not under way any more; no trouble is expected but one that says what `despite` does."""

    def run() -> RunOfCampaign:
        return engine.campaign(name).runs[number - 1]

    def unexpected() -> bool:
        return any(not despite or despite not in each for each in engine.troubles())

    until(lambda: run().state != "under_way" or unexpected(), within_s)
    assert run().state != "under_way", engine.troubles()
    return run()


def person(engine: Engine, name: str) -> Person:
    found = engine.profile(name)
    assert found is not None
    return found


def runs_of(engine: Engine, name: str) -> tuple[object, ...]:
    return tuple(person(engine, name).runs)


def sizes(run: RunOfCampaign) -> dict[str, int]:
    return {f"{name}.{output}": size for name, step in run.steps.items() for output, size in step.outputs.items()}


def sent_to(engine: Engine, people: int, step: str) -> list[str]:
    names = [f"u{number}" for number in range(people)]
    return [
        name
        for name in names
        for fact in engine.facts(name)
        if isinstance(fact, DeliveryReached) and fact.outcome == "sent" and fact.step == step
    ]


def test_a_run_that_is_started_by_hand_reaches_everybody_once(tmp_path: Path) -> None:
    steps = [EVERYBODY, {"id": "some", "filter": "profile.score > 2"}, MAIL]
    project = project_in(tmp_path / "shop", campaign(*steps))
    with opened(project, "memory:") as engine:
        filled(engine, 10)

        assert engine.run_campaign("push", by="marion") == 1
        run = over(engine)

        assert (run.state, run.by) == ("done", "marion")
        assert sizes(run) == {"all.main": 10, "some.main": 7, "some.rest": 3, "mail.main": 7, "mail.refused": 0}
        assert sent_to(engine, 10, "mail") == [f"u{number}" for number in range(3, 10)]
        assert engine.troubles() == []


def test_no_second_run_begins_while_one_is_under_way(tmp_path: Path) -> None:
    project = project_in(tmp_path / "shop", campaign(EVERYBODY, {"id": "later", "wait": "1h"}, MAIL))
    with opened(project, "memory:") as engine:
        filled(engine, 2)
        engine.run_campaign("push")

        with pytest.raises(CallerError, match="run 1 of the campaign 'push' is under way"):
            engine.run_campaign("push")
        with pytest.raises(CallerError, match="there is no campaign 'pull'"):
            engine.run_campaign("pull")
        assert engine.campaign("push").state == "open"


def test_who_is_saved_is_in_the_audience_from_one_instant_on(tmp_path: Path) -> None:
    journey = {
        "journey": "best",
        "entry": {"audience": "best", "change": "entered"},
        "steps": [{"id": "hello", "send": "news", "channels": ["email"]}],
    }
    save = {"id": "kept", "save": "best"}
    project = project_in(
        tmp_path / "shop",
        campaign(EVERYBODY, {"id": "some", "filter": "profile.score > 2"}, save),
        journeys_best=journey,
    )
    with opened(project, "memory:") as engine:
        filled(engine, 8)
        engine.run_campaign("push")
        run = over(engine)
        engine.drain(30)

        assert sizes(run)["kept.main"] == 5
        inside = [f"u{number}" for number in range(8) if "best" in person(engine, f"u{number}").audiences]
        assert inside == [f"u{number}" for number in range(3, 8)] == sent_to(engine, 8, "hello")
        entered = [each for name in inside for each in engine.facts(name) if isinstance(each, Changed)]
        assert {each.at for each in entered if each.name == "best"} == {run.steps["kept"].begins}


def test_what_waits_goes_on_where_the_engine_is_opened_again(tmp_path: Path) -> None:
    steps: list[Step] = [EVERYBODY, {"id": "later", "wait": "2s"}, MAIL]
    project, store = project_in(tmp_path / "shop", campaign(*steps)), f"sqlite:///{tmp_path / 'store'}"
    with opened(project, store) as engine:
        filled(engine, 5)
        engine.run_campaign("push")
        until(lambda: "all" in engine.campaign("push").runs[0].steps)

    with opened(project, store) as engine:
        run = over(engine)

        assert sizes(run)["mail.main"] == 5
        assert sent_to(engine, 5, "mail") == [f"u{number}" for number in range(5)]
        later, mail = run.steps["later"], run.steps["mail"]
        assert later.begins is not None and mail.begins is not None and mail.begins - later.begins >= 2_000


def test_whoever_leaves_during_a_wait_gets_nothing(tmp_path: Path) -> None:
    """Time stands still while she buys."""
    steps: list[Step] = [EVERYBODY, {"id": "later", "wait": "1s"}, MAIL]
    project, clock = project_in(tmp_path / "shop", campaign(*steps, exit=[{"event": "Bought"}])), ManualClock(BEGIN_MS)
    with opened(project, "memory:", clock=clock) as engine:
        filled(engine, 4)
        engine.run_campaign("push")
        with going_on(clock):
            until(lambda: runs_of(engine, "u1"))
        engine.track("u1", "Bought", {"total": 3}).result()
        with going_on(clock):
            run = over(engine)

        assert run.steps["later"].dropped == {"exited": 1}
        assert sent_to(engine, 4, "mail") == ["u0", "u2", "u3"]


def test_a_schedule_begins_a_run_at_its_instant_as_everybody_is_then(tmp_path: Path) -> None:
    """Somebody comes a millisecond later, before anybody has been asked."""
    begins_ms = BEGIN_MS + HOUR_MS
    project, clock = project_in(tmp_path / "shop", campaign(EVERYBODY, MAIL)), ManualClock(BEGIN_MS)
    with opened(project, "memory:", clock=clock) as engine:
        filled(engine, 3)
        until(lambda: awaited(engine))
        clock.move_to(begins_ms + 1)
        engine.identify("u3", {"email": "u3@mail.example"}).result()
        with going_on(clock):
            until(lambda: engine.campaign("push").runs)
            run = over(engine)

        assert run.began == begins_ms == run.steps["all"].at
        assert sizes(run)["all.main"] == 3
        assert sent_to(engine, 4, "mail") == ["u0", "u1", "u2"]


def awaited(engine: Engine) -> bool:
    """Whether all shards know the instant of the next run."""
    service = engine._facade
    holdings = [asyncio.run_coroutine_threadsafe(port.ask(GetHolding()), engine._loop) for port in service._host.ports]
    return all(each.result().scans for each in holdings)


def test_while_it_is_paused_no_step_begins(tmp_path: Path) -> None:
    steps: list[Step] = [EVERYBODY, {"id": "later", "wait": "500ms"}, MAIL]
    project, clock = project_in(tmp_path / "shop", campaign(*steps)), ManualClock(BEGIN_MS)
    with opened(project, "memory:", clock=clock) as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        with going_on(clock):
            until(lambda: runs_of(engine, "u1"))
        engine.pause_campaign("push")
        with going_on(clock):
            paused_ms = clock.now_ms()
            until(lambda: clock.now_ms() > paused_ms + 1_000)
        assert "mail" not in engine.campaign("push").runs[0].steps
        assert engine.campaign("push").state == "paused"

        engine.resume_campaign("push")
        with going_on(clock):
            run = over(engine)
        assert sent_to(engine, 3, "mail") == ["u0", "u1", "u2"]
        assert run.state == "done"


def test_one_that_is_stopped_ends_where_it_is(tmp_path: Path) -> None:
    steps: list[Step] = [EVERYBODY, {"id": "later", "wait": "10s"}, MAIL]
    project = project_in(tmp_path / "shop", campaign(*steps))
    with opened(project, "memory:") as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        until(lambda: runs_of(engine, "u1"))
        engine.stop_campaign("push")
        run = over(engine)

        assert run.state == "stopped"
        assert runs_of(engine, "u1") == ()
        with pytest.raises(CallerError, match="the campaign 'push' is stopped"):
            engine.run_campaign("push")


def wishes(shop: Path) -> dict[str, Any]:
    """A table with one row, whose file lies in the shop's folder."""
    shop.mkdir()
    (shop / "wishes.csv").write_text("mail\nu1@mail.example\n")
    columns = {"mail": "string"}
    table = {"file": "wishes.csv", "person": "row.mail", "match": "email", "columns": columns}
    return {"tables": {"wishes": table}}


def test_a_run_whose_table_is_not_there_fails_and_says_so(tmp_path: Path) -> None:
    table = {"id": "all", "read": {"table": "wishes"}}
    tables = wishes(tmp_path / "shop")
    once = {"id": "once", "dedupe": {"by": ["person"]}}
    project = project_in(tmp_path / "shop", campaign(table, once, MAIL), tables=tables)
    with opened(project, "memory:") as engine:
        filled(engine, 3)
        (tmp_path / "shop" / "wishes.csv").unlink()
        engine.run_campaign("push")
        run = over(engine)

        assert run.state == "failed"
        assert "wishes.csv" in run.steps["all"].why
        assert sent_to(engine, 3, "mail") == []


VISITORS = 24


def visitor(number: int, event: str | None = None, **user: str) -> dict[str, Any]:
    given: dict[str, Any] = {"anonymousId": f"v{number}", "messageId": f"{number}-{event}-{user}", **user}
    if event is None:
        return {"type": "identify", "traits": {"email": f"v{number}@mail.example", "score": number}, **given}
    return {"type": "track", "event": event, **given}


def test_who_logs_in_meanwhile_is_followed_to_whom_she_is_then(tmp_path: Path) -> None:
    """Their names live in all shards, and so do those of the users whom they become."""
    half = {"id": "half", "filter": "profile.score < 12"}
    steps: list[Step] = [EVERYBODY, {"id": "later", "wait": "1500ms"}, half, {"id": "best", "save": "best"}, MAIL]
    used = {"project": "shop", "policies": {"consent": {"default": "opt_out"}}, "anonymous_history": "used"}
    steps = [*steps[:-1], {**MAIL, "rate": "20/s"}]
    project = project_in(tmp_path / "shop", campaign(*steps), parcours=used)
    with opened(project, "memory:", shards=4) as engine:
        engine.ingest([visitor(number) for number in range(VISITORS)]).result()
        engine.run_campaign("push")
        until(lambda: runs_of(engine, "@anonymous/v0"))
        for first in (0, 1, 2):  # some while they wait, some while they are due, some later still
            engine.ingest([visitor(number, userId=f"u{number}") for number in range(first, VISITORS, 3)]).result()
            time.sleep(0.8)
        run = over(engine)
        engine.drain(30)

        assert sizes(run)["mail.main"] == 12
        assert engine.report().report.summary.channels["email"]["sent"] == 12
        inside = [number for number in range(VISITORS) if "best" in person(engine, f"u{number}").audiences]
        assert inside == [*range(12)]


def test_somebody_is_told_where_she_is_in_the_sets_of_each_run_and_why(tmp_path: Path) -> None:
    steps: list[Step] = [
        EVERYBODY,
        {"id": "once", "dedupe": {"by": ["profile.city"], "order": [{"by": "profile.score", "highest": True}]}},
        {"id": "some", "filter": "profile.score > 7"},
        MAIL,
    ]
    project, store = project_in(tmp_path / "shop", campaign(*steps)), f"sqlite:///{tmp_path / 'store'}"
    with opened(project, store) as engine:
        filled(engine, 5)
        for number in (1, 2):
            engine.run_campaign("push")
            over(engine, number=number)

        first, last, nobody = engine.explain("u0"), engine.explain("u4"), engine.explain("nobody")

    told = [(each.run, each.step, each.outputs, each.why) for each in first.sets]
    assert told == [
        (run, step, outputs, why)
        for run in (1, 2)
        for step, outputs, why in [
            ("all", ("main",), ""),
            ("once", ("rest",), "gave way to u4 (same profile.city)"),
        ]
    ]
    assert [(each.step, each.outputs, each.why) for each in last.sets if each.run == 2] == [
        ("all", ("main",), ""),
        ("once", ("main",), ""),
        ("some", ("rest",), "not so: profile.score > 7"),
    ]
    assert nobody.sets == ()


def test_what_is_waited_for_is_no_exit(tmp_path: Path) -> None:
    steps: list[Step] = [
        EVERYBODY,
        MAIL,
        {"id": "opened", "reacted": {"of": "mail", "reaction": "opened", "within": "1h"}},
    ]
    with opened(project_in(tmp_path / "shop", campaign(*steps)), "memory:") as engine:
        filled(engine, 1)
        engine.run_campaign("push")
        until(lambda: len(engine.explain("u0").sets) == 3)

        told = {each.step: (each.outputs, each.why) for each in engine.explain("u0").sets}
        assert told == {
            "all": (("main",), ""), "mail": (("main",), ""), "opened": ((), "what they do is waited for"),
        }  # fmt: skip


def test_a_run_whose_version_is_gone_is_explained_as_before(tmp_path: Path) -> None:
    """Also where the store is opened anew, and where nobody has it open."""
    first: Step = {"id": "first", "filter": "profile.score > 0"}
    shop, address = tmp_path / "shop", f"sqlite:///{tmp_path / 'store'}"
    with opened(project_in(shop, campaign(EVERYBODY, first, MAIL)), address) as engine:
        filled(engine, 2)
        engine.run_campaign("push")
        ran = over(engine)
        before = engine.explain("u0")
        assert [(each.step, each.outputs, each.why) for each in before.sets] == [
            ("all", ("main",), ""), ("first", ("rest",), "not so: profile.score > 0")
        ]  # fmt: skip
        for limit in (1, 2):
            some = {"id": "some", "filter": f"profile.score < {limit}"}
            project = project_in(shop, campaign(EVERYBODY, some, MAIL))
            engine.publish(project)

        assert engine.explain("u0") == before
        assert engine.campaign("push").runs == (ran,)
        report = engine.report().report
    with opened(project, address) as engine:
        assert engine.explain("u0") == before
        assert engine.campaign("push").runs == (ran,)
    stored = CliRunner().invoke(build(), ["explain", str(shop), "u0", "--store", address, "--json"])
    assert msgspec.json.decode(stored.stdout, type=Explanation).sets == before.sets
    published = read_shard_of(address, "shop", "u0").publications
    assert published is not None
    assert [each.number for each in published.ledger.journeys["push"].versions] == [2, 3]

    count = (report.summary.campaigns or {})["push"]
    assert (count.version, count.runs, list(count.steps)) == (3, 1, ["all", "some", "mail", "first"])
    assert (count.steps["all"].outputs, count.steps["some"].outputs) == ({"main": 2}, {})
    assert report.summary.journeys == {} and report.older == {}


def test_of_instants_that_passed_meanwhile_the_newest_is_made_up_for(tmp_path: Path) -> None:
    first_ms = BEGIN_MS - 10 * HOUR_MS
    hourly = {"schedule": {"at": time_text(first_ms), "rule": "FREQ=HOURLY"}}
    project, store = (
        project_in(tmp_path / "shop", campaign(EVERYBODY, MAIL) | hourly),
        f"sqlite:///{tmp_path / 'store'}",
    )
    clock = ManualClock(BEGIN_MS)
    with opened(project, store, clock=clock) as engine:
        filled(engine, 2)
        until(lambda: (tmp_path / "store" / "campaigns" / "push" / "campaign.json").exists())
        assert engine.campaign("push").runs == (), "what lies before the store is no instant of the schedule"

    clock.move_to(BEGIN_MS + 3 * HOUR_MS + 1)
    with opened(project, store, clock=clock) as engine:
        until(lambda: engine.campaign("push").runs)
        state = engine.campaign("push")

        assert [run.began for run in state.runs] == [BEGIN_MS + 3 * HOUR_MS]
        assert [*state.not_begun.items()] == [(BEGIN_MS + hours * HOUR_MS, "missed") for hours in (0, 1, 2)]


def test_a_campaign_or_a_step_may_have_any_name(tmp_path: Path) -> None:
    """None is that of a folder in which campaigns keep what is theirs."""
    names = ("spill", "scratch", "saved", "earlier")
    some: Step = {"id": "scratch", "filter": "profile.score > 0"}
    steps: list[Step] = [EVERYBODY, some, {"id": "spill", "save": "best"}, MAIL]
    campaigns = [campaign(*(steps if name == "saved" else [EVERYBODY, MAIL])) | {"campaign": name} for name in names]
    project, store = project_in(tmp_path / "shop", *campaigns), f"sqlite:///{tmp_path / 'store'}"
    with opened(project, store) as engine:
        filled(engine, 3)
        for name in names:
            engine.run_campaign(name)
            assert over(engine, name).state == "done"
        engine.preview_campaign("scratch")
        engine.backup(tmp_path / "backup")

    for kept in (store, f"sqlite:///{tmp_path / 'backup'}"):
        with opened(project, kept) as engine:
            assert [len(engine.campaign(name).runs) for name in names] == [1, 1, 1, 1]
            places = {(each.campaign, each.step): each.outputs for each in engine.explain("u2").sets}
            assert places["saved", "scratch"] == places["spill", "all"] == ("main",)
            assert engine.troubles() == []


def test_an_audience_is_saved_though_the_disk_fails_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, failed = SavedMembers.begin, list[str]()

    def failing(
        members: SavedMembers, save: str, audience: str, mode: SavingMode, people: Path | None
    ) -> Change | None:
        if not failed:
            failed.append(save)
            raise OSError("no space left on device")
        return begin(members, save, audience, mode, people)

    monkeypatch.setattr(SavedMembers, "begin", failing)
    monkeypatch.setattr(live_runs, "RETRY_S", 0.05)
    project = project_in(tmp_path / "shop", campaign(EVERYBODY, {"id": "kept", "save": "best"}))
    with opened(project, "memory:") as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        assert over(engine, despite="no space").state == "done"
        engine.drain(30)

        assert failed == ["push/1/kept"]
        assert all("best" in person(engine, f"u{number}").audiences for number in range(3))
        assert engine.troubles() == []


async def for_ever(*_: object) -> None:
    """What a process does not come to before it ends."""
    await asyncio.Event().wait()


def test_a_run_that_has_failed_stays_so_though_its_end_was_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, again = wishes(tmp_path / "shop"), {"id": "wishes", "read": {"table": "wishes"}}
    steps: list[Step] = [EVERYBODY, {"id": "later", "wait": "100ms"}, {**again, "after": ["later"]}]
    once: Step = {"id": "once", "dedupe": {"by": ["person"]}}
    project, store = project_in(tmp_path / "shop", campaign(*steps, once, MAIL), tables=tables), tmp_path / "store"
    (tmp_path / "shop" / "wishes.csv").rename(tmp_path / "away.csv")
    with monkeypatch.context() as patched:
        patched.setattr(CampaignRun, "end", for_ever)
        with opened(project, f"sqlite:///{store}") as engine:
            filled(engine, 3)
            engine.run_campaign("push")
            until(lambda: engine.campaign("push").runs[0].steps.get("wishes", NOTHING).why)
    (tmp_path / "away.csv").rename(tmp_path / "shop" / "wishes.csv")

    with opened(project, f"sqlite:///{store}") as engine:
        run = over(engine)

        assert run.state == "failed"
        assert "mail" not in run.steps
        assert [runs_of(engine, f"u{number}") for number in range(3)] == [(), (), ()]


def test_a_run_goes_by_its_version_whatever_is_opened_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is taken along by it until then, so that no shard knows of it."""
    store = f"sqlite:///{tmp_path / 'store'}"
    with monkeypatch.context() as patched:
        patched.setattr(LivePeople, "room", for_ever)
        with opened(project_in(tmp_path / "shop", campaign(EVERYBODY, MAIL)), store) as engine:
            filled(engine, 2)
            engine.run_campaign("push")
            until(lambda: "all" in engine.campaign("push").runs[0].steps)
        for number in (1, 2):
            some: Step = {"id": "some", "filter": f"profile.score > {number + 10}"}
            changed = project_in(tmp_path / f"shop{number}", campaign(EVERYBODY, some, MAIL))
            with opened(changed, store) as engine:
                assert engine.campaign("push").version == number + 1

    with opened(changed, store) as engine:
        run = over(engine)
        assert (run.state, run.version) == ("done", 1)
        assert sent_to(engine, 2, "mail") == ["u0", "u1"]


def test_the_people_of_a_wave_are_handed_over_when_it_comes(tmp_path: Path) -> None:
    waves = MAIL | {"waves": {"parts": 2, "every": "1h"}}
    project, clock = project_in(tmp_path / "shop", campaign(EVERYBODY, waves)), ManualClock(BEGIN_MS)
    with opened(project, "memory:", clock=clock) as engine:
        filled(engine, 10)
        engine.run_campaign("push")
        with going_on(clock):
            until(lambda: len(sent_to(engine, 10, "mail")) == 5)
        assert sum(bool(runs_of(engine, f"u{number}")) for number in range(10)) == 5

        clock.move_to(clock.now_ms() + HOUR_MS)
        with going_on(clock):
            run = over(engine)
        assert sizes(run)["mail.main"] == len(sent_to(engine, 10, "mail")) == 10


@contextmanager
def pull_waiting_for_push(folder: Path) -> Iterator[Engine]:
    """An engine with room for one run: that of one campaign goes on for an hour, that of the other waits for it."""
    waiting: list[Step] = [EVERYBODY, {"id": "later", "wait": "1h"}]
    project = project_in(folder / "shop", campaign(*waiting), campaign(EVERYBODY, MAIL) | {"campaign": "pull"})
    with opened(project, "memory:", settings=Settings(campaign_lead_ms=20, campaign_runs_max=1)) as engine:
        filled(engine, 2)
        engine.run_campaign("push")
        until(lambda: runs_of(engine, "u1"))
        engine.run_campaign("pull")
        until(engine.troubles)
        yield engine


def test_a_run_that_has_to_wait_for_others_says_so(tmp_path: Path) -> None:
    with pull_waiting_for_push(tmp_path) as engine:
        assert engine.troubles() == ["run 1 of the campaign 'pull' waits: campaign_runs_max=1 runs are under way"]

        engine.stop_campaign("push")
        assert over(engine, "pull", despite="campaign_runs_max").state == "done"
        assert engine.troubles() == []


def test_it_says_so_no_more_once_they_are_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does first takes its time."""
    go_on = CampaignRun.go_on

    async def slow(run: CampaignRun, at: int) -> None:
        await (for_ever() if run.campaign.name == "pull" else go_on(run, at))

    monkeypatch.setattr(CampaignRun, "go_on", slow)
    with pull_waiting_for_push(tmp_path) as engine:
        engine.stop_campaign("push")
        until(lambda: not engine.troubles())
        assert engine.campaign("pull").runs[0].state == "under_way"


def test_of_a_run_that_does_not_go_on_nothing_else_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Handing over people of one of its steps is not tried again, though it was to be."""

    async def failing(_: LivePeople, what: str, *__: object) -> None:
        if what.endswith("/mail"):
            raise OSError("no space left on device")
        await asyncio.to_thread(seen.wait, 30)
        raise IndexError("a bug")

    seen = threading.Event()

    monkeypatch.setattr(LivePeople, "room", failing)
    project = project_in(tmp_path / "shop", campaign(EVERYBODY, MAIL, {**MAIL, "id": "other", "from": "all"}))
    with opened(project, "memory:") as engine:
        filled(engine, 2)
        engine.run_campaign("push")
        until(engine.troubles)
        assert ["no space" in each for each in engine.troubles()] == [True]
        seen.set()
        until(lambda: any("IndexError" in each for each in engine.troubles()))

        assert engine.troubles() == ["run 1 of the campaign 'push' does not go on: IndexError: a bug"]
