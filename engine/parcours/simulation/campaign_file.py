"""The lines of campaigns.ndjson: what was told of each output of each step, in the order in which it was."""

from __future__ import annotations

import msgspec

from parcours.campaigns.campaign_line import CampaignLine
from parcours.core.time_text import time_text


class _FileLine(msgspec.Struct, frozen=True, gc=False):
    """A line of campaigns.ndjson."""

    at: str
    campaign: str
    version: int
    run: int
    step: str | None
    output: str
    size: int
    dropped: dict[str, int]


def file_line(line: CampaignLine) -> bytes:
    """The line as compact JSON, with its end."""
    told = _FileLine(
        time_text(line.at), line.campaign, line.version, line.run, line.step, line.output, line.size, line.dropped
    )
    return msgspec.json.encode(told) + b"\n"
