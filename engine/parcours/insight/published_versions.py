"""Which versions of journeys do facts tell of, what are their steps and goals, and which of them has a project?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ruamel.yaml import YAML

from parcours.core.fact import Fact, Moved, Published, Unmet
from parcours.journey.model.document import GoalDocument, JourneyDocument
from parcours.journey.program import Journey
from parcours.journey.project import Project
from parcours.journey.publish.publications import candidate_of

PRIORITY: Final = JourneyDocument.model_fields["priority"].default


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """One version of a journey as its document has it.

    steps           their ids in order
    has_goal        whether the document has one
    target_percent  the goal's target, None if it has none
    """

    name: str
    version: int
    steps: tuple[str, ...]
    has_goal: bool
    target_percent: float | None
    priority: int


def published_versions(facts: Iterable[Fact]) -> list[PublishedVersion]:
    """What was published, without campaigns: journeys as a project has them in order, versions of each as they came."""
    read = [(fact, _document(fact)) for fact in facts if isinstance(fact, Published)]
    versions = [_version(fact, document) for fact, document in read if "journey" in document]
    priorities = {each.name: each.priority for each in versions}
    return sorted(versions, key=lambda version: (-priorities[version.name], version.name))


@dataclass(frozen=True, slots=True)
class PublishedStep:
    """A step of a campaign, whose outputs its document does not name one by one."""

    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedCampaign:
    """One version of a campaign as its document has it, with its steps by their ids in order."""

    name: str
    version: int
    steps: Mapping[str, PublishedStep]


def published_campaigns(facts: Iterable[Fact]) -> list[PublishedCampaign]:
    """The campaigns that were published, by name, the newest version of each first."""
    read = [(fact, _document(fact)) for fact in facts if isinstance(fact, Published)]
    found = [
        PublishedCampaign(fact.journey, fact.version, {step["id"]: PublishedStep() for step in document["steps"]})
        for fact, document in read
        if "campaign" in document
    ]
    return sorted(found, key=lambda each: (each.name, -each.version))


def _document(fact: Published) -> dict[str, Any]:
    """Of a journey or a campaign."""
    document: dict[str, Any] = YAML(typ="safe", pure=True).load(fact.document)
    return document


def _version(fact: Published, document: dict[str, Any]) -> PublishedVersion:
    goal = None if document.get("goal") is None else GoalDocument.model_validate(document["goal"])
    return PublishedVersion(
        fact.journey,
        fact.version,
        tuple(step["id"] for step in document["steps"]),
        goal is not None,
        None if goal is None else goal.target,
        document.get("priority", PRIORITY),
    )


def versions_of(facts: Iterable[Fact]) -> set[tuple[str, int]]:
    """The journeys that runs are of, or entries would have been, each with its version."""
    return {(fact.journey, fact.version) for fact in facts if isinstance(fact, Moved | Unmet)}


def compiled_versions(project: Project, facts: Iterable[Fact]) -> Iterator[Journey]:
    """The project's journeys under the numbers with which they were published, the newest version of each first.

    A version that says anything else than the project does now is left out.
    """
    published = [fact for fact in facts if isinstance(fact, Published)]
    digests = candidate_of(project).digests.journeys
    for journey in project.program.journeys:
        wanted = journey.name, digests[journey.name]
        numbers = [each.version for each in published if (each.journey, each.digest) == wanted]
        for number in sorted(numbers, reverse=True):
            yield replace(journey, version=number)
