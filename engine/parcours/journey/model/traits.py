"""The models of what documents declare: kinds and paths of values, traits, and the namespaces of ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from parcours.journey.identities import ANONYMOUS, USER
from parcours.journey.model.forms import PATH_PATTERN, Document, keys_of

Kind: TypeAlias = Literal["string", "number", "integer", "boolean", "timestamp", "date", "object", "list"]
PropertyPath: TypeAlias = Annotated[
    str,
    Field(
        pattern=PATH_PATTERN,
        description="A path: a dot leads into an object, and a key with a dot in it stands in double quotes",
    ),
]


class IdentityDocument(Document):
    """One namespace of ids: what the keys of events, `context.externalIds` and `anonymousId` name people in."""

    link: Literal["once", "never"] = Field(
        default="once",
        description="Whether an identify or alias call may say once whose each of its ids is, or never: so for "
        "`anonymous` where many people share a device.",
    )
    caseless: bool = Field(default=False, description="Whether its ids are made lower case, as with email addresses.")


IDS: Final = frozenset({USER, ANONYMOUS})
"""The namespaces of userId and anonymousId, which are ids as they are given."""


class TraitDocument(Document):
    """One trait, or one property of an event, where more than its kind is said."""

    type: Kind = Field(description="The kind of its values.")
    pii: bool = Field(
        default=False,
        description="Whether it tells who somebody is, or other personal things: then it never leaves with facts.",
    )
    insight: bool = Field(
        default=False,
        description="Whether facts tell the new value where a trait changes; never that of what is `pii`, or of an "
        "object in which something is.",
    )


def _trait_form(value: object) -> str:
    return "<trait>" if keys_of(value) else "<kind>"


TraitForm: TypeAlias = Annotated[
    Annotated[Kind, Tag("<kind>")] | Annotated[TraitDocument, Tag("<trait>")], Discriminator(_trait_form)
]


def kinds_of(forms: Mapping[str, TraitForm]) -> dict[str, Kind]:
    """The kind of each trait or property."""
    return {path: form if isinstance(form, str) else form.type for path, form in forms.items()}
