"""Which steps take people along, and what is handed over of these: when each is due, and with what of her row."""

from __future__ import annotations

from collections.abc import Iterator

from parcours.campaigns.due_places import due_places, last_after_ms
from parcours.campaigns.run_sets import RunSets
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_steps import SetRef
from parcours.shard.campaign_requests import Part


def takes_along(step: steps.CampaignStep) -> bool:
    """Whether each of a set is told of the step: it does something with her, or facts need to have her part of it."""
    if isinstance(step, steps.DivideAtRandom):
        return step.experiment is not None
    return isinstance(step, steps.SendToSet | steps.UpdatePeople | steps.WaitAll | steps.Reacted)


def parts_by_output(
    step: steps.CampaignStep, begins: int, sets: RunSets, campaign: str, run: int
) -> Iterator[tuple[int | None, Iterator[Part]]]:
    """The parts of a step's people; of a split by the number of the output that they are in. Raises OSError."""
    if isinstance(step, steps.DivideAtRandom):
        for number, output in enumerate(step.outputs):
            yield number, ((name, begins, {}, 0) for name, _ in sets.people(SetRef(step.id, output)))
    else:
        yield None, parts_of(step, begins, sets, campaign, run)


def parts_of(step: steps.CampaignStep, begins: int, sets: RunSets, campaign: str, run: int) -> Iterator[Part]:
    """A part for everybody of the set that a step takes, wave by wave, in the order of the set. Raises OSError."""
    source, paths = step.sources[0], _paths(step)
    names = (name for name, _ in sets.people(source))
    for name, row, place in due_places(step, names, lambda: sets.people(source, paths), campaign, run):
        yield name, begins + place.after_ms, dict(row), place.delay_ms


def last_due(step: steps.CampaignStep, begins: int, sets: RunSets) -> int:
    """When the last of these parts is due, as far as that is known without the people."""
    return begins + last_after_ms(step, sets.size(step.sources[0]))


def _paths(step: steps.CampaignStep) -> tuple[str, ...]:
    """What is kept of the rows for a step."""
    if isinstance(step, steps.SendToSet):
        return step.row_paths
    if isinstance(step, steps.UpdatePeople):
        return tuple(sorted({column for each in step.values.values() for column in each.row}))
    return ()
