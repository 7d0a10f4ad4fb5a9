"""What the campaigns of an engine tell, as rows of the table `campaign_steps`: each line once.

No journal has these lines, so they have ranges of their own, under a number that no shard has; the records are the
numbers of the lines. Through which of them they are exported the done list alone says. A crash before a range is on it
leaves files behind that are nobody's, and the lines come again, under the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from parcours.insight.exporter.disk import Disk
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.range_files import ParquetRange
from parcours.insight.exporter.reading import reading
from parcours.insight.exporter.rows import NumberedOutput, Telling, output_row
from parcours.shard.messages import ExportRange
from parcours.store.exports import CAMPAIGNS_SHARD


def write_outputs(store: Path, told_after: Callable[[int], Sequence[NumberedOutput]], disk: Disk | None = None) -> int:
    """Export the lines that are not exported yet, below the folder of the store; returns through which number all are.

    told_after  the lines with a higher number than this one, in the order of their numbers, which they keep
    Raises StoreBroken, OSError.
    """
    through = reading(
        facts_folder(store), lambda listing: listing.through.get(CAMPAIGNS_SHARD, 0), shard=CAMPAIGNS_SHARD
    )
    lines = told_after(through)
    if not lines:
        return through
    last = lines[-1].record
    files = ParquetRange(store, Telling(CAMPAIGNS_SHARD, frozenset()), ExportRange(through + 1, last), disk)
    try:
        files.add_rows(("campaign_steps", output_row(line, CAMPAIGNS_SHARD, line.record)) for line in lines)
        files.finish()
    except BaseException:
        files.abandon()
        raise
    return last
