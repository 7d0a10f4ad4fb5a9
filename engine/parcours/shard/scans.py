"""Scans in one shard: columns of everybody as of an instant, taken while the shard goes on.

A scan is announced before its instant has passed. From then on, before anything later than the instant is applied to
somebody, her columns are taken as she stands, and kept, with the commits, until the scan ends; everybody else stands as
at the instant until she is listed (listing.py). So a list may be made late, in slices, and again after a crash, and is
always the same.

    awaited ── its instant passes ──> slices are listed ──> ended

Under virtual time whoever drives the shard holds everybody at the instant, and nothing has to be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from parcours.config import Settings
from parcours.core.columns import columns_of, features_of, told_of
from parcours.core.delivery.destinations import member_at
from parcours.core.foreseeing import Foreseeing, foreseen_of
from parcours.core.input import ColumnsFixed
from parcours.core.offers.lessons import Lesson
from parcours.core.profile import Profile
from parcours.core.turn import Normalize, as_it_stands
from parcours.journey.campaign_columns import ShardColumns, audience_columns, shard_columns
from parcours.journey.people_condition import people_condition
from parcours.journey.program import Program

OF_CAMPAIGN = "campaign "
"""What the names of scans begin with that campaigns have made: they go on when the engine is opened again."""

AWAITED = "scans"
"""The entry of the shard's own slot with the scans under way; each block of rows is one under a name that begins so."""


class StageAsked(msgspec.Struct, frozen=True, array_like=True, tag="stage"):
    """What the steps of a stage of a campaign ask (`PersonColumns`); stages are numbered from 0."""

    campaign: str
    version: int
    stage: int


class PeopleAsked(msgspec.Struct, frozen=True, array_like=True, tag="people"):
    """What the table of people tells (`PersonTold`): traits at these paths, audiences and consents."""

    paths: tuple[tuple[str, ...], ...]


class AudienceAsked(msgspec.Struct, frozen=True, array_like=True, tag="audience"):
    """Who is in an audience, named by its key, and what its condition reads of each (`PersonColumns`)."""

    audience: str


class ScoreAsked(msgspec.Struct, frozen=True, array_like=True, tag="score"):
    """What the features of a score come to (`PersonColumns`)."""

    score: str


class OffersAsked(msgspec.Struct, frozen=True, array_like=True, tag="offers"):
    """What people would get by a decision (`OffersForeseen`), at each of these placements by itself.

    audience  by its key, whose members alone are asked about; `where` those for whom this condition holds
    person    her alone
    """

    decision: str
    placements: tuple[str, ...]
    audience: str | None = None
    where: str | None = None
    person: str | None = None
    context: dict[str, object] = {}


class MembersAsked(msgspec.Struct, frozen=True, array_like=True, tag="members"):
    """Whom a destination should have (`MemberRow`)."""

    destination: str


MemberRow: TypeAlias = tuple[str, dict[str, object]]
"""By which key, and what it is told of her."""

Asked: TypeAlias = MembersAsked | StageAsked | PeopleAsked | AudienceAsked | ScoreAsked | OffersAsked


class Scan(msgspec.Struct, frozen=True, array_like=True):
    """Columns of everybody as of `at` (ms). A name is used once."""

    name: str
    at: int
    asked: Asked


class _Awaited(msgspec.Struct, frozen=True, array_like=True):
    scan: Scan
    blocks: int = 0


Row: TypeAlias = tuple[int, str, bytes | None]
"""The slot and the name of somebody, and her columns; None if nothing was known of her at the instant."""

_encode = msgspec.msgpack.Encoder().encode
read_member = msgspec.msgpack.Decoder(MemberRow | None).decode
_decode_awaited = msgspec.msgpack.Decoder(list[_Awaited]).decode
_decode_rows = msgspec.msgpack.Decoder(list[Row]).decode


class Scans:
    """Of one shard. `changed` is called when there is another scan, or one less.

    normalize  the channels' rules for addresses (inputs.py)
    """

    normalize: Normalize = staticmethod(as_it_stands)

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._awaited: dict[str, _Awaited] = {}
        self._taken: dict[str, dict[int, dict[str, bytes | None]]] = {}
        """By scan and slot, the columns of whoever something later has happened to."""

        self._columns: dict[str, ShardColumns | Foreseeing] = {}
        """What each scan asks, once its instant has passed."""

        self.taken_count = 0
        """How many people's columns have been taken since the shard was opened."""

        self._new: dict[str, list[Row]] = {}
        self._unsaved: dict[str, bytes] = {}

    def under_way(self) -> list[Scan]:
        return [each.scan for each in self._awaited.values()]

    def names(self) -> list[str]:
        return [*self._awaited]

    def find(self, name: str) -> Scan | None:
        known = self._awaited.get(name)
        return None if known is None else known.scan

    def await_(self, scan: Scan) -> bool:
        """From now on the scan is under way. False if it is already."""
        if scan.name in self._awaited:
            return False
        self._keep({**self._awaited, scan.name: _Awaited(scan)})
        return True

    def end(self, name: str) -> bool:
        """Nobody asks for its rows any more. False if it is not under way."""
        known = self._awaited.get(name)
        if known is None:
            return False
        self._unsaved |= {_block(name, number): b"" for number in range(known.blocks)}
        self._keep({other: each for other, each in self._awaited.items() if other != name})
        for kept in (self._taken, self._columns, self._new):
            kept.pop(name, None)
        return True

    def missed_by(self, slot: int, person: str, stamp_ms: int, *, known: bool) -> list[ColumnsFixed]:
        """The instants at which her columns have to be taken before anything happens to her at this time.

        known  whether anything was known of her at the instants that have passed
        """
        missed: list[ColumnsFixed] = []
        for each in self._awaited.values():
            scan = each.scan
            if isinstance(scan.asked, OffersAsked) and scan.asked.person not in (None, person):
                continue
            if scan.at < stamp_ms and person not in self._taken.get(scan.name, {}).get(slot, {}):
                if known:
                    missed.append(ColumnsFixed(scan.at, scan.name))
                else:
                    self._note(scan.name, (slot, person, None))
        return missed

    def take(
        self,
        slot: int,
        person: str,
        profile: Profile,
        fixed: ColumnsFixed,
        program: Program,
        settings: Settings,
        lessons: Mapping[str, Lesson],
    ) -> None:
        """Her columns are those that she has now; `program` is what was published at the instant, and `lessons` what
        rankings knew then.
        """
        self.taken_count += 1
        self._note(fixed.scan, (slot, person, self.row(fixed.scan, person, profile, program, settings, lessons)))

    def row(
        self,
        name: str,
        person: str,
        profile: Profile,
        program: Program,
        settings: Settings,
        lessons: Mapping[str, Lesson],
    ) -> bytes:
        """The columns of somebody who stands as at the instant; `lessons` are what rankings knew then."""
        scan = self._awaited[name].scan
        if isinstance(scan.asked, PeopleAsked):
            return told_of(profile, scan.at, program, scan.asked.paths, settings)
        if isinstance(scan.asked, MembersAsked):
            name_of = scan.asked.destination
            return _encode(member_at(person, profile, scan.at, program, name_of, settings, self.normalize))
        if isinstance(scan.asked, ScoreAsked):
            return features_of(profile, scan.at, program, scan.asked.score, settings)
        if name not in self._columns:
            self._columns[name] = _columns(scan.asked, program)
        asked = self._columns[name]
        if isinstance(asked, Foreseeing):
            return foreseen_of(person, profile, scan.at, program, asked, settings, lessons)
        return columns_of(profile, scan.at, program, asked, settings)

    def taken(self, name: str, slot: int) -> Mapping[str, bytes | None]:
        """The columns that have been taken of people of a slot."""
        return self._taken.get(name, {}).get(slot, {})

    def forget(self, slot: int, person: str, own: Mapping[str, bytes]) -> None:
        """Somebody is erased: she is in no list that is made from now on, and in no block."""
        for name, slots in self._taken.items():
            if slots.get(slot, {}).get(person) is None:
                continue
            slots[slot][person] = None
            gone = (slot, person, None)
            self._new[name] = [gone if row[:2] == gone[:2] else row for row in self._new.get(name, [])]
            for block in (_block(name, number) for number in range(self._awaited[name].blocks)):
                rows = _decode_rows(self._unsaved.get(block) or own[block])
                if any(row[:2] == gone[:2] for row in rows):
                    self._unsaved[block] = _encode([gone if row[:2] == gone[:2] else row for row in rows])

    def _note(self, name: str, row: Row) -> None:
        slot, person, columns = row
        self._taken.setdefault(name, {}).setdefault(slot, {})[person] = columns
        self._new.setdefault(name, []).append(row)

    # What is kept

    def restore(self, own: Mapping[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot."""
        awaited = _decode_awaited(own[AWAITED]) if AWAITED in own else []
        self._awaited = {each.scan.name: each for each in awaited}
        for each in awaited:
            for number in range(each.blocks):
                for slot, person, columns in _decode_rows(own[_block(each.scan.name, number)]):
                    self._taken.setdefault(each.scan.name, {}).setdefault(slot, {})[person] = columns
        self._changed()

    def entries(self) -> list[tuple[str, bytes]]:
        """What has to be written to the shard's own slot; nothing most of the time."""
        for name, rows in self._new.items():
            if not rows:
                continue
            known = self._awaited[name]
            self._unsaved[_block(name, known.blocks)] = _encode(rows)
            self._keep({**self._awaited, name: msgspec.structs.replace(known, blocks=known.blocks + 1)})
        self._new.clear()
        return [*self._unsaved.items()]

    def saved(self) -> None:
        """All entries are in the store."""
        self._unsaved.clear()

    def _keep(self, awaited: dict[str, _Awaited]) -> None:
        self._awaited = awaited
        self._unsaved[AWAITED] = _encode([*awaited.values()]) if awaited else b""
        self._changed()


def _columns(asked: StageAsked | AudienceAsked | OffersAsked, program: Program) -> ShardColumns | Foreseeing:
    if isinstance(asked, OffersAsked):
        where = None if asked.where is None else people_condition(asked.where, program)
        return Foreseeing(asked.decision, asked.placements, asked.audience, where, asked.context)
    if isinstance(asked, AudienceAsked):
        return audience_columns(program, asked.audience)
    campaign = program.campaign(asked.campaign, asked.version)
    return shard_columns(campaign, campaign.stages[asked.stage])


def _block(name: str, number: int) -> str:
    return f"{AWAITED}/{name}/{number}"
