"""The messages from one shard to another: a closed union, with what carries them and what answers.

Most are about two names that may become one person: `name` is the one that moves, `person` the one that stays. The last
ones are about how often everybody together got an offer. They lie in stores until they are answered, so their shapes
belong to the format of the store.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from parcours.core.effect import Outgoing
from parcours.core.fact import JoiningCall, NotMergedReason
from parcours.core.input import Settlement
from parcours.core.offers.totals import TotalAnswer, TotalAsk, TotalReturn

Refusal: TypeAlias = NotMergedReason | Literal["already", "unknown"]


class Ask(msgspec.Struct, frozen=True, array_like=True, tag="ask"):
    """To the shard of `name`: may she become `person`, who stands still until that is answered?

    only_known  only if somebody has the name, or has had it
    is_full     the person has no room for a further name: she asks whether the name has to be cut loose
    """

    name: str
    person: str
    how: JoiningCall
    only_known: bool = False
    is_full: bool = False


class Package(msgspec.Struct, frozen=True, array_like=True, tag="package"):
    """To the shard of `person`: all that `name` had, as it left; from now on she is a forwarding address there.

    data  her profile, her outbox, and what else goes along, as whoever packs and unpacks it has it
    """

    name: str
    person: str
    data: bytes


class NotMerged(msgspec.Struct, frozen=True, array_like=True, tag="not_merged"):
    """To the shard of `person`: `name` does not come, and this is why; `already`: it is the person's.

    `unknown` answers an `Ask` that is for somebody known only.
    """

    name: str
    person: str
    reason: Refusal


class Receipt(msgspec.Struct, frozen=True, array_like=True, tag="receipt"):
    """To the shard of `person`: what became of a delivery that was claimed before its run went there.

    outgoing  the delivery, which may have to be tried again
    """

    person: str
    outgoing: Outgoing
    receipt: Settlement


class Forget(msgspec.Struct, frozen=True, array_like=True, tag="forget"):
    """To the shard of `person`: `name` is hers no more, for `other` was said to be its person as well."""

    name: str
    person: str
    other: str


class Forgotten(msgspec.Struct, frozen=True, array_like=True, tag="forgotten"):
    """To the shard of `name`: she is the person's no more, and a person again unless she is somebody else's by now.

    ids  (effective time, keys one after the other) of the messages consumed under her name, as a record has them
    """

    name: str
    person: str
    ids: list[tuple[int, bytes]] = []


class AskTotal(msgspec.Struct, frozen=True, array_like=True, tag="ask_total"):
    """To the shard that counts an offer for everybody: may the person, who stands still until then, get one?"""

    person: str
    ask: TotalAsk


class AnswerTotal(msgspec.Struct, frozen=True, array_like=True, tag="answer_total"):
    """To the shard of `person`: what was answered. One that is granted has been counted."""

    person: str
    answer: TotalAnswer


class ReturnTotal(msgspec.Struct, frozen=True, array_like=True, tag="return_total"):
    """To the shard that counts an offer for everybody: nobody has got that one after all."""

    returned: TotalReturn


IdentityMessage: TypeAlias = Ask | Package | NotMerged | Receipt | Forget | Forgotten
TotalMessage: TypeAlias = AskTotal | AnswerTotal | ReturnTotal
PeerMessage: TypeAlias = IdentityMessage | TotalMessage


def named_in(message: PeerMessage) -> frozenset[str]:
    """The names of people that a message says."""
    match message:
        case Ask() | Package() | NotMerged() | Forgotten():
            return frozenset({message.name, message.person})
        case Forget():
            return frozenset({message.name, message.person, message.other})
        case Receipt() | AskTotal() | AnswerTotal():
            return frozenset({message.person})
        case ReturnTotal():
            return frozenset()


class PeerBatch(msgspec.Struct, frozen=True, array_like=True):
    """Messages of one shard for another, numbered from 1 for each ordered pair of shards, without a gap.

    shard     whose they are
    first     the number of the first
    messages  encoded; there may be none, in the answer to a `Hello`
    taken     the number of the last message that this shard has durably taken of the one that it speaks to
    """

    shard: int
    first: int
    messages: list[bytes]
    taken: int


class PeerAnswer(msgspec.Struct, frozen=True, array_like=True):
    """The number of the last message that has durably been taken: whatever came twice, too early or too late."""

    taken: int


_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[PeerMessage] = msgspec.msgpack.Decoder(PeerMessage)


def encode_message(message: PeerMessage) -> bytes:
    return _encode(message)


def decode_message(data: bytes) -> PeerMessage:
    """Raises msgspec.DecodeError for what is no message, as after an update of only some processes."""
    return _decoder.decode(data)
