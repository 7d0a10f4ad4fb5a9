"""Destinations that come along keep the contract, and do what they promise besides."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from aiohttp import web

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.destination import Member
from parcours.destinations.file import FileDestination, FileSettings
from parcours.destinations.webhook import WebhookDestination, WebhookSettings
from parcours.dispatch.destinations import InstalledDestinations
from parcours.errors import DestinationUnknown, SettingInvalid
from parcours.testing.contracts import DestinationContract
from parcours.testing.destination_contract import member
from parcours.testing.doubles import Drop, Hang, HttpReply, HttpServer


class Desk(HttpServer):
    """The other side: keeps members and headers, and refuses members whose key is unwanted."""

    def __init__(self, unwanted: Sequence[str] = ()) -> None:
        super().__init__()
        self.members: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._unwanted = unwanted

    async def handle(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        return await self.respond(request, lambda: self._take(request, json.loads(body)))

    def _take(self, request: web.BaseRequest, members: list[dict[str, Any]]) -> web.Response:
        self.headers.append(dict(request.headers))
        if any(each["key"] in self._unwanted for each in members):
            return web.Response(status=422)
        self.members += members
        return web.Response()


class TestWebhook(DestinationContract[Desk]):
    destination = WebhookDestination
    entry_point = "webhook"

    def other(self) -> Desk:
        return Desk()

    def settings(self, other: Desk) -> dict[str, Any]:
        return {"url": f"{other.url}/in", "allowed_networks": ["127.0.0.0/8"]}

    def taken(self, other: Desk) -> list[dict[str, Any]]:
        return other.members

    def unreachable(self, other: Desk) -> bool:
        other.cut_off()
        return True


class TestFile(DestinationContract[Path]):
    destination = FileDestination
    entry_point = "file"

    @contextmanager
    def other(self) -> Iterator[Path]:
        with TemporaryDirectory() as folder:
            yield Path(folder) / "out" / "vip.ndjson"

    def settings(self, other: Path) -> dict[str, Any]:
        return {"path": other}

    def taken(self, other: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in other.read_text("utf-8").splitlines()]

    def unreachable(self, other: Path) -> bool:
        other.unlink()
        other.mkdir()  # which can be opened by nobody, root included
        return True

    def recognises(self) -> bool:
        return True


def post(desk: Desk, members: Sequence[Member], **more: Any) -> list[Receipt]:
    async def tell() -> list[Receipt]:
        given = {"url": desk.url, "allowed_networks": ["127.0.0.0/8"], **more}
        opened = WebhookDestination(WebhookSettings.model_validate(given))
        await opened.start()
        try:
            return await opened.send(members)
        finally:
            await opened.stop()

    return asyncio.run(tell())


def test_a_request_has_its_headers_and_an_idempotency_key() -> None:
    with Desk() as desk:
        for _ in range(2):
            post(desk, [member(1)], headers={"Authorization": "Bearer x"})
        post(desk, [member(1), member(2)])
    keys = [each["Idempotency-Key"] for each in desk.headers]
    assert keys[0] == keys[1] == member(1).id
    assert len({*keys}) == 2
    assert desk.headers[0]["Authorization"] == "Bearer x"


def test_who_is_refused_among_others_is_found_and_the_others_arrive() -> None:
    with Desk(unwanted=[member(3).key]) as desk:
        receipts = post(desk, [member(number) for number in range(6)])
    refused = [receipt for receipt in receipts if isinstance(receipt, Refused)]
    assert [(each.key, each.code) for each in refused] == [(member(3).id, "422")]
    assert sorted(each["id"] for each in desk.members) == [member(number).id for number in (0, 1, 2, 4, 5)]


@pytest.mark.parametrize(
    ("status", "kind"), [(401, NotSent), (404, NotSent), (503, NotSent), (429, NotSent), (500, Ambiguous)]
)
def test_an_answer_that_speaks_of_us_is_no_word_about_members(status: int, kind: type[Receipt]) -> None:
    with Desk() as desk:
        desk.next(HttpReply(status, {}))
        receipts = post(desk, [member(1), member(2)])
    assert [type(receipt) for receipt in receipts] == [kind, kind]
    assert all(not isinstance(receipt, NotSent) or receipt.of_channel for receipt in receipts)
    assert desk.members == []


@pytest.mark.parametrize("fault", [Drop(), Hang()])
def test_what_may_have_arrived_is_ambiguous(fault: Drop | Hang) -> None:
    with Desk() as desk:
        desk.next(fault)
        (receipt,) = post(desk, [member(1)], timeout_s=1.0)
    assert isinstance(receipt, Ambiguous)


def test_a_server_that_is_not_there_is_told_with_what_the_system_says() -> None:
    desk = Desk()
    with desk:
        desk.cut_off()
        (receipt,) = post(desk, [member(1)])
    assert isinstance(receipt, NotSent)
    assert "Connect call failed" in receipt.reason


def test_a_private_address_is_not_told_unless_it_is_listed() -> None:
    with Desk() as desk:
        (receipt,) = post(desk, [member(1)], allowed_networks=[])
    assert isinstance(receipt, NotSent) and receipt.of_channel
    assert desk.members == []


def test_a_line_that_a_crash_has_cut_off_goes_when_the_file_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "vip.ndjson"
    path.write_bytes(member(1).as_json() + b"\n" + member(2).as_json()[:20])
    append(path, [member(2, attempt=2)])
    assert path.read_bytes().splitlines() == [member(1).as_json(), member(2).as_json()]


def test_a_file_of_one_broken_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "vip.ndjson"
    path.write_bytes(b"{" * 3_000_000)
    append(path, [member(1)])
    assert path.read_bytes() == member(1).as_json() + b"\n"


def test_a_snapshot_takes_the_place_of_a_file_and_keeps_what_is_later(tmp_path: Path) -> None:
    path, at = tmp_path / "vip.ndjson", "2026-01-01T10:00:00.500Z"
    later = replace(member(2), at="2026-01-01T10:00:00.501Z")
    at_once = replace(member(3), at=at)
    all_of_them = replace(member(4), change="member", at=at, snapshot=at)

    async def tell() -> None:
        opened = FileDestination(FileSettings(path=path))
        await opened.start()
        await opened.begin(at)
        await opened.add([all_of_them])
        await opened.send([member(1), later, at_once])
        assert path.read_bytes().count(b"\n") == 3, "it is not finished"
        await opened.finish()
        await opened.stop()

    asyncio.run(tell())
    assert path.read_bytes().splitlines() == [all_of_them.as_json(), later.as_json()]


def test_a_file_has_one_writer(tmp_path: Path) -> None:
    async def both() -> None:
        one, other = (FileDestination(FileSettings(path=tmp_path / "vip.ndjson")) for _ in range(2))
        await one.start()
        with pytest.raises(BlockingIOError):
            await other.start()
        await one.stop()
        await other.start()
        await other.stop()

    asyncio.run(both())


def append(path: Path, members: Sequence[Member]) -> None:
    async def tell() -> None:
        opened = FileDestination(FileSettings(path=path))
        await opened.start()
        assert all(isinstance(receipt, Accepted) for receipt in await opened.send(members))
        await opened.stop()

    asyncio.run(tell())


def test_a_destination_that_nobody_offers_is_told_with_the_nearest() -> None:
    with pytest.raises(DestinationUnknown, match="offers the destination 'webhok', did you mean 'webhook'"):
        InstalledDestinations.installed().kind("webhok")


def test_settings_that_do_not_fit_are_told_where_they_stand() -> None:
    with pytest.raises(SettingInvalid, match=r"^destinations\.vip\.to: "):
        InstalledDestinations.installed().open("file", {"pth": "x"}, "destinations.vip.to")
