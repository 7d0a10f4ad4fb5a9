"""The time zones that documents name: by IANA's names, or each person's own."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, WithJsonSchema

from parcours.expression.zones import zone_names
from parcours.wording import nearest


def _known_zone(name: str) -> str:
    if name not in zone_names():
        hint = nearest(name, zone_names())
        raise ValueError(f"a time zone is an IANA name such as Europe/Paris{hint}")
    return name


ZoneName: TypeAlias = Annotated[str, AfterValidator(_known_zone)]

ZONE_OF_PERSON: Final = "profile"


def _zone_of_journey(name: str) -> str:
    if name == ZONE_OF_PERSON or name in zone_names():
        return name
    hint = nearest(name, [*zone_names(), ZONE_OF_PERSON])
    raise ValueError(f"a time zone is {ZONE_OF_PERSON!r}, for each person's own, or an IANA name{hint}")


JourneyZone: TypeAlias = Annotated[
    str,
    AfterValidator(_zone_of_journey),
    WithJsonSchema({"type": "string", "description": "profile, for each person's own, or an IANA name"}),
]
