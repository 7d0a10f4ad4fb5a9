"""The interface of a channel: deliveries, receipts, feedback, and the protocol itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec
from pydantic import BaseModel

GROUP = "parcours.channels"
"""The entry-point group in which channels are found."""

CALL = "call"
"""The name under which outbound calls go beside the channels' deliveries. No channel can have it."""

INBOX: Final = frozenset({"card", "inapp"})
"""The channels whose deliveries lie in the person's own inbox: the engine keeps them, and nothing leaves."""

CAPACITY: Final = 10
"""How many deliveries a channel can have under way that does not say. Few, for after a crash so many are in doubt."""

ADDRESS_CHARACTERS_MAX: Final = 4_096
"""Longer than any push token or URL in use: a longer text is not an address."""

CONTROL_CHARACTER: Final = re.compile("[\\x00-\\x1f\\x7f]")

Reaction: TypeAlias = Literal[
    "delivered", "opened", "clicked", "dismissed", "bounced", "complained", "unsubscribed", "replied", "failed"
]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message for one address of one person, rendered and ready to leave.

    key         stable text, the same for a retry of the same delivery; at most 64 characters of [a-z0-9]
    channel     the name under which the channel is configured
    to          the address, of the channel's `address_kind`
    content     the channel's own `Content`, every template rendered
    at_ms       when it was decided, ms since 1970: the same for a retry
    attempt     1 for the first attempt
    message     the message's name, for logs and provider tags
    message_class  marketing or transactional
    person      the person's id, for logs; do not send it to a provider that has no need of it
    report_url  where the provider may report what becomes of this delivery: an address of its own, for providers
                that call back. None where nobody listens; what the channel's settings say holds then
    return_path  the address to which mail servers report on this delivery. None where nobody listens; then reports go
                to the sender
    """

    key: str
    channel: str
    to: str
    content: BaseModel
    at_ms: int = 0
    attempt: int = 1
    message: str = ""
    message_class: Literal["marketing", "transactional"] = "marketing"
    person: str = ""
    report_url: str | None = None
    return_path: str | None = None


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """The provider took the delivery over. `provider_id` is its own name for it, if it gave one.

    answer, reason  what an outbound call brought back, None if nothing did yet, and why there is less of it than
                    there might be; a channel leaves both alone
    """

    key: str
    provider_id: str | None = None
    answer: dict[str, Any] | None = None
    reason: str | None = None


class NotSent(msgspec.Struct, frozen=True, tag="not_sent"):
    """The delivery certainly did not leave, and trying again later makes sense.

    retry_after_s   seconds that the provider asked to wait, None if it did not say
    code            the provider's own code, kept for whoever looks into it
    of_channel      it holds for every delivery: no connection, no login. The channel is then tried with one delivery
                    at a time, after growing pauses, until it works again
    tried           False if it was given back without having been tried: no attempt is counted
    """

    key: str
    reason: str
    retry_after_s: float | None = None
    code: str | None = None
    of_channel: bool = False
    tried: bool = True


class Ambiguous(msgspec.Struct, frozen=True, tag="ambiguous"):
    """Nobody can say whether the delivery left."""

    key: str
    reason: str
    code: str | None = None


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The provider will not take this delivery, and asking again would not help.

    permanent   the provider says that the address itself is dead (no such mailbox, unknown token, opted-out number)
    of_channel  the provider refuses the sender, and would refuse every delivery by the same words
    code        the provider's own; without one the refusal is the channel's, and never counts against the address
    """

    key: str
    reason: str
    permanent: bool = False
    code: str | None = None
    of_channel: bool = False


Receipt: TypeAlias = Accepted | NotSent | Ambiguous | Refused


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a delivery later, as a provider's webhook tells it, or what its recipient has answered.

    It is about the delivery of `key`; without one about the newest that left for `person` on the channel; without
    either about the newest of everybody who was reached at `address` lately. Then it is about that address as well:
    `unsubscribed` withdraws consent and suppresses it, and `unblocked` lifts the suppression and grants nothing.

    key       the delivery's key, as given to `send`
    at_ms     when it happened by the provider's word, None if it does not say
    link      the link clicked, for `clicked`
    code      the provider's own. One of the channel's `dead_codes` says with `bounced` and `failed` that the address is
              dead, any other one that this delivery did not arrive; `bounced` without one is of a dead address
    person    her user id, or her name as results show it
    address   where the provider has heard it from, in whatever form
    text      what was answered, for `replied`: the event `Text Received` has it, where the project declares that
    report_id  the provider's own id of what it reports: with it the same words count again as often as they are said,
              and an `unblocked` that is repeated lifts nothing, however long ago it was said first
    machine   it was opened or clicked by a machine, such as a proxy of pictures or a filter: told, and heard by nobody
    by_link   it came by a link of ours: a click is then judged by its time as well, and counts a second later
    """

    key: str | None = None
    reaction: Reaction | Literal["unblocked"]
    at_ms: int | None = None
    link: str | None = None
    code: str | None = None
    person: str | None = None
    address: str | None = None
    text: str | None = None
    report_id: str | None = None
    machine: bool = False
    by_link: bool = False


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's call to a channel's webhook or to a delivery's `report_url`, as handed to `Service.feedback`.

    url      the whole address, as the provider has called it
    headers  their names are lower case
    key      of the delivery, where the address that was called is that delivery's own
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    key: str | None = None


class Finding(msgspec.Struct, frozen=True):
    """One thing to know about a content.

    text     a sentence for a person
    refused  the provider would not take it, so the delivery is refused before it is handed over
    kind     the sentence without what differs from one person's content to the next, under which findings are counted;
             empty where that is the text itself
    """

    text: str
    refused: bool = False
    kind: str = ""


def plain_address(address: str, region: str | None = None) -> str:
    """The address as it is, where a channel has no rule of its own. Raises ValueError for what can be none."""
    del region
    if not address.strip():
        raise ValueError("it is empty")
    if len(address) > ADDRESS_CHARACTERS_MAX:
        raise ValueError(f"it has more than {ADDRESS_CHARACTERS_MAX} characters")
    if CONTROL_CHARACTER.search(address):
        raise ValueError("it holds a line break or another control character")
    return address


@runtime_checkable
class Channel(Protocol):
    """One way to reach a person. The constructor takes the validated `Settings` and does nothing else.

    A class that derives from this one has `normalize` and `check` without writing them. It may have `dead_codes`
    besides, a frozenset: the codes with which its provider says that an address is dead. A code of several words, such
    as `550 5.1.1`, is one of them if a word of it is. And `libraries`, a tuple of names: what it imports only when it
    starts, so that a simulation, which starts none, does not wait for them; a missing one is told when it is loaded.

    And it may say of which reactions anybody tells: `reports`, a frozenset of those that its provider reports,
    `reports_by_links` of those that links in its contents tell, where they are tracked, and `reports_by_app` of those
    that an app tells (links.py). Of a channel that says none of it, `parcours check --config` believes everything.

    A channel that has started may have two numbers, which the engine asks for again and again. `capacity` says how many
    deliveries it can have under way, such as connections or requests at once: so many are claimed, and no more are in
    doubt after a crash. Without it they are CAPACITY. `batch_max` says how many of them one call of `send` takes, where
    its provider takes several in one request; without it each is handed over by a call of its own, as soon as there is
    room, and no slow one holds up the others.
    """

    Settings: ClassVar[type[BaseModel]]
    """What parcours.yaml holds under `channels: {NAME: ...}`."""

    Content: ClassVar[type[BaseModel]]
    """What a message document holds for the channel. Every text may be a Liquid template; a field whose
    `json_schema_extra` has `contentMediaType: text/html` is escaped for HTML. Validating it twice changes nothing.
    """

    address_kind: ClassVar[str]
    """`email`, `phone`, `token`, or a word of the channel's own."""

    def __init__(self, settings: Any) -> None: ...

    async def start(self) -> None:
        """Open connections and read credentials. May raise: the dispatcher tries again with a back-off."""

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        """Send each delivery and answer with one receipt each, in any order. Calls overlap, up to `capacity`.

        An exception, or a receipt that is missing, counts as `Ambiguous`. The call is cancelled after
        `send_timeout_s`, which counts as `Ambiguous` for every delivery too.
        """

    async def stop(self) -> None:
        """Close what `start` opened. Called once, after the last `send` has returned."""

    @staticmethod
    def normalize(address: str, region: str | None) -> str:
        """The address as the channel will use it. Raises ValueError with a reason that does not repeat the address.

        Asked at the send step, in simulations too, and without settings: the same address always has the same answer,
        and a normalized one is its own. `to` of a `Delivery` is what this returns. `region` is the person's ISO 3166
        country in upper case, or the project's; None where nobody has named one.
        """
        return plain_address(address, region)

    @staticmethod
    def check(content: Any) -> list[Finding]:
        """What the provider would refuse in a rendered content, and what a person should know about it.

        Asked for every delivery before `send`, in tests and in rendered simulations too: no clock, no network, no
        settings. A finding with `refused` keeps the delivery from leaving; the run goes on.
        """
        del content
        return []


@runtime_checkable
class FeedbackChannel(Channel, Protocol):
    """A channel whose provider reports back over HTTP.

    One that cannot tell by a request itself whose it is, as of a mail that came back, says so by a class attribute,
    `proves_reports = False`: a door then takes reports of whoever shows a key, or calls the delivery's own address.
    """

    def read_feedback(self, request: WebhookRequest) -> list[Feedback]:
        """Check the request's signature and translate it; raise `ValueError` if it is not genuine."""
