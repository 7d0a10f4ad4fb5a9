"""Can a template be read in a time that grows with its length? The Liquid library reads by a regular expression.

For a mark that opens and is never closed it looks through all that follows, and for white space within a mark it goes
back over it from each place. A template with many of these is refused before it is read: it is none anyway.
"""

from __future__ import annotations

import re
from typing import Final

from liquid.exceptions import LiquidSyntaxError

UNCLOSED_MAX: Final = 20
"""Marks that open and are never closed."""

SPACES_MAX: Final = 1_000
"""Characters of white space one behind the other within a mark."""

PAIRS: Final = tuple(
    (shown, re.compile(opening), re.compile(closing))
    for shown, opening, closing in (
        ("{{", r"\{\{", r"\}\}"),
        ("{%", r"\{%", r"%\}"),
        ("{% raw %}", r"\{%-?\s*raw\b", r"\{%-?\s*endraw\s*-?%\}"),
        ("{% doc %}", r"\{%-?\s*doc\b", r"\{%-?\s*enddoc\s*-?%\}"),
    )
)
"""What opens, as it is shown and as it is found, and what closes it."""

BORDERS: Final = re.compile(r"(\{[{%])|([%}]\})|\s{" + str(SPACES_MAX + 1) + "}")
"""What opens a mark, what closes one, and too many blanks."""


def check_marks(source: str) -> None:
    """Raises LiquidSyntaxError for a template that would take far too long to read."""
    for shown, opening, closing in PAIRS:
        closed = max((found.end() for found in closing.finditer(source)), default=0)
        if sum(1 for _ in opening.finditer(source, closed)) > UNCLOSED_MAX:
            raise LiquidSyntaxError(f"more than {UNCLOSED_MAX} times {shown} is never closed", token=None)
    is_open = False
    for border in BORDERS.finditer(source):
        if border[1] or border[2]:
            is_open = bool(border[1])
        elif is_open:
            raise LiquidSyntaxError(f"more than {SPACES_MAX:,} blanks stand within a tag", token=None)
