"""Parcours: an embeddable engine for customer journeys.

The names below are loaded when they are first used, so that a part of the package, such as the command
line's help or a channel plugin, does not pay for the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parcours.config import Settings
    from parcours.core.fact import DeliveryReached, Fact, LimitReached, Moved, NotMerged, Unmatched, Unmet, ZoneUnknown
    from parcours.errors import (
        AnalysisRefused,
        AuthorError,
        BackupFailed,
        CallerError,
        ChannelUnknown,
        DestinationUnknown,
        EngineClosed,
        ErasureWaits,
        EventsUnsorted,
        ExtraMissing,
        FiguresDiffer,
        InputsMissing,
        LedgerOutdated,
        NobodyYet,
        OperatorError,
        Overloaded,
        ParcoursError,
        ProjectInvalid,
        PublishRefused,
        RequestChanged,
        RequestForgotten,
        RewindOutdated,
        SetsRefused,
        SettingInvalid,
        ShardStopped,
        ShardUnavailable,
        SnapshotFailed,
        StoreBroken,
        StoreBusy,
        TableRefused,
    )
    from parcours.insight.explain import DeliveryStory, Explanation, JourneyStory, Move, Reached, Refusal, RunStory
    from parcours.insight.explain_text import explanation_text
    from parcours.insight.summary import EventCount, JourneyCount, StepCount, Summary
    from parcours.journey.project import Project
    from parcours.journey.read.finding import Finding
    from parcours.service.acknowledgement import Acknowledgement, Ingested
    from parcours.service.change_outcome import ChangeOutcome, RunsConcerned
    from parcours.service.engine import Engine
    from parcours.service.inbox import InboxItem
    from parcours.service.journey_state import JourneyState
    from parcours.service.person import Person, PersonDelivery, PersonRun
    from parcours.service.person_places import PersonPlace, PersonPosition, PersonWhereabouts
    from parcours.service.service import Service
    from parcours.service.set_aside import DeadLetter
    from parcours.simulation.simulation import Result, simulate

__all__ = [
    "Acknowledgement",
    "AnalysisRefused",
    "AuthorError",
    "BackupFailed",
    "CallerError",
    "ChangeOutcome",
    "ChannelUnknown",
    "DeadLetter",
    "DeliveryReached",
    "DeliveryStory",
    "DestinationUnknown",
    "Engine",
    "EngineClosed",
    "ErasureWaits",
    "EventCount",
    "EventsUnsorted",
    "Explanation",
    "ExtraMissing",
    "Fact",
    "FiguresDiffer",
    "Finding",
    "InboxItem",
    "Ingested",
    "InputsMissing",
    "JourneyCount",
    "JourneyState",
    "JourneyStory",
    "LedgerOutdated",
    "LimitReached",
    "Move",
    "Moved",
    "NobodyYet",
    "NotMerged",
    "OperatorError",
    "Overloaded",
    "ParcoursError",
    "Person",
    "PersonDelivery",
    "PersonPlace",
    "PersonPosition",
    "PersonRun",
    "PersonWhereabouts",
    "Project",
    "ProjectInvalid",
    "PublishRefused",
    "Reached",
    "Refusal",
    "RequestChanged",
    "RequestForgotten",
    "Result",
    "RewindOutdated",
    "RunStory",
    "RunsConcerned",
    "Service",
    "SetsRefused",
    "SettingInvalid",
    "Settings",
    "ShardStopped",
    "ShardUnavailable",
    "SnapshotFailed",
    "StepCount",
    "StoreBroken",
    "StoreBusy",
    "Summary",
    "TableRefused",
    "Unmatched",
    "Unmet",
    "ZoneUnknown",
    "explanation_text",
    "simulate",
]

if not TYPE_CHECKING:  # a type checker that sees `__getattr__` takes any name for one of the package's
    from importlib import import_module

    _HOMES = {
        "Acknowledgement": "parcours.service.acknowledgement",
        "AnalysisRefused": "parcours.errors",
        "AuthorError": "parcours.errors",
        "CallerError": "parcours.errors",
        "ChangeOutcome": "parcours.service.change_outcome",
        "ChannelUnknown": "parcours.errors",
        "DeadLetter": "parcours.service.set_aside",
        "DeliveryReached": "parcours.core.fact",
        "DeliveryStory": "parcours.insight.explain",
        "DestinationUnknown": "parcours.errors",
        "Engine": "parcours.service.engine",
        "EngineClosed": "parcours.errors",
        "ErasureWaits": "parcours.errors",
        "EventCount": "parcours.insight.summary",
        "EventsUnsorted": "parcours.errors",
        "Explanation": "parcours.insight.explain",
        "ExtraMissing": "parcours.errors",
        "FiguresDiffer": "parcours.errors",
        "Fact": "parcours.core.fact",
        "Finding": "parcours.journey.read.finding",
        "InboxItem": "parcours.service.inbox",
        "Ingested": "parcours.service.acknowledgement",
        "InputsMissing": "parcours.errors",
        "JourneyCount": "parcours.insight.summary",
        "JourneyState": "parcours.service.journey_state",
        "JourneyStory": "parcours.insight.explain",
        "LedgerOutdated": "parcours.errors",
        "LimitReached": "parcours.core.fact",
        "Move": "parcours.insight.explain",
        "Moved": "parcours.core.fact",
        "NobodyYet": "parcours.errors",
        "NotMerged": "parcours.core.fact",
        "OperatorError": "parcours.errors",
        "Overloaded": "parcours.errors",
        "ParcoursError": "parcours.errors",
        "Person": "parcours.service.person",
        "PersonDelivery": "parcours.service.person",
        "PersonPlace": "parcours.service.person_places",
        "PersonPosition": "parcours.service.person_places",
        "PersonRun": "parcours.service.person",
        "PersonWhereabouts": "parcours.service.person_places",
        "Project": "parcours.journey.project",
        "ProjectInvalid": "parcours.errors",
        "PublishRefused": "parcours.errors",
        "Reached": "parcours.insight.explain",
        "Refusal": "parcours.insight.explain",
        "RequestChanged": "parcours.errors",
        "RequestForgotten": "parcours.errors",
        "RewindOutdated": "parcours.errors",
        "Result": "parcours.simulation.simulation",
        "RunsConcerned": "parcours.service.change_outcome",
        "RunStory": "parcours.insight.explain",
        "Service": "parcours.service.service",
        "SetsRefused": "parcours.errors",
        "SettingInvalid": "parcours.errors",
        "Settings": "parcours.config",
        "ShardStopped": "parcours.errors",
        "ShardUnavailable": "parcours.errors",
        "SnapshotFailed": "parcours.errors",
        "StepCount": "parcours.insight.summary",
        "StoreBroken": "parcours.errors",
        "StoreBusy": "parcours.errors",
        "TableRefused": "parcours.errors",
        "BackupFailed": "parcours.errors",
        "Summary": "parcours.insight.summary",
        "Unmatched": "parcours.core.fact",
        "Unmet": "parcours.core.fact",
        "ZoneUnknown": "parcours.core.fact",
        "explanation_text": "parcours.insight.explain_text",
        "simulate": "parcours.simulation.simulation",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'parcours' has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
