"""What was somebody given by a request? Remembered by the request's id, so that whoever asks again is told the same.

What is remembered is which propositions she got. An answer is told from them as long as all of them are there: one that
has lost some is forgotten, and not told in part.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from parcours.config import Settings
from parcours.core.offers.choosing import Asked
from parcours.core.offers.state import AnsweredRequest, OffersKept, Proposition

_DIGEST_BYTES: Final = 8


def digest_of(asked: Sequence[Asked]) -> str:
    """By it a request that asks for something else is told from a repetition; what the caller gives is not in it."""
    told = msgspec.json.encode([[each.decision, each.placement, each.count] for each in asked])
    return blake2b(told, digest_size=_DIGEST_BYTES).hexdigest()


def is_answered(kept: OffersKept | None, request: str, at: int, settings: Settings) -> bool:
    """Whether a request has been answered lately, so that this one is its repetition."""
    found = _newest(kept, request)
    return found is not None and at - found.at < settings.message_ids_for_ms


def answer_to(kept: OffersKept | None, request: str) -> tuple[AnsweredRequest, list[Proposition]] | None:
    """What a request was answered, in its order; None where that is not remembered, or not all of it."""
    found = _newest(kept, request)
    if kept is None or found is None:
        return None
    by_key = {each.key: each for each in kept.propositions}
    if not by_key.keys() >= {*found.keys}:
        return None
    return found, [by_key[key] for key in found.keys]


def pushes_out(kept: OffersKept, settings: Settings) -> bool:
    """Whether there is no room for one more without another one being forgotten, as some may have been."""
    is_full = len(kept.propositions) >= settings.propositions_max
    return is_full or len(kept.answered) >= settings.answered_requests_max


def note_answer(kept: OffersKept, answered: AnsweredRequest, settings: Settings) -> None:
    """Remember what a request was answered; of one that comes again later the newest answer."""
    kept.answered = newest_answers([*kept.answered, answered], settings)
    forget_answers(kept, answered.at, settings)


def forget_answers(kept: OffersKept, at: int, settings: Settings) -> None:
    """Forget requests whose repetition would be a new one."""
    kept.answered = [each for each in kept.answered if at - each.at < settings.message_ids_for_ms]


def newest_answers(answered: Sequence[AnsweredRequest], settings: Settings) -> list[AnsweredRequest]:
    """Of each request the newest answer, of as many requests as there is room for. They come by time."""
    by_request: dict[str, AnsweredRequest] = {}
    for each in answered:
        by_request.pop(each.request, None)  # it takes the place of the newer one
        by_request[each.request] = each
    return [*by_request.values()][-settings.answered_requests_max :]


def _newest(kept: OffersKept | None, request: str) -> AnsweredRequest | None:
    return None if kept is None else next((each for each in kept.answered if each.request == request), None)
