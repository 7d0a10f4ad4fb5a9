"""The linker: it joins the newest publication and the versions that drain into one program.

Entries find the newest version, each run its own, with its own messages and actions. Policies, profile and channels are
the newest for all. With one version of everything the result is the newest program as it was compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.compile.index import indexed
from parcours.journey.listening import audience_names
from parcours.journey.place_uses import places_named
from parcours.journey.places import Place, Places
from parcours.journey.program import Audience, EventType, Journey, Program
from parcours.journey.publish.ledger import Ledger
from parcours.scoring.score import Score


def linked(ledger: Ledger, programs: Mapping[int, Program]) -> Program:
    """The program of all that is published.

    programs  the compiled form of each of the ledger's publications, by number
    """
    newest = programs[ledger.publication]
    # A compiler numbers every journey 1; only the ledger knows which version it is.
    offered = [replace(each, version=ledger.journeys[each.name].newest.number) for each in newest.journeys]
    entering = tuple(each for each in offered if ledger.journeys[each.name].entries == "open")
    shut = tuple(each for each in offered if ledger.journeys[each.name].entries != "open")
    older = _older(ledger, programs)
    paused = {name: entry.paused_at for name, entry in ledger.journeys.items() if entry.paused_at is not None}
    taking = tuple(replace(each, version=ledger.journeys[each.name].newest.number) for each in newest.taking)
    # The frequent case: nothing is older, closed or paused, so there is nothing to link.
    if not (shut or older or paused) and (entering, taking) == (newest.journeys, newest.taking):
        return newest
    drained = [each for _, each in older]
    return indexed(
        replace(
            newest,
            journeys=entering,
            taking=taking,
            campaigns=tuple(
                replace(each, version=ledger.journeys[each.name].newest.number) for each in newest.campaigns
            ),
            draining=(*shut, *drained),
            draining_campaigns=_older_campaigns(older, programs),
            paused=paused,
            audiences=_audiences(newest, older, programs),
            places=_places(newest, older, programs),
            scores=_scores(newest, older, programs),
            events={**_rules(older, programs), **newest.events},
        )
    )


def _older(ledger: Ledger, programs: Mapping[int, Program]) -> list[tuple[int, Journey]]:
    """All versions of journeys and campaigns but the newest that are offered, each with its publication."""
    found: list[tuple[int, Journey]] = []
    for name, entry in sorted(ledger.journeys.items()):
        for version in entry.versions[:-1] if entry.offered else entry.versions:
            compiled = programs[version.publication].journey(name, 1)
            assert compiled is not None, "a publication holds the versions that were published with it"
            found.append((version.publication, replace(compiled, version=version.number)))
    return found


def _older_campaigns(older: list[tuple[int, Journey]], programs: Mapping[int, Program]) -> tuple[CampaignProgram, ...]:
    """Those of the versions that are campaigns; a compiler numbers each 1."""
    return tuple(
        replace(programs[number].campaign(journey.name, 1), version=journey.version)
        for number, journey in older
        if any(each.name == journey.name for each in programs[number].campaigns)
    )


def _audiences(
    newest: Program, older: list[tuple[int, Journey]], programs: Mapping[int, Program]
) -> dict[str, Audience]:
    """The newest publication's audiences and those that older versions use. Of one key, both are the same."""
    used = {
        key: programs[number].audiences[key]
        for number, journey in older
        for key in audience_names(journey)
        if key in programs[number].audiences  # one that campaigns save has no condition
    }
    return {**used, **newest.audiences}


def _places(newest: Program, older: list[tuple[int, Journey]], programs: Mapping[int, Program]) -> Places:
    """The newest publication's places, and those that only older versions still name, as they were last."""
    kept: dict[str, Place] = {}
    for number, journey in sorted(older, key=lambda each: each[0]):
        known, gone = programs[number].places.by_name, places_named(programs[number], journey.name)
        kept |= {name: known[name] for name in gone if name in known and name not in newest.places.by_name}
    return Places.of([*newest.places.by_name.values(), *kept.values()]) if kept else newest.places


def _scores(newest: Program, older: list[tuple[int, Journey]], programs: Mapping[int, Program]) -> dict[str, Score]:
    """The newest publication's scores, and those that it has no more, as they were last: older versions may ask."""
    dropped: dict[str, Score] = {}
    for number in sorted({number for number, _ in older}):
        dropped |= {name: replace(each, keep=None) for name, each in programs[number].scores.items()}
    return {**dropped, **newest.scores}


def _rules(older: list[tuple[int, Journey]], programs: Mapping[int, Program]) -> dict[str, EventType]:
    """The event types of older publications, without their keys: only the newest ones name an event's person."""
    return {
        key: replace(event, namespace=None, key=None)
        for number in sorted({number for number, _ in older})
        # In rising order of publications, so that a later one of the same key wins.
        for key, event in programs[number].events.items()
    }
