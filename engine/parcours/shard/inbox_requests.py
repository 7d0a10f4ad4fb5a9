"""Requests to a shard about inboxes: what lies in one, and what has changed in any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parcours.shard.found import InboxFound
from parcours.shard.messages import InboxesChanged
from parcours.shard.request import Request

if TYPE_CHECKING:
    from parcours.shard.host import ShardHost


class GetInbox(Request[InboxFound], frozen=True, tag="inbox"):
    """What lies in the inbox of the person of a name and has not expired."""

    name: str

    async def put_to(self, host: ShardHost) -> InboxFound:
        return await host.people.inbox(self.name)


class HearInboxes(Request[InboxesChanged], frozen=True, tag="hear_inboxes"):
    """How inboxes have changed above the number `after` of this epoch; answered once there is anything to tell.

    It is answered without anything after `wait_ms`, so that whoever asks knows that the shard is there.
    """

    epoch: int
    after: int
    wait_ms: int

    async def put_to(self, host: ShardHost) -> InboxesChanged:
        return await host.hear_inboxes(self.epoch, self.after, self.wait_ms)
