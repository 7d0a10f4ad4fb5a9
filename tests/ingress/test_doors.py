"""Whoever looks after many doors on one port: it starts them, passes signals on, replaces them, and ends with them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.ingress.served import PATIENCE_S, until
from tests.ingress.small_doors import fall, stand

from parcours.doors import Doors, check_ports, settings_of_door
from parcours.errors import OperatorError, SettingInvalid
from parcours.ingress.listeners import listening, port_held
from parcours.ingress.settings import ServeSettings


def diary(folder: Path, number: int) -> list[str]:
    """What a door has written so far: its process, and the signals that it has heard."""
    path = folder / f"door-{number}"
    return path.read_text().splitlines() if path.exists() else []


async def come_about(holds: Callable[[], bool], what: str) -> None:
    await asyncio.to_thread(until, holds, what)


@pytest.fixture(autouse=True)
def found_by_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of doors find this folder."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))


def test_a_door_that_ends_by_itself_is_replaced_and_signals_are_passed_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        announced: list[str] = []
        running = asyncio.ensure_future(Doors(2, partial(stand, tmp_path)).run(announced.append))
        await come_about(lambda: bool(announced), "that both are open")
        first, second = (diary(tmp_path, number) for number in (1, 2))
        os.kill(int(first[0]), signal.SIGKILL)
        await come_about(lambda: len(diary(tmp_path, 1)) == 2, "another one in its place")
        os.kill(os.getpid(), signal.SIGHUP)
        await come_about(lambda: diary(tmp_path, 1)[2:] == diary(tmp_path, 2)[1:] == ["SIGHUP"], "that they hear of it")
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            await running

        assert announced == ["http://127.0.0.1:1"], "it is announced once"
        assert diary(tmp_path, 1)[0] == first[0] != diary(tmp_path, 1)[1]
        assert diary(tmp_path, 1)[3:] == ["SIGTERM"]
        assert diary(tmp_path, 2) == [*second, "SIGHUP", "SIGTERM"]

    asyncio.run(scenario())
    assert "door 1 has ended (SIGKILL): another one is started in 1 s" in caplog.messages


def test_one_that_ends_before_it_is_open_ends_all(tmp_path: Path) -> None:
    announced: list[str] = []

    with pytest.raises(OperatorError, match=r"door 2 ended before it was open \(exit code 3\)"):
        asyncio.run(Doors(2, partial(fall, tmp_path)).run(announced.append))

    assert announced == []
    assert diary(tmp_path, 1)[1:] in ([], ["SIGTERM"]), "it has been asked to stop, or has not begun"


def test_a_port_is_shared_by_doors_and_with_nobody_else() -> None:
    with port_held("127.0.0.1", 0) as port:
        with listening("127.0.0.1", port, shared=True), listening("127.0.0.1", port, shared=True):
            with pytest.raises(SettingInvalid, match="nobody can listen at"), port_held("127.0.0.1", port):
                pass
            with pytest.raises(SettingInvalid, match="nobody can listen at"), listening("127.0.0.1", port):
                pass
        with pytest.raises(ConnectionRefusedError):  # whoever holds the port takes nothing from it
            socket.create_connection(("127.0.0.1", port))


def test_what_one_process_alone_can_have_is_the_first_door_s_or_has_a_place_for_each() -> None:
    given = ServeSettings.model_validate(
        {"health_port": 9000, "bounces": {"domain": "bounces.example", "lmtp": "127.0.0.1:2424"}}
    )

    found = [settings_of_door(given, number) for number in (1, 2, 3)]

    assert [each.health_port for each in found] == [9000, 9001, 9002]
    assert [each.bounces and each.bounces.lmtp for each in found] == ["127.0.0.1:2424", None, None]
    assert {each.bounces and each.bounces.domain for each in found} == {"bounces.example"}


@pytest.mark.parametrize("given", [{"health_port": 8078, "port": 8080}, {"health_port": 65_534}])
def test_ports_of_doors_that_overlap_or_are_none_are_refused(given: dict[str, int]) -> None:
    with pytest.raises(SettingInvalid, match="health_port: 3 doors have"):
        check_ports(ServeSettings.model_validate(given), 3)
    check_ports(ServeSettings.model_validate(given), 2)
