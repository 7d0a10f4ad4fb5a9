"""What holds for a namespace of ids: how names are made in it, and whether they can turn out to be somebody else's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

USER: Final = "user"
"""The namespace of user ids."""

ANONYMOUS: Final = "anonymous"
"""The namespace of anonymous ids."""


@dataclass(frozen=True, slots=True)
class IdentityRule:
    """
    link      whether a call may say once whose an id of the namespace is, or never
    caseless  whether names in it are in lower case, however their ids are written
    """

    link: Literal["once", "never"] = "once"
    caseless: bool = False


def never_linked(identities: Mapping[str, IdentityRule]) -> list[str]:
    """The namespaces whose ids are never linked to anybody, sorted."""
    return sorted(namespace for namespace, rule in identities.items() if rule.link == "never")
