"""Facts: the permanent, append-only record of each move, each state of a delivery and each unmet condition.

Facts are appended in the order of happening, per person. Times are milliseconds since the epoch.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from parcours.core.offers.answer import Score
from parcours.core.synced import Synced
from parcours.journey.model.offers import Mark
from parcours.journey.publish.ledger import Verb

What: TypeAlias = Literal[
    "entered", "not_entered", "reached", "waiting", "matched", "timed_out", "branched", "split",
    "updated", "decided", "goal", "exited", "ended", "parked", "merged",
]  # fmt: skip

Outcome: TypeAlias = Literal[
    "queued", "claimed", "held", "refused", "cancelled", "failed", "unknown", "sent", "delivered",
    "bounced", "opened", "clicked", "dismissed", "withdrawn", "replied", "complained", "unsubscribed", "answered",
    "retried",
]  # fmt: skip

CopyOutcome: TypeAlias = Literal["sent", "failed", "unknown", "cancelled"]

MessageClass: TypeAlias = Literal["marketing", "transactional"]

ChangeKind: TypeAlias = Literal["trait", "consent", "audience", "suppressed", "place", "scored", "came_true"]


"""The calls that say of two ids that they are one person's."""

JoiningCall: TypeAlias = Literal["identify", "alias", "external", "merge"]
"""By what two people were merged: `external` is an id of a declared namespace in an identify."""

NotMergedReason: TypeAlias = Literal[
    "", "two_known", "shared", "no_id", "identities_max", "erased", "too_large", "never"
]  # fmt: skip
"""Why nobody was merged; "" where merging was not asked for at all."""


class Moved(msgspec.Struct, frozen=True, array_like=True, tag="moved", gc=False):
    """A run made a move, or an entry was refused (`run` and `step` are None then).

    why depends on what: entered (event name or "read"), not_entered (already_in, too_soon, outside_dates, paused,
    exit_audience), waiting (due time in ISO 8601, None for ever; at a send step the latest release of what is held,
    told again when that changes), matched (event or reaction), branched (index or "otherwise"), split (index), decided
    (the names of the offers, None if there are none), exited (event), ended (last step, end step, stopped, `merged: `
    and why), parked (reason), merged (the name and the number that the run had before: told by files of results and by
    tests, for each run of a `Merged` that goes on); else None.
    left is the step that the run was at before it reached this one, None for its first: totals are counted by it.
    """

    at: int
    person: str
    journey: str
    version: int
    run: int | None
    step: str | None
    what: What
    why: str | None = None
    left: str | None = None


class DeliveryReached(msgspec.Struct, frozen=True, array_like=True, tag="delivery", gc=False):
    """A delivery reached a state or got a mark. `gate` names the gate that refused or held it.

    reason is in words, code is the provider's own. An outbound call is a delivery on the channel `call` (channel.CALL),
    without an address; its message is the action, and its class is transactional.

    visit          how often the run had come to the step, from 1
    message_class  None where that is not known any more
    purpose        the message's; None of a call, and of a transactional message whose version exists no more
    attempt        which one it is about, from 1; 0 before the first
    link           which link a click was on, where the report says so
    machine        it was opened or clicked by a machine, of which the delivery has no mark and no listener hears
    offer_keys     the propositions that it shows, of those that are not forgotten yet
    """

    at: int
    person: str
    journey: str
    version: int
    run: int
    step: str
    channel: str
    message: str
    to: str | None
    outcome: Outcome
    gate: str | None
    key: str
    reason: str | None
    code: str | None
    visit: int
    message_class: MessageClass | None
    purpose: str | None
    attempt: int
    link: str | None
    machine: bool = False
    offer_keys: tuple[str, ...] = ()


class CopyReached(msgspec.Struct, frozen=True, array_like=True, tag="copy", gc=False):
    """What became of a copy of a campaign's send for an address of the campaign's own, with the person's data.

    It is in no count: nobody was reached by it.
    """

    at: int
    person: str
    journey: str
    version: int
    run: int
    step: str
    channel: str
    message: str
    to: str
    outcome: CopyOutcome
    key: str
    reason: str | None
    code: str | None


class Unmet(msgspec.Struct, frozen=True, array_like=True, tag="unmet", gc=False):
    """An event could have started the journey, but its condition did not hold. why says what was missing or false."""

    at: int
    person: str
    journey: str
    version: int
    event: str
    why: str


class Unmatched(msgspec.Struct, frozen=True, array_like=True, tag="unmatched", gc=False):
    """A reaction matched no delivery of this person, or a provider's report nobody: then `person` is empty."""

    at: int
    person: str
    reaction: str
    why: str


class LimitReached(msgspec.Struct, frozen=True, array_like=True, tag="limit", gc=False):
    """A limit of the settings was reached; why says what was left out because of it.

    journey  of which something is lost that was kept for a pause; "" where it is about none
    """

    at: int
    person: str
    setting: str
    why: str
    journey: str = ""


class ZoneUnknown(msgspec.Struct, frozen=True, array_like=True, tag="zone", gc=False):
    """The person's time zone was changed to one that does not exist. `used` is the project's, which counts instead.

    zone  as it was given, shortened; empty where a trait by which it goes is personal
    """

    at: int
    person: str
    zone: str
    used: str


class NotMerged(msgspec.Struct, frozen=True, array_like=True, tag="not_merged", gc=False):
    """A call said that another id is the person's too, and nobody was merged.

    other_id is the anonymous id of an identify, as the call has it, shortened where it is longer than any id of a
    person. Of an alias it is empty: facts name nobody but their person, so that whoever is erased is in no others.
    """

    at: int
    person: str
    call: JoiningCall
    other_id: str
    reason: NotMergedReason = ""


class RunMerged(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What became of an open run of somebody who was merged.

    number  the one that it had as hers
    to      the one that it has from now on; None if it has ended
    why     of one that has ended: unused, exit_audience, already_in, too_soon, open_runs_max
    step    where it stands, or stood
    """

    journey: str
    version: int
    number: int
    to: int | None
    why: str | None
    step: str | None


class Merged(msgspec.Struct, frozen=True, array_like=True, tag="merged"):
    """Somebody was merged into the person: facts before have `name`, those after it have the person's.

    runs  her open runs; the end of one is told before, under `name` and its old number
    """

    at: int
    person: str
    name: str
    call: JoiningCall
    runs: tuple[RunMerged, ...] = ()

    def arrivals(self) -> list[Moved]:
        """A move for each run that goes on as the person's; its reason is the name and the number that it had."""
        return [
            Moved(
                self.at,
                self.person,
                run.journey,
                run.version,
                run.to,
                run.step,
                "merged",
                f"{self.name} run {run.number}",
            )
            for run in self.runs
            if run.to is not None
        ]


class Changed(msgspec.Struct, frozen=True, array_like=True, tag="changed", gc=False):
    """Something that is known of the person changed.

    what   trait (`name` is the trait), consent (the channel, or `channel/purpose`), audience, suppressed (the channel),
           place; scored and came_true (the score), of one person in `score_sample`
    value  of a trait its JSON text, if its declaration lets it out (`insight: true`), else None; of a consent `granted`
           or `withdrawn`; of an audience or a place `entered` or `left`; of an address `suppressed` or `lifted`; of
           what a score said the probability, and None of what it predicted and came true
    why    of a place who said so: `fix`, `phone` or `silent`; else None
    dwell  of a place that she left, the seconds that she was inside; else None
    """

    at: int
    person: str
    what: ChangeKind
    name: str
    value: str | None = None
    why: str | None = None
    dwell: int | None = None


class OfferGiven(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An offer that somebody got; `score` ranked it, None where it is missing and for the fallback."""

    offer: str
    proposition: str
    score: Score = None
    is_fallback: bool = False


class StrategyTried(msgspec.Struct, frozen=True, array_like=True):
    """What a strategy of a decision came to.

    strategy     its place in the document, from 0
    passed_over  its condition did not hold
    looked       offers of its collection, those that might be chosen first and in their order, each with the letter of
                 what became of it (core/offers/answer.py), its score, and what its condition missed or its cap has
                 counted, in words
    left_out     how many more it has looked at
    unmet        what the condition of one that was passed over missed
    """

    strategy: int
    passed_over: bool = False
    looked: tuple[tuple[str, str, Score, str], ...] = ()
    left_out: int = 0
    unmet: str = ""


class Decided(msgspec.Struct, frozen=True, array_like=True, tag="decided"):
    """It was decided which offers the person gets at a placement.

    origin    what asked for it: a run with its step and visit, `journey/run/step/visit`, of a message with its channel
              behind that; or the id of a request
    offers    the best first
    fallback  there was nothing else to give
    trace     the strategies as far as they were needed
    groups    those of the person, by the text of what rankings that learn tell people apart by
    """

    at: int
    person: str
    decision: str
    placement: str
    origin: str
    offers: tuple[OfferGiven, ...]
    fallback: bool
    trace: tuple[StrategyTried, ...]
    groups: dict[str, str] = {}


class OfferMarked(msgspec.Struct, frozen=True, array_like=True, tag="proposition"):
    """What became of an offer that the person got, of its first time; or it is given back, and was never hers.

    groups  those that the person was in when she got it
    """

    at: int
    person: str
    proposition: str
    offer: str
    decision: str
    placement: str
    mark: Mark | Literal["given_back"]
    groups: dict[str, str] = {}


class Learned(msgspec.Struct, frozen=True, array_like=True, tag="learned"):
    """What rankings know from now on. `person` is empty; told by the first shard alone.

    subject  what they learn (journey/offers.py)
    groups   by group and offer, how often it was looked at, and how often what is wanted came of it
    """

    at: int
    person: str
    subject: str
    groups: dict[str, dict[str, tuple[int, int]]]


class Published(msgspec.Struct, frozen=True, array_like=True, tag="published", gc=False):
    """A version of a journey was published. `person` is empty; `document` is its YAML text.

    Told by the first shard alone, for every shard has the same ones. `by` is the name of a key, "" where nobody was
    named.
    """

    at: int
    person: str
    journey: str
    version: int
    document: str
    digest: str
    by: str = ""


class LedgerChanged(msgspec.Struct, frozen=True, array_like=True, tag="ledger", gc=False):
    """What is published was changed: by a publication, or for one journey. `person` is empty.

    Told by the first shard alone, as versions are; the beginning of a store is no change.

    journey  "" for a publication
    ledger   the number of the change
    by       who made it: the name of a key, "" where nobody was named
    """

    at: int
    person: str
    verb: Verb
    journey: str
    ledger: int
    by: str


class Looked(msgspec.Struct, frozen=True, array_like=True, tag="looked", gc=False):
    """Somebody has looked at the person from outside, or changed something by hand. `person` is empty for a search that
    found nobody.

    key    the name of the key with which it was done, "" where there was none
    route  what was asked, as `GET /people/{id}`
    """

    at: int
    person: str
    key: str
    route: str


Fact: TypeAlias = (
    Moved
    | DeliveryReached
    | CopyReached
    | Synced
    | Unmet
    | Unmatched
    | LimitReached
    | ZoneUnknown
    | NotMerged
    | Merged
    | Changed
    | Decided
    | OfferMarked
    | Learned
    | Published
    | LedgerChanged
    | Looked
)
