"""An advertiser on this machine, who is told by a webhook who is to see her advertisements."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from parcours.testing.doubles.http import HttpServer


class Advertiser(HttpServer):
    """
    told  all that has come, in the order in which it came
    """

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key
        self.told: list[dict[str, Any]] = []

    @property
    def members(self) -> set[str]:
        """The keys of those who are members by all that has been told."""
        return members_told(self.told)

    @property
    def snapshots(self) -> set[str]:
        """The instants of which all members have been told at once."""
        return {each["snapshot"] for each in self.told if each["change"] == "member"}

    async def handle(self, request: web.BaseRequest) -> web.Response:
        if request.headers.get("Authorization") != self._key:
            return web.Response(status=401)
        members = json.loads(await request.read())
        return await self.respond(request, lambda: self._take(members))

    def _take(self, members: list[dict[str, Any]]) -> web.Response:
        self.told += members
        return web.Response()


def members_told(told: Iterable[Mapping[str, Any]]) -> set[str]:
    """The keys of members: of one the latest word holds, and whom a snapshot does not name is none any more."""
    newest: dict[str, tuple[str, bool]] = {}
    snapshot = ""
    for each in told:
        at, inside = each["at"], each["change"] != "left"
        snapshot = max(snapshot, each.get("snapshot", ""))
        if at >= newest.get(each["key"], ("", False))[0]:
            newest[each["key"]] = at, inside
    return {key for key, (at, inside) in newest.items() if inside and at >= snapshot}
