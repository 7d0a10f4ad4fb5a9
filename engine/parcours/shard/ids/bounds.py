"""How many message ids are held, and where: the settings in bytes, said in numbers of ids."""

from __future__ import annotations

from dataclasses import dataclass

from parcours.config import Settings
from parcours.shard.ids.file import BLOCK_ENTRIES, CHECK_BYTES, ENTRY_BYTES, FENCE_BYTES
from parcours.shard.ids.key import PARTS

YOUNG_SHARE = 0.22
"""Of the memory, for ids that are not in a file yet; a file of them is written when half of it is full."""

YOUNG_ID_BYTES = 105
"""One such id: 48 bytes of key, and 50 to 60 of a dict."""

RECENT_RATE = 0.01
"""How often a filter of the newest files errs once it is full. It costs a look into each of them."""

OWN_RATE = 0.035
"""How often the filter of a part's own file errs: one read of four kilobytes."""

RECENT_ID_BYTES = 1.2
OWN_ID_BYTES = 0.88
"""What such filters take of memory for each id, rates as above; the latter lie on disk, too."""

FENCE_ID_BYTES = FENCE_BYTES / BLOCK_ENTRIES
DISK_ID_BYTES = ENTRY_BYTES + CHECK_BYTES / BLOCK_ENTRIES + FENCE_ID_BYTES + OWN_ID_BYTES


@dataclass(frozen=True, slots=True)
class IdBounds:
    """What is held of message ids, and for how long.

    for_ms      how long one is remembered where there is room
    young_max   ids in memory beyond which a file of them is written; as many may come until it is
    behind_max  bytes of the journal behind the newest such file beyond which one is written, too
    ids_max     ids in files that are remembered; beyond it the oldest are forgotten
    setting     by which setting
    """

    for_ms: int
    young_max: int
    behind_max: int
    ids_max: int
    setting: str


def bounds_of(settings: Settings) -> IdBounds:
    """What the settings allow."""
    on_disk = settings.message_ids_disk_max / DISK_ID_BYTES
    memory = settings.message_ids_bytes_max
    # On a small disk the newest files may not take the room of the others.
    young_max = max(1, int(min(memory * YOUNG_SHARE / 2 / YOUNG_ID_BYTES, on_disk / 4 / PARTS)))
    in_newest = young_max * PARTS
    for_others = memory * (1 - YOUNG_SHARE) - in_newest * (RECENT_ID_BYTES + FENCE_ID_BYTES)
    in_memory = for_others / (OWN_ID_BYTES + FENCE_ID_BYTES)
    # What is older than the window stays until its part is renewed, and what is in a renewed part lies in the newest
    # files for as long: together as much as these hold.
    ids_max = max(young_max, int(min(on_disk, in_memory)) - in_newest)
    setting = "message_ids_disk_max" if on_disk <= in_memory else "message_ids_bytes_max"
    return IdBounds(settings.message_ids_for_ms, young_max, settings.journal_bytes_max, ids_max, setting)
