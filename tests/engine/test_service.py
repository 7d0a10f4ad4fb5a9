"""A service on the caller's own loop, and the engine around it: one façade, for whoever awaits and whoever waits."""

from __future__ import annotations

import asyncio
import os
import pydoc
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from parcours.errors import CallerError, EngineClosed, StoreBusy
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.service.service import Service

NewShop = Callable[..., Project]


def open_service(project: Project, store: str = "memory:") -> Service:
    return Service.open(project, store, runtime="local", records=["email"])


def test_a_service_lives_on_the_loop_of_its_caller(new_shop: NewShop) -> None:
    async def backend() -> list[str | None]:
        async with open_service(new_shop()) as service:
            loops = {task.get_loop() for task in asyncio.all_tasks()}
            assert loops == {asyncio.get_running_loop()}
            done = await service.identify("anna", {"email": "anna@mail.example"})
            assert done.accepted == 1
            await service.track("anna", "Started", {"cart": "c1"}, message_id="m-1")
            again = await service.track("anna", "Started", {"cart": "c1"}, message_id="m-1")
            assert again.duplicate == 1
            await service.drain(30)
            anna = await service.profile("anna")
            assert anna is not None
            assert [each.journey for each in (await service.explain("anna")).journeys] == ["cart", "visits"]
            return [run.step for run in anna.runs]

    assert asyncio.run(backend()) == ["bought"]


def test_what_somebody_anonymous_does_is_hers_alone(new_shop: NewShop) -> None:
    async def backend() -> list[int | None]:
        async with open_service(new_shop()) as service:
            when = datetime(2020, 5, 1, tzinfo=UTC)
            await service.track(None, "Seen", {"page": "/"}, anonymous_id="7f3a", timestamp=when)
            known = [await service.profile(name) for name in ("@anonymous/7f3a", "7f3a")]
            return [None if person is None else person.counts["visits"] for person in known]

    assert asyncio.run(backend()) == [1, None]


def test_a_reaction_and_a_consent_are_handed_in_live(new_shop: NewShop) -> None:
    with Engine.open(new_shop(), "memory:", runtime="local", records=["email"]) as engine:
        engine.identify("anna", {"email": "anna@mail.example"}).result()
        engine.track("anna", "Started", {"cart": "c1"}).result()
        engine.track("anna", "Bought", {"cart": "c1"}).result()
        engine.drain(30)

        engine.react("anna", "opened", of="cart.thank").result()
        engine.consent("anna", "email", purpose="cart", granted=False).result()

        anna = engine.profile("anna")
        assert anna is not None
        assert [set(each.marks) for run in anna.past for each in run.deliveries] == [{"delivered", "opened"}]
        assert dict(anna.consents) == {("email", "cart"): False}


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        (lambda shop: shop.react("anna", "opend", of="cart.remind"), "no reaction: 'opend', did you mean 'opened'"),
        (lambda shop: shop.react("anna", "opened", of="cart.remid"), "'cart.remid' has to be one step that sends"),
        (lambda shop: shop.react("anna", "opened", of="cart.remind", answer={}), "only 'answered' has an answer"),
        (lambda shop: shop.track("anna", "Seen", timestamp=datetime(2026, 1, 1)), "a time with its zone"),  # noqa: DTZ001
        (lambda shop: shop.ingest("anna"), "encode it as UTF-8 first"),
        (lambda shop: shop.profile(5.0), "a person's id is a text or a whole number"),
        (lambda shop: shop.publish("shop"), "a Project is expected"),
    ],
)  # fmt: skip
def test_what_a_caller_says_wrong_is_an_error_at_once(wrong: Any, sentence: str, new_shop: NewShop) -> None:
    async def backend() -> None:
        async with open_service(new_shop()) as service:
            with pytest.raises(CallerError, match=sentence):
                wrong(service)  # not awaited

    asyncio.run(backend())


@pytest.mark.parametrize("kind", [Engine, Service])
def test_a_folder_is_no_project(kind: Any) -> None:
    with pytest.raises(CallerError, match=r"open\('shop'\): a Project is expected; a folder is read by Project.load"):
        kind.open("shop", "memory:", runtime="local")


def test_a_closed_service_says_so(new_shop: NewShop) -> None:
    async def backend() -> None:
        async with open_service(new_shop()) as service:
            pass
        await service.close()  # may be called again
        for call in (service.track("anna", "Seen"), service.profile("anna"), service.drain(), service.troubles()):
            with pytest.raises(EngineClosed):
                await call

    asyncio.run(backend())


def test_a_service_that_does_not_start_gives_everything_back(new_shop: NewShop, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"

    async def backend() -> None:
        async with open_service(new_shop(), store):
            with pytest.raises(StoreBusy):
                await open_service(new_shop(), store).start()
            assert len(asyncio.all_tasks()) < 20
        async with open_service(new_shop(), store) as again:
            assert await again.troubles() == []

    asyncio.run(backend())


def test_what_is_told_of_a_person_cannot_be_changed(new_shop: NewShop) -> None:
    with Engine.open(new_shop(), "memory:", runtime="local", records=["email"]) as engine:
        engine.identify("anna", {"email": "anna@mail.example", "many": [{"deep": [1]}]}).result()
        engine.track("anna", "Started", {"cart": "c1"}).result()
        anna: Any = engine.profile("anna")

        for change in (
            lambda: anna.traits.__setitem__("email", "x"),
            lambda: anna.traits["many"][0].__setitem__("deep", 2),
            lambda: anna.traits["many"][0]["deep"].append(2),
            lambda: anna.runs.append(anna.runs[0]),
            lambda: setattr(anna, "runs", ()),
            lambda: setattr(anna.runs[0], "step", "done"),
        ):
            with pytest.raises((AttributeError, TypeError)):
                change()

        assert engine.profile("anna") == anna


def test_a_forked_process_is_told_that_the_engine_is_not_its_own(new_shop: NewShop) -> None:
    with Engine.open(new_shop(), "memory:", runtime="local", records=["email"]) as engine:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            said = []
            for call in (lambda: engine.track("anna", "Seen"), engine.troubles, engine.drain):
                try:
                    call()
                except CallerError as error:
                    said.append(str(error))
            engine.close()  # leaves the parent's engine alone
            os.write(writing, "\n".join(said).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            said = pipe.read().splitlines()
        os.waitpid(child, 0)

        told = f"the engine was opened by process {os.getpid()}, and this is process {child}, forked from it"
        assert [each.partition(":")[0] for each in said] == [told] * 3
        assert engine.track("anna", "Seen").result(30).accepted == 1


def test_help_shows_no_environment_and_what_a_call_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "swordfish-37")

    shown = pydoc.plain(pydoc.render_doc(Engine))

    assert "swordfish-37" not in shown
    assert "Acknowledgement" in shown.split("track(self")[1].split("\n")[0]
    assert "Somebody did something." in shown


def test_live_and_virtual_projects_are_asked_alike() -> None:
    from parcours.testing.virtual_project import VirtualProject

    asked = ["track", "identify", "consent", "react", "profile", "publish", "journeys", "close_journey", "stop_journey"]

    assert {name: [hasattr(kind, name) for kind in (Service, Engine, VirtualProject)] for name in asked} == {
        name: [True, True, True] for name in asked
    }


def everything_asked(service: Service, shop: Project) -> list[Coroutine[Any, Any, object]]:
    return [
        service.track("anna", "Seen"),
        service.identify("anna", {"city": "Oslo"}),
        service.consent("anna", "email"),
        service.react("anna", "opened", of="cart.remind"),
        service.ingest([]),
        service.profile("anna"),
        service.explain("anna"),
        service.drain(),
        service.troubles(),
        service.publish(shop),
        service.journeys(),
        service.close_journey("cart"),
        service.stop_journey("cart"),
        service.pause_journey("cart"),
        service.resume_journey("cart"),
    ]


async def each_refused(service: Service, shop: Project, kind: type[CallerError], complaint: str) -> None:
    for call in everything_asked(service, shop):
        with pytest.raises(CallerError, match=complaint) as caught:
            await call
        assert type(caught.value) is kind


def test_a_service_that_has_not_been_started_says_so(new_shop: NewShop) -> None:
    async def backend() -> None:
        service, shop = open_service(new_shop()), new_shop()
        await each_refused(service, shop, CallerError, "has not been started: enter it by `async with`")
        await service.close()
        await service.close()
        await each_refused(service, shop, EngineClosed, "has been closed")

    asyncio.run(backend())


def test_a_closed_service_refuses_everything(new_shop: NewShop) -> None:
    async def backend() -> None:
        async with open_service(new_shop()) as service:
            with pytest.raises(CallerError, match="started already"):
                await service.start()
        await each_refused(service, new_shop(), EngineClosed, "has been closed")
        with pytest.raises(EngineClosed):
            await service.start()

    asyncio.run(backend())


def test_a_service_is_used_on_the_loop_where_it_was_started(new_shop: NewShop) -> None:
    with asyncio.Runner() as at_home, asyncio.Runner() as elsewhere:
        service = open_service(new_shop())
        at_home.run(service.start())

        elsewhere.run(each_refused(service, new_shop(), CallerError, "started on another event loop"))
        with pytest.raises(CallerError, match="started on another event loop"):
            elsewhere.run(service.close())

        assert at_home.run(service.track("anna", "Seen")).accepted == 1
        at_home.run(service.close())
        elsewhere.run(service.close())  # closing again stays fine
