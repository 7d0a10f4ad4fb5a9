"""The request that ends leases of routers, before something is published that may listen to more (leases.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class EndLeases(Request[int], frozen=True, tag="end_leases"):
    """Let no router answer by itself for this long (leases.py); for how long may some still do so, in ms?"""

    for_ms: int

    async def put_to(self, host: ShardHost) -> int:
        return host.leases.end(self.for_ms)
