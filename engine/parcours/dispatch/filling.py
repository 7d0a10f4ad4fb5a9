"""How are templates filled in? Each is parsed once, and those for HTML escape what they are filled with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final

from liquid import BoundTemplate

from parcours.instants import to_moment
from parcours.template.dialect import Dialect
from parcours.template.nothing import without_nulls
from parcours.template.rendering import RENDERING, Rendering

TEMPLATES_MAX: Final = 10_000
"""Templates that are kept parsed: more than a project has; of earlier versions of it some are among them."""


def template_values(own: Mapping[str, object], at_ms: int, here: tzinfo) -> dict[str, object]:
    """What templates may name as of an instant: these values, and the time in that zone. Their filters share it."""
    now = to_moment(at_ms).astimezone(here)
    values = {name: without_nulls(each) for name, each in own.items()}
    return {**values, "now": now, "today": now.date(), RENDERING: Rendering(now, here)}


class Filling:
    """Fills in the templates within values; it keeps those that it has parsed."""

    def __init__(self) -> None:
        self._plain = Dialect()
        self._html = Dialect(autoescape=True)
        self._parsed: dict[tuple[bool, str], BoundTemplate] = {}

    def __call__(self, value: object, values: Mapping[str, object], *, html: bool) -> object:
        """The value with every text in it filled in; raises as templates do."""
        if isinstance(value, str):
            return self._template(value, html=html).render(**values)
        if isinstance(value, Mapping):
            return {name: self(inner, values, html=html) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self(inner, values, html=html) for inner in value]
        return value

    def _template(self, text: str, *, html: bool) -> BoundTemplate:
        key = html, text
        if key not in self._parsed:
            if len(self._parsed) >= TEMPLATES_MAX:
                self._parsed.clear()
            self._parsed[key] = (self._html if html else self._plain).from_string(text)
        return self._parsed[key]
