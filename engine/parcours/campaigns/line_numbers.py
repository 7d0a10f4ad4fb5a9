"""The numbers of what campaigns tell: each line of an engine's campaigns has one of its own, and they only rise.

A line keeps its number with all else that is kept of its run, before anything follows from it. So what has been handed
on through a number is never handed on again.
"""

from __future__ import annotations

import msgspec

from parcours.campaigns.campaign_line import CampaignLine


class LineNumbers:
    """`newest` is the highest number so far."""

    def __init__(self, newest: int) -> None:
        self.newest = newest

    def numbered(self, line: CampaignLine) -> CampaignLine:
        """The line with the next number."""
        self.newest += 1
        return msgspec.structs.replace(line, record=self.newest)
