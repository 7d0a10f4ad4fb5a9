"""What does a publication change? Each journey, campaign, audience, event type, score, offer and so on, and settings.

What channels are configured with is no part of a publication and is not compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

from parcours.journey.compile.places.geojson import features_in
from parcours.journey.model.forms import Document
from parcours.journey.model.places import PlaceFileDocument, PlacesDocument
from parcours.journey.project import Project
from parcours.journey.publish.digest import names_used, values_of
from parcours.journey.publish.ledger import LedgerEntry, Named
from parcours.journey.publish.publications import Publications
from parcours.journey.read.documents import Documents
from parcours.journey.read.documents_json import documents_of

AnalysisPart: TypeAlias = Literal["metric", "segment", "funnel", "flow", "attribution", "cohort", "kept"]
"""What insight/*.yaml declares; kept: an audience that is made anew from a funnel."""

OfferPart: TypeAlias = Literal["placement", "offer", "collection", "ranking", "decision"]
"""What offers.yaml declares."""

Kind: TypeAlias = (
    Literal[
        "journey",
        "campaign",
        "audience",
        "event",
        "message",
        "action",
        "table",
        "score",
        "place",
        "destination",
        "document",
    ]
    | OfferPart
    | AnalysisPart
)

_CALLED: Final[Mapping[Kind, str]] = {"event": "event type", "kept": "kept audience"}
"""The kinds that are called otherwise."""

PLACES_TOLD_MAX: Final = 50
"""Places told of one by one: of those in places.yaml that is all, unless somebody lets a program write it."""

_ANALYSES: Final[Mapping[AnalysisPart, str]] = {
    "metric": "metrics",
    "segment": "segments",
    "funnel": "funnels",
    "flow": "flows",
    "attribution": "attributions",
    "cohort": "cohorts",
    "kept": "audiences",
}
"""The parts of insight/*.yaml, and under which key each is declared."""


@dataclass(frozen=True, slots=True)
class Difference:
    """
    kind     document: a whole file: parcours.yaml, profile.yaml or places.yaml
    is_gone  there is none of this name any more
    text     in words
    """

    kind: Kind
    name: str
    text: str
    is_gone: bool = False


def differences(before: Publications, after: Publications) -> list[Difference]:
    """All that is otherwise in what is published afterwards: journeys and campaigns first, each kind by name."""
    old, new = (documents_of(each.sources[each.ledger.publication]) for each in (before, after))
    campaigns = {each.campaign for each in (*old.campaigns, *new.campaigns)}
    versioned = list(_versioned(before, after, campaigns))
    if after.ledger.source == before.ledger.source:
        return versioned
    return [*versioned, *_parts(old, new), *_documents(old, new)]


def beyond(found: Collection[Difference], project: Project, only: str) -> list[str]:
    """What changes besides this journey or campaign of the project, and what it alone uses, in words.

    Whatever another one uses changes that one, too, but for scores, offers and analyses, which are no part of a
    version: they are nobody's alone. What is gone was used by nobody else, but for analyses, which are asked and kept
    by themselves.
    """
    used = names_used(project.documents, project.program, only)
    return [
        each.text
        for each in found
        if (each.kind in _ANALYSES or not each.is_gone) and each.name not in used.get(each.kind, ())
    ]


def _versioned(before: Publications, after: Publications, campaigns: Collection[str]) -> Iterator[Difference]:
    kinds: tuple[Named, ...] = ("journey", "campaign")
    for of in kinds:
        for name in sorted(after.ledger.journeys):
            said = _version(before.ledger.journeys.get(name), after.ledger.journeys[name], of)
            if said is not None and (name in campaigns) == (of == "campaign"):
                yield Difference(of, name, f"the {of} {name!r} {said}")


def _version(before: LedgerEntry | None, after: LedgerEntry, of: Named) -> str | None:
    number, is_campaign = after.newest.number, of == "campaign"
    taking = f"runs go by version {number}" if is_campaign else f"version {number} takes the entries"
    staying = "one under way stays on its own" if is_campaign else "who is in it stays in her version"
    if before is None:
        return f"is new: {taking}"
    if number != before.newest.number:
        opened = " and is open again" if before.entries != "open" else ""
        return f"has changed{opened}: {taking}, and {staying}"
    if before.offered and not after.offered:
        going_on = "a run under way" if is_campaign else "who is in it"
        return f"is closed, for the project does not have it any more: {going_on} goes on"
    return "is open again" if _is_shut(before) and not _is_shut(after) else None


def _is_shut(entry: LedgerEntry) -> bool:
    return entry.entries != "open" or not entry.offered


def _parts(old: Documents, new: Documents) -> Iterator[Difference]:
    yield from _named("audience", old.audiences.audiences, new.audiences.audiences)
    yield from _named("event", old.events.events, new.events.events)
    yield from _named("message", *({each.message: each for each in one.messages} for one in (old, new)))
    yield from _named("action", old.actions.actions, new.actions.actions)
    yield from _named("table", old.tables.tables, new.tables.tables)
    yield from _named("score", _scores(old), _scores(new))
    yield from _named("destination", old.destinations.destinations, new.destinations.destinations)
    for kind in get_args(OfferPart):
        yield from _named(kind, old.offers.parts[kind], new.offers.parts[kind])
    yield from _places(old, new)
    for kind in _ANALYSES:
        yield from _named(kind, _analyses(old, kind), _analyses(new, kind))


def _rules_of(documents: Documents) -> PlacesDocument:
    """What holds for all places; each of them is told by itself."""
    return documents.places.model_copy(update={"places": {}})


def _places(old: Documents, new: Documents) -> Iterator[Difference]:
    """Each place that is otherwise; of a file all together, by their numbers, under the name that the file has."""
    before, after = old.places.places, new.places.places
    told = 0
    for each in _named("place", before, after):
        was, holds = before.get(each.name), after.get(each.name)
        if isinstance(was, PlaceFileDocument) or isinstance(holds, PlaceFileDocument):
            yield replace(each, text=_file_said(each.name, was, holds))
            continue
        told += 1
        if told <= PLACES_TOLD_MAX:
            yield each
    if told > PLACES_TOLD_MAX:
        yield Difference("place", "", f"{told - PLACES_TOLD_MAX} places more are new, have changed or are gone")


def _file_said(name: str, before: object, after: object) -> str:
    """How many places of a file are new, have changed and are gone."""
    old, new = (_features(each) for each in (before, after))
    numbers = {
        "new": len(new.keys() - old.keys()),
        "changed": sum(old[name] != new[name] for name in old.keys() & new.keys()),
        "gone": len(old.keys() - new.keys()),
    }
    counted = ", ".join(f"{number:,} {what}" for what, number in numbers.items() if number)
    return f"the places of {name!r} have changed: {counted or 'the rules, tags or attributes of all'}"


def _features(place: object) -> dict[str, object]:
    """The places of a file by name; one place that is none stands for itself."""
    if not isinstance(place, PlaceFileDocument):
        return {} if place is None else {"": place}
    if place.geojson is None:
        return {}
    faults: list[str] = []  # it was published, so that it has none
    found = features_in(place.geojson, place.name, place.radius, faults.append)
    return {feature.name: (feature.shape, feature.properties) for feature in found}


def _analyses(documents: Documents, kind: AnalysisPart) -> dict[str, object]:
    """All of one kind; which file of insight/ has it makes no difference."""
    return {name: each for document in documents.insight for name, each in getattr(document, _ANALYSES[kind]).items()}


def _scores(documents: Documents) -> dict[str, object]:
    """The scores, each with its model: one that was trained again says something else."""
    return {
        name: (values_of(each), documents.models.get(each.model.file)) for name, each in documents.scores.scores.items()
    }


def _named(kind: Kind, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Difference]:
    for name in sorted(old.keys() | new.keys()):
        what = f"the {_CALLED.get(kind, kind)} {name!r}"
        if name not in new:
            yield Difference(kind, name, f"{what} is gone", is_gone=True)
        elif name not in old:
            yield Difference(kind, name, f"{what} is new")
        elif _said(old[name]) != _said(new[name]):
            yield Difference(kind, name, f"{what} has changed")


def _documents(old: Documents, new: Documents) -> Iterator[Difference]:
    for file, before, after in (
        ("parcours.yaml", old.settings, new.settings),
        ("profile.yaml", old.profile, new.profile),
        ("places.yaml", _rules_of(old), _rules_of(new)),
    ):
        was, holds = values_of(before), values_of(after)
        keys = sorted(key for key in was.keys() | holds.keys() if was.get(key) != holds.get(key))
        if keys:
            yield Difference("document", file, f"{file} has changed: {', '.join(keys)}")


def _said(value: object) -> object:
    return values_of(value) if isinstance(value, Document) else value
