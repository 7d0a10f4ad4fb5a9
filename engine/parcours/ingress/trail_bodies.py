"""What is answered about changes of what is published: the bodies of the route of trail.py."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from parcours.journey.publish.ledger import Verb
from parcours.service.change_outcome import RunsConcerned


class TrailAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    skip  how many changes at the beginning are not told
    """

    skip: str = "0"


class ChangeShown(msgspec.Struct, frozen=True, kw_only=True):
    """A change. Numbers are those of the moment before it; None where nobody has counted, as at an opening.

    before, ledger  the number of the change before it, and its own
    by              the name of the key, "" where nobody was named
    what            what was done; `name` is the journey or campaign, "" of a publication, which is of them all
    changes         what was otherwise afterwards, the first sentences of it
    """

    at: str
    by: str
    what: Verb
    name: str
    before: int
    ledger: int
    runs: RunsConcerned | None
    deliveries_cancelled: int | None
    changes: Sequence[str]


class Trail(msgspec.Struct, frozen=True, kw_only=True):
    """
    changes     the newest first
    remembered  how many there are at hand in all; older ones are among the facts
    next        what to `skip` for those that come after these, None if there are none
    """

    ledger: int
    changes: list[ChangeShown]
    remembered: int
    next: int | None
