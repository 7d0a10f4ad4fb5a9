"""What somebody does in a trial: each is a form, and the trial is shown again after it."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from parcours.dispatch.proofs import channel_settings, send_proof
from parcours.dispatch.registry import Registry
from parcours.errors import CallerError, ParcoursError
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route
from parcours.ingress.page.frame import address, seen, sent_to
from parcours.ingress.page.sandbox import Trial
from parcours.ingress.page.session import check_form, form_of
from parcours.ingress.page.trial import TOLD, trial_screen
from parcours.ingress.page.trial_event import EVENT_FIELDS_MAX, event_screen, properties_of
from parcours.ingress.page.trial_messages import is_for_tests, rendered_of
from parcours.ingress.page.trial_parts import chosen, meant, trial_of
from parcours.ingress.page.trials import BODY_BYTES_MAX, CHANGES, of_browsers
from parcours.journey.channels import consents_known, purposes_known
from parcours.testing.cases.people import name_of

Doing: TypeAlias = Callable[[Door, Trial, Mapping[str, str]], Awaitable[None]]


async def _do(door: Door, request: Request) -> Answer:
    fields = form_of(request, EVENT_FIELDS_MAX)
    check_form(door, request, fields)
    trial = trial_of(door, request)
    what = fields.get("do", "")
    if what == "end":
        await door.trials.end(trial)
        return sent_to(address(request, "try"))
    doing = DOINGS.get(what)
    if doing is None:
        raise Problem(400, "invalid", "there is nothing of that kind to do")
    try:
        async with trial.turn:
            await doing(door, trial, fields)
    except ParcoursError as error:
        if what == "event":
            return event_screen(door, request, trial, fields, str(error), 400)
        return await trial_screen(door, request, trial, str(error), 400)
    return sent_to(address(request, "try", trial.id, told=what if what in TOLD else None))


async def _wait_over(_door: Door, trial: Trial, _fields: Mapping[str, str]) -> None:
    if not await trial.let_wait_be_over():
        raise CallerError("nobody waits for anything that comes by itself")


async def _again(_door: Door, trial: Trial, _fields: Mapping[str, str]) -> None:
    await trial.again()


async def _event(_door: Door, trial: Trial, fields: Mapping[str, str]) -> None:
    project = trial.set_up.project
    event = chosen(fields.get("event", ""), list(project.documents.events.events), "event")
    properties = properties_of(project, event, fields)
    for who in meant(trial, fields):
        await trial.event(who, event, properties)


async def _react(_door: Door, trial: Trial, fields: Mapping[str, str]) -> None:
    outgoing = rendered_of(trial, fields.get("key", "")).outgoing
    program = trial.sandbox.service.program
    who = next(each for each in trial.people if name_of(each, program) == outgoing.person)
    reaction, link = fields.get("reaction", ""), fields.get("link", "").strip() or None
    answer = json_object(fields.get("answer", ""), "the answer") if reaction == "answered" else None
    of = f"{outgoing.journey}.{outgoing.step}"
    await trial.react(who, reaction, of, outgoing.channel, link if reaction == "clicked" else None, answer)


async def _consent(_door: Door, trial: Trial, fields: Mapping[str, str]) -> None:
    program = trial.sandbox.service.program
    channel = chosen(fields.get("channel", ""), sorted(consents_known(program)), "channel")
    named = fields.get("purpose", "")
    purpose = chosen(named, sorted(purposes_known(program)), "purpose") if named else None
    for who in meant(trial, fields):
        await trial.consent(who, channel, purpose, granted=fields.get("granted") == "true")


async def _send(door: Door, trial: Trial, fields: Mapping[str, str]) -> None:
    """Send a message for once, marked as a proof, by the channel that the door was started with."""
    rendered = rendered_of(trial, fields.get("key", ""))
    if not is_for_tests(door, rendered):
        raise CallerError("a message is really sent to the `test_addresses` of serve.yaml alone")
    opened, outgoing = door.service.opened_with, rendered.outgoing
    if outgoing.key in trial.sent:
        raise CallerError("this message has really been sent already, which is done once")
    configured = channel_settings(opened, outgoing.channel, os.environ)
    await send_proof(trial.sandbox.service.program, outgoing, Registry.installed(), door.service.settings, configured)
    trial.sent.add(outgoing.key)


def json_object(text: str, what: str) -> dict[str, Any]:
    """An object of JSON; nothing is an empty one. Raises CallerError."""
    try:
        told = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise CallerError(f"{what} is an object of JSON, such as {{'n': 1}} with double quotes")
    return told


DOINGS: Final[Mapping[str, Doing]] = {
    "wait-over": _wait_over,
    "again": _again,
    "event": _event,
    "react": _react,
    "consent": _consent,
    "send": _send,
}

ROUTES: Final = (
    Route(
        method="POST",
        path="/try/{id}",
        handler=of_browsers,
        page=seen(_do),
        scope=CHANGES,
        status=303,
        body_bytes_max=BODY_BYTES_MAX,
        summary="Do something in what is tried out: a form of the page.",
    ),
)
