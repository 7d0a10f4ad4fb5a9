"""Which values may leave with facts and exports: what profile.yaml and events.yaml say of personal data.

Nothing personal leaves, whatever else is said. A path is personal with all that lies below it; and a value in which
something personal lies is not told either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from parcours.expression.dotted import split_path
from parcours.journey.model.document import EventDocument
from parcours.journey.model.traits import Kind, TraitDocument, TraitForm, kinds_of


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The paths that count, as they are declared.

    traits           the declared traits by their first key, and `kinds` what each of them is
    told_traits      those whose values may stand in facts
    pii_traits       personal ones, those among them that addresses name
    pii_properties   personal ones by the name under which events arrive; types that are recognised by a rule have
                     theirs in that of their event, and their own name has the same
    told_properties  by the name under which events arrive, the kind of each declared property that is not personal
    """

    traits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    told_traits: frozenset[str] = frozenset()
    pii_traits: frozenset[str] = frozenset()
    pii_properties: Mapping[str, frozenset[str]] = field(default_factory=dict)
    told_properties: Mapping[str, Mapping[str, Kind]] = field(default_factory=dict)

    def is_personal(self, path: Iterable[str]) -> bool:
        """Whether the trait under these keys is personal, or something in it or around it."""
        return _touches(tuple(path), [tuple(split_path(each)) for each in self.pii_traits])

    def is_personal_property(self, event: str, path: Iterable[str]) -> bool:
        """The same of a property of an event."""
        return _touches(tuple(path), [tuple(split_path(each)) for each in self.pii_properties.get(event, ())])


def disclosure_of(
    traits: Mapping[str, TraitForm],
    addresses: Iterable[str],
    events: Mapping[str, EventDocument],
    positions: Mapping[str, frozenset[str]],
) -> Disclosure:
    """What the declarations say.

    addresses  the traits that addresses name
    positions  by event type, the properties by which it tells where somebody is
    """
    hidden_properties = _properties(events, positions)
    personal = _marked(traits) | frozenset(addresses)
    hidden = [tuple(split_path(path)) for path in sorted(personal)]
    asked = {path for path, each in traits.items() if isinstance(each, TraitDocument) and each.insight}
    by_first_key: dict[str, list[str]] = {}
    for path in traits:
        by_first_key.setdefault(split_path(path)[0], []).append(path)
    return Disclosure(
        traits={key: tuple(paths) for key, paths in by_first_key.items()},
        kinds=kinds_of(traits),
        told_traits=frozenset(path for path in asked if not _touches(tuple(split_path(path)), hidden)),
        pii_traits=personal,
        pii_properties=hidden_properties,
        told_properties=_told_properties(events, hidden_properties),
    )


def _properties(
    events: Mapping[str, EventDocument], positions: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """An event and the types recognised in it are one line, so they are personal together."""
    arriving: dict[str, frozenset[str]] = {}
    for name, event in events.items():
        of = event.of or name
        arriving[of] = arriving.get(of, frozenset()) | _marked(event.properties)
        arriving[of] |= positions.get(name, frozenset())
    by_name = arriving | {name: arriving[event.of or name] for name, event in events.items()}
    return {name: paths for name, paths in by_name.items() if paths}


def _told_properties(
    events: Mapping[str, EventDocument], personal: Mapping[str, frozenset[str]]
) -> dict[str, dict[str, Kind]]:
    """Types that a rule recognises have no lines of their own."""
    hidden = {name: [tuple(split_path(path)) for path in paths] for name, paths in personal.items()}
    return {
        name: {
            path: kind
            for path, kind in event.kinds.items()
            if not any(tuple(split_path(path))[: len(each)] == each for each in hidden.get(name, ()))
        }
        for name, event in events.items()
        if event.of is None
    }


def _marked(declared: Mapping[str, TraitForm]) -> frozenset[str]:
    return frozenset(path for path, each in declared.items() if isinstance(each, TraitDocument) and each.pii)


def _touches(path: tuple[str, ...], hidden: Iterable[tuple[str, ...]]) -> bool:
    """Whether one of the hidden paths is this one, or lies above or below it."""
    return any(path[: len(each)] == each[: len(path)] for each in hidden)
