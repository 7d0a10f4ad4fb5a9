"""A campaign's Mermaid flowchart: its steps, and on each edge the set that goes along it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from parcours.expression.duration import format_duration
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.graph import (
    days_words,
    end_rules,
    listed_words,
    moment_words,
    quoted_label,
    short,
    time_words,
    wait_words,
)
from parcours.journey.model.campaign_sets import MAIN
from parcours.journey.set_expressions import Criterion


def campaign_mermaid(campaign: CampaignProgram, sizes: Mapping[str, int] | None = None) -> str:
    """The flowchart as Mermaid text, ending in a line break. The same campaign gives the same text.

    sizes  how many were in each set, by `STEP` or `STEP.OUTPUT`: they stand on the edges of those that are named
    """
    known = sizes or {}
    nodes = {name: f"s{number}" for number, name in enumerate(campaign.steps)}
    lines = ["flowchart TD", f"    begin([{quoted_label(_begin(campaign))}])"]
    for name, step in campaign.steps.items():
        lines.append(f"    {nodes[name]}{_shape(step)}")
        if not step.sources:
            lines.append(f"    begin --> {nodes[name]}")
        lines += [f"    {nodes[source.step]} -->{_label(source, step, known)} {nodes[name]}" for source in step.sources]
        lines += [f"    {nodes[each]} -.-> {nodes[name]}" for each in step.after]
    lines += end_rules(campaign)
    return "\n".join(lines) + "\n"


def _begin(campaign: CampaignProgram) -> str:
    schedule = campaign.schedule
    if schedule is None:
        return f"{campaign.name}: by hand"
    again = f", again by {schedule.rule}" if schedule.rule else ""
    return f"{campaign.name}: at {moment_words(schedule.at_ms)}{again}"


def _label(source: steps.SetRef, step: steps.CampaignStep, sizes: Mapping[str, int]) -> str:
    """The output that is taken, with its size where it is known; of an exclusion, which sets are taken away."""
    minus = isinstance(step, steps.Exclude) and source in step.sources[1:]
    size = sizes.get(str(source))
    words = [
        *(["minus"] if minus else []),
        *([source.output] if source.output != MAIN else []),
        *([] if size is None else [f"{size:,}"]),
    ]
    return f"|{quoted_label(' '.join(words))}|" if words else ""


def _shape(step: steps.CampaignStep) -> str:
    text = quoted_label(f"{step.id}: {_words(step)}")
    match step:
        case steps.SendToSet():
            return f"[/{text}/]"
        case steps.WaitAll() | steps.Reacted():
            return f"([{text}])"
        case steps.Divide() | steps.DivideAtRandom() | steps.Test() | steps.Filter():
            return f"{{{text}}}"
        case steps.Save() | steps.Export():
            return f"[({text})]"
        case _:
            return f"[{text}]"


def _words(step: steps.CampaignStep) -> str:
    match step:
        case steps.ReadAudience():
            return f"read {step.audience}{_new(new=step.new)}"
        case steps.ReadPeople():
            return f"read whoever meets {short(step.where.text)}{_new(new=step.new)}"
        case steps.ReadTable():
            where = f" where {short(step.where.text)}" if step.where is not None else ""
            return f"read the table {step.table}{where}{_new(new=step.new)}"
        case steps.Filter():
            return f"filter {short(step.condition.text)}"
        case steps.Dedupe():
            return f"{'one' if step.keep == 1 else step.keep} for each {_criteria(step.by)}"
        case steps.Divide():
            return f"split{', with overlap' if step.overlap else ''}"
        case steps.DivideAtRandom():
            return f"split at random: {listed_words(_shares(step))}"
        case steps.Union():
            return f"union by {_criteria(step.by)}"
        case steps.Intersect():
            return f"intersection by {_criteria(step.by)}"
        case steps.Exclude():
            return f"exclusion by {_criteria(step.by)}"
        case steps.Enrich():
            return f"enrich with {listed_words(each.name for each in step.enrichments)}"
        case _:
            return _act_words(step)


def _act_words(
    step: steps.Save | steps.UpdatePeople | steps.Export | steps.WaitAll | steps.Test | steps.Reacted | steps.SendToSet,
) -> str:
    match step:
        case steps.Save():
            return f"save {step.audience}{'' if step.mode == 'replace' else f' ({step.mode})'}"
        case steps.UpdatePeople():
            return f"update {listed_words(step.values)}"
        case steps.Export():
            return f"export {step.file}"
        case steps.WaitAll():
            return wait_words(step.wait)
        case steps.Test():
            return f"test {'; '.join(short(condition.text) for _, condition in step.arms)}"
        case steps.Reacted():
            return _reacted(step)
        case steps.SendToSet():
            on = "on the first of" if step.only_first else "on"
            return f"send {step.message} {on} {listed_words(step.to)}{''.join(_pace(step))}"
    assert_never(step)


def _new(*, new: bool) -> str:
    return ", only new ones" if new else ""


def _criteria(by: tuple[Criterion, ...]) -> str:
    return listed_words(each if isinstance(each, str) else short(each.text) for each in by)


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
