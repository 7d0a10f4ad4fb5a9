"""Which fault strikes here and now? Counts the places that a plan's faults name, and what has really been injected."""

from __future__ import annotations

from collections import Counter, defaultdict

from parcours.testing.faults.plan import CallFault, Fault, ProviderFault, StoreFault, TimedFault


class Injector:
    """Asked at every place where a fault may strike. `healed`: nothing strikes any more."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.injected: Counter[str] = Counter()
        self.healed = False
        self._reached: Counter[tuple[object, ...]] = Counter()
        self._planned: defaultdict[tuple[object, ...], dict[int, str]] = defaultdict(dict)
        for fault in faults:
            match fault:
                case StoreFault():
                    self._planned["store", fault.shard, fault.operation][fault.nth] = fault.how
                case CallFault():
                    self._planned["call", fault.shard, fault.request][fault.nth] = fault.how
                case ProviderFault():
                    self._planned["provider", fault.channel][fault.nth] = fault.how
                case TimedFault():
                    continue  # its time is enough

    def at_store(self, shard: int, operation: str) -> str | None:
        """How this operation of a shard's store goes wrong, None if it does not."""
        return self._at(f"{operation}: ", "store", shard, operation)

    def at_call(self, shard: int, request: str) -> str | None:
        return self._at(f"{request}: ", "call", shard, request)

    def at_provider(self, channel: str) -> str | None:
        return self._at("provider: ", "provider", channel)

    def note(self, kind: str) -> None:
        """A fault has been injected."""
        self.injected[kind] += 1

    def _at(self, prefix: str, *place: object) -> str | None:
        self._reached[place] += 1
        if self.healed or place not in self._planned:
            return None
        how = self._planned[place].pop(self._reached[place], None)
        if how is not None:
            self.injected[f"{prefix}{how}"] += 1
        return how

    def reached(self, *place: object) -> int:
        """How often this place has been reached."""
        return self._reached[place]
