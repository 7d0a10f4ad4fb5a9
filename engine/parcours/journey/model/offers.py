"""The models of offers.yaml: what may be offered where, in which order, and which decisions choose from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from math import isfinite
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from parcours.config import SECOND_MS
from parcours.expression.duration import Duration, PositiveDuration
from parcours.journey.model.forms import ColumnName, Document, ExpressionText, Name, Percent, chooser, keys_of
from parcours.journey.model.moments import in_our_time
from parcours.journey.model.traits import Kind
from parcours.journey.model.triggers import EventTriggerDocument

PLACEMENTS_MAX: Final = 200
OFFERS_MAX: Final = 1_000
"""Offers of a project: each decision over all of them looks at each, which takes about 7 µs (benchmarks/offers.py)."""

COLLECTIONS_MAX: Final = 200
RANKINGS_MAX: Final = 100
DECISIONS_MAX: Final = 200

STRATEGIES_MAX: Final = 20
"""Strategies of one decision: each may look at all offers."""

CHOSEN_MAX: Final = 30
"""Offers of one answer at one placement."""

CAPS_MAX: Final = 10
CAP_MAX: Final = 1_000
"""The highest cap of one person: as many instants are remembered of her, and a history keeps as many entries."""

TAGS_MAX: Final = 50
ATTRIBUTES_MAX: Final = 100
CONTEXT_MAX: Final = 100

PRIORITY_MAX: Final = 1_000_000
PRIOR_MAX: Final = 1_000_000.0

BY_PRIORITY: Final = "priority"
"""The ranking that needs no declaration."""

EVERY_OFFER: Final = "all"
"""The collection that needs no declaration."""

Format: TypeAlias = Literal["text", "html", "json", "image"]

Mark: TypeAlias = Literal["shown", "clicked", "dismissed", "converted"]
"""What becomes of an offer that somebody got."""

Counted: TypeAlias = Literal["decided", "shown", "clicked"]

TagName: TypeAlias = Annotated[str, Field(min_length=1, max_length=100)]


def _finite(value: bool | int | float | str) -> bool | int | float | str:
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("a number that is not infinite is expected")
    return value


def _single(value: object) -> object:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("a text, a number, true or false is expected")
    return value


Scalar: TypeAlias = Annotated[bool | int | float | str, AfterValidator(_finite), BeforeValidator(_single)]


class PlacementDocument(Document):
    """A placement: where offers appear, and as what."""

    channel: Name = Field(
        description="The channel of the messages that it is a part of, or whatever else shows it, such as `web`."
    )
    format: Format = Field(description="What its content is: `text`, `html`, `json` or `image`.")
    shown_by: Literal["delivered", "opened"] | None = Field(
        default=None,
        description="What tells that a message has shown it: that it was `delivered`, or `opened`. Without it an SMS "
        "has when it is delivered, and any other when it is opened.",
    )


class _ContentDocument(Document):
    url: Annotated[str, Field(min_length=1, max_length=2_000)] | None = Field(
        default=None, description="Where a click on it leads."
    )


class TextContentDocument(_ContentDocument):
    """What an offer says at a placement of texts."""

    text: str = Field(description="The text, a template.")


class HtmlContentDocument(_ContentDocument):
    """What an offer says at a placement of HTML."""

    html: str = Field(description="The HTML, a template.")


class JsonContentDocument(_ContentDocument):
    """What an offer says at a placement of JSON."""

    data: dict[str, Any] = Field(alias="json", description="An object, in whose texts templates are filled in.")


class ImageContentDocument(_ContentDocument):
    """What an offer shows at a placement of images."""

    image: Annotated[str, Field(min_length=1, max_length=2_000)] = Field(description="The address of the image.")
    alt: str = Field(default="", description="What it shows, in words.")


def _content_form(value: object) -> str | None:
    keys = keys_of(value)
    return "<json>" if "data" in keys and "json" not in keys else chooser("text", "html", "json", "image")(value)


ContentForm: TypeAlias = Annotated[
    Annotated[TextContentDocument, Tag("<text>")]
    | Annotated[HtmlContentDocument, Tag("<html>")]
    | Annotated[JsonContentDocument, Tag("<json>")]
    | Annotated[ImageContentDocument, Tag("<image>")],
    Discriminator(
        _content_form,
        custom_error_type="content",
        custom_error_message="a content is a 'text', 'html', 'json' or 'image'",
    ),
]


def _per_form(value: object) -> str:
    return "<day>" if value == "day" else "<window>"


class OfferCapDocument(Document):
    """How often an offer may come at most: to one person, or to everybody together."""

    max: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(description="How often; of one person 1,000 at most.")
    per: (
        Annotated[
            Annotated[Literal["day"], Tag("<day>")] | Annotated[PositiveDuration, Tag("<window>")],
            Discriminator(_per_form),
        ]
        | None
    ) = Field(
        default=None,
        description="In any window of this length, its end inclusive; ever without it. For everybody together only "
        "`day`, which is one of the project's zone.",
    )
    of: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        default="decided", description="What is counted: `decided`, `shown` or `clicked`, or a declared event."
    )
    by: Literal["person", "everybody"] = Field(
        default="person",
        description="Whether each person is counted for herself, or everybody together, of whom only `decided` counts.",
    )

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if self.by == "person" and self.per == "day":
            raise ValueError("a day of the calendar is for everybody together; for each person write 1d")
        if self.by == "person" and self.max > CAP_MAX:
            raise ValueError(f"a cap of one person is {CAP_MAX} at most")
        if self.by == "everybody" and self.of != "decided":
            raise ValueError("of everybody together it is counted what was decided, and nothing else")
        if self.by == "everybody" and self.per not in (None, "day"):
            raise ValueError("for everybody together it is counted per day, or ever without 'per'")
        return self


def _moment_form(value: object) -> str:
    is_instant = isinstance(value, datetime) or (isinstance(value, str) and len(value.strip()) > len("2026-03-01"))
    return "<instant>" if is_instant else "<date>"


MomentForm: TypeAlias = Annotated[
    Annotated[date, AfterValidator(in_our_time), Tag("<date>")]
    | Annotated[datetime, AfterValidator(in_our_time), Tag("<instant>")],
    Discriminator(_moment_form),
]
"""A date in the project's zone, or an instant."""


class OfferGoalDocument(EventTriggerDocument):
    """What an offer is for: the event that converts it."""

    within: Duration | None = Field(
        default=None,
        description="How long after it was shown the event counts, the end included; however late without it.",
    )


class OfferDocument(Document):
    """An offer: what somebody may get, when, how often, and what it says where."""

    title: str = Field(default="", description="What it is called where people look at it.")
    tags: Annotated[tuple[TagName, ...], Field(max_length=TAGS_MAX)] = Field(
        default=(), description="Words by which collections find it."
    )
    attributes: Annotated[dict[ColumnName, Scalar], Field(max_length=ATTRIBUTES_MAX)] = Field(
        default_factory=dict,
        description="What is known of it: texts, numbers, true or false; `offer.NAME` in expressions, "
        "`offer.attributes.NAME` in templates.",
    )
    eligible: ExpressionText | None = Field(default=None, description="Who may get it; everybody without it.")
    starts: MomentForm | None = Field(
        default=None, description="The first day of the project's zone, or the first instant, at which it is offered."
    )
    ends: MomentForm | None = Field(
        default=None, description="The last day, or the last instant, at which it is offered."
    )
    priority: Annotated[int, Field(ge=-PRIORITY_MAX, le=PRIORITY_MAX)] = Field(
        default=0, description="The highest goes first, where a ranking says nothing or the same of two."
    )
    caps: Annotated[tuple[OfferCapDocument, ...], Field(max_length=CAPS_MAX)] = Field(
        default=(), description="How often it may come; each of them has to have room."
    )
    goal: OfferGoalDocument | None = Field(default=None, description="What it is for: the event that converts it.")
    content: dict[Name, ContentForm] = Field(
        default_factory=dict, description="What it says at each placement; it is not chosen for any other."
    )


class TagsDocument(Document):
    """Offers by their tags; what is left out asks for nothing."""

    any: tuple[TagName, ...] = Field(default=(), description="One of these at least.")
    all: tuple[TagName, ...] = Field(default=(), description="Each of these.")
    none: tuple[TagName, ...] = Field(default=(), description="None of these.")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not (self.any or self.all or self.none):
            raise ValueError("'any', 'all' or 'none' names a tag; the collection of every offer is 'all'")
        return self


class TagsCollectionDocument(Document):
    """A collection by tags: offers that get a tag later are in it then."""

    tags: TagsDocument = Field(description="Which tags its offers have.")


class OffersCollectionDocument(Document):
    """A collection of offers by their names. Their order means nothing."""

    offers: Annotated[tuple[Name, ...], Field(min_length=1, max_length=OFFERS_MAX)] = Field(
        description="The names of its offers."
    )


CollectionForm: TypeAlias = Annotated[
    Annotated[TagsCollectionDocument, Tag("<tags>")] | Annotated[OffersCollectionDocument, Tag("<offers>")],
    Discriminator(
        chooser("tags", "offers"),
        custom_error_type="collection",
        custom_error_message="a collection has 'tags', or names 'offers'",
    ),
]


class FormulaRankingDocument(Document):
    """A ranking by a formula."""

    formula: ExpressionText = Field(
        description="A number for each offer, the highest first; an offer without one comes after all that have one."
    )


def _belief(prior: tuple[float, float]) -> tuple[float, float]:
    if not all(0 < each <= PRIOR_MAX for each in prior):
        raise ValueError("a prior is two numbers above 0, such as [1, 19]: for what is wanted, and for what is not")
    return prior


def _tick(every_ms: int | None) -> int | None:
    if every_ms is not None and every_ms < SECOND_MS:
        raise ValueError("a ranking learns once a second at most")
    return every_ms


class BanditRankingDocument(Document):
    """A ranking that learns from what became of offers, whatever chose them."""

    bandit: Mark = Field(description="What is wanted: `clicked`, `converted`, `shown` or `dismissed`.")
    of: Literal["decided", "shown", "clicked"] = Field(default="shown", description="Of what it is a share.")
    every: Annotated[PositiveDuration | None, AfterValidator(_tick)] = Field(
        default=None, description="How often it looks at what has become of them; as `decision_tick_ms` without it."
    )
    prior: Annotated[tuple[float, float], AfterValidator(_belief)] = Field(
        default=(1.0, 19.0),
        description="What a new offer is believed to do, as cases with and without what is wanted; [1, 19] without it.",
    )
    explore: Annotated[Percent, Field(lt=100)] = Field(
        default=0.0, description="The share of people who get any of those that they might get; nobody without it."
    )
    within: ExpressionText | None = Field(
        default=None, description="Learns apart for each value of it: of 100 values each, and of all others together."
    )

    @model_validator(mode="after")
    def _two_marks(self) -> Self:
        if self.bandit == self.of:
            raise ValueError(f"'bandit' and 'of' are both {self.of}, whose share is always the whole")
        return self


RankingForm: TypeAlias = Annotated[
    Annotated[FormulaRankingDocument, Tag("<formula>")] | Annotated[BanditRankingDocument, Tag("<bandit>")],
    Discriminator(
        chooser("formula", "bandit"),
        custom_error_type="ranking",
        custom_error_message="a ranking has a 'formula', or is a 'bandit'",
    ),
]


class StrategyDocument(Document):
    """A strategy: offers to choose from, and their order."""

    collection: Name = Field(description="The collection; `all` is every offer.")
    when: ExpressionText | None = Field(
        default=None, description="Of whom it is tried; it is passed over where this does not hold."
    )
    ranking: Name = Field(default=BY_PRIORITY, description="The ranking; by the offers' priorities without it.")


class DecisionDocument(Document):
    """A decision: which of all offers somebody gets at a placement."""

    choose: Annotated[tuple[StrategyDocument, ...], Field(min_length=1, max_length=STRATEGIES_MAX)] = Field(
        description="The strategies, tried from the top until there are enough offers."
    )
    count: Annotated[int, Field(ge=1, le=CHOSEN_MAX)] = Field(
        default=1, description="How many offers at most, from 1 to 30."
    )
    distinct: bool = Field(
        default=True, description="Whether an offer is passed over that another placement of the same answer has."
    )
    fallback: Name | None = Field(
        default=None,
        description="The offer for whom there is none: nothing is asked of it but content for the placement.",
    )
    context: Annotated[dict[ColumnName, Kind], Field(max_length=CONTEXT_MAX)] = Field(
        default_factory=dict, description="The kind of each value that whoever asks may give, as `context.NAME`."
    )


class OffersDocument(Document):
    """offers.yaml: what may be offered to people, and how it is chosen."""

    placements: Annotated[dict[Name, PlacementDocument], Field(max_length=PLACEMENTS_MAX)] = Field(
        default_factory=dict, description="Where offers appear, by name."
    )
    offers: Annotated[dict[Name, OfferDocument], Field(max_length=OFFERS_MAX)] = Field(
        default_factory=dict, description="The offers by name."
    )
    collections: Annotated[dict[Name, CollectionForm], Field(max_length=COLLECTIONS_MAX)] = Field(
        default_factory=dict, description="Some of the offers, by name."
    )
    rankings: Annotated[dict[Name, RankingForm], Field(max_length=RANKINGS_MAX)] = Field(
        default_factory=dict, description="Orders of offers, by name."
    )
    decisions: Annotated[dict[Name, DecisionDocument], Field(max_length=DECISIONS_MAX)] = Field(
        default_factory=dict, description="The decisions by name."
    )

    @property
    def parts(self) -> dict[str, Mapping[str, Document]]:
        """What is declared of each kind, by the word for one of them."""
        return {
            "placement": self.placements,
            "offer": self.offers,
            "collection": self.collections,
            "ranking": self.rankings,
            "decision": self.decisions,
        }
