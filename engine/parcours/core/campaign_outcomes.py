"""What has become of a person in a run of a campaign, so that it is known who is in the sets that follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias, assert_never

import msgspec

from parcours.core.archive import newest_first
from parcours.core.profile import DeliveryState, Profile, Run
from parcours.instants import LATEST_MS


class SendAsked(msgspec.Struct, frozen=True, array_like=True, tag="send"):
    """Has a send of the run been refused to her, and is it held?"""

    step: str


class ReactionAsked(msgspec.Struct, frozen=True, array_like=True, tag="reaction"):
    """Has she reacted to a send, from `since` to `until` (ms, both included)?

    name    the campaign or journey whose step it is
    run     one of its runs; 0: any, -1: her newest
    """

    name: str
    step: str
    run: int
    reaction: str
    channel: str | None
    link: str | None
    since: int
    until: int


class PresenceAsked(msgspec.Struct, frozen=True, array_like=True, tag="presence"):
    """Is she still in the run?"""


OutcomeAsked: TypeAlias = SendAsked | ReactionAsked | PresenceAsked


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """
    state       whether her run of the campaign is open, or over, or never was
    is_so       the send was refused on every channel, or there is such a reaction
    held_until  until when the send is still to come: she is not due, or a gate holds it; None where it is not
    was_due     when she was due at the send last, or was let go by a gate; None where that is still to come
    """

    state: Literal["open", "left", "none"]
    is_so: bool = False
    held_until: int | None = None
    was_due: int | None = None


def outcome_of(profile: Profile, campaign: str, number: int, asked: OutcomeAsked, at: int, now: int) -> Outcome:
    """What has become of somebody in a run of a campaign by an instant, looked at now (both in ms)."""
    run = next((each for each in _runs(profile, campaign) if each.number == number), None)
    state: Literal["open", "left", "none"] = "none"
    if run is not None:
        state = "open" if run.ended_at is None or run.ended_at > at else "left"
    match asked:
        case SendAsked(step=step):
            sent = [] if run is None else [each for each in run.deliveries if each.step == step]
            held = {each.key for each in sent if each.state == "held"}
            awaited = [timer.due for timer in profile.timers if timer.kind == "release" and timer.key in held]
            awaited += [
                timer.due
                for timer in profile.timers
                if timer.kind == "part" and (timer.journey, timer.run, timer.key) == (campaign, number, step)
            ]
            is_refused = bool(sent) and all(each.state == "refused" for each in sent)
            past = [due for due in _dues(run, step, sent) if due <= now]
            return Outcome(state, is_refused, max(awaited, default=None), max(past, default=None))
        case ReactionAsked():
            return Outcome(state, any(_has_reacted(each, asked) for each in _asked_runs(profile, asked)))
        case PresenceAsked():
            return Outcome(state)
    assert_never(asked)


def _dues(run: Run | None, step: str, sent: list[DeliveryState]) -> Iterator[int]:
    """When deliveries of a step were due, and when gates let them go that have held them."""
    yield from (each.decided_at for each in sent)
    if run is not None and run.step == step and run.held_until is not None:
        yield run.held_until


def _runs(profile: Profile, name: str) -> Iterator[Run]:
    """Her runs of a journey or campaign, the open ones first, then those that ended last."""
    yield from (run for run in profile.runs if run.journey == name)
    archive = profile.archives.get(name)
    if archive is not None:
        yield from (run for found in newest_first(archive) for _, _, run in found)


def _asked_runs(profile: Profile, asked: ReactionAsked) -> list[Run]:
    runs = [*_runs(profile, asked.name)]
    if asked.run == -1:
        return [max(runs, key=lambda run: (run.entered_at, run.number))] if runs else []
    return [run for run in runs if asked.run in (0, run.number)]


def _has_reacted(run: Run, asked: ReactionAsked) -> bool:
    return any(_is_reaction(each, asked) for each in run.deliveries if each.step == asked.step)


def _is_reaction(delivery: DeliveryState, asked: ReactionAsked) -> bool:
    if asked.channel not in (None, delivery.channel):
        return False
    times = [delivery.marks.get(asked.reaction, LATEST_MS + 1)]
    if asked.link is not None:
        times.append(delivery.links.get(asked.link, LATEST_MS + 1))
    return all(asked.since <= at <= asked.until for at in times)
