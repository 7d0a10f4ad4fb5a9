"""Dotted paths into nested objects, such as `cart.total`; a key that itself has a dot in it stands in double quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_KEY: Final = re.compile(r'"([^"]+)"|([^.]+)')


def split_path(path: str) -> list[str]:
    """The keys of a path: `utm."first.touch"` has two."""
    if '"' not in path:
        return path.split(".")
    return [quoted or plain for quoted, plain in _KEY.findall(path)]


def joined_path(keys: Iterable[str]) -> str:
    """The path with these keys."""
    return ".".join(f'"{key}"' if "." in key else key for key in keys)
