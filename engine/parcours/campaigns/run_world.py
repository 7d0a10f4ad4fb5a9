"""What do the runs of all campaigns of an engine share, or of a simulation?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from parcours.campaigns.saved_members import SavedMembers
from parcours.journey.campaign_program import SavedAudience


@dataclass(frozen=True, slots=True)
class RunWorld:
    """Their surroundings.

    saved        the audiences that campaigns save, and `members` who is in them
    exports      where files go
    newest_runs  the number of the newest run of a campaign
    """

    saved: Callable[[], Mapping[str, SavedAudience]]
    members: SavedMembers
    exports: Path
    newest_runs: Callable[[str], int]
