"""How a source is written: the whole of what a source plugin may import from Parcours.

A source reads a log that lies elsewhere: partitions, each with lines in an order, and each line at an offset. It is a
class named by an entry point of the group `parcours.sources`. One instance lives in one process; the engine calls
`start` once, then `partitions` and `read` for as long as it runs, then `close` once. All of them run on one asyncio
loop, which a source must not block: what does, runs by `in_thread`.

Rules that a source keeps:

- Offsets are whole numbers from 0 that only grow within a partition, and that a line keeps for ever. Gaps are fine.
- A source remembers nothing: where reading goes on is told with each call, and lies in the engine's own stores. It
  commits no offsets of its own, and to read the same position again gives the same lines.
- A position that the log does not hold any more is `PositionOutOfRange`. A source never jumps to another one.
- What the log cannot do just now is `SourceUnreachable`; the engine asks again, with growing pauses.
"""

from parcours.background import in_thread
from parcours.source.vocabulary import (
    GROUP,
    Line,
    NamesPartitions,
    PartitionGone,
    PositionOutOfRange,
    Read,
    Source,
    SourceUnreachable,
    TellsTimes,
)

__all__ = [
    "GROUP",
    "Line",
    "NamesPartitions",
    "PartitionGone",
    "PositionOutOfRange",
    "Read",
    "Source",
    "SourceUnreachable",
    "TellsTimes",
    "in_thread",
]
