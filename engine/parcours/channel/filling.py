"""Is a content a template's yet, or a person's already? A content model may judge the two by different rules.

It is validated twice: as its document is read, where tags of Liquid stand in the texts, and once more when they have
been filled in. Then what looks like a tag is what somebody has sent, and means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import ValidationInfo

FILLED_IN: Final[Mapping[str, bool]] = MappingProxyType({"filled_in": True})
"""The context of the second validation."""


def is_filled_in(info: ValidationInfo) -> bool:
    """Whether a validator sees what is to leave, and not what an author has written."""
    return isinstance(info.context, Mapping) and info.context.get("filled_in") is True
