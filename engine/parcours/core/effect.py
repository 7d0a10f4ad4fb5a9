"""What the core asks the shell to do. Nothing here has happened yet when `advance` returns it."""

from __future__ import annotations

from typing import Literal

import msgspec

from parcours.core.fact import Fact


class Outgoing(msgspec.Struct, frozen=True, array_like=True):
    """A delivery as it lies in the outbox, with all that is needed to render it, taken at the decision.

    An outbound call lies there too: `message` is its action, `to` where it goes, and its class transactional.

    context  the values of the paths that the message's templates name, under profile, entry, event and run;
             of a call, the fields of its body
    at       the effective time of the decision, which is also the templates' `now`
    """

    key: str
    person: str
    journey: str
    version: int
    run: int
    step: str
    channel: str
    message: str
    message_class: Literal["marketing", "transactional"]
    to: str
    at: int
    context: dict[str, object]
    attempt: int = 1


class Effects(msgspec.Struct, gc=False):
    """What one input to one person leads to.

    facts    in the order of happening
    queued   new outbox entries
    ready    keys of outbox entries that may be claimed (new ones, and those to be tried again)
    claimed  (key, attempt) of entries that a dispatcher may start
    settled  keys that leave the outbox: sent, failed, or cancelled
    """

    facts: list[Fact] = []
    queued: list[Outgoing] = []
    ready: list[str] = []
    claimed: list[tuple[str, int]] = []
    settled: list[str] = []
