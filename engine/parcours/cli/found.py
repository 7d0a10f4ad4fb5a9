"""What `doctor` has found about something, in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["fine", "note", "warn", "wrong"]
"""note: to be known; warn: it may be meant so; wrong: something will not work."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found about something."""

    state: State
    about: str
    sentence: str
