"""The compiler of destinations: their expressions become such as all others, and what they name has to be there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from parcours.expression.expression import Expression
from parcours.expression.kinds import KEY, ExpectedKind
from parcours.expression.names import Names
from parcours.journey.compile.declarations import Declarations, value
from parcours.journey.compile.schedules import check_schedule, instant_ms
from parcours.journey.destinations import Destination, SharedValue
from parcours.journey.model.campaign import ScheduleDocument
from parcours.journey.model.destinations import DestinationDocument, ValueDocument
from parcours.journey.read.documents import Documents, Margins
from parcours.journey.read.finding import Key, Margin

_ANYTHING: Final = ExpectedKind("a field is any value", ("any",))
_HASHED: Final = ExpectedKind("what is hashed is a string", ("string",))


def compiled_destinations(
    documents: Documents, margins: Margins, declared: Declarations, addresses: Mapping[str, Expression]
) -> dict[str, Destination]:
    """The destinations by name, sorted; `addresses` are those of channels."""
    channels = {expression.text: channel for channel, expression in sorted(addresses.items())}
    margin = margins.single["destinations"]
    _check_files(documents, margin)
    _check_events(documents, margin)
    timezone = documents.settings.timezone
    return {
        name: replace(
            _compiled(name, document, margin.below("destinations", name), declared, channels),
            full=_full(document.full, timezone, margin.below("destinations", name, "full")),
        )
        for name, document in sorted(documents.destinations.of_members.items())
    }


def _full(schedule: ScheduleDocument | None, timezone: str, margin: Margin) -> tuple[int, str | None] | None:
    if schedule is None:
        return None
    at_ms = instant_ms(schedule.at, timezone)
    check_schedule(at_ms, schedule.rule, None, None, timezone, "", margin)
    return at_ms, schedule.rule


def _check_files(documents: Documents, margin: Margin) -> None:
    """A file has one writer, and a name that a disk takes for what is meant."""
    first: dict[PurePosixPath, str] = {}
    for name, document in documents.destinations.of_members.items():
        if document.to.file is not None:
            other = first.setdefault(PurePosixPath(document.to.file), name)
            if other != name:
                margin.error(f"the destination {other!r} writes to this file", "destinations", name, "to", "file")
            if document.to.file.startswith("~") or "\0" in document.to.file:
                reason = "a path begins at the project's folder, and ~ is nobody's home there: give an absolute one"
                margin.error(reason, "destinations", name, "to", "file", runs=True)


def _check_events(documents: Documents, margin: Margin) -> None:
    """Events go where facts go only if they are kept."""
    for name, document in documents.destinations.of_facts.items():
        if "events" in document.facts and documents.settings.insight.events == "none":
            margin.error("no event is kept that could go there: insight.events is none", "destinations", name, "facts")


def _compiled(
    name: str, document: DestinationDocument, margin: Margin, declared: Declarations, channels: Mapping[str, str]
) -> Destination:
    declared.check_audience(margin, document.audience, "audience")
    consent = None
    if document.consent is not None:
        consent = document.consent.channel, document.consent.purpose
        declared.check_channel(margin, consent[0], "consent", "channel")
    traits, whole = replace(declared.names(past=False), now=False), declared.names()  # a key changes by inputs alone
    key = None
    if document.key is not None:
        key = _value(document.key, margin, traits, KEY, channels, "key")
    fields = {
        field: _value(form, margin, whole, _ANYTHING, channels, "fields", field)
        for field, form in document.fields.items()
    }
    return Destination(name, declared.definition_keys.audience(document.audience), key, fields, consent)


def _value(
    form: str | ValueDocument, margin: Margin, names: Names, kind: ExpectedKind, channels: Mapping[str, str], *at: Key
) -> SharedValue:
    if isinstance(form, str):
        return SharedValue(value(margin, form, names, kind, *at))
    compiled = value(margin, form.value, names, _HASHED if form.hashed else kind, *at, "value")
    return SharedValue(compiled, form.hashed, channels.get(compiled.text) if form.hashed else None)
