"""Does a channel that is given URLs stay out of private networks, whatever a name comes to mean?"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_network

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from parcours.channel import AddressForbidden, Guard
from parcours.testing.doubles import HttpServer


@pytest.mark.parametrize(
    "address, allowed",
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07::1", True),
        ("10.0.0.1", False),  # private
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),  # shared by a provider's customers
        ("169.254.169.254", False),  # link-local: the cloud's own data
        ("0.0.0.0", False),  # this host
        ("224.0.0.1", False),  # multicast
        ("255.255.255.255", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fec0::1", False),  # site-local, of old
        ("::ffff:10.0.0.1", False),  # IPv4 within IPv6
        ("::10.0.0.1", False),  # the same, of old
        ("64:ff9b::a00:1", False),  # 10.0.0.1 through NAT64
        ("64:ff9b:1::a00:1", False),  # NAT64 within a network
        ("2002:a00:1::1", False),  # 10.0.0.1 through 6to4
    ],
)
def test_only_public_addresses_are_connected_to(address: str, allowed: bool) -> None:
    assert Guard([]).allows(address) is allowed


@pytest.mark.parametrize(
    "address, allowed",
    [
        ("10.1.2.3", True),
        ("10.2.2.3", False),
        ("::ffff:10.1.2.3", True),
        ("fd00::7", True),
        ("93.184.215.14", True),
    ],
)
def test_networks_can_be_listed(address: str, allowed: bool) -> None:
    assert Guard([ip_network("10.1.0.0/16"), ip_network("fd00::/8")]).allows(address) is allowed


class Door(HttpServer):
    """Takes in whoever gets through, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.visits = 0

    async def handle(self, request: web.BaseRequest) -> web.Response:
        self.visits += 1
        return web.Response()


class TurningResolver(AbstractResolver):
    """Says of every name a documented address first, and the machine's own from then on."""

    def __init__(self) -> None:
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        self.asked += 1
        address = "93.184.215.14" if self.asked == 1 else "127.0.0.1"
        return [ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("allowed, visits", [((), 0), (("127.0.0.0/8",), 1)])
def test_a_name_that_comes_to_mean_a_private_address_gets_no_connection(allowed: Sequence[str], visits: int) -> None:
    async def scenario(port: int) -> OSError | None:
        resolver, guard = TurningResolver(), Guard([ip_network(each) for each in allowed])
        (looked_up,) = await resolver.resolve("rebind.example", port)
        assert guard.allows(looked_up["host"]), "the name was fine when somebody looked"
        connector = aiohttp.TCPConnector(resolver=resolver, socket_factory=guard.socket_for)
        async with aiohttp.ClientSession(connector=connector) as session:
            try:
                async with session.get(f"http://rebind.example:{port}/"):
                    return None
            except aiohttp.ClientConnectorError as error:
                return error.os_error

    with Door() as door:
        refused = asyncio.run(scenario(door.port))
        assert isinstance(refused, AddressForbidden) is (visits == 0)
        assert door.visits == visits
