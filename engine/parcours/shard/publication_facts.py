"""What is told of a change of what is published: the change itself, and the new versions of journeys and campaigns.

All shards go by the same publications, so the first one tells them for all. Under virtual time no shard knows when time
begins: whoever drives them tells the first versions.
"""

from __future__ import annotations

import json
from typing import Final

from parcours.core.fact import LedgerChanged, Published
from parcours.journey.project import Project
from parcours.journey.publish.document_text import yaml_of
from parcours.journey.publish.ledger import Ledger
from parcours.journey.publish.publications import Publications, begun

FIRST_SHARD: Final = 0


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
        Published(ledger.at, "", name, each.number, yaml_of(json.dumps(documents[name])), each.digest, each.by)
        for name, each in new
    ]
