"""What may be changed of a journey, for the pages that say what it would do."""

from __future__ import annotations

from collections.abc import Iterator

from parcours.config import Settings
from parcours.ingress.changes import by_whom, journey_change
from parcours.ingress.door import Door
from parcours.ingress.exchange import Request
from parcours.ingress.journey_figures import journey_asked
from parcours.ingress.page.changing import Changeable
from parcours.insight.figures import counted_text
from parcours.journey.publish.ledger import LedgerEntry, Verb
from parcours.service.change_outcome import ChangeOutcome


async def changeable_journey(door: Door, request: Request) -> Changeable:
    journey, entry = journey_asked(door, door.service.ledger, request)
    return Changeable(
        "journey",
        journey,
        lambda verb, ledger: journey_change(door, verb, journey, ledger, by_whom(request)),
        lambda verb, outcome: change_sentences(verb, outcome, entry, door.service.settings),
    )


def change_sentences(verb: Verb, outcome: ChangeOutcome, entry: LedgerEntry, settings: Settings) -> Iterator[str]:
    """What changes with a journey by this, in figures; none where all of it is so already.

    outcome  the dry answer, which is not refused
    entry    of the journey, before it
    """
    if not outcome.changes:
        return
    match verb:
        case "pause":
            yield "Nobody enters."
            yield f"{_runs(outcome.runs.stay, 'stays where it is', 'stay where they are')}, and nothing is sent."
            yield (
                "What happens meanwhile is kept until it is resumed, however long that takes: time-outs, and up to "
                f"{counted_text(settings.kept_inputs_max, 'input', 'inputs')} of each person. What is beyond that is "
                "lost, and no run makes up for it."
            )
        case "resume":
            yield f"{_runs(outcome.runs.make_up, 'makes', 'make')} up for what was missed, each input at its own time."
            yield f"{_runs(outcome.runs.stay, 'goes on from where it was', 'go on from where they were')} left."
            yield "What is sent then goes by consent, caps and quiet hours as of now."
            yield "People enter again." if _takes_entries(entry) else "Nobody enters: a publication opens it again."
        case "close":
            yield "Nobody enters."
            yield f"{_runs(outcome.runs.stay, 'goes on to its end', 'go on to their end')}."
            yield "The next publication opens it again."
        case "stop":
            yield f"{_runs(outcome.runs.end, 'stops where it is', 'stop where they are')}."
            queued = counted_text(outcome.deliveries_cancelled, "queued message is", "queued messages are")
            yield f"{queued} cancelled."
            yield "Nobody enters."
            yield "This cannot be taken back: the next publication opens it again, and begins no run anew."
        case "publish":
            raise AssertionError("a publication is no change of one journey")


def _runs(count: int, one: str, many: str) -> str:
    return f"{counted_text(count, 'run', 'runs')} {one if count == 1 else many}"


def _takes_entries(entry: LedgerEntry) -> bool:
    return entry.entries == "open" and entry.offered
