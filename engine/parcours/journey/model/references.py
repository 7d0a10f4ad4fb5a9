"""References to secrets: `env:NAME` and `file:PATH` stand in documents for what an engine looks up when it opens."""

from __future__ import annotations

import re
from typing import Final

SCHEMES: Final = ("env", "file")
"""The schemes of a reference, before its colon."""

UNNAMED: Final = re.compile(r"[\s,:=]")
"""What no variable has in its name: more has been written than a reference."""


def is_reference(value: object) -> bool:
    """Whether a value is a reference."""
    return isinstance(value, str) and value.partition(":")[0] in SCHEMES and ":" in value


def names_nothing(reference: str) -> str | None:
    """Why there is nothing to look up, None for a reference that names something."""
    scheme, _, rest = reference.partition(":")
    if rest and (scheme == "file" or not UNNAMED.search(rest)):
        return None
    return f"does not name {'the environment variable' if scheme == 'env' else 'the file'} that it refers to"
