"""The controls of the door over the real application and a real engine."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import blake2s, sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from parcours import Project, Service, ShardUnavailable
from parcours.core.fact import LedgerChanged
from parcours.examples import write_example
from parcours.ingress.application import Application, door_of
from parcours.ingress.keys import Key, Keyring
from parcours.ingress.settings import ServeSettings
from parcours.ingress.upload import UPLOAD_BYTES_MAX
from parcours.shard.ids.key import DIGEST_BYTES
from parcours.shard.in_hand import InHand, line_mark
from parcours.shard.requests import NewestFacts
from parcours.store.address import open_store

CHANNELS = ["email", "sms", "push"]

CART = {"cart": {"total": 80, "currency": "EUR", "items": 1}, "shipping": {"country": "FR"}}

JOURNEY = "abandoned-cart"

FORBIDDEN_PATHS = [
    "../parcours.yaml", "/etc/passwd", "a/../../b", "journeys//a.yaml", "./a.yaml", "a\\..\\b", "C:/a", "a\0b", "",
    "a/", "a\nb", "x" * 201, "\u202ea",
]  # fmt: skip


def key(name: str, *scopes: str) -> Key:
    return Key(name=name, sha256=sha256(name.encode()).hexdigest(), scopes=frozenset(scopes))


KEYS = (key("ada", "operate"), key("eve", "operate:read"), key("care", "operate:read", "people:read"))


class Shop:
    """A served shop, and who knocks at its door."""

    def __init__(self, folder: Path, service: Service, client: httpx.AsyncClient) -> None:
        self.folder = folder
        self.service = service
        self.client = client

    async def get(self, path: str, by: str = "eve") -> httpx.Response:
        return await self.client.get(path, headers={"Authorization": f"Bearer {by}"})

    async def post(self, path: str, body: Any = None, by: str = "ada") -> httpx.Response:
        return await self.client.post(path, json=body, headers={"Authorization": f"Bearer {by}"})

    def files(self, **changed: str) -> dict[str, str]:
        """The project as it would be sent, with texts replaced in its documents: `was=becomes`."""
        texts = {
            path.relative_to(self.folder).as_posix(): path.read_text()
            for path in sorted(self.folder.rglob("*.yaml"))
            if "store" not in path.parts
        }
        for was, becomes in changed.items():
            texts = {path: text.replace(was, becomes) for path, text in texts.items()}
        return texts

    async def changes(self) -> list[tuple[str, str, int, str]]:
        """(verb, journey, ledger, by) of the changes among the newest facts."""
        facts = (await self.service._host.ports[0].ask(NewestFacts(0))).facts
        told = [fact for fact in facts if isinstance(fact, LedgerChanged)]
        return [(fact.verb, fact.journey, fact.ledger, fact.by) for fact in told]


@asynccontextmanager
async def serving(folder: Path, store: str | None = None) -> AsyncIterator[Shop]:
    project = folder / "shop"
    if not project.exists():
        write_example(project, "abandoned-cart")
    address = store or f"sqlite:///{folder}/store"
    async with Service.open(Project.load(project), address, shards=1, runtime="local", records=[*CHANNELS]) as service:
        door = door_of(service, ServeSettings())
        door.keys = Keyring(KEYS)
        transport = httpx.ASGITransport(Application(door))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield Shop(project, service, client)


def at_the_door(folder: Path, visit: Callable[[Shop], Awaitable[None]], store: str | None = None) -> None:
    async def scenario() -> None:
        async with serving(folder, store) as shop:
            await visit(shop)

    asyncio.run(scenario())


def test_journeys_are_told_with_the_figures_that_the_report_has(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        for person in ("sarah", "paul"):
            await shop.service.identify(person, {"email": f"{person}@shop.example"})
            await shop.service.track(person, "Cart Left", CART)
        await shop.service.drain(30)

        listed = (await shop.get("/journeys")).json()
        looked = (await shop.get(f"/journeys/{JOURNEY}")).json()
        versions = (await shop.get(f"/journeys/{JOURNEY}/versions")).json()
        report = (await shop.get("/report")).json()

        assert listed == {
            "ledger": 1,
            "journeys": [
                {
                    "name": JOURNEY,
                    "state": "open",
                    "version": 1,
                    "entered": 2,
                    "entered_lately": 2,
                    "goal": 0,
                    "health": [],
                }
            ],
        }
        del listed["journeys"][0]["entered_lately"]
        assert {name: value for name, value in looked.items() if name != "steps"} == {
            **listed["journeys"][0], "ledger": 1,
        }  # fmt: skip
        assert looked["steps"]["opened"] == {"inflow": 2, "waiting": 2, "gone_on": 0, "ended": 0}
        assert looked["steps"] == report["summary"]["journeys"][JOURNEY]["steps"]
        assert report["summary"]["channels"]["email"]["sent"] == 2
        assert report["targets"] == {JOURNEY: 50}
        (version,) = versions["versions"]
        assert (version["version"], version["runs"], version["by"]) == (1, 2, "")
        for path in ("/journeys/crat", "/journeys/crat/versions", f"/journeys/{JOURNEY}?version=2"):
            assert (await shop.get(path)).status_code == 404

    at_the_door(tmp_path, visit)


def test_what_changes_nothing_needs_less_than_what_does(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        for path in (
            "/publish", "/store/backup", "/dead/0.1/resend",
            *(f"/sources/stream/{verb}" for verb in ("pause", "resume", "move", "rewind")),
            *(f"/journeys/{JOURNEY}/{verb}" for verb in ("pause", "resume", "close", "stop")),
        ):  # fmt: skip
            assert (await shop.client.post(path)).status_code == 401
            refused = await shop.post(path, {"dry": True}, by="eve")
            assert (refused.status_code, refused.json()["code"]) == (403, "scope")
        for path in ("/journeys", f"/journeys/{JOURNEY}", "/dead", "/troubles", "/report", "/sources"):
            assert (await shop.client.get(path)).status_code == 401
            answer = await shop.get(path)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/json"
        assert await shop.changes() == []

    at_the_door(tmp_path, visit)


def test_a_journey_is_changed_dry_first_and_by_whoever_knows_the_newest_state(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await shop.service.track("sarah", "Cart Left", CART)
        await shop.service.drain(30)
        pause, resume = (f"/journeys/{JOURNEY}/{verb}" for verb in ("pause", "resume"))

        dry = await shop.post(pause, {"dry": True, "ledger": 1})
        done = await shop.post(pause, {"ledger": 1})
        late = await shop.post(pause, {"ledger": 1, "dry": True})

        assert dry.json() == {
            "ledger": 1,
            "dry": True,
            "refused": [],
            "runs": {"stay": 1, "end": 0, "make_up": 0},
            "deliveries_cancelled": 0,
            "audiences_filled": [],
            "changes": [
                "nobody enters 'abandoned-cart', nobody in it moves, and nothing is sent for it until it is resumed"
            ],
        }
        assert done.json() == {**dry.json(), "ledger": 2, "dry": False}
        assert (late.status_code, late.json()["code"]) == (409, "ledger")
        assert (await shop.get(f"/journeys/{JOURNEY}")).json()["state"] == "paused"
        assert (await shop.post(resume)).json()["ledger"] == 3, "without a body it is done"
        assert await shop.changes() == [("pause", JOURNEY, 2, "ada"), ("resume", JOURNEY, 3, "ada")]

    at_the_door(tmp_path, visit)


def test_what_is_refused_comes_with_the_whole_answer_and_what_is_no_order_changes_nothing(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        stopped = (await shop.post(f"/journeys/{JOURNEY}/stop")).json()
        pause = f"/journeys/{JOURNEY}/pause"

        dry, real = await shop.post(pause, {"dry": True}), await shop.post(pause)

        assert dry.status_code == 200
        assert dry.json()["refused"] == ["the journey 'abandoned-cart' is stopped: nobody is in it, and nobody enters"]
        assert (real.status_code, real.json()["code"]) == (409, "refused")
        assert {name: real.json()[name] for name in dry.json()} == {**dry.json(), "dry": False}
        assert (await shop.post("/journeys/crat/pause")).status_code == 404
        for path, body in [
            (pause, {"dri": True}), (pause, {"dry": "yes"}), (pause, [1]), (f"{pause}?dry=true", None),
            ("/publish", None), ("/publish", {"files": {"a.yaml": 1}}),
            ("/store/backup", {}),
        ]:  # fmt: skip
            assert (await shop.post(path, body)).status_code == 400, body
        assert (await shop.get("/journeys")).json()["ledger"] == stopped["ledger"] == 2

    at_the_door(tmp_path, visit)


def test_a_project_is_published_dry_first(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        await shop.service.track("sarah", "Cart Left", CART)
        files = shop.files(**{"Remind a shopper": "Tell a shopper"})
        files["parcours.yaml"] += "\nchannels: {email: {host: [not, the, server's]}, sms: 'env:NOWHERE'}\n"

        dry = await shop.post("/publish", {"files": shop.files(**{"Remind a shopper": "Tell a shopper"}), "dry": True})
        done = await shop.post("/publish", {"files": shop.files(**{"Remind a shopper": "Tell a shopper"}), "ledger": 1})

        assert dry.json()["runs"] == {"stay": 1, "end": 0, "make_up": 0}
        (change,) = dry.json()["changes"]
        assert change.startswith("the journey 'abandoned-cart' has changed: version 2 takes the entries")
        assert done.json() == {**dry.json(), "ledger": 2, "dry": False}
        shown = (await shop.get(f"/journeys/{JOURNEY}/versions")).json()["versions"]
        assert [(each["version"], each["by"], each["runs"]) for each in shown] == [(2, "ada", 0), (1, "", 1)]
        again = await shop.post("/publish", {"files": shop.files(**{"Remind a shopper": "Tell a shopper"})})
        assert (again.json()["ledger"], again.json()["changes"]) == (2, [])
        for ledger in (1, 3):
            late = await shop.post("/publish", {"files": files, "dry": True, "ledger": ledger})
            assert (late.status_code, late.json()["code"]) == (409, "ledger")

    at_the_door(tmp_path, visit)


def test_a_project_may_be_sent_packed_and_is_unpacked_as_far_as_it_may_be_long(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        async def packed(body: bytes, encoding: str = "gzip") -> httpx.Response:
            headers = {"Authorization": "Bearer ada", "Content-Encoding": encoding}
            return await shop.client.post("/publish", content=body, headers=headers)

        upload = json.dumps({"files": shop.files(**{"Remind a shopper": "Tell a shopper"})}).encode()
        assert (await packed(gzip.compress(upload))).json()["ledger"] == 2

        long = b'{"files": {"a.yaml": "%s"}}' % (b"x" * UPLOAD_BYTES_MAX)
        for body, encoding, told in (
            (gzip.compress(long), "gzip", (413, "too_large")),
            (upload, "gzip", (400, "invalid")),
            (upload, "br", (415, "encoding")),
        ):
            refused = await packed(body, encoding)
            assert (refused.status_code, refused.json()["code"]) == told, encoding
        paused = await shop.client.post(
            f"/journeys/{JOURNEY}/pause",
            content=gzip.compress(b'{"ledger": 2}'),
            headers={"Authorization": "Bearer ada", "Content-Encoding": "gzip"},
        )
        assert paused.json()["ledger"] == 3

    at_the_door(tmp_path, visit)


def test_what_channels_are_configured_with_is_the_servers(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        files = shop.files()
        files["parcours.yaml"] = (
            "project: abandoned-cart\nchannels:\n  email: {host: 7, password: 'file:/etc/passwd'}\n  sms: {}\n"
        )

        dry = (await shop.post("/publish", {"files": files, "dry": True})).json()

        assert dry["refused"] == []
        assert all("the journey" not in each for each in dry["changes"])

    at_the_door(tmp_path, visit)


def test_an_author_is_told_every_error(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        files = shop.files(**{"event: Cart Left": "event: Cart Lost"})

        dry = await shop.post("/publish", {"files": files, "dry": True})
        real = await shop.post("/publish", {"files": files})
        other = await shop.post("/publish", {"files": shop.files(), "journey": "crat"})

        assert dry.status_code == 200
        assert any(each.startswith("journeys/abandoned-cart.yaml:") for each in dry.json()["refused"])
        assert (real.status_code, real.json()["refused"], real.json()["ledger"]) == (409, dry.json()["refused"], 1)
        assert other.json()["refused"] == ["the project has no journey 'crat'"]

    at_the_door(tmp_path, visit)


def test_nothing_of_an_upload_leaves_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = tmp_path / "temporary"
    places.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(places))
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    message = "message: m\nemail: {subject: s, text_file: ../../../../../../etc/hostname}\n"

    async def visit(shop: Shop) -> None:
        for path in FORBIDDEN_PATHS:
            refused = await shop.post("/publish", {"files": {**shop.files(), path: "x"}})
            assert refused.status_code == 400, path
            assert path == "" or repr(path)[1:20] in refused.json()["message"]
        for path, text in [
            ("profile.yaml", bomb), ("events.yaml", "[" * 5_000), ("messages/m.yaml", message),
            ("journeys/a.yaml/b.yaml", "x"),
        ]:  # fmt: skip
            files = {**shop.files(), path: text} | ({"journeys/a.yaml": ""} if "b.yaml" in path else {})
            refused = await shop.post("/publish", {"files": files})
            assert refused.status_code == 400, (path, refused.json())
            assert path.removesuffix("/b.yaml") in refused.json()["message"]
        many = {f"messages/{number}.txt": "" for number in range(501)}
        assert (await shop.post("/publish", {"files": many})).status_code == 413
        assert (await shop.post("/publish", {"files": {"a.yaml": "x" * 4_200_000}})).status_code == 413
        assert list(places.iterdir()) == []
        assert (await shop.get("/journeys")).json()["ledger"] == 1

    at_the_door(tmp_path, visit)


def test_whoever_may_not_see_people_sees_dead_letters_without_them(tmp_path: Path) -> None:
    async def once(shop: Shop) -> None:
        await shop.service.drain(30)

    async def visit(shop: Shop) -> None:
        await shop.service.track("sarah", "Cart Left", CART, message_id="m1")
        (seen,) = (await shop.get("/dead", by="care")).json()["letters"]
        (hidden,) = (await shop.get("/dead")).json()["letters"]

        assert (seen["person"], seen["what"]) == ("sarah", "an event")
        assert '"m1"' in seen["line"]
        assert hidden["person"].startswith("person ")
        assert "sarah" not in str(hidden) and "mistake" not in str(hidden)
        assert (await shop.get("/dead")).json()["letters"] == [hidden], "the same all day"
        (trouble,) = (await shop.get("/troubles")).json()["troubles"]
        assert trouble.endswith("the newest because: ZeroDivisionError") and "mistake" not in trouble
        assert (await shop.get("/troubles", by="care")).json()["troubles"][0].endswith("a mistake of ours")
        assert (await shop.post("/dead/9.9/resend")).status_code == 404
        assert (await shop.post(f"/dead/{seen['id']}/resend")).json() == {"applied": 1}
        assert (await shop.get("/dead")).json() == {"letters": []}

    at_the_door(tmp_path, once)
    store = open_store(f"sqlite:///{tmp_path}/store", 0)
    in_hand = InHand()  # as if an engine had met this message before, and an error had come of it
    in_hand.restore(store.scratch())
    in_hand.line(line_mark(blake2s(b"sarah\0m1", digest_size=DIGEST_BYTES).digest()))
    in_hand.blame(ZeroDivisionError("a mistake of ours"))
    store.close()
    at_the_door(tmp_path, visit)


def test_a_backup_is_a_job(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        for name in ("../x", "", ".x", "a/b", "a" * 101, "a\n"):
            assert (await shop.post("/store/backup", {"name": name})).status_code == 400
        begun = await shop.post("/store/backup", {"name": "monday"})
        second = await shop.post("/store/backup", {"name": "tuesday"})

        assert (begun.status_code, begun.json()["state"]) == (202, "running")
        assert (second.status_code, second.json()["code"]) == (409, "running")
        job = begun.json()
        while job["state"] == "running":
            await asyncio.sleep(0.01)
            job = (await shop.get(f"/store/backups/{job['job']}")).json()
        assert (job["state"], job["folder"]) == ("done", str(tmp_path / "store" / "backups" / "monday"))
        assert (tmp_path / "store" / "backups" / "monday" / "layout.json").exists()
        taken = await shop.post("/store/backup", {"name": "monday"})
        assert (taken.status_code, taken.json()["code"]) == (409, "taken")
        assert (await shop.get("/store/backups/none")).status_code == 404

    at_the_door(tmp_path, visit)


def test_a_store_in_memory_has_no_backup(tmp_path: Path) -> None:
    async def visit(shop: Shop) -> None:
        refused = await shop.post("/store/backup", {"name": "monday"})
        assert (refused.status_code, refused.json()["code"]) == (409, "refused")

    at_the_door(tmp_path, visit, store="memory:")


def test_a_shard_that_is_away_is_told_as_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise ShardUnavailable("shard 0 has not answered within change_wait_s=10, and nothing has changed")

    async def visit(shop: Shop) -> None:
        monkeypatch.setattr(shop.service, "pause_journey", away)
        answer = await shop.post(f"/journeys/{JOURNEY}/pause")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "shard 0" in answer.json()["message"]

    at_the_door(tmp_path, visit)
