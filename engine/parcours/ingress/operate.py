"""How do journeys stand, and what is not in order? And the controls: publish, pause, close, stop, send again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from parcours.core.time_text import time_text
from parcours.errors import ProjectInvalid
from parcours.ingress.backup_notes import BackupJob
from parcours.ingress.bodies import decoded
from parcours.ingress.changes import (
    answered,
    body_alone,
    by_whom,
    change_routes,
    folder_of,
    journey_change,
    looking,
    outcome_of,
    refusal,
)
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Handler, Problem, Request, Route, json_answer
from parcours.ingress.hidden_names import shown_signs, shown_trouble
from parcours.ingress.journey_figures import counts_asked, journey_asked, journeys_of, open_runs, together
from parcours.ingress.keys import Key
from parcours.ingress.operate_bodies import (
    BackupAsked,
    ChangeAsked,
    JourneyLooked,
    Journeys,
    JourneyShown,
    PublishAsked,
    SignShown,
    Troubles,
    Versions,
    VersionShown,
)
from parcours.ingress.page.changing import change_screen, changed_screen
from parcours.ingress.page.journey import journey_screen
from parcours.ingress.page.journey_changes import changeable_journey
from parcours.ingress.page.journeys import journeys_screen
from parcours.ingress.page.publishing import publish_screen, published_screen
from parcours.ingress.page.trail import changes_screen
from parcours.ingress.page.versions import versions_screen
from parcours.ingress.trail import trail_told
from parcours.ingress.trail_bodies import Trail, TrailAsked
from parcours.ingress.upload import UPLOAD_BYTES_MAX
from parcours.ingress.version_comparison import VersionsAsked, VersionsCompared, comparison_asked
from parcours.insight.health import sentence
from parcours.journey.publish.ledger import LedgerEntry, Verb
from parcours.service.change_outcome import ChangeOutcome, refused
from parcours.service.live_report import LiveReport


async def journeys(door: Door, request: Request) -> Answer:
    """All journeys, by name."""
    report = await answered(door.service.report())
    shown = [_shown(name, entry, report, request.key) for name, entry in journeys_of(door, report.ledger)]
    return json_answer(Journeys(report.ledger.number, shown), headers=VARY)


async def journey(door: Door, request: Request) -> Answer:
    """One of them, step by step."""
    report = await answered(door.service.report())
    name, entry = journey_asked(door, report.ledger, request)
    count = together(counts_asked(report, name, request), entry)
    return json_answer(
        JourneyLooked(
            name=name,
            state=entry.state,
            version=count.version,
            entered=count.entered,
            goal=count.goal,
            steps=count.steps,
            ledger=report.ledger.number,
            health=_signs(name, report, request.key),
        ),
        headers=VARY,
    )


async def versions(door: Door, request: Request) -> Answer:
    """The versions of a journey, or two of them side by side."""
    name, entry = journey_asked(door, door.service.ledger, request)
    if (comparison := await comparison_asked(door, name, entry, request)) is not None:
        return json_answer(comparison.told, headers=VARY)
    report = await answered(door.service.report())
    entry = report.ledger.journeys.get(name, entry)
    waiting = {each.version: open_runs(each) for each in report.counts.get(name, [])}
    shown = [
        VersionShown(
            version=each.number,
            at=time_text(each.at) if each.at else None,
            by=each.by,
            runs=waiting.get(each.number, 0),
            digest=each.digest,
        )
        for each in reversed(entry.versions)
    ]
    told = Versions(name=name, state=entry.state, ledger=report.ledger.number, versions=shown)
    return json_answer(told, headers=VARY)


def _shown(name: str, entry: LedgerEntry, report: LiveReport, key: Key | None) -> JourneyShown:
    count = together(report.counts.get(name, []), entry)
    return JourneyShown(
        name=name,
        state=entry.state,
        version=entry.newest.number,
        entered=count.entered,
        entered_lately=report.entered_lately(name),
        goal=count.goal,
        health=_signs(name, report, key),
    )


def _signs(name: str, report: LiveReport, key: Key | None) -> list[SignShown]:
    return [
        SignShown(sign=each.sign, words=sentence(each), figures=each.figures, because=each.because, where=each.where)
        for each in shown_signs(report.signs(name), key)
    ]


def changing(verb: Verb) -> Handler:
    """The handler that does this to a journey, or says what it would do."""

    async def change(door: Door, request: Request) -> Answer:
        asked = body_alone(request, ChangeAsked, optional=True)
        name, _ = journey_asked(door, door.service.ledger, request)
        change = journey_change(door, verb, name, asked.ledger, by_whom(request))
        return await outcome_of(change, dry=bool(asked.dry))

    return change


def foreseeing(verb: Verb) -> Handler:
    """The handler that says what this would do to a journey."""

    async def foresee(door: Door, request: Request) -> Answer:
        name, _ = journey_asked(door, door.service.ledger, request)
        return await outcome_of(journey_change(door, verb, name, None, by_whom(request)), dry=True)

    return foresee


async def publish(door: Door, request: Request) -> Answer:
    """Publish a project that is sent along, or say what that would do."""
    asked = body_alone(request, PublishAsked, UPLOAD_BYTES_MAX, optional=False)
    newest, by = door.service.ledger.number, by_whom(request)
    if asked.ledger not in (None, newest):
        said = f"the newest change has the number {newest}, and not {asked.ledger}: look at what is published, and ask "
        raise Problem(409, "ledger", f"{said}again with that number")
    try:
        project = await door.uploads.project(asked.files)
    except ProjectInvalid as error:
        return refusal(refused(door.service.ledger.number, error.findings), dry=bool(asked.dry))
    return await outcome_of(
        lambda dry: door.service.publish(project, journey=asked.journey, dry=dry, ledger=asked.ledger, by=by),
        dry=bool(asked.dry),
    )


async def publish_folder(door: Door, request: Request) -> Answer:
    """What it would do to publish the project in the folder with which the door was started."""
    reading = await folder_of(door).reading()
    if reading.project is None:
        return refusal(refused(door.service.ledger.number, reading.findings), dry=True)
    project, by = reading.project, by_whom(request)
    return await outcome_of(lambda dry: door.service.publish(project, dry=dry, by=by), dry=True)


async def troubles(door: Door, request: Request) -> Answer:
    """What is not in order."""
    told = [shown_trouble(each, request.key) for each in await answered(door.service.troubles())]
    return json_answer(Troubles(told), headers=VARY)


async def back_up(door: Door, request: Request) -> Answer:
    """Begin a backup of the store."""
    asked = decoded(request, BackupAsked)
    job = door.backups.begin(asked.name, door.service.store_folder, door.service.backup)
    return json_answer(job, status=202)


async def backup_job(door: Door, request: Request) -> Answer:
    """How far a backup is."""
    return json_answer(door.backups.job(request.params["job"], door.service.store_folder))


async def trail(door: Door, request: Request) -> Answer:
    """The newest changes of what is published."""
    return json_answer(trail_told(door, request), headers=VARY)


CHANGES: Final[Mapping[Verb, str]] = {
    "pause": "Nobody enters, and nobody moves.",
    "resume": "Go on, and make up for what was missed.",
    "close": "Nobody enters any more.",
    "stop": "End all runs where they are.",
}

ROUTES: Final[tuple[Route, ...]] = (
    looking("/journeys", journeys, Journeys, "How journeys stand.", also=("/",), page=journeys_screen),
    looking("/journeys/{name}", journey, JourneyLooked, "How a journey stands, step by step.", page=journey_screen),
    looking(
        "/journeys/{name}/versions",
        versions,
        Versions,
        "The versions of a journey, or two of them side by side.",
        asks=VersionsAsked,
        or_gives=VersionsCompared,
        page=versions_screen,
    ),
    *change_routes(
        "/journeys/{name}",
        changing,
        foreseeing,
        CHANGES,
        page=partial(change_screen, changeable_journey),
        form=partial(changed_screen, changeable_journey),
    ),
    Route(
        method="POST",
        path="/publish",
        handler=publish,
        page=published_screen,
        takes=PublishAsked,
        gives=ChangeOutcome,
        scope="operate",
        body_bytes_max=UPLOAD_BYTES_MAX,
        summary="Publish a project.",
    ),
    looking("/changes", trail, Trail, "Who has changed what is published.", asks=TrailAsked, page=changes_screen),
    Route(
        method="GET",
        path="/publish",
        handler=publish_folder,
        page=publish_screen,
        gives=ChangeOutcome,
        scope="operate",
        summary="What it would do to publish the folder of the door.",
    ),
    looking("/troubles", troubles, Troubles, "What is not in order."),
    Route(
        method="POST",
        path="/store/backup",
        handler=back_up,
        takes=BackupAsked,
        gives=BackupJob,
        status=202,
        scope="operate",
        summary="Begin a backup of the store.",
    ),
    looking("/store/backups/{job}", backup_job, BackupJob, "How far a backup is."),
)
