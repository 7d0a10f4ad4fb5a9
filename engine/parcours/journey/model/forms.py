"""The forms shared by all documents: names, expressions, percentages, and the choice of a model by a key.

Where a key decides what a mapping is (`send` makes it a send step), the model is chosen by that key before anything is
validated: errors are then about the one model that was meant, not about all that were not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Final, TypeAlias, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, PlainSerializer, Tag, WithJsonSchema


class Document(BaseModel):
    """The base of documents and their parts: closed and frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


NAME_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9_-]*$"

PATH_PATTERN: Final = r'^("[^"]+"|[^."\s][^.]*)(\.("[^"]+"|[^."][^.]*))*$'

REGION_PATTERN: Final = r"^[A-Z]{2}$"

SET_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)?$"

COLUMN_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"

EXPERIMENT_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9_-]*\.[A-Za-z0-9_][A-Za-z0-9_-]*$"

GROUP_PATTERN: Final = r"^(profile|event)\..+$"

PROPERTY_PATTERN: Final = r"^event\..+$"

WHO_PATTERN: Final = r"^((reached|lost):[1-9][0-9]{0,3}|group:.+)$"

SUBJECT_PATTERN: Final = r"^[^\s*>]+$"

IN_WORDS: Final[Mapping[str, str]] = {
    NAME_PATTERN: "a name has letters, digits, - and _, and does not begin with -",
    PATH_PATTERN: (
        "a path is a name, or names with a dot between them, none of them empty; "
        "a name that holds a dot or begins with a space stands in double quotes"
    ),
    SET_PATTERN: "a set is named by its step, as in visitors, or by its step and output, as in risk.high",
    COLUMN_PATTERN: "a column has letters, digits and _, and does not begin with a digit",
    EXPERIMENT_PATTERN: "an experiment is named by its journey or campaign and its split, as in cart.test",
    GROUP_PATTERN: "groups go by a trait, as in profile.city, or by a property, as in event.category",
    PROPERTY_PATTERN: "a property is named as in event.category",
    WHO_PATTERN: "people are named as in reached:2, lost:2 or group:west",
    SUBJECT_PATTERN: "a subject has names with a dot between them, without blanks, and no * or >",
    REGION_PATTERN: "two capital letters are expected, such as FR",
}
"""What each pattern allows, as an author is told it."""

NAME_CHARACTERS_MAX: Final = 100

Name: TypeAlias = Annotated[str, Field(pattern=NAME_PATTERN, max_length=NAME_CHARACTERS_MAX)]
"""The name of a project, journey, step, message, audience or channel."""


def is_name(text: str) -> bool:
    """Whether it may be such a name."""
    return len(text) <= NAME_CHARACTERS_MAX and re.fullmatch(NAME_PATTERN, text) is not None


def check_within(file: str, what: str) -> PurePosixPath:
    """The path of a file that a document names, seen from the project's folder. Raises ValueError for one outside."""
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{what} within the project's folder")
    return path


SetName: TypeAlias = Annotated[str, Field(pattern=SET_PATTERN, max_length=201)]
"""A set of a campaign: `STEP`, or `STEP.OUTPUT`."""

ColumnName: TypeAlias = Annotated[str, Field(pattern=COLUMN_PATTERN, max_length=100)]
"""A column of a set, which expressions name as `row.NAME`."""


def _expression(value: object) -> object:
    """An expression from YAML, where `true` and 5 are not texts."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


ExpressionText: TypeAlias = Annotated[
    str,
    BeforeValidator(_expression, str),
    WithJsonSchema({"type": ["string", "boolean", "number"], "description": "A CEL expression"}),
]


def _percent(value: object) -> object:
    return value.removesuffix("%").strip() if isinstance(value, str) and value.endswith("%") else value


Percent: TypeAlias = Annotated[
    float,
    BeforeValidator(_percent),
    Field(ge=0, le=100),
    PlainSerializer(lambda percent: f"{percent:g}%", str),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 100}, {"type": "string", "pattern": "%$"}]}),
]
"""0-100, written 50 or 50%."""


def _share(value: object) -> object:
    if isinstance(value, str) and not value.strip().endswith("%"):
        raise ValueError("a limit is a number of people such as 1000, or a share such as 10%")
    return value


Limit: TypeAlias = Annotated[
    Annotated[int, Field(ge=1), Tag("<count>")]
    | Annotated[Percent, BeforeValidator(_share), Field(gt=0), Tag("<share>")],
    Discriminator(lambda value: "<count>" if type(value) is int else "<share>"),
]
"""So many of a set, or a share of it."""


def keys_of(data: object) -> frozenset[str]:
    """The keys of a mapping, or the fields of a model that was built in Python."""
    if isinstance(data, BaseModel):
        return frozenset(type(data).model_fields)
    return frozenset(map(str, data)) if isinstance(data, Mapping) else frozenset()


def tagged(annotation: object) -> dict[str, type[BaseModel]]:
    """The models that a union chooses between by their tags, however deep in an annotation it lies."""
    if get_origin(annotation) is Annotated:
        within, *about = get_args(annotation)
        tag = next((each.tag for each in about if isinstance(each, Tag)), None)
        return tagged(within) if tag is None else {tag: within}
    return {tag: model for each in get_args(annotation) for tag, model in tagged(each).items()}


def chooser(*keywords: str) -> Callable[[object], str | None]:
    """A discriminator that finds which of the keywords a mapping has, as the tag `<keyword>`; None if it has none."""

    def choose(data: object) -> str | None:
        keys = keys_of(data)
        return next((f"<{keyword}>" for keyword in keywords if keyword in keys), None)

    return choose
