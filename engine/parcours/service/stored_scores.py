"""What scores say of a person of a store, while no engine has it open."""

from __future__ import annotations

from parcours.config import Settings
from parcours.insight.explain import Explanation, with_scores
from parcours.journey.program import Program
from parcours.shard.closed_person import profile_at_end


def with_stored_scores(explanation: Explanation, address: str, program: Program) -> Explanation:
    """The explanation with what scores say of its person as of the last thing in her shard; of nobody who is not known.

    program  what is published in the store
    Raises SettingInvalid if there is no such store, StoreBusy while an engine uses it, StoreBroken.
    """
    if not program.scores:
        return explanation
    profile, at = profile_at_end(address, explanation.person)
    return explanation if profile is None else with_scores(explanation, profile, program, at, Settings())
