"""Effects: what the core asks the shell to do. Nothing of it has happened yet when `advance` returns."""

from __future__ import annotations

from typing import Literal

import msgspec

from parcours.core.fact import Fact
from parcours.core.offers.totals import TotalAsk, TotalReturn
from parcours.journey.model.offers import Format


class ShownOffer(msgspec.Struct, frozen=True, array_like=True):
    """An offer that a message shows.

    format   of its content, and `content` is that as an author wrote it, templates not filled in
    known    name, title, priority and attributes
    score    by which it was ranked; None where it is missing and for the fallback
    """

    proposition: str
    format: Format
    content: dict[str, object]
    known: dict[str, object]
    score: int | float | None = None
    is_fallback: bool = False


class Outgoing(msgspec.Struct, frozen=True, array_like=True):
    """A delivery in the outbox, with all that is needed to render it, taken at the decision.

    For an outbound call `message` is its action, `to` its URL with its query, and its class is transactional.

    context  the values of the paths that the message's templates name, under profile, entry, event and run; of a call,
             the fields of its body
    at       the effective time of the decision, which is also the templates' `now`
    zone     the person's time zone at the decision, in which templates write dates; empty for a call
    is_copy  it goes to an address of the campaign's own (copies.py), and not to the person
    offers   those that it shows, by the names that its templates give them
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
    zone: str = ""
    is_copy: bool = False
    offers: dict[str, ShownOffer] = {}


class InboxChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something in a person's inbox is not as before: an entry is new, was seen, or has left it.

    what  `reset`: nothing of before is there, for the person was erased, or the name is another person's now; `key` is
          empty
    why   of one that has left: exit, event, pushed_out, expired, or dismissed by the person
    """

    at: int
    person: str
    key: str
    what: Literal["message", "withdrawn", "seen", "reset"]
    why: str | None = None


class Effects(msgspec.Struct, gc=False):
    """The effects of one input on one person.

    facts    in the order of happening
    queued   new outbox entries
    ready    keys of outbox entries that may be claimed (new ones, and those to be tried again)
    claimed  (key, attempt) of entries that a dispatcher may start
    settled  keys that leave the outbox: sent, failed, or cancelled
    inbox    what has changed in the person's inbox, in order
    moved    (key, number) of the outbox entries of somebody who was merged into her: they are the person's from now on,
             and their runs have these numbers; nothing else of an entry changes, and one that was ready still is. What
             is cancelled by the merge is in `settled` alone.
    let_go   names that are the person's no more, for nobody has used them for long
    taken    what was granted, and has been chosen
    returned  what was granted for her, and nobody has got after all
    """

    facts: list[Fact] = []
    queued: list[Outgoing] = []
    ready: list[str] = []
    claimed: list[tuple[str, int]] = []
    settled: list[str] = []
    inbox: tuple[InboxChange, ...] = ()
    moved: tuple[tuple[str, int], ...] = ()
    let_go: tuple[str, ...] = ()
    taken: tuple[TotalAsk, ...] = ()
    returned: tuple[TotalReturn, ...] = ()
