"""The models of tests/*.yaml: one closed, frozen model for a test, and one for each thing in it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, Final, Literal, Self, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)

from parcours.campaigns.campaign_line import SKIPPED
from parcours.core.counted import INTERNAL_OUTCOMES
from parcours.core.delivery.feedback import OUTCOMES
from parcours.core.delivery.policy import GateName
from parcours.core.fact import Outcome, What
from parcours.core.offers.answer import LETTERS
from parcours.journey.model.forms import Document, chooser, keys_of
from parcours.journey.model.offers import Mark
from parcours.journey.read.schema import DIALECT
from parcours.testing.cases.message import MessageGiven
from parcours.testing.cases.moment import Instant, Moment
from parcours.wording import nearest

PEOPLE_MAX: Final = 100
"""The limit of people in a rehearsal: more cannot be followed one by one."""

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

CalendarDay: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

PersonDocument: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]


def _one_of(value: object, kind: str, allowed: Collection[str]) -> object:
    if value not in allowed:
        raise ValueError(f"{kind} is one of {', '.join(allowed)}{nearest(str(value), allowed)}")
    return value


def _outcome(value: object) -> object:
    return _one_of(value, "an outcome", [each for each in get_args(Outcome) if each not in INTERNAL_OUTCOMES])


OutcomeName: TypeAlias = Annotated[str, BeforeValidator(_outcome)]


def _reaction(value: object) -> object:
    return _one_of(value, "a reaction", OUTCOMES)


def _reason(value: object) -> object:
    return _one_of(value, "a reason", LETTERS)


ReasonName: TypeAlias = Annotated[str, BeforeValidator(_reason)]


def _gate(value: object) -> object:
    return _one_of(value, "a gate", get_args(GateName))


GateNamed: TypeAlias = Annotated[str, BeforeValidator(_gate)]


ReactionName: TypeAlias = Annotated[str, BeforeValidator(_reaction)]

_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def _minute(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a time of day is written like 22:00")
    return int(match[1]) * 60 + int(match[2])


MinuteOfDay: TypeAlias = Annotated[
    int, BeforeValidator(_minute), WithJsonSchema({"type": "string", "pattern": _CLOCK.pattern})
]


class _Given(Document):
    """Something that a person does, or a change of her traits or consent."""

    at: Moment = Field(default=0, description="When: `+30m` after the start, or an instant; at the start without it.")
    who: PersonDocument = Field(description="The person, by the name that `people` gives.")


class EventGiven(_Given):
    """The person does something."""

    event: str = Field(description="The name of an event type.")
    properties: dict[str, Any] = Field(default_factory=dict, description="What the event says.")


class IdentifyGiven(_Given):
    """Traits of the person are set; null removes one. An id is said to be hers: `anonymous`, or of a namespace."""

    identify: dict[str, Any] = Field(
        description="The traits; null takes one away. `anonymous: 7f3a` merges `@anonymous/7f3a` into the user, and so "
        "does the id of any namespace that the project has, unless a trait is declared under that name."
    )


class MergeGiven(_Given):
    """Somebody turns out to be the user, by no call of hers: who she was until then is merged into the user."""

    merge: PersonDocument = Field(description="Who it is, by the name that `people` gives.")


class ReactionGiven(_Given):
    """The person reacts to the newest delivery of a step: `of` is JOURNEY.STEP, or a step whose name is unique.

    For a call step it is the outcome of the newest call: answered, with an answer, or failed.
    """

    reaction: ReactionName = Field(description="What the person, or the provider, does with the delivery.")
    of: str = Field(description="The step that sent, as JOURNEY.STEP, or its name alone where that is unique.")
    channel: str | None = Field(default=None, description="The channel; needed where the step sends on several.")
    link: str | None = Field(default=None, description="The link that is clicked.")
    answer: dict[str, Any] | None = Field(default=None, description="What a call is answered with.")

    @model_validator(mode="after")
    def _answered(self) -> Self:
        if self.answer is not None and self.reaction != "answered":
            raise ValueError("only `reaction: answered` has an answer")
        return self


class ConsentTerms(Document):
    """Which messages the person wants; without a purpose, all of the channel."""

    channel: str = Field(description="The channel of the consent.")
    purpose: str | None = Field(default=None, description="The purpose; all of the channel without it.")
    granted: bool = Field(default=True, description="Whether it is granted or withdrawn.")


class ConsentGiven(_Given):
    """The person grants or withdraws consent."""

    consent: ConsentTerms = Field(description="What is agreed to, or not any more.")


class DecisionGiven(_Given):
    """Somebody asks which offers the person gets, as a page or a call centre does."""

    decide: str = Field(description="The decision.")
    placement: str = Field(description="The placement at which the offers are to appear.")
    context: dict[str, Any] = Field(default_factory=dict, description="The values of `context`.")


class MarkGiven(_Given):
    """The person does something with the newest offer of a name that she got until then."""

    mark: Mark = Field(description="What she does with it.")
    of: str = Field(description="The offer.")


class CampaignGiven(Document):
    """A run of a campaign begins by hand, besides those of its schedule."""

    at: Moment = Field(default=0, description="When: `+30m` after the start, or an instant; at the start without it.")
    campaign: str = Field(description="The campaign.")


CallGiven: TypeAlias = (
    EventGiven | IdentifyGiven | ReactionGiven | ConsentGiven | MergeGiven | DecisionGiven | MarkGiven
)
"""What a call of somebody tells who is named."""

Given: TypeAlias = Annotated[
    Annotated[EventGiven, Tag("<event>")]
    | Annotated[IdentifyGiven, Tag("<identify>")]
    | Annotated[ReactionGiven, Tag("<reaction>")]
    | Annotated[ConsentGiven, Tag("<consent>")]
    | Annotated[MergeGiven, Tag("<merge>")]
    | Annotated[DecisionGiven, Tag("<decide>")]
    | Annotated[MarkGiven, Tag("<mark>")]
    | Annotated[CampaignGiven, Tag("<campaign>")]
    | Annotated[MessageGiven, Tag("<message>")],
    Discriminator(
        chooser("event", "identify", "reaction", "consent", "merge", "decide", "mark", "campaign", "message"),
        custom_error_type="given",
        custom_error_message="given is an event, identify, reaction, consent, merge, decide, mark, campaign or message",
    ),
]


class _Expected(Document):
    """An expectation. times counts the matching facts, also 0; without it, at least one is expected."""

    who: PersonDocument | None = Field(default=None, description="The person; anybody without it.")
    times: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="How often exactly, 0 for never; at least once without it."
    )


GATED: Final = ("refused", "held")
"""Outcomes that a gate has brought about."""

UNRENDERED: Final = ("refused", "held", "cancelled")
"""Outcomes of deliveries that are not rendered."""


def _texts(value: dict[str, Any]) -> dict[str, Any]:
    for inner in value.values():
        if isinstance(inner, dict):
            _texts(inner)
        elif not (isinstance(inner, str) and inner):
            raise ValueError("what a field contains is a text")
    return value


class DeliveryExpected(_Expected):
    """A delivery that reaches an outcome, sent unless another one is named.

    content   the whole of each field named, of the rendered message
    contains  a part of each field named
    """

    journey: str | None = Field(default=None, description="The journey, or campaign, that sends.")
    step: str | None = Field(default=None, description="The step that sends.")
    channel: str | None = Field(default=None, description="The channel on which it is sent.")
    message: str | None = Field(default=None, description="The message that is sent.")
    outcome: OutcomeName = Field(default="sent", description="What became of it.")
    gate: GateNamed | None = Field(
        default=None, description="The gate that refused or held it; with `outcome: refused` or `held`."
    )
    to: str | None = Field(default=None, description="The address.")
    content: dict[str, Any] = Field(
        default_factory=dict, description="The whole of each field named, of the rendered message."
    )
    contains: Annotated[dict[str, Any], AfterValidator(_texts)] = Field(
        default_factory=dict, description="A part of each field named, of the rendered message."
    )
    at: Moment | None = Field(default=None, description="When exactly; any time without it.")

    @model_validator(mode="after")
    def _says(self) -> Self:
        if (self.content or self.contains) and self.outcome in UNRENDERED:
            raise ValueError(f"what is {self.outcome} says nothing: leave out content and contains")
        if self.gate is not None and self.outcome not in GATED:
            raise ValueError(f"what is {self.outcome} has passed the gates: gate goes with {' or '.join(GATED)}")
        return self


class MoveExpected(_Expected):
    """A move of a run: it reaches the step, enters the journey, or whatever `what` names."""

    journey: str = Field(description="The journey, or campaign, of the run.")
    step: str | None = Field(default=None, description="The step of the move.")
    what: What | None = Field(
        default=None, description="What happens; `reached` with a step and `entered` without one."
    )
    why: str | None = Field(default=None, description="The reason, as results have it.")
    at: Moment | None = Field(default=None, description="When exactly; any time without it.")

    @property
    def move(self) -> str:
        return self.what or ("reached" if self.step else "entered")


class DecisionExpected(_Expected):
    """A decision: what the person gets, and why she does not get anything else."""

    decision: str = Field(description="The decision.")
    placement: str | None = Field(default=None, description="The placement; any without it.")
    offers: tuple[str, ...] | None = Field(
        default=None, description="The offers that she gets, the best first; `[]` for none, and any without it."
    )
    fallback: bool | None = Field(default=None, description="Whether it is the fallback; either without it.")
    reasons: dict[str, ReasonName] = Field(
        default_factory=dict, description="By offer, what speaks against it: the first that does."
    )
    at: Moment | None = Field(default=None, description="When exactly; any time without it.")


class Never(Document):
    """Between these local times of the person nothing may be sent. A day names the window's start."""

    between: tuple[MinuteOfDay, MinuteOfDay] = Field(description="Two times of day, by the person's own zone.")
    channel: str | None = Field(default=None, description="The channel; all of them without it.")
    journey: str | None = Field(default=None, description="The journey, or campaign; all of them without it.")
    days: Annotated[tuple[CalendarDay, ...], Field(min_length=1)] = Field(
        default=DAYS, description="The days on which the window starts."
    )

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.between[0] == self.between[1]:
            raise ValueError("between names two different times of day")
        return self


class NeverExpected(Document):
    """Nothing that matches is sent, to this person or to anybody."""

    never: Never = Field(description="The window in which nothing is sent.")
    who: PersonDocument | None = Field(default=None, description="The person; anybody without it.")


def _size(value: object) -> object:
    if value == SKIPPED or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise ValueError(f"a size is a whole number such as 12, or {SKIPPED}")


SizeExpected: TypeAlias = Annotated[Annotated[int, Field(ge=0)] | Literal["skipped"], BeforeValidator(_size)]


class SetsExpected(Document):
    """The sizes of a campaign's sets in one of its runs: each of them as it is once the step is over."""

    campaign: str = Field(description="The campaign.")
    run: Annotated[int, Field(ge=1)] = Field(default=1, description="The number of the run; the first without it.")
    sets: Annotated[dict[str, SizeExpected], Field(min_length=1)] = Field(
        description="How many are in each set, `STEP` or `STEP.OUTPUT`; or `skipped`, if a `test` has not chosen it, "
        "or nothing that its step takes."
    )


DELIVERY_KEYS: Final = frozenset({"channel", "outcome", "message", "gate", "to", "content", "contains"})
"""Keys that make an expectation one of a delivery, and not of a move."""


def _kind(data: object) -> str:
    keys = keys_of(data)
    if "never" in keys:
        return "<never>"
    if "sets" in keys:
        return "<sets>"
    if "decision" in keys:
        return "<decision>"
    return "<delivery>" if keys & DELIVERY_KEYS else "<move>"


Expected: TypeAlias = Annotated[
    Annotated[DeliveryExpected, Tag("<delivery>")]
    | Annotated[MoveExpected, Tag("<move>")]
    | Annotated[DecisionExpected, Tag("<decision>")]
    | Annotated[NeverExpected, Tag("<never>")]
    | Annotated[SetsExpected, Tag("<sets>")],
    Discriminator(_kind),
]


class Scene(Document):
    """People, a start, and what they do then."""

    people: Annotated[dict[PersonDocument, dict[str, Any] | None], Field(min_length=1)] = Field(
        description="The traits of each person, by her user id. Whoever has none goes by her name in results, such as "
        "`@anonymous/7f3a`; of somebody with `null` nothing is known yet."
    )
    start: Instant = Field(description="When it begins.")
    given: tuple[Given, ...] = Field(default=(), description="What people do.")
    until: Moment | None = Field(
        default=None,
        description="When it ends; when nothing is due any more without it, and reads that recur without end stop at "
        "what is given last.",
    )


class Case(Scene):
    """One test: a scene and its expectations. Without `until` it runs until nothing is due any more."""

    test: Annotated[str, Field(min_length=1)] = Field(description="What has to be so, in a sentence.")
    description: str = Field(default="", description="Why, in words.")
    expect: Annotated[tuple[Expected, ...], Field(min_length=1)] = Field(
        description="What has to happen, and what must not."
    )


class Rehearsal(Scene):
    """Named people whose ways through the journeys are shown."""

    people: Annotated[dict[PersonDocument, dict[str, Any] | None], Field(min_length=1, max_length=PEOPLE_MAX)] = Field(
        description="The traits of each person, by name; of somebody with `null` nothing is known yet."
    )


def cases_schema() -> dict[str, Any]:
    """The JSON Schema of a file in tests/."""
    adapter: TypeAdapter[tuple[Case, ...]] = TypeAdapter(tuple[Case, ...])
    return {"$schema": DIALECT, **adapter.json_schema(by_alias=True)}
