"""Inputs: the closed union of what can happen to a person. Each carries its effective time `at`, in milliseconds."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from parcours.channel import Receipt
from parcours.core.fact import JoiningCall
from parcours.core.offers.totals import TotalAnswer
from parcours.core.profile import Profile
from parcours.core.sync_state import PersonWithheld
from parcours.journey.model.offers import CHOSEN_MAX, Mark


class ContentRefused(msgspec.Struct, frozen=True, tag="content_refused"):
    """What was rendered for a delivery is not to leave: a gate that only a claimed delivery can meet."""

    key: str
    reason: str


class Interrupted(msgspec.Struct, frozen=True, tag="interrupted"):
    """Whoever had claimed the delivery is gone: the doubt is of our own making, and no provider's answer."""

    key: str
    reason: str


class Placed(msgspec.Struct, frozen=True, tag="placed"):
    """The delivery is rendered and lies in the person's inbox from now on; `content` is what it says, as JSON."""

    key: str
    content: bytes
    pinned: bool = False


Settlement: TypeAlias = Receipt | ContentRefused | Interrupted | Placed
"""What settles a claim: the channel's receipt, that nothing was handed to it, that nobody is there to tell, or that the
delivery need not leave.
"""


class EventHappened(msgspec.Struct, frozen=True):
    """An event happened, under its own name and those of the rule-based types that it meets.

    timestamp  the event's own timestamp, None if it has none; histories use it
    """

    at: int
    names: tuple[str, ...]
    properties: dict[str, object]
    timestamp: int | None = None


class TraitsChanged(msgspec.Struct, frozen=True):
    """The person was identified with these traits; null removes one.

    links_follow  the same call links names, with the next input of the person: what is queued by this one leaves
                  after that, since what others have withdrawn is withdrawn by her then
    """

    at: int
    traits: dict[str, object]
    links_follow: bool = False


def before_links(given: Input) -> Input:
    """What a call that links names as well does before that."""
    return msgspec.structs.replace(given, links_follow=True) if isinstance(given, TraitsChanged) else given


class Link(msgspec.Struct, frozen=True, array_like=True):
    """A name that a call says to be the person's: to be merged, if there is somebody of this name.

    call     by what it is said
    user     of an alias: the user whom it means if there is nobody of that name; if there is no such user either, the
             name is linked for later
    why_not  known from the call alone: nobody of the name is merged, nor is it linked for later. `never` says nothing
             of `user`, `no_id` is about all that the call says
    """

    name: str
    call: JoiningCall
    user: str | None = None
    why_not: Literal["no_id", "never"] | None = None


class Linked(msgspec.Struct, frozen=True):
    """These names were said to be the person's. What comes of it is known once all of them have been asked for."""

    at: int
    links: tuple[Link, ...]


class PersonJoined(msgspec.Struct, frozen=True):
    """Somebody is merged into the person.

    name     under which she lived until now
    profile  hers as it was at this instant, after her own earlier timers; it belongs to the input, which changes it
    """

    at: int
    name: str
    call: JoiningCall
    profile: Profile


class ConsentChanged(msgspec.Struct, frozen=True):
    """The person consented to a channel or withdrew: for one purpose, or for all of them (None)."""

    at: int
    channel: str
    purpose: str | None
    granted: bool


class SuppressionChanged(msgspec.Struct, frozen=True):
    """The operator suppressed an address, or lifted its suppression."""

    at: int
    channel: str
    address: str
    suppressed: bool


class TimePassed(msgspec.Struct, frozen=True):
    """Nothing happens at `at`; the timers due before it fire."""

    at: int


class TimerDue(msgspec.Struct, frozen=True):
    """The first of the person's timers fires; `at` is its due time."""

    at: int


class TimerSetAside(msgspec.Struct, frozen=True):
    """The person's first timer is not to be fired, because that cannot be done; the reason in words."""

    at: int
    reason: str


class DeliveriesClaimed(msgspec.Struct, frozen=True):
    """A dispatcher claimed these deliveries."""

    at: int
    keys: tuple[str, ...]


class DeliveryRecorded(msgspec.Struct, frozen=True):
    """A delivery on a channel that only records leaves, unless a gate objects, and has its receipt at once."""

    at: int
    receipt: Settlement


class ReceiptArrived(msgspec.Struct, frozen=True):
    """The channel's receipt for a delivery arrived."""

    at: int
    receipt: Settlement


class ReactionArrived(msgspec.Struct, frozen=True):
    """The person or the provider reacted to the newest delivery of this step on this channel.

    answer  the response of an outbound call, for `answered`
    code    the provider's own, where it is the provider who reacts
    """

    at: int
    reaction: str
    journey: str
    step: str
    channel: str
    link: str | None = None
    answer: dict[str, object] | None = None
    code: str | None = None


class FeedbackArrived(msgspec.Struct, frozen=True):
    """The provider, or a link of ours, reported what became of the delivery of this key.

    code     the provider's own
    machine  a machine opened or clicked it
    by_link  it came by a link of ours: whether a click is a person's has still to be judged by its time
    """

    at: int
    key: str
    reaction: str
    link: str | None = None
    code: str | None = None
    machine: bool = False
    by_link: bool = False


class PersonReported(msgspec.Struct, frozen=True):
    """The provider reported on the person, or on her at an address of the channel, and named no delivery.

    names, properties  of the event that this is besides, if it is one
    report_id          the provider's own id of what it reports, for what must not be said again by whoever repeats it
    """

    at: int
    channel: str
    reaction: str
    address: str | None = None
    link: str | None = None
    code: str | None = None
    names: tuple[str, ...] = ()
    properties: dict[str, object] = {}
    report_id: str | None = None


class PropositionMarked(msgspec.Struct, frozen=True):
    """Whoever shows offers to the person tells what became of one that she got."""

    at: int
    key: str
    mark: Mark


class AskedAt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision that is asked for at a placement; `count` is None for as many offers as the decision says."""

    decision: str
    placement: str
    count: Annotated[int, msgspec.Meta(ge=1, le=CHOSEN_MAX)] | None = None


class DecisionAsked(msgspec.Struct, frozen=True):
    """Somebody asks for decisions about the person.

    request  its id: keys are made under it
    context  what the caller gives, by its name
    """

    at: int
    request: str
    asked: tuple[AskedAt, ...]
    context: dict[str, object] = {}


class TotalsAnswered(msgspec.Struct, frozen=True):
    """Total caps have answered what a decision about her had asked, or nobody has, and it is made by that."""

    at: int
    answers: tuple[TotalAnswer, ...]


class MembershipFixed(msgspec.Struct, frozen=True):
    """Audiences are read at this instant, and something later is about to happen: whether she is in them is noted.

    audiences  (journey, audience) of each that is read; none for somebody of whom nothing was known at the instant
    """

    at: int
    audiences: tuple[tuple[str, str], ...]


class ColumnsFixed(msgspec.Struct, frozen=True):
    """Columns of everybody are taken as of this instant, and something later is about to happen: hers are as she is.

    scan  by the name under which they are taken
    """

    at: int
    scan: str


class PartTaken(msgspec.Struct, frozen=True):
    """A run of a campaign takes the person to a step, or is over for her.

    run    the number of the campaign's run
    step   None: her run ends
    due    when she is due there; `at` is when all of the set were taken
    row    the columns of the set that the step, or its message, names
    delay  how much later than the first gate that holds her says (ms) she is released
    seeds  channels and addresses of the campaign's own that get a copy of what she is sent
    cut    where her run ends: before its time, so that nothing comes of what was still to be due
    part   the number of the part that she fell into, from 0, where the step is a split; `due` does not count then
    """

    at: int
    campaign: str
    version: int
    run: int
    step: str | None
    due: int
    row: dict[str, object] = {}
    delay: int = 0
    seeds: tuple[tuple[str, str], ...] = ()
    cut: bool = False
    part: int | None = None


class MembershipSaved(msgspec.Struct, frozen=True):
    """A campaign has saved an audience: the person is in it from now on, or is not any more.

    silent  whether journeys are told nothing of it
    """

    at: int
    audience: str
    inside: bool
    silent: bool = False


class ReadReached(msgspec.Struct, frozen=True):
    """The person was in the audience that the journey reads, and enters at `enter_at`, but no earlier than `at`.

    read_at  the instant of the read, if it is to be noted that she goes ahead of others
    """

    at: int
    journey: str
    enter_at: int
    read_at: int | None = None


class JourneyStopped(msgspec.Struct, frozen=True):
    """A journey was stopped for everybody. `number` is the change number, here and in the inputs below."""

    at: int
    number: int
    journey: str


class JourneyResumed(msgspec.Struct, frozen=True):
    """A paused journey was resumed."""

    at: int
    number: int
    journey: str


class AudiencesPublished(msgspec.Struct, frozen=True):
    """These audiences, named by their keys, are new, or a publication may change their membership.

    scores  those whose traits are kept from now on, or otherwise, or by another model
    destinations  those that may have to be told of her now; the publication has them, or has them no more
    """

    at: int
    number: int
    audiences: tuple[str, ...]
    scores: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()


ChangeInput: TypeAlias = JourneyStopped | JourneyResumed | AudiencesPublished
"""A change of what is published, which every person goes through once."""


class ChangeSetAside(msgspec.Struct, frozen=True):
    """The person is not to go through a change, because that cannot be done; the reason in words.

    journey  the one that was stopped or resumed; None where `audiences`, named by their keys, were published
    """

    at: int
    number: int
    journey: str | None
    reason: str
    audiences: tuple[str, ...] = ()


Input: TypeAlias = (
    EventHappened
    | TraitsChanged
    | Linked
    | PersonJoined
    | ConsentChanged
    | SuppressionChanged
    | TimePassed
    | TimerDue
    | TimerSetAside
    | DeliveriesClaimed
    | DeliveryRecorded
    | ReceiptArrived
    | ReactionArrived
    | FeedbackArrived
    | PersonReported
    | PropositionMarked
    | DecisionAsked
    | TotalsAnswered
    | MembershipFixed
    | ColumnsFixed
    | ReadReached
    | PartTaken
    | MembershipSaved
    | PersonWithheld
    | ChangeInput
    | ChangeSetAside
)
