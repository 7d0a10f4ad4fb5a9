"""Stopping a journey: each of its runs ends at its step, and deliveries not yet claimed are cancelled."""

from __future__ import annotations

from parcours.core.delivery.sending import withdraw
from parcours.core.run.resuming import credit_missed, release_claims
from parcours.core.run.walk import end
from parcours.core.turn import Turn


def stop(turn: Turn, journey: str) -> None:
    """End the person's runs of the journey, parked ones too. Of the inputs missed in a pause only goals count."""
    credit_missed(turn, journey)
    own = [run for run in turn.profile.runs if run.journey == journey]
    for run in own:
        withdraw(turn, run)
        end(turn, run, "stopped")
    kept = [each for each in turn.profile.kept if each.journey == journey]
    turn.profile.kept = [each for each in turn.profile.kept if each.journey != journey]
    release_claims(turn, kept)  # deliveries of runs that ended before the stop may still leave
