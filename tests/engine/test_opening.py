"""What an engine cannot be opened with is refused in words, before anything is touched."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from parcours.clock import ManualClock
from parcours.config import COUNT_MAX, DURATION_MAX_MS, Settings
from parcours.errors import CallerError, SettingInvalid, StoreBroken, StoreBusy
from parcours.ingress.sealed_links import SealedLinks
from parcours.journey.channels import channels_to_start
from parcours.journey.project import Project
from parcours.journey.publish.publications import PublicationCompiler, begun
from parcours.routing.change_protocol import changing, publishing
from parcours.routing.plan import Plan
from parcours.routing.router import Router
from parcours.runtime.local import LocalRuntime
from parcours.runtime.local_shard import LocalShard
from parcours.runtime.open_shard import open_shard
from parcours.service.channel_selection import delivering, recording
from parcours.service.engine import Engine
from parcours.service.live_reads import LiveReads
from parcours.service.service import Service
from parcours.simulation.simulation import simulate
from parcours.store.address import prepare, shards_of
from parcours.testing.virtual_project import VirtualProject

NewShop = Callable[..., Project]


@pytest.mark.parametrize("shards", [0, -1, 1_025, True, 2.0, "2", None])
def test_shards_are_a_whole_number_that_people_can_be_divided_into(
    shards: object, tmp_path: Path, new_shop: NewShop
) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"

    with pytest.raises(SettingInvalid, match=r"^shards=.*: a whole number from 1 to 1024 is expected"):
        Engine.open(new_shop(), store, shards=shards, records=["email"])  # type: ignore[arg-type]  # what a caller may do
    with pytest.raises(SettingInvalid, match="^shards="):
        Plan(new_shop(), shards, "memory:", records=("email",))  # type: ignore[arg-type]  # what a caller may do
    with pytest.raises(SettingInvalid, match="^shards="):
        simulate(new_shop(), [], shards=shards)  # type: ignore[arg-type]  # what a caller may do

    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    "records, complaint",
    [
        ("email", "records='email': a list of channels is expected"),
        (3, "records=3: a list of channels is expected"),
        (["emial"], "there is no channel 'emial'; there are call, card, email, inapp, push, sms"),
        (["emial"], "did you mean 'email'?"),
        (["email", "cal"], "there is no channel 'cal'"),
        ([7], "there is no channel 7; there are call, card, email"),
    ],
)
def test_only_channels_that_there_are_can_record(
    records: object, complaint: str, tmp_path: Path, new_shop: NewShop
) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"

    with pytest.raises(SettingInvalid) as caught:
        Engine.open(new_shop(), store, records=records)  # type: ignore[arg-type]  # what a caller may do

    assert complaint in str(caught.value)
    assert not (tmp_path / "store").exists()


def test_what_older_versions_may_use_can_record_as_well(new_shop: NewShop) -> None:
    assert recording(new_shop(), ["sms", "email", "call"]) == ("call", "email", "sms")


def test_what_is_set_up_is_opened_though_no_message_of_the_project_uses_it(new_shop: NewShop) -> None:
    project = new_shop(sms={"account": "a", "token": "env:TOKEN", "sender": "+33600000000"}, pigeon={"loft": "l"})

    opened = delivering(project, ["email"], {"TOKEN": "t"})

    calls = {"allowed_networks": ["127.0.0.0/8"]}
    assert opened == {"call": calls, "sms": {"account": "a", "token": "t", "sender": "+33600000000"}}
    assert delivering(project, ["call", "email", "sms"], {}) == {}, "and what nobody has installed is missed by nobody"


def test_who_makes_calls_is_started_once_there_may_be_one_to_make(
    new_shop: NewShop, asking_shop: Callable[[str], Project]
) -> None:
    quiet, asking = new_shop(), asking_shop("https://desk.shop.example/rate")
    plan, compiler = Plan(quiet, 1, "memory:", {"call": {}, "sms": {}}), PublicationCompiler(quiet)
    rows = [
        ([publishing(quiet, reopen=True)], ("sms",)),  # what is set up is started in any case
        ([publishing(asking, reopen=True)], ("call", "sms")),
        ([publishing(asking, reopen=True), changing("stop", "opinion")], ("call", "sms")),  # runs may be in it
        ([publishing(asking, reopen=True), publishing(quiet, reopen=True)], ("call", "sms")),  # so they may here
    ]

    for changes, started in rows:
        published = begun(quiet)
        for at, change in enumerate(changes):
            published = change(published, at)
        assert channels_to_start(plan.channels, compiler.program(published)) == started


@pytest.mark.parametrize(
    "store, complaint",
    [
        (Path("var/shop"), r"is a path: write it as a text, 'sqlite:///var/shop'"),
        (None, r"store=None: use sqlite:///FOLDER, postgresql://HOST/DATABASE or memory:"),
        ("var/shop", r"use sqlite:///FOLDER, postgresql://HOST/DATABASE or memory:"),
        ("sqlite:///", r"use sqlite:///FOLDER, postgresql://HOST/DATABASE or memory:"),
    ],
)
def test_a_store_is_named_by_its_address(store: object, complaint: str, new_shop: NewShop) -> None:
    with pytest.raises(SettingInvalid, match=complaint):
        Engine.open(new_shop(), store, runtime="local", records=["email"])  # type: ignore[arg-type]  # as above
    with pytest.raises(SettingInvalid, match=complaint):
        Plan(new_shop(), 1, store)  # type: ignore[arg-type]  # what a caller may do


@pytest.mark.parametrize("below", ["", "deeper", "deeper/still"])
def test_a_file_where_the_store_s_folder_should_be_is_a_broken_store(
    below: str, tmp_path: Path, new_shop: NewShop
) -> None:
    (tmp_path / "store").write_text("a file")

    with pytest.raises(StoreBroken, match="store.* cannot be used"):
        Engine.open(new_shop(), f"sqlite:///{tmp_path / 'store' / below}", runtime="local", records=["email"])


def test_a_shard_that_does_not_open_gives_its_store_back(tmp_path: Path, new_shop: NewShop) -> None:
    plan = Plan(new_shop(), 1, f"sqlite:///{tmp_path}", records=("email",))
    prepare(plan.store, "shop", 1)
    clock = ManualClock(1_000_000)
    first = open_shard(plan, 0, clock, lambda channel: None)
    epoch = first.epoch
    asyncio.run(first.close())

    with pytest.raises(StoreBusy, match="not 0: it has been given to somebody else"):
        open_shard(plan, 0, clock, lambda channel: None, epoch - 1)

    second = open_shard(plan, 0, clock, lambda channel: None)  # nobody has the file
    assert second.epoch == epoch + 1
    asyncio.run(second.close())


@pytest.mark.parametrize("shards", [2, 3])
def test_a_store_of_another_project_says_so_before_anything_else(
    tmp_path: Path, new_shop: NewShop, shards: int
) -> None:
    store = f"sqlite:///{tmp_path}"
    prepare(store, "other", 2)

    with pytest.raises(SettingInvalid) as caught:
        Engine.open(new_shop(), store, shards=shards, runtime="local", records=["email"])

    assert str(caught.value) == f"the store {store} belongs to project 'other', not to 'shop': name another store"


def test_a_layout_that_does_not_fit_on_the_disk_is_not_there(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        with pytest.raises(StoreBroken, match=r"layout\.json cannot be used \(File too large\)"):
            prepare(f"sqlite:///{tmp_path}", "shop", 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    prepare(f"sqlite:///{tmp_path}", "other", 3)
    assert shards_of(f"sqlite:///{tmp_path}", "other") == 3


def test_a_layout_that_is_no_file_is_a_broken_store(tmp_path: Path, new_shop: NewShop) -> None:
    (tmp_path / "layout.json").mkdir()

    with pytest.raises(StoreBroken, match="cannot be used"):
        Engine.open(new_shop(), f"sqlite:///{tmp_path}", runtime="local", records=["email"])


def test_a_secret_that_is_missing_is_named_with_its_channel(new_shop: NewShop) -> None:
    project = new_shop(email={"host": "h", "sender": "s@shop.example", "password": "env:SMTP_PASSWORD"})

    with pytest.raises(SettingInvalid, match=r"the setting channels\.email\.password refers to .* SMTP_PASSWORD"):
        Engine.open(project, "memory:", runtime="local", environ={})


def test_secrets_do_not_show_in_what_is_printed_of_a_plan(new_shop: NewShop) -> None:
    plan = Plan(new_shop(), 1, "memory:", {"email": {"password": "hunter2"}})

    assert "hunter2" not in repr(plan)


def test_a_shard_that_cannot_be_built_gives_its_store_back(tmp_path: Path, new_shop: NewShop) -> None:
    plan = Plan(new_shop(), 1, f"sqlite:///{tmp_path}", records=("email",))
    prepare(plan.store, "shop", 1)
    clock = ManualClock(1_000_000)

    with pytest.raises(AttributeError):
        open_shard(replace(plan, settings={"claim_max": 5}), 0, clock, lambda channel: None)  # type: ignore[arg-type]

    asyncio.run(open_shard(plan, 0, clock, lambda channel: None).close())  # nobody has the file


@pytest.mark.parametrize("settings", [{"claim_max": 5}, {}, 0, "claim_max=5", Settings])
def test_settings_are_settings(settings: Any, tmp_path: Path, new_shop: NewShop) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"
    for use in (
        lambda: Engine.open(new_shop(), store, runtime="local", records=["email"], settings=settings),
        lambda: simulate(new_shop(), b"", settings=settings),
        lambda: VirtualProject(new_shop(), settings=settings),
    ):
        with pytest.raises(SettingInvalid, match="Settings are expected"):
            use()

    Engine.open(new_shop(), store, runtime="local", records=["email"]).close()


def test_a_step_of_closing_that_fails_leaves_no_store_locked(
    tmp_path: Path, new_shop: NewShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"

    async def refuse(self: object) -> None:
        raise OSError(type(self).__name__)

    engine = Engine.open(new_shop(), store, runtime="local", records=["email"])
    with monkeypatch.context() as patch:
        patch.setattr(Router, "close", refuse)
        patch.setattr(LiveReads, "stop", refuse)
        with pytest.raises(OSError, match="LiveReads"):
            engine.close()

    Engine.open(new_shop(), store, runtime="local", records=["email"]).close()


def test_a_shard_that_does_not_close_keeps_no_other_open(tmp_path: Path, new_shop: NewShop) -> None:
    plan = Plan(new_shop(), 2, f"sqlite:///{tmp_path}", records=("email",))

    class Stuck(LocalShard):
        async def close(self) -> None:
            await super().close()
            raise OSError("stuck")

    async def run() -> None:
        runtime = LocalRuntime(plan)
        await runtime.start()
        runtime.ports[0].__class__ = Stuck
        with pytest.raises(OSError, match="stuck"):
            await runtime.stop()

        again = LocalRuntime(plan)
        await again.start()
        await again.stop()

    asyncio.run(run())


GREATEST = (
    dict.fromkeys(Settings.model_fields, COUNT_MAX)
    | {name: DURATION_MAX_MS for name in Settings.model_fields if name.endswith("_ms")}
    | {"table_bad_cells_max": 1}
)
LEAST = dict.fromkeys(Settings.model_fields, 1) | {
    "id_bytes_max": 256,
    "soft_failures_max": 2,
    "message_ids_bytes_max": 1024 * 1024,
    "message_ids_disk_max": 1024 * 1024,
    "actor_silence_ms": 1_000,
    "decision_tick_ms": 1_000,
    "lessons_kept_max": 8,
    "table_bad_cells_max": 0,
    "campaign_memory_bytes": 64 * 1024 * 1024,
    "warehouse_memory_bytes": 64 * 1024 * 1024,
}
WORDS = {
    "strangers": "forget",
    "idle_events": "keep",
    "outbox_full": "refuse",
    "actor_nodes": "role=actors",
    "sets": {"engine": "daft"},
    "figures": {"recent_minutes": 1},
}
IN_SECONDS = dict.fromkeys(
    ("analysis_timeout_s", "change_wait_s", "hello_wait_s", "send_timeout_s", "sql_timeout_s"), 86_400
)


@pytest.mark.parametrize(
    "settings",
    [
        Settings.model_validate(GREATEST | WORDS | IN_SECONDS | {"retry_delays_ms": (DURATION_MAX_MS,)}),
        Settings.model_validate(LEAST | WORDS | {"retry_delays_ms": (1,), "event_bytes_max": 1_000}),
    ],
    ids=["greatest", "least"],
)
def test_an_engine_runs_with_every_setting_at_a_bound(settings: Settings, new_shop: NewShop) -> None:
    with Engine.open(new_shop(), "memory:", runtime="local", records=["email"], settings=settings) as engine:
        assert engine.track("anna", "Started", {"cart": "c1"}).result(60).accepted == 1
        engine.drain(60)
        assert engine.profile("anna") is not None
    with VirtualProject(new_shop(), settings=settings) as shop:
        shop.identify("anna", {"email": "anna@shop.example"})
        shop.track("anna", "Started", {"cart": "c1"})
        shop.advance(days=400)
        shop.react("anna", "opened", of="cart.remind")
        assert "remind" in shop.explain("anna")


def test_without_links_it_is_said_once_that_marketing_leaves_without_them(
    new_shop: NewShop, caplog: pytest.LogCaptureFixture
) -> None:
    mail = {"host": "127.0.0.1", "port": 1, "sender": "shop@luma.example", "tls": "none"}
    links = SealedLinks("https://door.example", ["k" * 32])

    Service.open(new_shop(email=mail), "memory:", runtime="local")
    Service.open(new_shop(email=mail), "memory:", runtime="local", links=links)
    Service.open(new_shop(), "memory:", runtime="local", records=["email"])

    assert caplog.messages == ["no links are put into what leaves on email: nobody gave `links`"]


def test_links_that_are_none_are_refused(new_shop: NewShop) -> None:
    with pytest.raises(CallerError, match="an object with the method `report_url` is expected"):
        Engine.open(new_shop(), "memory:", runtime="local", records=["email"], links="https://door.example")  # type: ignore[arg-type]  # as above
