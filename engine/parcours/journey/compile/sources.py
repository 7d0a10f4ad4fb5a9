"""What messages of sources mean: the expressions of sources.yaml, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.expression.expression import Expression, Names
from parcours.expression.trees import Trees
from parcours.journey.compile.declarations import expression
from parcours.journey.model.sources import SourceDocument
from parcours.journey.read.finding import Margin

MESSAGE: Final[Mapping[str, str]] = {
    "value": "any",
    "key": "string",
    "headers": "object",
    "partition": "string",
    "offset": "number",
    "timestamp": "timestamp",
}
"""What an expression sees of a message, each with its kind."""


def compiled_map(source: SourceDocument, margin: Margin, trees: Trees) -> Mapping[str, Expression]:
    """The expression of each field of a line; none where messages are lines of the event format."""
    if source.map is None:
        return {}
    names = Names(None, now=False, message=MESSAGE, trees=trees)
    fields = source.map.fields
    if not {"type", "event", "traits"} & fields.keys():
        margin.error("a map says what a message is: by 'event', by 'traits' or by 'type'", "map")
    return {name: expression(margin, text, names, "map", name) for name, text in fields.items()}
