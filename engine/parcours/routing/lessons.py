"""What rankings of offers learn: the counts of all shards together, at each tick at which there is something new.

A tick is each multiple of a ranking's `every` since 1970. Whoever lets time pass asks here at a tick for what is to be
known from then on; where nothing has changed nobody is told anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from parcours.config import Settings
from parcours.core.offers.lessons import Lesson, Lessons, OfferCounts, Tallies
from parcours.journey.offers import Offers
from parcours.shard.learning_requests import OffersCounted


class Ticks:
    """When rankings of these offers learn."""

    def __init__(self, offers: Offers, settings: Settings) -> None:
        self._lengths_ms = sorted({ranking.tick_ms(settings) for ranking in offers.learned})

    @property
    def there_are(self) -> bool:
        """Whether any ranking learns at all."""
        return bool(self._lengths_ms)

    def newest(self, at: int) -> int:
        """The newest tick of any ranking, that of this instant included."""
        return max(at // each * each for each in self._lengths_ms)

    def next(self, at: int) -> int:
        """The first tick of any ranking after this instant."""
        return min((at // each + 1) * each for each in self._lengths_ms)


class Teacher:
    """Makes lessons.

    known    what rankings know by now, by what they learn
    through  the newest tick at which that was looked at, in ms; every ranking with a later one learns
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, Lesson] = {}
        self._through = -1

    def begin(self, told: Iterable[OffersCounted]) -> None:
        """Go on from what shards know: less than before where a publication has made them forget."""
        newest = max((each.newest for each in told if each.newest is not None), key=_since, default=None)
        self._known = {} if newest is None else newest.subjects

    def lesson(self, told: Sequence[OffersCounted], offers: Offers, tick: int) -> dict[str, Lesson] | None:
        """What is to be known after a tick, by these counts of all shards; None where it is known already.

        tick  in ms, no earlier than that of the call before
        """
        counts = together(each.tallies for each in told)
        subjects: dict[str, Lesson] = {}
        for ranking in offers.learned:
            length_ms = ranking.tick_ms(self._settings)
            if tick // length_ms > self._through // length_ms:
                subjects[ranking.subject] = counts.lesson(ranking)
            elif ranking.subject in self._known:
                subjects[ranking.subject] = self._known[ranking.subject]
        self._through = tick
        subjects = {subject: each for subject, each in sorted(subjects.items()) if each.groups}
        if subjects == self._known:
            return None
        self._known = subjects
        return subjects


def together(counted: Iterable[Tallies]) -> OfferCounts:
    """The counts of all shards."""
    counts = OfferCounts()
    for each in counted:
        counts.include(each)
    return counts


def _since(lessons: Lessons) -> int:
    return lessons.since
