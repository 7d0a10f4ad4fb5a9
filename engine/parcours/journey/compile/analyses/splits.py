"""The check that a split is there whose ways an analysis compares."""

from __future__ import annotations

from collections.abc import Mapping

from parcours.journey.model.campaign_sets import DivideStep
from parcours.journey.model.steps import SplitStep
from parcours.journey.read.documents import Documents, Margins
from parcours.journey.read.finding import Margin
from parcours.wording import nearest, quoted


def check_split(text: str, documents: Documents, margins: Margins, margin: Margin) -> None:
    """Note `NAME.STEP` where no journey or campaign has a random split of that name."""
    name, _, step = text.partition(".")
    known = _splits(documents)
    if name not in known:
        if not {"journey", "campaign"} & margins.unread:
            margin.error(f"no journey or campaign is called {quoted(name)}{nearest(name, known)}")
    elif _is_lost(name, documents, margins):
        pass  # its steps may be others than are known
    elif step not in known[name]:
        margin.error(f"{name!r} has no step {quoted(step)}{nearest(step, known[name])}")
    elif not known[name][step]:
        splits = [each for each, is_split in known[name].items() if is_split]
        there_are = f": its splits are {', '.join(splits)}" if splits else ", and it has none"
        margin.error(f"the step {step!r} of {name!r} is no random split{there_are}")


def _splits(documents: Documents) -> Mapping[str, Mapping[str, bool]]:
    """Of each journey and campaign the steps, and whether each is a random split."""
    journeys = {
        each.journey: {step.id: isinstance(step, SplitStep) for step in each.steps} for each in documents.journeys
    }
    campaigns = {
        each.campaign: {
            step.id: isinstance(step, DivideStep) and not isinstance(step.split, tuple) for step in each.steps
        }
        for each in documents.campaigns
    }
    return {**campaigns, **journeys}


def _is_lost(name: str, documents: Documents, margins: Margins) -> bool:
    """Whether steps of the journey or campaign could not be read."""
    journeys = zip((each.journey for each in documents.journeys), margins.journeys, strict=True)
    campaigns = zip((each.campaign for each in documents.campaigns), margins.campaigns, strict=True)
    files = [margin.file for each, margin in (*journeys, *campaigns) if each == name]
    return any(path[:1] == ("steps",) for file in files for path in margins.lost.get(file, ()))
