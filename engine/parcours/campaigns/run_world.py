"""What do runs of all campaigns share?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from parcours.campaigns.saved_members import SavedMembers
from parcours.errors import SetsRefused
from parcours.expression.definition_keys import plain
from parcours.journey.campaign_program import SavedAudience
from parcours.journey.campaign_steps import FunnelAsked

Find: TypeAlias = Callable[[FunnelAsked, int], Awaitable[Iterable[str]]]
"""The people whom facts tell of as of an instant (ms), that instant included: the same whenever it is asked for.

Raises AnalysisRefused where facts cannot tell, and whatever else keeps it from being asked now.
"""


async def nobody_asks(asked: FunnelAsked, at: int) -> Iterable[str]:
    """`Find` where no campaign asks facts."""
    raise AssertionError(f"no campaign is conducted that asks facts, and one asks for {asked} at {at}")


@dataclass(frozen=True, slots=True)
class RunWorld:
    """
    saved        the audiences that campaigns save, and `members` who is in them
    exports      where files go
    newest_runs  the number of the newest run of a campaign
    find         whom facts tell of
    """

    saved: Callable[[], Mapping[str, SavedAudience]]
    members: SavedMembers
    exports: Path
    newest_runs: Callable[[str], int]
    find: Find

    def is_silent(self, audience: str) -> bool:
        """Whether nobody is told who enters and leaves it. Raises SetsRefused where it is not saved any more."""
        saved = self.saved().get(audience)
        if saved is None:
            raise SetsRefused(f"{plain(audience)!r} is no saved audience any more: audiences.yaml does not declare it")
        return saved.silent
