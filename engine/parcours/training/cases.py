"""The cases that a score is trained with: people as they stood at a cut, and what became of each.

A case is a person at one cut. All cases of a person are on the same side of the split, which goes by her name, so that
nobody's future is learned from her own past.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from parcours.core.columns import PersonColumns
from parcours.errors import CallerError
from parcours.scoring.features import numbers_of, rounding
from parcours.scoring.score import Score

HELD_OUT: Final = 0.2
"""The share of people whom the model never sees, so that it can be judged by them."""

CASES_MAX: Final = 2_000_000
"""Cases of one training: they are held in memory, with a number for each feature."""


@dataclass(frozen=True, slots=True)
class Case:
    """`numbers` are rounded as live, in the order of the document."""

    at_ms: int
    person: str
    numbers: tuple[float, ...]
    happened: bool
    is_held_out: bool


@dataclass(slots=True)
class Gathering:
    """Gathers cases, from what shards tell of everybody at a cut and at the end of its time.

    not_about  people at a cut whom the score is not about, or who are not to be scored
    missing    cases of whom some feature has no value
    gone       cases of whom nothing is known any more at the end
    """

    score: Score
    cases: list[Case] = field(default_factory=list)
    not_about: int = 0
    missing: int = 0
    gone: int = 0
    _waiting: dict[int, dict[str, tuple[float, ...]]] = field(default_factory=dict)
    _count: int = 0

    def cut(self, at_ms: int, told: Iterable[tuple[str, PersonColumns]]) -> None:
        """What some people's features come to at a cut. Raises CallerError where there are too many."""
        waiting = self._waiting.setdefault(at_ms, {})
        rounded = rounding(len(self.score.columns))
        for person, columns in told:
            if not columns.values:
                self.not_about += 1
                continue
            known = [each for each in numbers_of(self.score.features, columns.values) if each is not None]
            if len(known) < len(self.score.columns):
                self.missing += 1
                continue
            waiting[person] = rounded(known)
            self._count += 1
        if self._count > CASES_MAX:
            raise CallerError(f"there are more than {CASES_MAX:,} cases: name fewer cuts, or narrow 'among'")

    def waiting(self, at_ms: int) -> list[tuple[float, ...]]:
        """The numbers of those at a cut of whom nothing has been said since, in an order that depends on their names
        alone.
        """
        return [numbers for _, numbers in sorted(self._waiting.get(at_ms, {}).items())]

    def end(self, at_ms: int, told: Iterable[tuple[str, PersonColumns]]) -> None:
        """What became of some people by the end of the time of a cut; of the cut's people each is a case once."""
        waiting = self._waiting.get(at_ms, {})
        for person, columns in told:
            for name in (person, *columns.names):  # those who have become her
                numbers = waiting.pop(name, None)
                if numbers is None:
                    continue
                if not columns.values:
                    self.gone += 1
                    continue
                happened = isinstance(count := columns.values[0], int) and count > 0
                held_out = is_held_out(self.score.name, person)
                self.cases.append(Case(at_ms, name, numbers, happened, held_out))

    def finish(self) -> list[Case]:
        """All cases, in an order that depends on nothing but them."""
        self.gone += sum(map(len, self._waiting.values()))
        self._waiting.clear()
        return sorted(self.cases, key=lambda case: (case.at_ms, case.person))


def is_held_out(score: str, person: str) -> bool:
    """Whether the person is one of those by whom the score's models are judged."""
    drawn = blake2b(f"{score}\0{person}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(drawn, "big") < HELD_OUT * 2**64


def digest_of(cases: Sequence[Case]) -> str:
    """A digest of all that a model is made of."""
    whole = blake2b(digest_size=16)
    for case in cases:
        whole.update(repr((case.at_ms, case.person, case.numbers, case.happened)).encode(errors="surrogatepass"))
    return whole.hexdigest()
