"""The URL of an outbound call: the action's, with the values of its query added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlsplit

import msgspec


def with_query(url: str, values: Mapping[str, object]) -> str:
    """The URL, in which each value is percent-encoded and a list gives its name once for each of its elements."""
    if not values:
        return url
    parts = urlsplit(url)
    pairs = "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in _pairs(values))
    return parts._replace(query="&".join(filter(None, (parts.query, pairs)))).geturl()


def _pairs(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        for each in value if isinstance(value, list) else [value]:
            yield name, each if isinstance(each, str) else msgspec.json.encode(each, order="sorted").decode()
