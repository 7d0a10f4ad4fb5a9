"""What tests of templates share: a template filled in as for one delivery."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

import pytest

from parcours.template.dialect import Dialect
from parcours.template.nothing import without_nulls
from parcours.template.rendering import RENDERING, Rendering

NEW_YEAR = datetime(2001, 1, 1, tzinfo=UTC)


class Filled:
    """Fills templates in, for text or for HTML."""

    def __init__(self) -> None:
        self._dialects = {html: Dialect(autoescape=html) for html in (False, True)}

    def __call__(
        self, template: str, data: Mapping[str, object] = {}, zone: tzinfo = UTC, *, html: bool = False
    ) -> str:
        values = {name: without_nulls(each) for name, each in data.items()}
        rendering = Rendering(NEW_YEAR.astimezone(zone), zone)
        return self._dialects[html].from_string(template).render(**values, **{RENDERING: rendering})


@pytest.fixture(scope="session")
def filled() -> Filled:
    return Filled()
