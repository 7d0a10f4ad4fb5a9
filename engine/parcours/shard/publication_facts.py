"""What is told of a change of what is published: the change itself, and the new versions of journeys and campaigns.

All shards go by the same publications, so the first one tells them for all. Under virtual time no shard knows when time
begins: whoever drives them tells the first versions.
"""

from __future__ import annotations

import json
from functools import lru_cache
from io import StringIO
from typing import Final

from ruamel.yaml import YAML

from parcours.core.fact import LedgerChanged, Published
from parcours.journey.project import Project
from parcours.journey.publish.ledger import Ledger
from parcours.journey.publish.publications import Publications, begun

FIRST_SHARD: Final = 0

LINE_CHARACTERS: Final = 120
"""Longer texts are broken where there is a space; YAML reads them as they were."""

DOCUMENTS_REMEMBERED: Final = 256
"""Documents whose YAML is cached: to write one takes 5 ms, and many tests simulate the same project."""


def first_versions(project: Project, at_ms: int) -> list[Published]:
    """The facts of the versions that a project has when all begins, at this time."""
    return _new_versions(None, begun(project, at_ms))


def told_by(shard: int, before: Ledger | None, now: Publications) -> list[LedgerChanged | Published]:
    """The fact of a change, and those of the versions that are new by it, in the order of their names.

    before  what was published until then, None at the beginning of a store
    """
    ledger = now.ledger
    if shard != FIRST_SHARD:
        return []
    told: list[LedgerChanged | Published] = []
    if before is not None and before.number != ledger.number:
        told.append(LedgerChanged(ledger.at, "", ledger.verb, ledger.journey, ledger.number, ledger.by))
    return [*told, *_new_versions(before, now)]


def _new_versions(before: Ledger | None, now: Publications) -> list[Published]:
    ledger = now.ledger
    if ledger.verb != "publish":
        return []
    known = {name: entry.newest.number for name, entry in before.journeys.items()} if before is not None else {}
    new = [(name, entry.newest) for name, entry in sorted(ledger.journeys.items())]
    new = [(name, version) for name, version in new if known.get(name) != version.number]
    if not new:
        return []
    source = json.loads(now.sources[ledger.publication])
    documents = {each["journey"]: each for each in source["journeys"]}
    documents |= {each["campaign"]: each for each in source.get("campaigns", ())}
    return [
        Published(ledger.at, "", name, version.number, _yaml(json.dumps(documents[name])), version.digest, version.by)
        for name, version in new
    ]


@lru_cache(maxsize=DOCUMENTS_REMEMBERED)
def _yaml(document: str) -> str:
    """A document, given as JSON, as YAML, its keys in the order in which they are documented."""
    yaml, text = YAML(typ="rt", pure=True), StringIO()
    yaml.width = LINE_CHARACTERS
    yaml.dump(json.loads(document), text)
    return text.getvalue()
