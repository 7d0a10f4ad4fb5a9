"""What is odd about how sets flow through a campaign, though it may be meant: each is a warning."""

from __future__ import annotations

from collections.abc import Mapping

from parcours.journey.campaign_steps import (
    CampaignStep,
    DivideAtRandom,
    Export,
    Reacted,
    Save,
    SendToSet,
    SetRef,
    Test,
    UpdatePeople,
    WaitAll,
)
from parcours.journey.model.campaign_sets import REST
from parcours.journey.read.finding import Margin


def check_flow(steps: Mapping[str, CampaignStep], margin: Margin) -> None:
    """Warn of sets that nobody takes, and of a second send without a pause."""
    places = {name: number for number, name in enumerate(steps)}
    taken = {source for step in steps.values() for source in step.sources}
    sized = {name for step in steps.values() for name in _sizes(step)}
    for name, step in steps.items():
        below = margin.below("steps", places[name])
        if not isinstance(step, Save | UpdatePeople | Export | SendToSet):
            for output in step.outputs:
                source = SetRef(name, output)
                if output not in (REST, _control(step)) and source not in taken and str(source) not in sized:
                    below.warn(f"no step takes the set {str(source)!r}")
        if isinstance(step, SendToSet) and (earlier := _sent_before(step, steps)) is not None:
            below.warn(f"these people have just been sent to by {earlier!r}: put a wait or a reacted between", "send")


def _control(step: CampaignStep) -> str | None:
    """The part with which others are compared: that nothing is done with it is what it is for."""
    return step.experiment.control if isinstance(step, DivideAtRandom) and step.experiment is not None else None


def _sizes(step: CampaignStep) -> set[str]:
    """The sets whose size a test asks for."""
    if not isinstance(step, Test):
        return set()
    return {name for _, condition in step.arms for name in condition.sets}


def _sent_before(step: CampaignStep, steps: Mapping[str, CampaignStep]) -> str | None:
    """The nearest send above from which people come without a pause."""
    waiting, seen = [source.step for source in step.sources], set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in seen or name not in steps:
            continue
        seen.add(name)
        above = steps[name]
        if isinstance(above, SendToSet):
            return name
        if not isinstance(above, WaitAll | Reacted):
            waiting += [source.step for source in above.sources]
    return None
