"""The comparison of the sets of a campaign's run with the sizes that a test expects, by what was told of the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from parcours.campaigns.campaign_line import FAILED, SKIPPED, CampaignLine
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import SetRef, Test
from parcours.journey.model.campaign_sets import MAIN
from parcours.testing.cases.document import SetsExpected


def set_named(name: str) -> SetRef:
    """The set that `STEP` or `STEP.OUTPUT` means."""
    step, _, output = name.partition(".")
    return SetRef(step, output or MAIN)


def sets_of(campaign: CampaignProgram) -> list[str]:
    """The names of all sets of a campaign, as a test writes them."""
    return [str(SetRef(step, output)) for step, each in campaign.steps.items() for output in each.outputs]


def unlike(campaign: CampaignProgram, lines: Iterable[CampaignLine], expected: SetsExpected) -> list[str]:
    """What is otherwise than expected, a line for each set; none if nothing is."""
    own = [line for line in lines if line.campaign == campaign.name and line.step is not None]
    run = [line for line in own if line.run == expected.run]
    if not run:
        begun = len({line.run for line in own})
        return [f"{campaign.name} has no run {expected.run}: it has begun {_times(begun)}"]
    told = {SetRef(line.step or "", line.output): line for line in run}
    return list(_differing(campaign, told, expected))


def _differing(campaign: CampaignProgram, told: Mapping[SetRef, CampaignLine], expected: SetsExpected) -> Iterator[str]:
    for name, size in expected.sets.items():
        ref = set_named(name)
        line, is_skipped = told.get(ref), _is_skipped(campaign, told, ref)
        if line is not None and line.size != size:
            yield f"{name} has {line.size}: {_account(told, line)}"
        elif line is None and is_skipped and size != SKIPPED:
            yield f"{name} was skipped"
        elif line is None and not is_skipped:
            yield f"{name} has not been made by the end"


def _is_skipped(campaign: CampaignProgram, told: Mapping[SetRef, CampaignLine], ref: SetRef) -> bool:
    """Whether a set was skipped: with its step, or by it, as a test does with what it has not chosen."""
    chose = isinstance(campaign.steps[ref.step], Test) and any(each.step == ref.step for each in told)
    return SetRef(ref.step, SKIPPED) in told or (chose and ref not in told)


def _account(told: Mapping[SetRef, CampaignLine], line: CampaignLine) -> str:
    """What the step took, and where it went."""
    outputs = [(each.output, each.size) for ref, each in told.items() if ref.step == line.step]
    dropped = [(f"dropped as {reason}", rows) for reason, rows in line.dropped.items()]
    return f"{line.step} took {line.inflow} ({', '.join(f'{name} {rows}' for name, rows in (*outputs, *dropped))})"


def failures(lines: Iterable[CampaignLine]) -> list[str]:
    """The runs that ended because a step could not be made, in words."""
    return [
        f"run {line.run} of {line.campaign} failed at {line.step}: {line.why}"
        for line in lines
        if line.output == FAILED
    ]


def sizes_words(sets: Mapping[str, int | str]) -> str:
    """The sizes that are expected, in words."""
    return ", ".join(f"{name} {'is skipped' if size == SKIPPED else f'has {size}'}" for name, size in sets.items())


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")
