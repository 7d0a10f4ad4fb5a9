"""Under which name is a person shown to somebody who may operate the engine, and not look at people?"""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from parcours.config import DAY_MS
from parcours.ingress.keys import Key

DIGITS: Final = 8

_OF_THE_PROCESS: Final = secrets.token_bytes(32)


def shown_person(person: str, key: Key | None, now_ms: int) -> str:
    """Her name for whoever may see people; else one that tells nothing, and is the same all day."""
    if key is not None and key.opens("people:read"):
        return person
    day = now_ms // DAY_MS
    return f"person {hmac.digest(_OF_THE_PROCESS, f'{day} {person}'.encode(), 'sha256').hex()[:DIGITS]}…"
