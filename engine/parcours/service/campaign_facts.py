"""The exporter of what campaigns tell: it looks every while whether there are new lines, and has them written."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from parcours.background import in_thread, spawn
from parcours.config import SECOND_MS, Settings
from parcours.errors import ParcoursError
from parcours.insight.exporter.done import facts_folder
from parcours.insight.exporter.listing import read_listing
from parcours.insight.exporter.opening import export_outputs
from parcours.store.campaign_files import told_through
from parcours.store.exports import CAMPAIGNS_SHARD

if TYPE_CHECKING:
    from parcours.campaigns.line_numbers import LineNumbers
    from parcours.campaigns.live_campaigns import LiveCampaigns

log = logging.getLogger("parcours")


class CampaignFacts:
    """Lives on the loop of its host. `store` is the folder of the store.

    Files are written in a thread, and only of lines that are durable: what comes of a crash has the same numbers.
    """

    def __init__(self, store: Path, settings: Settings) -> None:
        self._store = store
        self._every_s = settings.export_every_ms / SECOND_MS
        self._tasks: set[asyncio.Task[None]] = set()
        self.trouble: str | None = None

    def start(self, live: LiveCampaigns, numbers: LineNumbers) -> None:
        """Export what these campaigns tell, for ever. Returns at once."""
        spawn(self._follow(live, numbers), self._tasks)

    async def stop(self) -> None:
        """End at once; what is under way is ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, live: LiveCampaigns, numbers: LineNumbers) -> None:
        through = 0
        while True:
            if numbers.newest > through:
                try:
                    through = await in_thread(partial(export_outputs, self._store, live.told_after))
                except (ParcoursError, OSError) as error:
                    self._note(f"facts of campaigns are not exported: {error}")
                else:
                    self._note(None)
            await asyncio.sleep(self._every_s)

    def _note(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            log.warning("%s", trouble or "facts of campaigns are exported again")
        self.trouble = trouble


def newest_told(store: Path) -> int:
    """The highest number that a line of a campaign has, or has had, in the store of this folder.

    Raises StoreBroken, OSError.
    """
    exported = read_listing(facts_folder(store), CAMPAIGNS_SHARD).through
    return max(told_through(store), exported.get(CAMPAIGNS_SHARD, 0))
