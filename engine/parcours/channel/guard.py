"""May we connect to this address? Asked for the very address of each connection, not for a name.

A URL may come from anybody, from a profile or from an answer of DNS, and lead into the network that the engine stands
in. Checking its name beforehand would not help: it can resolve to another address a moment later. aiohttp asks for a
socket once it knows the address that it is about to connect to, also where the URL holds an IP address in whatever
spelling, so the check lies there. aiohttp itself is not imported: each channel brings its own HTTP client.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, IPvAnyNetwork

Network: TypeAlias = IPv4Network | IPv6Network

AllowedNetworks: TypeAlias = Annotated[
    tuple[IPvAnyNetwork, ...],
    Field(description="Networks that may be connected to though they are private, such as 10.1.0.0/16."),
]
"""The type of the setting `allowed_networks`."""

NAT64: Final = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that a gateway translates to the IPv4 address in their last four bytes (RFC 6052)."""

UNICAST: Final = IPv6Network("2000::/3")
"""All that is given out of IPv6 for the public Internet; what lies outside of it has a use of its own."""

SocketAddress: TypeAlias = tuple[Any, Any, int, str, tuple[Any, ...]]
"""An address as `socket.getaddrinfo` gives it: family, kind, protocol, name, and the host with its port."""


class AddressForbidden(OSError):
    """The host has no public address, and its network is not in `allowed_networks`."""

    def __init__(self) -> None:
        # Always the same words: aiohttp keeps the type only if all addresses of a host fail alike.
        super().__init__(self.__doc__)


class Guard:
    """Makes sockets for allowed addresses only: `aiohttp.TCPConnector(socket_factory=guard.socket_for)`."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = tuple(allowed)

    def socket_for(self, address: SocketAddress) -> socket.socket:
        """A socket to connect to `address` with. Raises AddressForbidden."""
        family, kind, protocol, _, (host, *_) = address
        if not self.allows(str(host)):
            raise AddressForbidden
        return socket.socket(family, kind, protocol)

    def allows(self, host: str) -> bool:
        """Whether the IP address `host` is public or in an allowed network."""
        address = _meant(ip_address(host.partition("%")[0]))
        if any(address in network for network in self._allowed):
            return True
        if isinstance(address, IPv6Address) and address not in UNICAST:
            return False
        return address.is_global and not address.is_multicast


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, if it stands for one."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
