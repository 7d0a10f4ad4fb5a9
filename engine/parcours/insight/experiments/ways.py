"""Which ways a split of a journey or campaign has in each version, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML

from parcours.errors import CallerError
from parcours.insight.warehouse.told_rows import Assignment
from parcours.journey.campaign_steps import DivideAtRandom
from parcours.journey.model.campaign_sets import EvenDocument, PartsDocument
from parcours.journey.model.steps import SplitArm
from parcours.journey.program import Program, Split

ALL_PERCENT: Final = 100


class Ways(NamedTuple):
    """The ways of a split in one version: the name of each, None where it has none, and its percentage."""

    names: Sequence[str | None]
    percents: Sequence[float]

    def share(self, name: str) -> float:
        """The percentage of the way of this name, 0 where there is none."""
        return sum(percent for each, percent in zip(self.names, self.percents, strict=True) if each == name)


def parts_of(step: DivideAtRandom) -> Ways:
    """The parts of a campaign's split."""
    return _parts(step.parts)


def _parts(parts: Sequence[tuple[str, Decimal | float | None]]) -> Ways:
    """Those of the same size have no share."""
    each = ALL_PERCENT / len(parts)
    return Ways([name for name, _ in parts], [each if share is None else float(share) for _, share in parts])


def name_of(assignment: Assignment, versions: Mapping[int, Ways]) -> str | None:
    """The name of the way that was taken; None where it has none, and where nothing is known of the version."""
    ways = versions.get(assignment.version)
    return ways.names[assignment.way] if ways is not None and assignment.way < len(ways.names) else None


def ways_by_version(
    program: Program, published: Iterable[tuple[int, str]], journey: str, step: str
) -> Mapping[int, Ways]:
    """The ways of each version that the program knows, or of which facts have the document.

    journey    its name, or that of a campaign
    published  the versions of it that facts tell of, each with its document as YAML text
    """
    return {**_ways_of(program, journey, step), **dict(_ways_told(published, step))}


def _ways_of(program: Program, journey: str, step: str) -> Mapping[int, Ways]:
    """The ways of each version that the program knows."""
    splits = {each.version: each.steps.get(step) for each in program.versions() if each.name == journey}
    campaigns = (each for each in (*program.campaigns, *program.draining_campaigns) if each.name == journey)
    divided = {each.version: each.steps.get(step) for each in campaigns}
    return {
        **{number: Ways(each.names, each.percents) for number, each in splits.items() if isinstance(each, Split)},
        **{number: parts_of(each) for number, each in divided.items() if isinstance(each, DivideAtRandom)},
    }


def _ways_told(published: Iterable[tuple[int, str]], step: str) -> Iterator[tuple[int, Ways]]:
    """The ways of each version whose document facts have: a project in a folder does not know its number."""
    yaml = YAML(typ="safe", pure=True)
    for version, text in published:
        document: Mapping[str, Any] = yaml.load(text)
        arms = [each["split"] for each in document["steps"] if each["id"] == step and "split" in each]
        for split in arms:
            ways = _ways_written(split, "campaign" in document)
            if ways is not None:
                yield version, ways


def _ways_written(split: Any, of_campaign: bool) -> Ways | None:
    """None of a campaign's split by conditions and limits, which has no parts by chance."""
    if not of_campaign:
        read = [SplitArm.model_validate(arm) for arm in split]
        return Ways([arm.name for arm in read], [arm.percent for arm in read])
    if not isinstance(split, Mapping):
        return None
    if "even" in split:
        return _parts([(name, None) for name in EvenDocument.model_validate(split).even])
    return _parts(tuple(PartsDocument.model_validate(split).parts.items()))


def check_told(name: str, step: str, program: Program) -> None:
    """Raises CallerError for a split of a campaign of which facts do not tell who fell into which part."""
    for campaign in program.campaigns:
        if campaign.name == name:
            split = campaign.steps.get(step)
            if not isinstance(split, DivideAtRandom):
                raise CallerError(f"{name}.{step} is no random split.")
            if split.experiment is None:
                raise CallerError(
                    f"{name}.{step} has no experiment, and facts tell the parts of a campaign's split only where it "
                    "has one: give the split one, with a goal and a control."
                )
