"""May we connect to this address? Asked for the very address of each connection, not for a name.

A URL comes from a profile, so anybody may have written it. Checking the name beforehand would not help: it
can resolve to another address a moment later. aiohttp asks for a socket once it knows the address that it
is about to connect to, also where the URL holds an IP address in whatever spelling, so the check lies there.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from aiohttp import AddrInfoType

Network: TypeAlias = IPv4Network | IPv6Network

NAT64 = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that a gateway translates to the IPv4 address in their last four bytes (RFC 6052)."""


class AddressForbidden(OSError):
    """The host has no public address, and its network is not in `allowed_networks`."""

    def __init__(self) -> None:
        # Always the same words: aiohttp keeps the type only if all addresses of a host fail alike.
        super().__init__(self.__doc__)


class Guard:
    """Makes sockets for allowed addresses only."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = tuple(allowed)

    def socket_for(self, address: AddrInfoType) -> socket.socket:
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
        return address.is_global and not address.is_multicast


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, if it stands for one."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
