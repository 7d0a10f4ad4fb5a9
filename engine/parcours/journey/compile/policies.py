"""The compiler of policies and hold-outs: every channel is declared, and no rule contradicts itself."""

from __future__ import annotations

from parcours.channel import INBOX
from parcours.expression.duration import DAYS, minute_of
from parcours.journey.compile.declarations import Declarations
from parcours.journey.model.document import ProjectDocument
from parcours.journey.model.policies import CapDocument, HoldoutDocument, QuietHoursDocument
from parcours.journey.model.steps import hundredths, is_too_fine
from parcours.journey.program import Cap, ConsentPolicy, Holdout, Policies, QuietHours
from parcours.journey.read.finding import Margin
from parcours.wording import nearest

DAY_MINUTES = 1_440
WEEK_MINUTES = 7 * DAY_MINUTES


def compile_policies(settings: ProjectDocument, of_project: Margin, declared: Declarations) -> Policies:
    """The policies and hold-outs of parcours.yaml; faults go into its margin."""
    document, margin = settings.policies, of_project.below("policies")
    for channel in document.consent.channels:
        declared.check_channel(margin, channel, "consent", "channels", channel)
    caps = tuple(_cap(cap, margin.below("caps", number), declared) for number, cap in enumerate(document.caps))
    quiet_hours = tuple(
        _quiet(hours, margin.below("quiet_hours", number), declared)
        for number, hours in enumerate(document.quiet_hours)
    )
    for channel in sorted(declared.channels - {"*"}, key=_usual_first):
        if _never_ends(channel, quiet_hours):
            margin.error(f"the quiet hours leave no time of the week for {channel!r}", "quiet_hours")
            break
    return Policies(
        ConsentPolicy(document.consent.default, dict(document.consent.channels)),
        caps,
        quiet_hours,
        tuple(_holdout(name, each, of_project.below("holdouts", name)) for name, each in settings.holdouts.items()),
        document.personalisation,
    )


def _usual_first(channel: str) -> tuple[bool, str]:
    """Inboxes are there in every project, so a finding names one only where it holds for no other channel."""
    return channel in INBOX, channel


def _cap(cap: CapDocument, margin: Margin, declared: Declarations) -> Cap:
    if cap.message_class == "transactional":
        margin.error("transactional messages are not capped, so this rule would never apply", "class")
    purposes = declared.past.purposes
    if cap.purpose is not None and cap.purpose not in purposes and "*" not in purposes:
        margin.error(f"no message has the purpose {cap.purpose!r}{nearest(cap.purpose, purposes)}", "purpose")
    return Cap(_channels(cap.channels, margin, declared), cap.message_class, cap.purpose, cap.max, cap.per)


def _quiet(hours: QuietHoursDocument, margin: Margin, declared: Declarations) -> QuietHours:
    return QuietHours(
        channels=_channels(hours.channels, margin, declared),
        from_minute=minute_of(hours.start),
        until_minute=minute_of(hours.until) % DAY_MINUTES,  # 24:00 is 00:00 of the next day
        days=frozenset(DAYS.index(day) for day in hours.days),
        then=hours.then,
    )


def _holdout(name: str, holdout: HoldoutDocument, margin: Margin) -> Holdout:
    if is_too_fine(holdout.percent):
        fault = "people are held out to a hundredth of a percent, and this is a finer share"
        margin.error(fault, "percent", value=f"{holdout.percent:g}", runs=True)
    return Holdout(name, hundredths(holdout.percent), holdout.salt)


def _channels(named: tuple[str, ...] | None, margin: Margin, declared: Declarations) -> frozenset[str] | None:
    for number, channel in enumerate(named or ()):
        declared.check_channel(margin, channel, "channels", number)
    return None if named is None else frozenset(named)


def _never_ends(channel: str, quiet_hours: tuple[QuietHours, ...]) -> bool:
    """Whether every minute of the week is quiet on the channel."""
    quiet: set[int] = set()
    for hours in quiet_hours:
        if hours.channels is None or channel in hours.channels:
            length = (hours.until_minute - hours.from_minute) % DAY_MINUTES or DAY_MINUTES
            for day in hours.days:
                start = day * DAY_MINUTES + hours.from_minute
                quiet |= {minute % WEEK_MINUTES for minute in range(start, start + length)}
    return len(quiet) == WEEK_MINUTES
