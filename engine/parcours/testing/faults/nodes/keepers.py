"""The judge of keepers: has a shard done anything for one that had been succeeded?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise

from parcours.testing.faults.nodes.observed import Opened, Told, Worked


def keepers(told: Iterable[Told], checked: Counter[str]) -> Iterator[str]:
    """Violations. A keeper that has been succeeded opens no shard and is heard by none, and no epoch comes twice."""
    opened: defaultdict[int, list[Opened]] = defaultdict(list)
    for each in told:
        checked["keeper"] += 1
        match each:
            case Opened():
                opened[each.shard].append(each)
            case Worked():
                yield f"keeper: shard {each.shard} worked for keeper {each.keeper}, and had known of {each.known}"
    for shard, openings in sorted(opened.items()):
        openings.sort(key=lambda each: each.epoch)
        for earlier, later in pairwise(openings):
            if earlier.epoch == later.epoch:
                yield f"stale epoch: epoch {later.epoch} of shard {shard} was given out twice"
            if later.keeper < earlier.keeper:
                yield (
                    f"keeper: shard {shard} was opened for keeper {later.keeper} under epoch {later.epoch}, after it "
                    f"had been for keeper {earlier.keeper} under {earlier.epoch}"
                )
