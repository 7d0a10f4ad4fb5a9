"""Who asks, a person or a machine that looks into her mail before she does, or in her place?

What a request itself says of it, and no more: that is a machine which says so, or which leaves out what every mail
reader and browser sends. Clicks are judged by their time besides, where it is known when the mail has left.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

PREFETCHING: Final = ("sec-purpose", "purpose", "x-moz", "x-purpose")
"""Headers by which browsers say why they ask, where nobody has clicked yet."""

APPLE_S_PROXY: Final = "Mozilla/5.0"
"""All that Apple's Mail Privacy Protection says of itself: it loads every picture, whoever reads the mail or not."""

BOT: Final = re.compile(
    r"""
    (?<!cu)bot\b  # but for the telephones of Cubot
    | bot[/_;-] | crawl | spider | slurp | prefetch | preview | scanner | headless | phantomjs
    | facebookexternalhit | feedfetcher | favicon
    | barracuda | cloudmark | fireeye | forcepoint | mimecast | proofpoint | safelinks | sophos | symantec | trendmicro
    | urldefense | zscaler
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Words by which crawlers, and filters of mail, name themselves.

Proxies of pictures that fetch one when its reader opens the mail, as Google's and Yahoo's do, stand for that reader.
Libraries of HTTP, and programs such as curl, stand for whoever has written what they are told to do.
"""


def is_machine(method: str, headers: Mapping[str, str]) -> bool:
    """Whether no person is behind a request for a picture or a link. Names of headers are lower case."""
    agent = headers.get("user-agent", "").strip()
    return (
        method == "HEAD"
        or any(re.search("prefetch|preview|prerender", headers.get(name, ""), re.IGNORECASE) for name in PREFETCHING)
        or agent in ("", APPLE_S_PROXY)
        or BOT.search(agent) is not None
    )
