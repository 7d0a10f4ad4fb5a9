"""Which names of a recording have to live together? All that its calls ever link, whether or not they will be merged.

A merge of two people of one shard is one commit at the time of the call, so that a recording comes to the same result
in any number of shards. Names that are linked, also over others, are a group (union-find), and a group lives in the
slot of its smallest name as bytes. That depends on no order of the lines. A device that thousands share makes one big
group of all of them, which costs nothing but speed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from parcours.config import Settings
from parcours.core.identity import slot_of
from parcours.errors import CallerError
from parcours.journey.program import Program
from parcours.segment.line import Unusable, read_call
from parcours.segment.links import links_of

NAMES_MAX: Final = 5_000_000
"""Names that are linked, in one recording: they are held in memory, at 115 bytes each and more if they are long."""


@dataclass(frozen=True, slots=True)
class Group:
    """Names that live together: the smallest, and how many they are."""

    smallest: str
    names: int


@dataclass(frozen=True, slots=True)
class Groups:
    """
    homes    the slot of each name that lives in another than its own
    largest  None where nothing is linked; of several, the one with the smallest name
    """

    homes: Mapping[str, int] = field(default_factory=dict)
    largest: Group | None = None


def _names_another(line: bytes) -> bool:
    """Whether what would have to be in the line of a call that links names is there; a look, without decoding it."""
    return (
        b'"anonymousId"' in line
        or b'"externalIds"' in line
        or b'"previousId"' in line
        or b'"merge"' in line
        or b"\\u00" in line  # any letter may be written so
    )


class LinkedNames:
    """Gathers the names that the lines of a recording link."""

    def __init__(self, program: Program, settings: Settings, names_max: int = NAMES_MAX) -> None:
        self._program = program
        self._settings = settings
        self._names_max = names_max
        self._parents: dict[str, str] = {}  # each name to a smaller one of its group; the smallest to itself

    def hear(self, line: bytes, number: int) -> None:
        """Look at a line; one that cannot be used, or of another type than LINKING, links nobody.

        Whoever knows the type of a line already hands in no other: what names somebody else is decoded. Raises
        CallerError where there are too many names.
        """
        if not _names_another(line):  # as nearly all that tell who somebody is
            return
        try:
            found = links_of(read_call(line), self._program, self._settings)
        except Unusable:
            return  # it is told when its turn comes
        for link in found.links:
            if link.why_not is None:
                self._link(found.person, link.name)
            if link.user is not None and link.why_not != "no_id":
                self._link(found.person, link.user)
        if len(self._parents) > self._names_max:
            raise CallerError(
                f"line {number:,}: the recording links more than {self._names_max:,} names up to here, and all of them "
                "are held in memory: simulate it in parts, each with all lines of some people"
            )

    def groups(self) -> Groups:
        """What all lines so far come to."""
        sizes: Counter[str] = Counter()
        homes: dict[str, int] = {}
        for name in self._parents:
            smallest = self._smallest(name)
            sizes[smallest] += 1
            home = slot_of(smallest)
            if home != slot_of(name):
                homes[name] = home
        largest = min(sizes, key=lambda name: (-sizes[name], name), default=None)
        return Groups(homes, None if largest is None else Group(largest, sizes[largest]))

    def _link(self, one: str, other: str) -> None:
        one, other = self._smallest(one), self._smallest(other)
        if one != other:
            # Texts compare as their bytes in UTF-8 do.
            self._parents[max(one, other)] = min(one, other)

    def _smallest(self, name: str) -> str:
        """The smallest name of the group, to which the way is made shorter meanwhile."""
        parents = self._parents
        parent = parents.setdefault(name, name)
        while parent != name:
            above = parents[parent]
            parents[name] = above
            name, parent = parent, above
        return name
