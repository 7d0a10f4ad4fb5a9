"""/publish: what it would do to publish the folder of the door, journey by journey, and the button that does it.

As with any change, what is published is what was read: the form has the number of the newest change and the digest of
the folder's documents, and where either is another one by then nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from parcours.errors import CallerError, PublishRefused
from parcours.ingress.changes import answered, by_whom, folder_of
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request
from parcours.ingress.page.forms import ALREADY, alert, confirming, ledger_known, moved, newest
from parcours.ingress.page.frame import TEXT_MAX, address, name, screen, seen, sent_to
from parcours.ingress.page.session import check_form, form_of
from parcours.ingress.page.side_by_side import told_lines
from parcours.ingress.page.standing import standing
from parcours.ingress.project_folder import Reading
from parcours.ingress.version_comparison import UNSEEN
from parcours.insight.figures import counted_text
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.insight.version_diff import version_difference
from parcours.journey.picture.svg_text import cut
from parcours.journey.picture.words import WHOLE, entry_words
from parcours.journey.program import Journey
from parcours.journey.project import Project
from parcours.journey.publish.ledger import Ledger
from parcours.journey.publish.publications import candidate_of
from parcours.service.change_outcome import ChangeOutcome
from parcours.service.live_report import LiveReport

SOURCE_FIELD: Final = "source"

JOURNEYS_MAX: Final = 50
"""Journeys that are told of one by one, each with what is otherwise in it."""

FOLDER_MOVED: Final = "Nothing was done, for the folder has been changed meanwhile. Look again."

NO_FOLDER: Final = "This door was not started with a folder. A project is published to it by a command:"


SAME_SAID: Final = "Nothing changes for anybody: the documents only say the same in other words."


async def _publish(door: Door, request: Request) -> Answer:
    return await _page(door, request)


publish_screen = seen(_publish)


async def _published(door: Door, request: Request) -> Answer:
    fields = form_of(request)
    check_form(door, request, fields)
    known = ledger_known(fields)
    reading = await folder_of(door).reading()
    if reading.project is None or reading.source != fields.get(SOURCE_FIELD):
        return await _page(door, request, told=FOLDER_MOVED, status=409)
    try:
        await answered(door.service.publish(reading.project, ledger=known, by=by_whom(request)))
    except Problem as problem:
        if problem.code != "ledger":
            raise
        return await _page(door, request, told=moved(door.service.ledger), status=409)
    except (PublishRefused, CallerError):  # the page says why
        return await _page(door, request, status=409)
    return sent_to(address(request, "journeys"))


published_screen = seen(_published)


async def _page(door: Door, request: Request, *, told: Child = None, status: int = 200) -> Answer:
    return screen(
        door,
        request,
        "Publish",
        element("p", element("a", "Journeys", href=address(request, "journeys")), class_="up"),
        element("h1", "Publish the folder"),
        alert(told),
        await _content(door, request),
        status=status,
        reloads=False,
    )


async def _content(door: Door, request: Request) -> Markup:
    if door.folder is None:
        return element("p", NO_FOLDER, " ", element("code", "parcours publish FOLDER --url URL"))
    reading = await door.folder.reading()
    if reading.project is None:
        return _refused(reading.findings)
    project = reading.project
    outcome = await answered(door.service.publish(project, dry=True, by=by_whom(request)))
    if outcome.refused:
        return _refused(outcome.refused)
    if not outcome.changes and reading.source == door.service.ledger.source:
        return element("p", ALREADY)
    return await _foreseen(door, request, reading, project, outcome)


def _refused(reasons: Sequence[str]) -> Markup:
    return together(element("p", "It would be refused, and nothing would change:"), told_lines(reasons))


async def _foreseen(door: Door, request: Request, reading: Reading, project: Project, outcome: ChangeOutcome) -> Markup:
    report = await answered(door.service.report())
    filled = [
        element("li", "Who is in the audience ", name(each), " is found out, and nobody is told of it.")
        for each in outcome.audiences_filled
    ]
    back = address(request, "journeys")
    fields = {"ledger": f"{outcome.ledger}", SOURCE_FIELD: reading.source}
    changes = [element("li", element("bdi", cut(each, TEXT_MAX))) for each in outcome.changes]
    return together(
        [*_journeys(report, project)],
        element("h2", "All that changes"),
        element("ul", changes, filled) if changes else element("p", SAME_SAID),
        element("p", "The newest change is ", newest(door.service.ledger), ".", class_="lead"),
        confirming(door, request, address(request, "publish"), "Publish", back, **fields),
    )


def _journeys(report: LiveReport, project: Project) -> Iterator[Markup]:
    """Each journey that is new or says something else, and for whom."""
    concerned = [*_concerned(report.ledger, project)]
    for journey in concerned[:JOURNEYS_MAX]:
        entry = report.ledger.journeys.get(journey.name)
        if entry is None:
            entered = element("bdi", cut(entry_words(journey.entry, WHOLE), TEXT_MAX))
            yield _section(journey, "It is new: version 1 takes the entries.", element("p", "Entry: ", entered))
            continue
        before = standing(report, journey.name, entry, report.counts.get(journey.name, []))
        stay = [f"{counted_text(runs, 'run', 'runs')} in version {number}" for number, runs in before.peopled.items()]
        words = f"Version {entry.newest.number + 1} takes the entries. "
        words += f"Who is in it stays in her version: {', '.join(stay)}." if stay else "Nobody is in it now."
        was = next((each for each in report.versions if _is(each, journey.name, entry.newest.number)), None)
        differs = None if was is None else version_difference(was, journey, is_published=False).told or (UNSEEN,)
        yield _section(journey, words, None if differs is None else told_lines(differs))
    if len(concerned) > JOURNEYS_MAX:
        yield element("p", f"and {len(concerned) - JOURNEYS_MAX:,} journeys more, which are named below")


def _is(journey: Journey, wanted: str, version: int) -> bool:
    return (journey.name, journey.version) == (wanted, version)


def _concerned(ledger: Ledger, project: Project) -> Iterator[Journey]:
    digests = candidate_of(project).digests.journeys
    for journey in sorted(project.program.journeys, key=lambda each: each.name):
        entry = ledger.journeys.get(journey.name)
        if entry is None or entry.newest.digest != digests[journey.name]:
            yield replace(journey, version=1 if entry is None else entry.newest.number + 1)


def _section(journey: Journey, words: str, more: Child = None) -> Markup:
    return element("section", element("h2", name(journey.name)), element("p", words), more)


async def folder_note(door: Door, *, may_publish: bool, where: str) -> Markup | None:
    """That the folder is not what is published, for the list of journeys; and the way to publish it."""
    reading = None if door.folder is None else await door.folder.glance()
    if reading is None or reading.source == door.service.ledger.source:
        return None
    said = "The project in the folder of this door is another one than what is published"
    if reading.project is None:
        said += ", and it has errors"
    link = together(" ", element("a", "Publish…", href=where)) if may_publish else None
    return element("p", f"{said}.", link, class_="note")
