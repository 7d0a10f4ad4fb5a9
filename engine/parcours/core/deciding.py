"""What is remembered of the offers that a person got: what is too old goes, and what two people got is joined."""

from __future__ import annotations

from parcours.core.offers.caps import is_idle
from parcours.core.offers.remembering import forget, joined
from parcours.core.profile import Profile
from parcours.core.turn import Turn


def forget_offers(turn: Turn) -> None:
    """Forget propositions that cannot be marked any more, and with the last of them counts that nothing depends on."""
    kept, at, settings = turn.profile.offers, turn.at, turn.settings
    if kept is None or (kept.propositions and kept.propositions[0].at > at - settings.propositions_for_ms):
        return
    offers = turn.program.offers
    forget(kept, offers, at, settings)
    if not kept.propositions and all(is_idle(name, each, offers, at, settings) for name, each in kept.tallies.items()):
        turn.profile.offers = None


def join_offers(turn: Turn, other: Profile) -> None:
    """Of two people who are one, what both got is remembered, as far as there is room."""
    own, theirs = turn.profile.offers, other.offers
    turn.profile.offers = joined(own, theirs, turn.settings) if own and theirs else own or theirs
    forget_offers(turn)
