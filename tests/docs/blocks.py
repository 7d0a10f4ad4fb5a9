"""The fenced blocks of pages."""

from __future__ import annotations

import re
from pathlib import Path


def blocks(page: Path, kind: str) -> list[str]:
    """Those of a page that open with exactly this word."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
