"""How does a document of a publication read? As YAML, of the values that its author wrote.

Publications keep values, and neither comments nor the order of keys: those are in the author's files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from io import StringIO
from typing import Any, Final

from ruamel.yaml import YAML

from parcours.journey.publish.publications import Publications

LINE_CHARACTERS: Final = 120
"""Longer texts are broken where there is a space; YAML reads them as they were."""

DOCUMENTS_REMEMBERED: Final = 256
"""Documents whose YAML is cached: to write one takes 5 ms, and many tests simulate the same project."""


@lru_cache(maxsize=DOCUMENTS_REMEMBERED)
def yaml_of(document: str) -> str:
    """A document, given as JSON, as YAML, its keys in the order in which they are documented."""
    yaml, text = YAML(typ="rt", pure=True), StringIO()
    yaml.width = LINE_CHARACTERS
    yaml.dump(json.loads(document), text)
    return text.getvalue()


def version_texts(publications: Publications, journey: str, version: int) -> dict[str, str]:
    """The YAML of a version of a journey, and of the messages that its steps send, by their paths in a project.

    Nothing where there is no such version any more. Outbound calls are left out: an address, or a header that somebody
    has written there, may be a secret.
    """
    entry = publications.ledger.journeys.get(journey)
    held = () if entry is None else [each.publication for each in entry.versions if each.number == version]
    for number in held:
        source = json.loads(publications.sources[number])
        document = next((each for each in source["journeys"] if each["journey"] == journey), None)
        if document is not None:
            return {path: yaml_of(json.dumps(each)) for path, each in _documents(source, document)}
    return {}


def _documents(source: dict[str, Any], journey: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    yield f"journeys/{journey['journey']}.yaml", journey
    sent = {step["send"] for step in journey["steps"] if "send" in step}
    for message in source["messages"]:
        if message["message"] in sent:
            yield f"messages/{message['message']}.yaml", message
