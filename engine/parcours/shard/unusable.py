"""What goes to a shard in place of a line of a source of which nothing could be made, so that it is set aside there."""

from __future__ import annotations

_MARK = b"\0"
"""No JSON begins with it, so a shard that reads such a line as any other one rejects it."""


def unusable_line(why: str, line: bytes) -> bytes:
    """The line, and why nothing can be made of it."""
    return b"%b%b%b%b" % (_MARK, why.replace("\0", " ").encode(errors="replace"), _MARK, line)


def read_unusable(line: bytes) -> tuple[str, bytes] | None:
    """Why, and what the line was; None for any other line."""
    if not line.startswith(_MARK):
        return None
    why, _, rest = line[len(_MARK) :].partition(_MARK)
    return why.decode(errors="replace"), rest
