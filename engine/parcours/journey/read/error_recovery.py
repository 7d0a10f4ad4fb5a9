"""Error recovery: a document with faults is validated again with the faulty parts left out, or replaced.

Without this, a mistyped key in one step would hide an unknown message in the next until it is corrected. Places in
lists are kept, so that findings about the rest still name the right line. The result is only validated, never run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from parcours.journey.model.forms import Document
from parcours.journey.model.kinds import DOCUMENTS
from parcours.journey.read.complaints import Complaint, complaints, key_path
from parcours.journey.read.finding import KeyPath, shown
from parcours.journey.read.stand_ins import stand_in_at
from parcours.validation import mattering

ROUNDS_MAX: Final = 8
"""First faulty keys are removed, then the parts that miss them; a document beyond that is given up."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A document without its faulty parts.

    lost    the paths of what has been left out or replaced
    hidden  what is wrong with several keys together, and shows only once each of them is sound
    """

    document: Document
    lost: frozenset[KeyPath]
    hidden: tuple[Complaint, ...]


def recovered(kind: str, data: object) -> Recovered | None:
    """What is left of a document, or None where that is too little."""
    if not isinstance(data, dict):
        return None
    recovery = _Recovery(kind, deepcopy(data), {})
    hidden: list[Complaint] = []
    for round_number in range(ROUNDS_MAX):
        try:
            document = DOCUMENTS[kind].model_validate(recovery.whole)
        except ValidationError as error:
            if round_number > 0:
                hidden += (_as_written(each, data) for each in recovery.independent(error))
            recovery.take_out(error)
        else:
            return Recovered(document, frozenset(recovery.lost), tuple(hidden))
    return None


@dataclass(frozen=True, slots=True)
class _Recovery:
    """`lost` has the path of each part that has been taken out, and whether it was only an unknown key."""

    kind: str
    whole: dict[str, Any]
    lost: dict[KeyPath, bool]

    def independent(self, error: ValidationError) -> Iterator[Complaint]:
        """The complaints that are no consequence of what has been taken out."""
        for complaint in complaints(error, DOCUMENTS[self.kind]):
            if not any(_follows(complaint.path, lost, unknown) for lost, unknown in self.lost.items()):
                yield complaint

    def take_out(self, error: ValidationError) -> None:
        """Leave out or replace each part that is complained of."""
        before, taken = frozenset(self.lost), set[KeyPath]()
        for details in sorted(mattering(error), key=lambda each: len(each["loc"]), reverse=True):
            path = key_path(details)
            if not any(path[: len(each)] == each for each in taken):
                self._take_out(path, details, before, taken)

    def _take_out(self, path: KeyPath, details: ErrorDetails, before: Collection[KeyPath], taken: set[KeyPath]) -> None:
        """Take out the part at a path, or the nearest one around it that can be."""
        for length in range(len(path), 0, -1):
            part, key = path[:length], path[length - 1]
            around = _at(self.whole, part[:-1])
            if part in before or not (isinstance(around, dict) or _is_place(around, key)):
                continue
            unwanted = "[key]" in details["loc"] or details["type"] == "extra_forbidden"
            stand_in = None if unwanted else stand_in_at(self.kind, part)
            written = around.get(key) if isinstance(around, dict) else around[key]
            if stand_in is not None:
                made, made_up = stand_in(written, part)
                around[key] = deepcopy(made)
                self.lost[(*part, *made_up)] = False
            elif isinstance(around, dict) and key in around:
                del around[key]
                self.lost[part] = details["type"] == "extra_forbidden"
            else:
                continue
            taken.add(part)
            return
        for day in ("starts", "ends"):  # only these two are complained of together, as a whole document
            self.whole.pop(day, None)


def _follows(path: KeyPath, lost: KeyPath, unknown: bool) -> bool:
    """Whether a complaint may only be there because a part was lost: the same one, one around it or a key of it.

    An unknown key further within says nothing about the whole, such as one in an arm about the sum of all shares.
    """
    if not path:
        return False
    if lost[: len(path)] == path:
        return not unknown or len(lost) <= len(path) + 1
    return path[: len(lost)] == lost


def _as_written(complaint: Complaint, data: object) -> Complaint:
    """The complaint with the value that the author wrote."""
    return replace(complaint, value=shown(_at(data, complaint.path))) if complaint.value else complaint


def _at(part: Any, path: KeyPath) -> Any:
    """What is at a path; None where there is nothing."""
    for key in path:
        if isinstance(part, dict):
            part = part.get(key)
        elif _is_place(part, key):
            part = part[key]
        else:
            return None
    return part


def _is_place(part: object, key: object) -> bool:
    return isinstance(part, list) and isinstance(key, int) and 0 <= key < len(part)
