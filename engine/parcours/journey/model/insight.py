"""What is kept of what happened, and for how long: the part `insight` of parcours.yaml."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from parcours.expression.duration import UNITS_MS, PositiveDuration, format_duration
from parcours.journey.model.forms import PROPERTY_PATTERN, Document, keys_of
from parcours.journey.model.references import is_reference

DAY_MS: Final = UNITS_MS["d"]

FACTS_FOR_MS: Final = 90 * DAY_MS

VISIT_PAUSE_MS: Final = 30 * UNITS_MS["m"]
"""After a longer pause the next event begins another visit, as other tools have it."""

LOOKS_FOR_MS: Final = 400 * DAY_MS
"""For so long at least it is kept who has looked at whom, unless a project says otherwise of exactly that."""

FactTable: TypeAlias = Literal[
    "events",
    "moves",
    "deliveries",
    "unmet",
    "unmatched",
    "limits",
    "changes",
    "publications",
    "looks",
    "campaign_steps",
    "people",
]
"""The tables into which facts are exported."""

KeptTable: TypeAlias = FactTable | Literal["lines"]
"""Those, and that of inputs."""


def _whole_days(duration_ms: int) -> int:
    if duration_ms % DAY_MS:
        raise ValueError(f"whole days are expected, such as 90d, and not {format_duration(duration_ms)}")
    return duration_ms


WholeDays: TypeAlias = Annotated[PositiveDuration, AfterValidator(_whole_days)]

EVER: Final = "ever"


def _no_other_word(value: object) -> object:
    if isinstance(value, str) and not any(character.isdigit() for character in value):
        raise ValueError(f"whole days are expected, such as 90d, or {EVER}")
    return value


Days: TypeAlias = Annotated[WholeDays, BeforeValidator(_no_other_word, str)]
"""Whole days, where `ever` may stand as well."""


def _kept_form(value: object) -> str:
    if keys_of(value):
        return "<by-table>"
    return "<ever>" if value == EVER else "<duration>"


KeptFor: TypeAlias = Annotated[
    Annotated[Days, Tag("<duration>")] | Annotated[Literal["ever"], Tag("<ever>")],
    Discriminator(lambda value: "<ever>" if value == EVER else "<duration>"),
]
"""Whole days, or for ever."""


class FactsForDocument(Document):
    """For how long each table is kept; `all` is for those that are not named."""

    all: KeptFor = Field(default=FACTS_FOR_MS, description="How long every table is kept that has no line of its own.")
    events: KeptFor | None = Field(default=None, description="The events themselves, and the inputs that are kept.")
    moves: KeptFor | None = Field(default=None, description="Moves of runs.")
    deliveries: KeptFor | None = Field(default=None, description="States and marks of deliveries.")
    unmet: KeptFor | None = Field(default=None, description="Events by which nobody entered.")
    unmatched: KeptFor | None = Field(default=None, description="Reactions that concern no delivery.")
    limits: KeptFor | None = Field(default=None, description="Limits of the settings that were reached.")
    changes: KeptFor | None = Field(default=None, description="Changes of traits, consents and audiences.")
    publications: KeptFor | None = Field(default=None, description="What was published, with its documents.")
    campaign_steps: KeptFor | None = Field(
        default=None, description="The sets of each run of a campaign, by their sizes."
    )
    people: KeptFor | None = Field(default=None, description="Everybody as of one instant of each day.")

    looks: KeptFor | None = Field(
        default=None, description="Who has looked at whom, and by which key; 400 days at least if nothing is said here."
    )

    def of(self, table: FactTable) -> int | None:
        """How long a table is kept, in ms; None for ever."""
        own: int | str | None = getattr(self, table)
        usual = _at_least(LOOKS_FOR_MS, _bounded(self.all)) if table == "looks" else _bounded(self.all)
        return usual if own is None else _bounded(own)


ArchivedEvents: TypeAlias = Annotated[
    Annotated[Literal["all", "declared", "none"], Tag("<word>")] | Annotated[list[str], Tag("<names>")],
    Discriminator(lambda value: "<names>" if isinstance(value, list | tuple) else "<word>"),
]


class InsightDocument(Document):
    """What is kept of what happened: facts (moves, deliveries, unmet conditions ...), events, and inputs."""

    facts_for: Annotated[
        Annotated[Days, Tag("<duration>")]
        | Annotated[Literal["ever"], Tag("<ever>")]
        | Annotated[FactsForDocument, Tag("<by-table>")],
        Discriminator(_kept_form),
    ] = Field(
        default=FACTS_FOR_MS,
        description="How long facts are kept, in whole days or `ever`, or by table; explanations reach back as far. "
        "Totals count all of them.",
    )
    events: ArchivedEvents = Field(
        default="declared",
        description="Which events are kept themselves, as the table `events`: all, declared, none, or these.",
    )
    people: Literal["daily", "never"] = Field(
        default="daily",
        description="Whether once a day a table of all people is kept, with what is known of each and is not personal.",
    )
    visit_pause: PositiveDuration = Field(
        default=VISIT_PAUSE_MS,
        description="How long nothing has to happen before what a person does next is another visit of hers.",
    )
    visit_by: Annotated[str, Field(pattern=PROPERTY_PATTERN)] | None = Field(
        default=None,
        description="The property that tells visits apart instead, such as event.session_id: events of a person with "
        "the same value are one visit. An event without it belongs to the visit before, unless after a pause.",
    )
    inputs: bool = Field(
        default=False,
        description="Whether every input is kept as it came, with personal data, for `parcours store inputs`.",
    )
    addresses: Literal["hashed", "clear"] = Field(
        default="hashed",
        description="How the table of deliveries has addresses: hashed with the secret, or as they are.",
    )
    secret: str | None = Field(
        default=None,
        description="By what addresses are hashed, as env:NAME or file:PATH; without it the table has none.",
    )

    @model_validator(mode="after")
    def _secret_elsewhere(self) -> InsightDocument:
        if self.secret is not None and not is_reference(self.secret):
            raise ValueError("a secret does not stand in a document: write env:NAME or file:PATH")
        return self

    def kept_for(self, table: KeptTable) -> int | None:
        """How long a table is kept, in ms; None for ever. Inputs as long as events."""
        if isinstance(self.facts_for, FactsForDocument):
            return self.facts_for.of("events" if table == "lines" else table)
        kept_for_ms = _bounded(self.facts_for)
        return _at_least(LOOKS_FOR_MS, kept_for_ms) if table == "looks" else kept_for_ms

    @property
    def usually_kept_for(self) -> int | None:
        """How long facts are kept of which nothing else is said, in ms; None for ever."""
        return _bounded(self.facts_for.all if isinstance(self.facts_for, FactsForDocument) else self.facts_for)


def _at_least(least_ms: int, kept_for_ms: int | None) -> int | None:
    """For so long, or for longer if it is kept for longer."""
    return None if kept_for_ms is None else max(least_ms, kept_for_ms)


def _bounded(kept: int | str) -> int | None:
    """Milliseconds, None for ever."""
    return kept if isinstance(kept, int) else None
