"""A channel's judgement of one content, whatever its code does: asked when a project is checked and at every claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import BaseModel

from parcours.channel import Finding
from parcours.surrogates import mended_text
from parcours.wording import error_words

ContentCheck: TypeAlias = Callable[[Any], Sequence[Finding]]
"""A channel's `check`."""

ContentChecks: TypeAlias = Mapping[str, ContentCheck]
"""The check of each channel that has one."""


def findings_of(check: ContentCheck | None, content: BaseModel) -> list[Finding]:
    """What the check finds. One that fails has found a content that it cannot vouch for."""
    if check is None:
        return []
    try:
        return [
            Finding(mended_text(str(each.text)), bool(each.refused), mended_text(str(each.kind)))
            for each in check(content)
        ]
    except Exception as error:  # noqa: BLE001  # a stranger's code may raise anything
        return [Finding(f"the channel's check fails with {error_words(error)}", refused=True)]
