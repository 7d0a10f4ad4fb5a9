"""Who was called by a name at an instant? Lines still have the names that were merged into somebody's before.

A shard knows it when it takes a line, and its events have the person's name then. Here it is found by what facts tell:
from after a merge on the name is the person's, until it is somebody of her own again. Of a merge's own instant it
cannot be told which lines came before it; they keep the name, whose they were up to then.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict

from parcours.core.fact import Fact, Merged, NotMerged
from parcours.core.identity import id_of


class NamesThen:
    """Hears all facts, in any order, and is then asked by time, from the earliest on."""

    def __init__(self) -> None:
        self._news: list[tuple[int, int, str, str]] = []
        """Time, whether it is a merge, the name, or the id where it is none, and who was called by it from then on."""
        self._owners: dict[str, str] = {}
        self._by_id: defaultdict[str, set[str]] = defaultdict(set)
        self._next = 0

    @property
    def has_merges(self) -> bool:
        """Whether any name has ever become a person's."""
        return any(is_merge for _, is_merge, _, _ in self._news)

    def hear(self, fact: Fact) -> None:
        """Take what a fact tells of names."""
        if isinstance(fact, Merged):
            insort(self._news, (fact.at, 1, fact.name, fact.person))
        elif isinstance(fact, NotMerged) and fact.reason == "shared" and fact.call == "identify":
            insort(self._news, (fact.at, 0, fact.other_id, ""))

    def pass_to(self, at_ms: int) -> None:
        """Let everything hold that was told before this instant."""
        while self._next < len(self._news) and self._news[self._next][0] < at_ms:
            _, is_merge, name, person = self._news[self._next]
            self._next += 1
            if is_merge:
                self._owners[name] = person
                self._by_id[id_of(name)].add(name)
            else:
                for each in [*self._by_id[name]]:
                    self.come_back(each)

    def come_back(self, name: str) -> None:
        """Something is told under the name: it is somebody of her own."""
        if self._owners.pop(name, None) is not None:
            self._by_id[id_of(name)].discard(name)

    def person(self, name: str) -> str:
        """Who is called by the name now."""
        seen = {name}
        while (owner := self._owners.get(name)) is not None and owner not in seen:
            seen.add(owner)
            name = owner
        return name
