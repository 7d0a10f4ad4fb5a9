"""How does a campaign stand, and a run of it, and what was taken and dropped? In words, for its screens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.ingress.door import Door
from parcours.ingress.exchange import Request
from parcours.ingress.page.frame import address, moment, name
from parcours.ingress.page.parts import chip
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.insight.sentences import dropped
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import SetRef
from parcours.journey.model.campaign_sets import MAIN
from parcours.journey.publish.ledger import JourneyStateName, Ledger
from parcours.service.campaign_state import RunOfCampaign

RUN_STATES: Final = {"under_way": "under way", "done": "done", "failed": "failed", "stopped": "stopped"}

NOT_BEGUN: Final = {
    "missed": "nothing could begin then",
    "skipped_running": "an earlier run was under way",
}


def campaign_state_words(ledger: Ledger, campaign: str, state: JourneyStateName) -> Markup:
    """The state, and since when it is paused."""
    entry = ledger.journeys.get(campaign)
    since = None if entry is None else entry.paused_at
    return chip(together(state, " since ", moment(since)) if since is not None else state, state)


def run_state_words(run: RunOfCampaign) -> Markup:
    """How a run is; a failed one is a sign that something is wrong."""
    words = RUN_STATES[run.state]
    return element("span", words, class_="sign") if run.state == "failed" else chip(words, run.state)


def at_hand_words(run: RunOfCampaign, now_ms: int) -> Markup | None:
    """The steps of a run under way that are at hand, and since when, or from when on, the newest one is."""
    if run.state != "under_way":
        return None
    if not run.at_hand:
        return together("its next sets are being made, or waited for")
    steps = [together(", " if at else "", name(step)) for at, step in enumerate(run.at_hand)]
    begins = max(run.at_hand.values())
    return together("at ", steps, " from " if begins > now_ms else " since ", moment(begins))


def run_address(request: Request, campaign: str, run: int, step: str | None = None) -> str:
    """Where a run is looked at, with a step in its panel."""
    fragment = "step" if step else "main"
    return address(request, "campaigns", campaign, "runs", f"{run}", step=step or None, fragment=fragment)


def compiled(door: Door, campaign: str, version: int) -> CampaignProgram | None:
    """The campaign in this version, None if it is kept no more."""
    program = door.service.program
    every = (*program.campaigns, *program.draining_campaigns, *program.keeping)
    return next((each for each in every if (each.name, each.version) == (campaign, version)), None)


def sizes_of(outputs: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """How many are in each set, by `STEP` or `STEP.OUTPUT`; `outputs` by step."""
    return {str(SetRef(step, output)): size for step, sizes in outputs.items() for output, size in sizes.items()}


def moment_of(text: str) -> Markup:
    """An instant that has been told to programs."""
    return element("time", f"{text[:10]} {text[11:19]} UTC", datetime=text)


def outputs_words(outputs: Mapping[str, int]) -> Child:
    """The sizes of a step's sets."""
    return listed({output: ("in the set" if output == MAIN else output) for output in outputs}, outputs)


def dropped_words(reasons: Mapping[str, int]) -> Child:
    """How many rows are in no set, and why."""
    return listed({reason: dropped(reason) for reason in reasons}, reasons)


def listed(words: Mapping[str, str], numbers: Mapping[str, int]) -> Child:
    """Numbers, each with what it is of."""
    lines = [element("li", f"{number:,} ", name(words[key])) for key, number in numbers.items()]
    return element("ul", lines, class_="sizes") if lines else ""
