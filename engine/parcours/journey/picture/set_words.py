"""What stands in a picture of a campaign: when it begins, each step, and the set on each edge, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from parcours.expression.definition_keys import plain
from parcours.expression.duration import format_duration
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.model.campaign_sets import MAIN
from parcours.journey.picture.words import (
    WORD_MAX,
    days_words,
    listed_words,
    moment_words,
    send_words,
    short,
    time_words,
    wait_words,
)
from parcours.journey.set_expressions import Criterion


def begin_words(campaign: CampaignProgram) -> str:
    """When runs begin."""
    schedule = campaign.schedule
    if schedule is None:
        return "by hand"
    again = f", again by {schedule.rule}" if schedule.rule else ""
    return f"at {moment_words(schedule.at_ms)}{again}"


def edge_words(source: steps.SetRef, step: steps.CampaignStep) -> str:
    """The output that a step takes; of an exclusion, which sets are taken away."""
    minus = isinstance(step, steps.Exclude) and source in step.sources[1:]
    return " ".join([*(["minus"] if minus else []), *([source.output] if source.output != MAIN else [])])


def set_step_words(step: steps.CampaignStep, most: int = WORD_MAX) -> str:
    """What a step does."""
    match step:
        case steps.ReadAudience():
            return f"read {plain(step.audience)}{_new(new=step.new)}"
        case steps.ReadPeople():
            return f"read whoever meets {short(step.where.text, most)}{_new(new=step.new)}"
        case steps.ReadTable():
            where = f" where {short(step.where.text, most)}" if step.where is not None else ""
            return f"read the table {step.table}{where}{_new(new=step.new)}"
        case steps.ReadFound():
            return f"read {step.asked or 'whoever is named'}"
        case steps.Filter():
            return f"filter {short(step.condition.text, most)}"
        case steps.Dedupe():
            return f"{'one' if step.keep == 1 else step.keep} for each {_criteria(step.by, most)}"
        case steps.Divide():
            return f"split{', with overlap' if step.overlap else ''}"
        case steps.DivideAtRandom():
            return f"split at random: {listed_words(_shares(step))}"
        case steps.Union():
            return f"union by {_criteria(step.by, most)}"
        case steps.Intersect():
            return f"intersection by {_criteria(step.by, most)}"
        case steps.Exclude():
            return f"exclusion by {_criteria(step.by, most)}"
        case steps.Enrich():
            return f"enrich with {listed_words(each.name for each in step.enrichments)}"
        case _:
            return _act_words(step, most)


def _act_words(
    step: steps.Save | steps.UpdatePeople | steps.Export | steps.WaitAll | steps.Test | steps.Reacted | steps.SendToSet,
    most: int,
) -> str:
    match step:
        case steps.Save():
            return f"save {step.audience}{'' if step.mode == 'replace' else f' ({step.mode})'}"
        case steps.UpdatePeople():
            return f"update {listed_words(step.values)}"
        case steps.Export():
            return f"export {step.file}"
        case steps.WaitAll():
            return wait_words(step.wait, most)
        case steps.Test():
            return f"test {'; '.join(short(condition.text, most) for _, condition in step.arms)}"
        case steps.Reacted():
            return _reacted(step)
        case steps.SendToSet():
            return f"{send_words(step)}{''.join(_pace(step))}"
    assert_never(step)


def _new(*, new: bool) -> str:
    return ", only new ones" if new else ""


def _criteria(by: tuple[Criterion, ...], most: int) -> str:
    return listed_words(each if isinstance(each, str) else short(each.text, most) for each in by)


def _shares(step: steps.DivideAtRandom) -> list[str]:
    return [name if share is None else f"{name} {share.normalize():f}%" for name, share in step.parts]


def _reacted(step: steps.Reacted) -> str:
    channel = f" on {step.channel}" if step.channel else ""
    if isinstance(step.of, steps.OwnSend):
        within = f" within {format_duration(step.of.within_ms)}" if step.of.within_ms else ""
        return f"{step.reaction} {step.of.step}{channel}{within}"
    since = f" in the last {format_duration(step.of.since_ms)}" if step.of.since_ms is not None else ""
    return f"{step.reaction} {step.of.name}.{step.of.step}{channel}{since}"


def _pace(step: steps.SendToSet) -> Iterator[str]:
    if step.people_per_second is not None:
        yield f", {step.people_per_second} a second"
    if step.waves is not None:
        yield f", in {step.waves.parts} parts every {format_duration(step.waves.every_ms)}"
    if isinstance(step.window, steps.LocalTime):
        yield f", at {time_words(step.window.minute)}{days_words(step.window.days)}"
    elif step.window is not None:
        window = step.window
        yield f", from {time_words(window.from_minute)} to {time_words(window.to_minute)}{days_words(window.days)}"
