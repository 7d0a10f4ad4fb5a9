"""/campaigns/{name}/pause and the like: what it would do, as a page of its own, and the button that does it.

What is decided is what was read: the form has the number of the newest change, and where there is another one by then
nothing is done, and the page says what would happen now.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from parcours.errors import CallerError
from parcours.ingress.campaign_figures import campaign_change, campaign_of
from parcours.ingress.changes import answered, by_whom
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Handler, Problem, Request
from parcours.ingress.page.forms import alert, confirming, newest, number_known
from parcours.ingress.page.frame import TEXT_MAX, address, name, screen, seen, sent_to
from parcours.ingress.page.session import check_form, form_of
from parcours.insight.figures import counted_text
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.journey.picture.svg_text import cut
from parcours.journey.publish.ledger import Verb
from parcours.service.campaign_state import CampaignState
from parcours.service.change_outcome import ChangeOutcome

LEDGER_FIELD: Final = "ledger"

NAME_FIELD: Final = "name"

ALREADY: Final = "All of it is so already: nothing would change."


def change_screen(verb: Verb) -> Handler:
    """The page that says what this would do to a campaign."""

    async def show(door: Door, request: Request) -> Answer:
        return await _page(door, request, verb)

    return seen(show)


def changed_screen(verb: Verb) -> Handler:
    """Does it, for a form of that page, and leads back to the campaign."""

    async def change(door: Door, request: Request) -> Answer:
        fields = form_of(request)
        check_form(door, request, fields)
        campaign = (await campaign_of(door, request)).campaign
        known = number_known(fields, LEDGER_FIELD)
        if verb == "stop" and fields.get(NAME_FIELD, "").strip() != campaign:
            return await _page(door, request, verb, told="Type the name of the campaign to stop it.", status=400)
        try:
            await answered(campaign_change(door, verb, campaign, known, by_whom(request))(False))
        except Problem as problem:
            if problem.code != "ledger":
                raise
            changed = together(
                "Nothing was done, for something has been changed meanwhile: ", newest(door.service.ledger)
            )
            return await _page(door, request, verb, told=together(changed, ". Look again."), status=409)
        except CallerError:  # the page says why
            return await _page(door, request, verb, status=409)
        return sent_to(address(request, "campaigns", campaign))

    return seen(change)


async def _page(door: Door, request: Request, verb: Verb, *, told: Child = None, status: int = 200) -> Answer:
    state = await campaign_of(door, request)
    campaign = state.campaign
    try:
        outcome = await answered(campaign_change(door, verb, campaign, None, by_whom(request))(True))
    except CallerError as error:
        raise Problem(409, "refused", str(error)) from None
    sentences = [*change_sentences(verb, outcome, state)] or [*outcome.refused] or [ALREADY]
    back = address(request, "campaigns", campaign)
    return screen(
        door,
        request,
        f"{verb.capitalize()} {campaign}",
        element("p", element("a", name(campaign), href=back), class_="up"),
        element("h1", verb.capitalize(), " ", name(campaign)),
        alert(told),
        element("ul", [element("li", element("bdi", cut(each, TEXT_MAX))) for each in sentences], class_="foreseen"),
        element("p", "The newest change is ", newest(door.service.ledger), ".", class_="lead"),
        _form(door, request, verb, campaign, outcome, back)
        if outcome.changes
        else element("p", element("a", "Back", href=back)),
        status=status,
        reloads=False,
    )


def _form(door: Door, request: Request, verb: Verb, campaign: str, outcome: ChangeOutcome, back: str) -> Markup:
    typed = None
    if verb == "stop":
        label = element("label", "Type its name", for_="typed")
        typed = together(label, element("input", id="typed", name=NAME_FIELD, required=True, autocomplete="off"))
    words = together(verb.capitalize(), " ", name(campaign))
    action = address(request, "campaigns", campaign, verb)
    return confirming(door, request, action, words, back, typed, ledger=f"{outcome.ledger}")


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
