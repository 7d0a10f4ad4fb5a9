"""Two versions of a journey side by side: what is otherwise, in words and in documents; for programs and screens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Final, Literal

import msgspec

from parcours.background import in_thread
from parcours.ingress.door import Door
from parcours.ingress.exchange import Problem, Request
from parcours.insight.version_diff import Sign, VersionDifference, version_difference
from parcours.journey.program import Journey
from parcours.journey.publish.ledger import LedgerEntry

TEXT_LINES_MAX: Final = 2_000
"""Lines of a document that are compared: what is longer holds whole mails, and is better looked at in the folder."""

LINE_MAX: Final = 500
"""Characters of a line that are shown."""

SIGN_WORDS: Final[Mapping[Sign, Literal["new", "gone", "changed"]]] = {"+": "new", "−": "gone", "~": "changed"}

UNSEEN: Final = "no step does anything else: words about it have changed, or the declaration of what it uses"
"""What is told where two versions are not the same, and do the same."""


class VersionsAsked(msgspec.Struct, frozen=True):
    """
    left, right  the numbers of two versions, both or none
    """

    left: str | None = None
    right: str | None = None


class TextDifference(msgspec.Struct, frozen=True):
    """
    path   of the document in the project
    lines  of a unified diff, without its head; none where the document is too long to be compared
    """

    path: str
    lines: list[str]


class VersionsCompared(msgspec.Struct, frozen=True, kw_only=True):
    """
    told   what is otherwise in the right version, a line each
    steps  of the steps that are otherwise: gone ones are of the left version, all others of the right one
    texts  of the documents that are otherwise
    """

    name: str
    left: int
    right: int
    told: list[str]
    steps: Mapping[str, Literal["new", "gone", "changed"]]
    texts: list[TextDifference]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions as they are compiled, and what is otherwise."""

    left: Journey
    right: Journey
    difference: VersionDifference
    texts: list[TextDifference]

    @property
    def told(self) -> VersionsCompared:
        """The same for programs."""
        return VersionsCompared(
            name=self.left.name,
            left=self.left.version,
            right=self.right.version,
            told=[*self.difference.told],
            steps={name: SIGN_WORDS[sign] for name, sign in self.difference.signs.items()},
            texts=self.texts,
        )


async def comparison_asked(door: Door, name: str, entry: LedgerEntry, request: Request) -> Comparison | None:
    """The comparison of this journey that the query asks for, if it does.

    Raises Problem for a version that there is not, or not any more.
    """
    asked = request.query.get("left"), request.query.get("right")
    if asked == (None, None):
        return None
    if None in asked:
        raise Problem(400, "invalid", "`left` and `right` go together")
    left, right = (_version(door, name, each or "") for each in asked)
    was, holds = [await door.service.documents_of(name, each.version) for each in (left, right)]
    difference = version_difference(left, right)
    texts = await in_thread(lambda: [*_texts(was, holds)])
    digests = {each.digest for each in entry.versions if each.number in (left.version, right.version)}
    if len(digests) > 1 and not difference.told:
        difference = VersionDifference((UNSEEN,), {})
    return Comparison(left, right, difference, texts)


def _version(door: Door, name: str, asked: str) -> Journey:
    versions = [each for each in door.service.program.versions() if each.name == name]
    found = next((each for each in versions if str(each.version) == asked), None)
    if found is None:
        raise Problem(404, "unknown", f"there is no version {asked[:20]} of it, or not any more")
    return found


def _texts(was: Mapping[str, str], holds: Mapping[str, str]) -> Iterator[TextDifference]:
    for path in [*was, *(each for each in holds if each not in was)]:
        before, after = (each.get(path, "").split("\n")[:-1] for each in (was, holds))
        if before == after:
            continue
        if max(len(before), len(after)) > TEXT_LINES_MAX:
            yield TextDifference(path, [])
            continue
        lines = [*unified_diff(before, after, lineterm="")][2:]
        yield TextDifference(path, [each if len(each) <= LINE_MAX else f"{each[:LINE_MAX]}…" for each in lines])
