"""The models of a campaign's steps that do something: save, update, export, wait, test, reactions and sends."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema, field_validator, model_validator

from parcours.channel import Reaction
from parcours.expression.duration import DAYS, Duration, PositiveDuration, TimeOfDay, Weekdays
from parcours.journey.model.campaign_sets import MAIN, TakingStep
from parcours.journey.model.forms import Document, ExpressionText, Name, chooser, keys_of
from parcours.journey.model.people_rate import PeopleRate
from parcours.journey.model.steps import ChannelChoice, FirstChannel, WaitForm
from parcours.journey.model.zones import ZONE_OF_PERSON, JourneyZone


class SaveStep(TakingStep):
    """Makes these people the members of a saved audience."""

    save: Name = Field(description="The saved audience, as audiences.yaml declares it.")
    mode: Literal["replace", "append", "remove"] = Field(
        default="replace", description="Whether they take the place of its members, come to them, or leave."
    )
    key: ExpressionText | None = Field(
        default=None, description="A value that everybody has to have, or is left out; the list is exported with it."
    )


class UpdatePeopleStep(TakingStep):
    """Sets traits of each person to the values of expressions; `row` may be named."""

    update: Annotated[dict[str, ExpressionText], Field(min_length=1)] = Field(
        description="The expression of each trait's new value; without one the trait stays, `null` takes it away."
    )


RUN_PLACE: Final = "{run}"
"""Stands in the name of an exported file for the number of the run."""

_FILE: Final = re.compile(r"([A-Za-z0-9_.-]|\{run\})+\.(csv|ndjson|parquet)")


def _file_name(name: str) -> str:
    if not _FILE.fullmatch(name) or name.startswith("."):
        raise ValueError(
            "a file is named like customers-{run}.csv, without a folder: letters, digits and `_.-`, and at its end "
            ".csv, .ndjson or .parquet"
        )
    return name


FileName: TypeAlias = Annotated[
    str, AfterValidator(_file_name), WithJsonSchema({"type": "string", "pattern": f"^{_FILE.pattern}$"})
]


class ExportDocument(Document):
    """The file that a set is written to, and its columns."""

    file: FileName = Field(
        description="Its name, which ends in .csv, .ndjson or .parquet; `{run}` stands for the number of the run."
    )
    columns: Annotated[tuple[ExpressionText, ...], Field(min_length=1)] = Field(
        description="Its columns: `person`, columns of the set, or expressions such as `profile.email`."
    )

    @field_validator("columns")
    @classmethod
    def _once(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        for number, column in enumerate(columns):
            if column in columns[:number]:
                raise ValueError(f"the column {column!r} is given twice")
        return columns


class ExportStep(TakingStep):
    """Writes a set to a file, whole or not at all."""

    export: ExportDocument = Field(description="The file, and its columns.")


class WaitAllStep(TakingStep):
    """Holds the whole set for a duration, until an instant, or until a time of day in the campaign's zone."""

    wait: WaitForm = Field(
        description="A duration such as `3d`, `{until: ...}` for an instant, or `{time: ...}` for a time of day."
    )


class TestArm(Document):
    """A condition on the set, and the output that takes all of it then."""

    __test__ = False

    name: Name = Field(description="The name of the output.")
    when: ExpressionText = Field(
        description='The condition: `size()` is the size of the set, `size("STEP.OUTPUT")` that of another one.'
    )


class TestOtherwise(Document):
    """The output that takes the whole set when no condition holds."""

    __test__ = False

    otherwise: Name = Field(description="The name of the output.")


class TestStep(TakingStep):
    """Gives the whole set to the first output whose condition holds; what takes only the others is skipped."""

    __test__ = False

    test: Annotated[
        tuple[
            Annotated[
                Annotated[TestArm, Tag("<when>")] | Annotated[TestOtherwise, Tag("<otherwise>")],
                Discriminator(
                    chooser("when", "otherwise"),
                    custom_error_type="test",
                    custom_error_message="an output of a test has 'name' and 'when', or is 'otherwise: NAME'",
                ),
            ],
            ...,
        ],
        Field(min_length=1),
    ] = Field(description="The outputs with their conditions, and `otherwise` at the end.")

    @field_validator("test")
    @classmethod
    def _last(cls, arms: tuple[TestArm | TestOtherwise, ...]) -> tuple[TestArm | TestOtherwise, ...]:
        if not isinstance(arms[-1], TestOtherwise) or any(isinstance(arm, TestOtherwise) for arm in arms[:-1]):
            raise ValueError("a test ends with 'otherwise: NAME', so that the set always goes somewhere")
        names = [arm.otherwise if isinstance(arm, TestOtherwise) else arm.name for arm in arms]
        for number, name in enumerate(names):
            if name in names[:number] or name == MAIN:
                raise ValueError(f"the name {name!r} is {'taken' if name == MAIN else 'given twice'}")
        return arms


class OtherSendDocument(Document):
    """A send step of another campaign, or of a journey."""

    campaign: Name | None = Field(default=None, description="The campaign.")
    journey: Name | None = Field(default=None, description="The journey.")
    step: Name = Field(description="Its send step.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.campaign is None) == (self.journey is None):
            raise ValueError("give a campaign or a journey")
        return self


def _of_form(value: object) -> str:
    return "<other>" if keys_of(value) else "<own>"


class ReactedDocument(Document):
    """The send, and the reaction that counts."""

    of: Annotated[
        Annotated[Name, Tag("<own>")] | Annotated[OtherSendDocument, Tag("<other>")], Discriminator(_of_form)
    ] = Field(description="The send step above, or `{campaign: NAME, step: STEP}`, `{journey: NAME, step: STEP}`.")
    reaction: Reaction = Field(description="What somebody, or the provider, did with the delivery.")
    channel: Name | None = Field(default=None, description="The channel that counts; any of the step's without it.")
    link: str | None = Field(default=None, description="The link that has to be clicked; any without it.")
    within: Duration | None = Field(
        default=None, description="How long after the end of the send it counts, the end included; not at all without."
    )
    since: PositiveDuration | None = Field(
        default=None, description="How long ago it may have been, for a send elsewhere; any time without it."
    )
    runs: Literal["all", "last"] = Field(
        default="all", description="Which runs of a send elsewhere count: all of them, or the newest one."
    )

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.link is not None and self.reaction != "clicked":
            raise ValueError("only a click has a link")
        if isinstance(self.of, OtherSendDocument):
            if self.within is not None:
                raise ValueError("'within' counts from the end of a send above; of a send elsewhere say 'since'")
        elif self.since is not None or self.runs != "all":
            raise ValueError("'since' and 'runs' are of a send elsewhere; of a send above say 'within'")
        return self


class ReactedStep(TakingStep):
    """Keeps those who have reacted to a send; the others are its `rest`."""

    reacted: ReactedDocument = Field(description="The send, the reaction that counts, and until when.")


class WavesDocument(Document):
    """Parts of the same size, one after the other."""

    parts: int = Field(ge=1, description="How many parts.")
    every: PositiveDuration = Field(description="How long after a part the next one begins.")


class OpeningDocument(Document):
    """The hours in which people are sent to; who is outside waits for the next opening."""

    opens: TimeOfDay = Field(alias="from", description="The time of day from which on.")
    closes: TimeOfDay = Field(alias="to", description="The time of day before which.")
    days: Weekdays = Field(default=DAYS, description="The days of the week on which it opens.")
    zone: JourneyZone = Field(default=ZONE_OF_PERSON, description="The zone: each person's own, or one for all.")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.opens == self.closes:
            raise ValueError("a window opens at one time and closes at another; for a time of day say {time: ...}")
        return self


class LocalTimeDocument(Document):
    """The time of day at which each person is sent to."""

    time: TimeOfDay = Field(description="The time of day.")
    days: Weekdays = Field(default=DAYS, description="The days of the week on which it counts.")
    zone: JourneyZone = Field(default=ZONE_OF_PERSON, description="The zone: each person's own, or one for all.")


def _window_form(value: object) -> str | None:
    keys = keys_of(value)
    return "<time>" if "time" in keys else "<from>" if keys & {"from", "to", "opens"} else None


class CampaignSendStep(TakingStep):
    """Sends a message to everybody in the set; whom a gate refused is in `refused` as well."""

    send: Name = Field(description="The message that is sent.")
    channels: ChannelChoice | None = Field(
        default=None,
        description="The channels on which it is sent, or `{first: ...}` for one of several; all that the message has "
        "content for without it.",
    )
    to: dict[Name, ExpressionText] = Field(
        default_factory=dict, description="Another address than the profile's, by channel."
    )
    rate: PeopleRate | None = Field(default=None, description="How many people a second; all at once without it.")
    waves: WavesDocument | None = Field(default=None, description="Parts, one after the other.")
    window: (
        Annotated[
            Annotated[OpeningDocument, Tag("<from>")] | Annotated[LocalTimeDocument, Tag("<time>")],
            Discriminator(
                _window_form,
                custom_error_type="window",
                custom_error_message="a window is {from: ..., to: ...} or {time: ...}",
            ),
        ]
        | None
    ) = Field(default=None, description="The hours in which people are sent to, or the time of day.")

    @property
    def named_channels(self) -> tuple[str, ...] | None:
        """The channels that the step names, None where it names none."""
        return self.channels.first if isinstance(self.channels, FirstChannel) else self.channels
