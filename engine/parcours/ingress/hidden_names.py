"""What is shown to somebody who may operate the engine, and not look at people? Neither names, nor what was said."""

from __future__ import annotations

import hmac
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from parcours.config import DAY_MS
from parcours.core.known_words import LEFT_OUT, known_part
from parcours.ingress.keys import Key, sees_people
from parcours.insight.health import Sign
from parcours.insight.store_report import StoreReport

DIGITS: Final = 8

BECAUSE: Final = ", the newest because: "
"""What stands before such a reason."""

_OF_THE_PROCESS: Final = secrets.token_bytes(32)


def shown_person(person: str, key: Key | None, now_ms: int) -> str:
    """Her name for whoever may see people; else one that tells nothing, and is the same all day."""
    if sees_people(key):
        return person
    day = now_ms // DAY_MS
    return f"person {hmac.digest(_OF_THE_PROCESS, f'{day} {person}'.encode(), 'sha256').hex()[:DIGITS]}…"


def shown_reason(reason: str, key: Key | None) -> str:
    """A reason for whoever may see people; else the part of it that is ours to say."""
    return reason if sees_people(key) else known_part(reason)


def shown_trouble(trouble: str, key: Key | None) -> str:
    """The same of what is not in order: why something was set aside may hold what people sent."""
    said, because, reason = trouble.partition(BECAUSE)
    return f"{said}{because}{shown_reason(reason, key)}" if because else trouble


def shown_signs(signs: Sequence[Sign], key: Key | None) -> list[Sign]:
    """The signs of a journey; why runs are parked may hold what people sent, and all else is the author's."""
    return [
        msgspec.structs.replace(each, because=shown_reason(each.because, key)) if each.sign == "parked" else each
        for each in signs
    ]


def shown_report(report: StoreReport, key: Key | None) -> StoreReport:
    """The report for whoever may see people; else without what providers said, and what people sent."""
    if sees_people(key):
        return report
    reasons, parked = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for (channel, outcome, why), number in report.reasons:
        reasons[channel, outcome, known_part(why)] += number
    for (journey, step, why), number in report.parked:
        parked[journey, step, known_part(why)] += number
    zones = {LEFT_OUT: sum(report.unknown_zones.values())} if report.unknown_zones else {}
    return msgspec.structs.replace(
        report, reasons=list(reasons.items()), parked=list(parked.items()), unknown_zones=zones
    )
