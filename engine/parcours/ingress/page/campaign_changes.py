"""What may be changed of a campaign, for the pages that say what it would do."""

from __future__ import annotations

from collections.abc import Iterator

from parcours.ingress.campaign_figures import campaign_change, campaign_of
from parcours.ingress.changes import by_whom
from parcours.ingress.door import Door
from parcours.ingress.exchange import Request
from parcours.ingress.page.changing import Changeable
from parcours.insight.figures import counted_text
from parcours.journey.publish.ledger import Verb
from parcours.service.campaign_state import CampaignState
from parcours.service.change_outcome import ChangeOutcome


async def changeable_campaign(door: Door, request: Request) -> Changeable:
    state = await campaign_of(door, request)
    return Changeable(
        "campaign",
        state.campaign,
        lambda verb, ledger: campaign_change(door, verb, state.campaign, ledger, by_whom(request)),
        lambda verb, outcome: change_sentences(verb, outcome, state),
    )


def change_sentences(verb: Verb, outcome: ChangeOutcome, state: CampaignState) -> Iterator[str]:
    """What changes with a campaign by this, in figures; none where all of it is so already.

    outcome  the dry answer; of people whom runs have taken along, each has one
    """
    if not outcome.changes:
        return
    runs = [f"{each.number}" for each in state.runs if each.state == "under_way"]
    under_way = f"run{'' if len(runs) == 1 else 's'} {', '.join(runs)}" if runs else ""
    match verb:
        case "pause":
            yield "No run begins: instants of its schedule that pass meanwhile are missed."
            if under_way:
                yield f"No further step begins in {under_way}. Waits keep their ends."
            yield f"{_people(outcome.runs.stay, 'stays', 'stay')} in place, and nothing is sent."
            yield "Once it is resumed, all that was due meanwhile is made up for at once, not at the rate of a send."
        case "resume":
            if under_way:
                yield f"What was due in {under_way} is made up for at once, not at the rate of a send."
            yield f"{_people(outcome.runs.make_up, 'makes', 'make')} up for what was missed."
            yield f"{_people(outcome.runs.stay, 'goes', 'go')} on from the step at hand."
            yield "What is sent then goes by consent, caps and quiet hours as of now."
        case "close":
            yield "No run begins any more."
            if under_way:
                goes = "goes" if len(runs) == 1 else "go"
                yield f"{under_way.capitalize()} {goes} on to the end, with {_people(outcome.runs.stay)}."
            yield "The next publication opens it again."
        case "stop":
            if under_way:
                yield f"The end of {under_way}: no step of it begins any more."
            yield f"{_people(outcome.runs.end, 'leaves', 'leave')} the run, and nothing more is sent to them."
            queued = counted_text(outcome.deliveries_cancelled, "queued message is", "queued messages are")
            yield f"{queued} cancelled."
            yield "No run begins any more."
            yield "This cannot be taken back: the next publication opens it again, and begins no run anew."
        case "publish":
            raise AssertionError("a publication is no change of one campaign")


def _people(count: int, one: str = "", many: str = "") -> str:
    return f"{counted_text(count, 'person', 'people')} {one if count == 1 else many}".rstrip()
