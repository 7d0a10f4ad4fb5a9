"""How often has everybody together got an offer? Counted in the shard that owns the slot of `@offer/NAME`.

The counts lie in the shard's own slot, an entry for each offer. A changed cap keeps what was counted, and the count of
an offer that is published no more is forgotten once nobody has asked for it for `run_memory_ms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from parcours.config import Settings
from parcours.core.offers.totals import TotalAnswer, TotalAsk, TotalCount, TotalReturn
from parcours.journey.program import Program
from parcours.shard.work import Work

TOTAL: Final = "total "
"""What the names of the entries begin with in the shard's own slot; the offer's name follows."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(TotalCount).decode


def name_of_offer(offer: str) -> str:
    """The name in whose slot an offer is counted for everybody: nobody can have it."""
    return f"@offer/{offer}"


def entry_of_total(offer: str) -> str:
    """The name of the entry in the own slot of the shard that counts."""
    return f"{TOTAL}{offer}"


class OfferTotals:
    """The counts of one shard."""

    def __init__(self) -> None:
        self.counts: dict[str, TotalCount] = {}

    def restore(self, own: Mapping[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot."""
        self.counts = {name.removeprefix(TOTAL): _decode(each) for name, each in own.items() if name.startswith(TOTAL)}

    def take(self, work: Work, ask: TotalAsk, program: Program) -> TotalAnswer:
        """Whether somebody may get one, who is counted then."""
        count = self.counts.setdefault(ask.offer, TotalCount())
        why = count.take(program.offers.offers.get(ask.offer), ask.at, program.timezone)
        self._keep(work, ask.offer, count)
        return TotalAnswer(ask, "refused" if why else "granted", why)

    def give_back(self, work: Work, returned: TotalReturn, program: Program) -> None:
        """Nobody has got that one after all."""
        if (count := self.counts.get(returned.offer)) is not None:
            count.give_back(returned.decided_at, program.timezone)
            self._keep(work, returned.offer, count)

    def forget_removed(self, work: Work, program: Program, settings: Settings) -> None:
        """Forget the counts of offers that are published no more."""
        before = work.stamp_ms - settings.run_memory_ms
        for offer in [name for name, each in self.counts.items() if each.newest <= before]:
            if offer not in program.offers.offers:
                del self.counts[offer]
                work.own.append((entry_of_total(offer), b""))

    def _keep(self, work: Work, offer: str, count: TotalCount) -> None:
        count.newest = max(count.newest, work.stamp_ms)
        work.own.append((entry_of_total(offer), _encode(count)))
