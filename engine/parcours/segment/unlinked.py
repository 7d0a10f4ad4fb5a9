"""What is left of a call that no longer says who else somebody is? In a store's inputs lines of their own tell that.

Live a merge takes place when all whom it concerns have been asked, so its time is another than that of its call; and
what merged nobody then is not to be tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.segment.json_members import with_member, without_member
from parcours.segment.line import read_details, read_envelope

_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {"identify": ("anonymousId",), "alias": ("previousId", "anonymousId")}
"""By type the members by which a call with a user id names somebody else."""

_EXTERNAL: Final = "externalIds"
"""The member of an identify's context by which it does."""


def unlinked(line: bytes) -> bytes:
    """The line, which has been used, without what it links. One that links nothing stays as it is."""
    call = read_envelope(line)
    if not call.user_id or call.type not in _MEMBERS:
        return line
    for name in _MEMBERS[call.type]:
        if _may_have(line, name):
            line = without_member(line, name)
    context = bytes(read_details(line).context).strip()
    if call.type == "identify" and context.startswith(b"{") and _may_have(context, _EXTERNAL):
        line = with_member(line, "context", without_member(context, _EXTERNAL))
    return line


def _may_have(text: bytes, name: str) -> bool:
    """Whether the text of an object may have the member, however that is written."""
    return name.encode() in text or b"\\u" in text
