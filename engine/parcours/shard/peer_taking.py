"""Who takes a message of another shard: whoever moves people, or whoever asks how often everybody got an offer."""

from __future__ import annotations

from typing import assert_never

from parcours.shard.moving import Moving
from parcours.shard.offer_asking import OfferAsking
from parcours.shard.peer_messages import (
    AnswerTotal,
    Ask,
    AskTotal,
    Forget,
    Forgotten,
    NotMerged,
    Package,
    PeerMessage,
    Receipt,
    ReturnTotal,
)
from parcours.shard.timekeeping import Timekeeping
from parcours.shard.work import Work


class PeerTaking:
    """Of one shard."""

    def __init__(self, moving: Moving, asking: OfferAsking, time: Timekeeping) -> None:
        self._moving = moving
        self._asking = asking
        self._time = time

    def take(self, work: Work, message: PeerMessage) -> None:
        """What a message leads to (peer_exchange.py); whoever stands still for total caps takes it once she goes on."""
        match message:
            case AskTotal() | AnswerTotal() | ReturnTotal():
                self._asking.take(work, message)
            case (
                Ask(name=person)
                | Package(person=person)
                | NotMerged(person=person)
                | Receipt(person=person)
                | Forget(person=person)
            ):
                if self._time.stands_still(person):
                    self._time.put_aside(person, (message,))  # a receipt or a name may be of somebody who waits here
                else:
                    self._moving.take(work, message)
            case Forgotten():
                self._moving.take(work, message)
            case _:
                assert_never(message)
