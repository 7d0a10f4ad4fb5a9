"""Where is somebody found who is asked for by a name that may have been merged into a person?

A name that has moved forwards once: whoever asks is told the owner, and where she lives in another shard, asks there.
"""

from __future__ import annotations

import msgspec

from parcours.core.fact import Decided
from parcours.core.inbox_entry import InboxEntry
from parcours.core.offers.state import Proposition
from parcours.core.offers.totals import TotalAsk, TotalReturn
from parcours.core.profile import Profile


class Found(msgspec.Struct, frozen=True, array_like=True):
    """
    owner    the name under which the person lives: the one that was asked for, unless that has moved
    is_here  whether that is in the shard that answers; otherwise all else is empty
    """

    owner: str
    is_here: bool


class ProfileFound(Found, frozen=True, array_like=True):
    """
    profile  None if nothing is known of her
    """

    profile: Profile | None = None


class InboxFound(Found, frozen=True, array_like=True):
    """
    entries  the first to come first
    """

    entries: list[InboxEntry] = []


class OffersFound(Found, frozen=True, array_like=True):
    """
    is_known  whether anything is known of her, or was before she was erased
    is_full   whether newer offers or requests of hers push older ones out
    asked     the digest of what the request asked for (core/offers/requests.py); None where it is not remembered
    given     the offers that she got by it, in the order in which they were asked for
    traits    hers, as their texts may name them
    """

    is_known: bool = False
    is_full: bool = False
    asked: str | None = None
    given: list[Proposition] = []
    traits: dict[str, object] = {}


class DecisionsTried(Found, frozen=True, array_like=True):
    """
    decided  what would be told of each decision that was asked for
    traits   hers, as the offers' texts may name them
    """

    decided: list[Decided] = []
    traits: dict[str, object] = {}


class Located(Found, frozen=True, array_like=True):
    """
    names  those that were merged into her, sorted
    """

    names: list[str] = []


class TotalsAsked(msgspec.Struct, frozen=True, array_like=True):
    """What decisions ask total caps.

    asks      with whom each is for; of one person in the order in which they were asked
    returned  what nobody has got after all
    """

    asks: list[tuple[str, TotalAsk]]
    returned: list[TotalReturn]
