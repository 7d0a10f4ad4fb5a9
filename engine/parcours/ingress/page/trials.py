"""/try: what somebody wants to try out, with whom, and what she tries out already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from parcours.background import in_thread
from parcours.dispatch.judgement import load_project
from parcours.errors import CallerError, ParcoursError
from parcours.expression.duration import parse_duration
from parcours.ingress.copied_people import copy_of, may_copy
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route
from parcours.ingress.page.file_form import WITH_FILES, fields_of
from parcours.ingress.page.frame import NAME_MAX, TEXT_MAX, address, moment, name, screen, seen, sent_to
from parcours.ingress.page.sandbox import PEOPLE_MAX, Consents, SetUp, Traits, Trial
from parcours.ingress.page.session import TOKEN_FIELD, check_form, form_token, session_number
from parcours.ingress.page.trial_parts import chosen, warned
from parcours.ingress.page.trial_people import check_name, read_people, read_traits
from parcours.insight.page.markup import Child, Markup, element
from parcours.journey.picture.svg_text import cut
from parcours.journey.project import Project

CHANGES: Final = "operate"
"""What a key has to open to try something out: an engine of its own is begun, and messages may really be sent."""

BODY_BYTES_MAX: Final = 512 * 1024
"""Bytes of a form: a hundred people with all that is known of them."""

SHORTEN: Final = "10s"

SOURCES: Final[Mapping[str, str]] = {"published": "as it is published", "folder": "as it lies in the folder"}

PERSON: Final = "test-person"


async def of_browsers(_door: Door, _request: Request) -> Answer:
    """Programs have `parcours test`."""
    raise Problem(406, "browsers", "this is a page for browsers: programs use parcours test")


async def _trials(door: Door, request: Request) -> Answer:
    return await _screen(door, request, request.query)


async def _screen(door: Door, request: Request, fields: Mapping[str, str], said: str = "", status: int = 200) -> Answer:
    """The form, with what stands in its fields, and what is wrong with it."""
    if request.key is None or not request.key.opens(CHANGES):
        told = "To try something out takes a key that opens operate: it begins an engine of its own."
        return screen(door, request, "Try out", element("h1", "Try out"), element("p", told), reloads=False)
    source = fields.get("source", "published")
    try:
        journeys, wrong = await _journeys_of(door, source), ""
    except ParcoursError as error:
        journeys, wrong = None, str(error)
    return screen(
        door,
        request,
        "Try out",
        element("h1", "Try out"),
        element("p", _EXPLAINED, class_="lead"),
        _running(door, request),
        warned(said),
        _sources(door, request, source),
        warned(wrong),
        None if journeys is None else _form(door, request, journeys, {**fields, "source": source}),
        status=status,
        reloads=False,
    )


_EXPLAINED: Final = (
    "A test person goes through a journey in an engine of her own. Nobody who is there is touched, nothing leaves, and "
    "nothing of it is counted. Waits are made short, and can be let be over."
)


def _running(door: Door, request: Request) -> Markup | None:
    trials = door.trials.of(session_number(door, request))
    if not trials:
        return None
    lines = [
        element(
            "li", element("a", _called(each), href=address(request, "try", each.id)), " until ", moment(each.ends_ms)
        )
        for each in trials
    ]
    return element("section", element("h2", "What you try out"), element("ul", lines))


def _called(trial: Trial) -> Child:
    many = len(trial.people)
    return [name(trial.set_up.journey), " with ", name(trial.people[0]) if many == 1 else f"{many} people"]


def _sources(door: Door, request: Request, chosen: str) -> Markup:
    links = [
        element(
            "li",
            element(
                "a",
                f"The project {words}",
                href=address(request, "try", source=source),
                aria_current="true" if source == chosen else None,
            ),
        )
        for source, words in SOURCES.items()
        if source == "published" or _folder(door) is not None
    ]
    return element("nav", element("ul", links), aria_label="Project", class_="choice")


def _folder(door: Door) -> Path | None:
    """The folder with which the door was started; None where the project has none."""
    folder = door.service.opened_with.folder
    return folder if (folder / "parcours.yaml").is_file() else None


async def _project_of(door: Door, source: str) -> Project:
    folder = _folder(door)
    if source == "folder" and folder is not None:
        return await in_thread(load_project, folder, drafts=True)
    if source != "published":
        raise CallerError("there is no such project to try out")
    return await door.service.published_project()


async def _journeys_of(door: Door, source: str) -> Sequence[str]:
    """The journeys of a project to choose from; what is published is not compiled for that."""
    program = door.service.program if source == "published" else (await _project_of(door, source)).program
    return [each.name for each in program.journeys]


def _form(door: Door, request: Request, journeys: Sequence[str], fields: Mapping[str, str]) -> Markup:
    if not journeys:
        return element("p", "This project has no journeys.")
    options = [
        element("option", cut(each, NAME_MAX), value=each, selected=each == fields.get("journey")) for each in journeys
    ]
    copied = _labelled("Or a copy of this person", "copy", _input("copy", fields.get("copy", "")), _COPY)
    return element(
        "form",
        element("input", type="hidden", name=TOKEN_FIELD, value=form_token(door, request)),
        element("input", type="hidden", name="source", value=fields["source"]),
        _labelled("Journey to watch", "journey", element("select", options, id="journey", name="journey")),
        _labelled("Nobody waits for longer than", "shorten", _input("shorten", fields.get("shorten", SHORTEN)), _SHORT),
        element("h2", "One test person"),
        _labelled("Her name", "who", _input("who", fields.get("who", PERSON))),
        _labelled("Her traits", "traits", _area("traits", fields), _TRAITS),
        copied if may_copy(request) else None,
        element("h2", f"Or up to {PEOPLE_MAX}"),
        _labelled("People and their traits", "people", _area("people", fields), _PEOPLE),
        _labelled("Or a file with them", "file", element("input", id="file", name="file", type="file")),
        element("p", element("button", "Begin", class_="main")),
        method="post",
        enctype=WITH_FILES,
        action=address(request, "try"),
        class_="sheet fields",
    )


_SHORT: Final = "Empty: as long as is written. Quiet hours, caps and conditions on time stay as they are."
_TRAITS: Final = "As JSON, or a line each: plan: gold"
_COPY: Final = "What is known of her, with addresses for tests in place of hers. That you have looked is recorded."
_PEOPLE: Final = "A line each: ana: {plan: gold}, or identify calls as JSON. You watch counts, and nobody's place."


def _labelled(label: str, field: str, control: Markup, hint: str = "") -> Markup:
    told = element("small", hint, id=f"{field}-hint") if hint else None
    return element("div", element("label", label, for_=field), control, told, class_="field")


def _input(field: str, value: str) -> Markup:
    return element("input", id=field, name=field, value=value[:TEXT_MAX], autocomplete="off")


def _area(field: str, fields: Mapping[str, str]) -> Markup:
    return element("textarea", fields.get(field, ""), id=field, name=field, rows=5, spellcheck="false")


# Beginning one


async def _begin(door: Door, request: Request) -> Answer:
    fields = fields_of(request)
    check_form(door, request, fields)
    try:
        trial = await _begun(door, request, fields)
    except (Problem, ParcoursError) as error:
        status = error.status if isinstance(error, Problem) else 400
        return await _screen(door, request, fields, str(error), status)
    return sent_to(address(request, "try", trial.id))


async def _begun(door: Door, request: Request, fields: Mapping[str, str]) -> Trial:
    project = await _project_of(door, fields.get("source", ""))
    journey = chosen(fields.get("journey", ""), [each.name for each in project.program.journeys], "journey")
    people, consents = await _people(door, request, fields, project)
    set_up = SetUp(
        project=project,
        source=fields.get("source", ""),
        journey=journey,
        shorten_ms=_shorten_ms(fields.get("shorten", "").strip()),
        people=people,
        consents=consents,
    )
    return await door.trials.begin(set_up, session_number(door, request), door.now_ms(), door.service.settings)


def _shorten_ms(text: str) -> int | None:
    if not text:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise CallerError(str(error)) from None


async def _people(
    door: Door, request: Request, fields: Mapping[str, str], project: Project
) -> tuple[Mapping[str, Traits], Mapping[str, Consents]]:
    if several := fields.get("file", "").strip() or fields.get("people", "").strip():
        return read_people(several), {}
    who = check_name(fields.get("who", "").strip())
    traits = read_traits(fields.get("traits", ""))
    if not (of := fields.get("copy", "").strip()):
        return {who: traits}, {}
    copied, consents = await copy_of(door, request, of, project.program)
    return {who: {**copied, **traits}}, {who: consents}


ROUTES: Final = (
    Route(
        method="GET",
        path="/try",
        handler=of_browsers,
        page=seen(_trials),
        scope="operate:read",
        summary="Test mode: what somebody tries out. For browsers alone.",
    ),
    Route(
        method="POST",
        path="/try",
        handler=of_browsers,
        page=seen(_begin),
        scope=CHANGES,
        status=303,
        body_bytes_max=BODY_BYTES_MAX,
        summary="Begin to try something out: a form of the page.",
    ),
)
