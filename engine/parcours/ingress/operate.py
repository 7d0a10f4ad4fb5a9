"""How do journeys stand, and what is not in order? And the controls: publish, pause, resume, close, stop, send again.

Each change can be asked for dry, with `ledger`, or both: what it would do is told before it is done, and nobody changes
what is not any more as he has seen it. The name of the key is kept with the change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from parcours.core.time_text import time_text
from parcours.errors import CallerError, LedgerOutdated, ProjectInvalid, PublishRefused, ShardUnavailable
from parcours.ingress.backups import BackupJob
from parcours.ingress.bodies import decoded
from parcours.ingress.door import Door
from parcours.ingress.exchange import SMALL_BODY_MAX, Answer, Handler, Problem, Request, Route, json_answer
from parcours.ingress.hidden_names import shown_person, shown_reason, shown_report
from parcours.ingress.operate_bodies import (
    BackupAsked,
    ChangeAsked,
    JourneyLooked,
    Journeys,
    JourneyShown,
    Letters,
    LetterShown,
    PublishAsked,
    Resent,
    Troubles,
    Versions,
    VersionShown,
)
from parcours.ingress.upload import UPLOAD_BYTES_MAX
from parcours.insight.store_report import StoreReport
from parcours.insight.summary import JourneyCount, merged_journey
from parcours.instants import ceil_ms
from parcours.journey.publish.ledger import Ledger, LedgerEntry, Verb
from parcours.service.change_outcome import ChangeOutcome, refused
from parcours.service.live_report import LiveReport

T = TypeVar("T")

VARY: Final = {"Vary": "Accept"}
"""Pages come under these addresses, for browsers."""


async def answered(call: Awaitable[T]) -> T:
    """What the engine answers. Raises Problem where a shard holds it up, or where somebody else was faster."""
    try:
        return await call
    except ShardUnavailable as error:
        raise Problem(503, "unavailable", str(error), headers={"Retry-After": "1"}) from None
    except LedgerOutdated as error:
        raise Problem(409, "ledger", str(error)) from None


async def journeys(door: Door, _request: Request) -> Answer:
    """All journeys, by name."""
    report = await answered(door.service.report())
    shown = [_shown(name, entry, report) for name, entry in sorted(report.ledger.journeys.items())]
    return json_answer(Journeys(report.ledger.number, shown), headers=VARY)


async def journey(door: Door, request: Request) -> Answer:
    """One of them, step by step."""
    report = await answered(door.service.report())
    name, entry = _entry(report.ledger, request)
    counts = report.counts.get(name, [])
    if (asked := request.query.get("version")) is not None:
        counts = [each for each in counts if str(each.version) == asked]
        if not counts:
            raise Problem(404, "unknown", f"there is no version {asked[:20]} of it, or not any more")
    count = _together(counts, entry)
    return json_answer(
        JourneyLooked(
            name=name,
            state=entry.state,
            version=count.version,
            entered=count.entered,
            goal=count.goal,
            steps=count.steps,
            ledger=report.ledger.number,
        ),
        headers=VARY,
    )


async def versions(door: Door, request: Request) -> Answer:
    """The versions of a journey."""
    report = await answered(door.service.report())
    name, entry = _entry(report.ledger, request)
    waiting = {each.version: sum(step.waiting for step in each.steps.values()) for each in report.counts.get(name, [])}
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


def _shown(name: str, entry: LedgerEntry, report: LiveReport) -> JourneyShown:
    count = _together(report.counts.get(name, []), entry)
    return JourneyShown(
        name=name, state=entry.state, version=entry.newest.number, entered=count.entered, goal=count.goal
    )


def _together(counts: Sequence[JourneyCount], entry: LedgerEntry) -> JourneyCount:
    return merged_journey(list(counts)) if counts else JourneyCount(version=entry.newest.number)


def _entry(ledger: Ledger, request: Request) -> tuple[str, LedgerEntry]:
    name = request.params["name"]
    entry = ledger.journeys.get(name)
    if entry is None:
        raise Problem(404, "unknown", "there is no such journey")
    return name, entry


def changing(verb: Verb) -> Handler:
    """The handler that does this to a journey, or says what it would do."""

    async def change(door: Door, request: Request) -> Answer:
        asked = _without_query(request, ChangeAsked)
        name, by = request.params["name"], _by(request)
        call = {
            "pause": door.service.pause_journey,
            "resume": door.service.resume_journey,
            "close": door.service.close_journey,
            "stop": door.service.stop_journey,
        }[verb]
        _entry(door.service.ledger, request)
        return await _outcome(lambda dry: call(name, dry=dry, ledger=asked.ledger, by=by), dry=bool(asked.dry))

    return change


async def publish(door: Door, request: Request) -> Answer:
    """Publish a project that is sent along, or say what that would do."""
    asked = _without_query(request, PublishAsked, UPLOAD_BYTES_MAX)
    newest, by = door.service.ledger.number, _by(request)
    if asked.ledger not in (None, newest):
        raise Problem(409, "ledger", f"ledger={asked.ledger} is not the newest, which is {newest}")
    try:
        project = await door.uploads.project(asked.files)
    except ProjectInvalid as error:
        return _refusal(refused(door.service.ledger.number, error.findings), dry=bool(asked.dry))
    return await _outcome(
        lambda dry: door.service.publish(project, journey=asked.journey, dry=dry, ledger=asked.ledger, by=by),
        dry=bool(asked.dry),
    )


async def _outcome(change: Callable[[bool], Awaitable[ChangeOutcome]], *, dry: bool) -> Answer:
    """What a change has come to, or would. One that is refused is looked at dry, for all the reasons."""
    try:
        outcome = await answered(change(dry))
    except (PublishRefused, CallerError):
        outcome = await answered(change(True))
        if not outcome.refused:  # somebody has changed something in between, and it may be tried again
            raise
    return _refusal(outcome, dry=dry) if outcome.refused else json_answer(outcome)


def _refusal(outcome: ChangeOutcome, *, dry: bool) -> Answer:
    if dry:
        return json_answer(outcome)
    more: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(outcome, dry=False))
    raise Problem(409, "refused", "; ".join(outcome.refused), more=more)


def _without_query(request: Request, kind: type[msgspec.Struct], most: int = SMALL_BODY_MAX) -> Any:
    """The body; none at all is an empty object. Raises Problem for what is said where nobody reads it."""
    if request.query:
        raise Problem(400, "invalid", "nothing of the query is read: say it in the body, as JSON")
    if not request.body and kind is ChangeAsked:
        return ChangeAsked()
    return decoded(request, kind, most)


def _by(request: Request) -> str:
    return "" if request.key is None else request.key.name


async def dead(door: Door, request: Request) -> Answer:
    """What could not be applied and was set aside."""
    letters = await answered(door.service.dead_letters())
    open_to_see = request.key is not None and request.key.opens("people:read")
    shown = [
        LetterShown(
            id=letter.id,
            at=time_text(ceil_ms(letter.at)),
            what="a timer" if letter.line is None else "an event",
            person=shown_person(letter.person, request.key, request.received_ms),
            reason=shown_reason(letter.reason, request.key),
            line=letter.line.decode(errors="replace") if letter.line is not None and open_to_see else None,
        )
        for letter in letters
    ]
    return json_answer(Letters(shown), headers=VARY)


async def resend(door: Door, request: Request) -> Answer:
    """Apply a dead letter once more."""
    try:
        return json_answer(Resent(await answered(door.service.resend([request.params["id"]]))))
    except CallerError as error:
        raise Problem(404, "unknown", str(error)) from None


async def troubles(door: Door, _request: Request) -> Answer:
    """What is not in order."""
    return json_answer(Troubles(await answered(door.service.troubles())), headers=VARY)


async def report(door: Door, request: Request) -> Answer:
    """The figures of journeys, channels and gates."""
    if request.query.get("kind", "journeys") != "journeys":
        raise Problem(404, "unknown", "there is no report of this kind")
    told = await answered(door.service.report())
    return json_answer(shown_report(told.report, request.key), headers=VARY)


async def back_up(door: Door, request: Request) -> Answer:
    """Begin a backup of the store."""
    asked = decoded(request, BackupAsked)
    job = door.backups.begin(asked.name, door.service.store_folder, door.service.backup)
    return json_answer(job, status=202)


async def backup_job(door: Door, request: Request) -> Answer:
    """How far a backup is."""
    return json_answer(door.backups.job(request.params["job"]))


CHANGES: Final[tuple[tuple[Verb, str], ...]] = (
    ("pause", "Nobody enters, and nobody moves."),
    ("resume", "Go on, and make up for what was missed."),
    ("close", "Nobody enters any more."),
    ("stop", "End all runs where they are."),
)


def _looking(path: str, handler: Handler, gives: type[msgspec.Struct], summary: str) -> Route:
    return Route(method="GET", path=path, handler=handler, gives=gives, scope="operate:read", summary=summary)


ROUTES: Final[tuple[Route, ...]] = (
    _looking("/journeys", journeys, Journeys, "How journeys stand."),
    _looking("/journeys/{name}", journey, JourneyLooked, "How a journey stands, step by step."),
    _looking("/journeys/{name}/versions", versions, Versions, "The versions of a journey."),
    *(
        Route(
            method="POST",
            path=f"/journeys/{{name}}/{verb}",
            handler=changing(verb),
            takes=ChangeAsked,
            gives=ChangeOutcome,
            scope="operate",
            summary=summary,
        )
        for verb, summary in CHANGES
    ),
    Route(
        method="POST",
        path="/publish",
        handler=publish,
        takes=PublishAsked,
        gives=ChangeOutcome,
        scope="operate",
        body_bytes_max=UPLOAD_BYTES_MAX,
        summary="Publish a project.",
    ),
    _looking("/dead", dead, Letters, "What could not be applied."),
    Route(
        method="POST",
        path="/dead/{id}/resend",
        handler=resend,
        gives=Resent,
        scope="operate",
        summary="Apply an event once more.",
    ),
    _looking("/troubles", troubles, Troubles, "What is not in order."),
    _looking("/report", report, StoreReport, "The figures of journeys, channels and gates."),
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
    _looking("/store/backups/{job}", backup_job, BackupJob, "How far a backup is."),
)
