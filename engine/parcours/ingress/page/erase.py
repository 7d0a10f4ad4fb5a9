"""/people/{id}/erase: what will be gone, her id typed once more, and then how far it is, at /erasures/{job}."""

from __future__ import annotations

from typing import Final

from parcours.core.identity import person_asked_for
from parcours.ingress.asked_people import known_person
from parcours.ingress.changes import answered, by_whom
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Problem, Request
from parcours.ingress.page.frame import HEADERS, address, moment, name, screen, seen
from parcours.ingress.page.lines import bullets
from parcours.ingress.page.parts import heads, wide
from parcours.ingress.page.session import TOKEN_FIELD, check_form, form_of, form_token
from parcours.insight.page.markup import Markup, element
from parcours.service.person import Person

FIELD: Final = "id"


async def _asked(door: Door, request: Request) -> Answer:
    found = await known_person(door, request)
    return _form(door, request, found)


erase_screen = seen(_asked)


async def _erase(door: Door, request: Request) -> Answer:
    """Erase her, if whoever asks has typed the id of the page that he came from."""
    fields = form_of(request)
    check_form(door, request, fields)
    asked = request.params["id"]
    if _as_typed(person_asked_for(fields.get(FIELD, "").strip())) != _as_typed(person_asked_for(asked)):
        found = await known_person(door, request)
        return _form(door, request, found, "What was typed is not her id: nobody was erased.", status=400)
    job = await answered(door.service.erase(asked, by=by_whom(request)))
    return Answer(status=303, media_type="text/plain", headers={**HEADERS, "Location": _where(request, job.id)})


erased_screen = seen(_erase)


def _as_typed(an_id: str) -> str:
    """A field holds no line break, and blanks look alike, or like nothing."""
    return "".join(an_id.split())


def _where(request: Request, job: str) -> str:
    return address(request, "erasures", job)


def _form(door: Door, request: Request, found: Person, wrong: str | None = None, *, status: int = 200) -> Answer:
    its_id = request.params["id"]
    form = element(
        "form",
        element("input", type="hidden", name=TOKEN_FIELD, value=form_token(door, request)),
        element("label", "Type ", element("code", name(its_id)), " to erase her", for_="id"),
        element(
            "input", id="id", name=FIELD, required=True, autocomplete="off", autofocus=True,
            aria_describedby="told" if wrong else None,
        ),
        element("button", "Erase for good", class_="danger"),
        element("a", "Leave her as she is", href=address(request, "people", found.name)),
        method="post",
        action=address(request, "people", its_id, "erase"),
        class_="filter",
    )  # fmt: skip
    return screen(
        door,
        request,
        f"Erase {found.name}",
        element("p", element("a", name(found.name), href=address(request, "people", found.name)), class_="up"),
        element("h1", "Erase ", name(found.name)),
        element("p", wrong, id="told", role="alert", class_="warning") if wrong else None,
        element("p", "This cannot be undone:"),
        bullets(_what_goes(found)),
        form,
        status=status,
        reloads=False,
    )


def _what_goes(found: Person) -> list[str]:
    return [
        f"her profile goes with all traits, consents and addresses, under all of her names: {len(found.names) + 1:,}",
        f"her open runs end where they are: {len(found.runs):,}",
        f"messages that wait for her leave no more: {found.waiting:,}",
        "all that is told of her goes: her facts, and her events as they came, in journal, images and exported files",
        "she leaves the sets and the exported lists of campaigns; counts stay as they are, for they name nobody",
        "what is heard of her from then on is of somebody new",
        "what a provider has, it has, and backups hold what they held",
    ]


async def _job(door: Door, request: Request) -> Answer:
    """How far an erasure is."""
    job = await answered(door.service.erasure(request.params["job"]))
    if job is None:
        raise Problem(404, "unknown", "there is no such erasure", headers=VARY)
    rows = [
        element("tr", element("th", row.what, scope="row"), element("td", "done" if row.done else "under way"))
        for row in job.rows
    ]
    table = element(
        "table",
        element("caption", "What is free of her"),
        heads("Copies", "How far", numbers_from=2),
        element("tbody", rows),
    )
    return screen(
        door,
        request,
        "Erasure",
        element("p", element("a", "People", href=address(request, "people")), class_="up"),
        element("h1", "She is erased" if job.done else "She is being erased"),
        element("p", "Since ", moment(job.asked_at), " nobody is told anything of her."),
        wide(table, "Table of copies", "sheet"),
        _lapses(job.lapses_at),
    )


job_screen = seen(_job)


def _lapses(at: int | None) -> Markup | None:
    if at is None:
        return None
    return element("p", "Facts that nobody exports lie in the journal until ", moment(at), ".")
