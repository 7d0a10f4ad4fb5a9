"""When people of a set are due at a send, and that nobody is missed where others go from the set in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.campaigns.drawn_shop import Shop

from parcours.campaigns.due_places import DuePlace, due_places, last_after_ms
from parcours.journey.campaign_steps import SendToSet

HOUR_MS = 3_600_000

PEOPLE = [f"u{number:02}" for number in range(17)]


def send(folder: Path, more: str = "") -> SendToSet:
    shop = Shop(
        folder,
        f"""
- {{id: visitors, read: visitors}}
- {{id: mail, send: news, channels: [email]{more}}}
""",
    )
    step = shop.campaign.steps["mail"]
    assert isinstance(step, SendToSet)
    return step


def places(step: SendToSet, *reads: list[str]) -> dict[str, DuePlace]:
    """Everybody's, where these are in the set when it is read for each wave; the last ones for all that follow."""
    left = [*reads]

    def read() -> Iterator[tuple[str, None]]:
        now = left.pop(0) if len(left) > 1 else left[0]
        return ((name, None) for name in now)

    found = [(name, place) for name, _, place in due_places(step, reads[0], read, "c", 1)]
    assert len({name for name, _ in found}) == len(found), "nobody is due twice"
    return dict(found)


def test_by_its_rate_people_come_one_after_the_other(tmp_path: Path) -> None:
    step = send(tmp_path, ", rate: 4/s")

    found = places(step, PEOPLE)

    assert found == {name: DuePlace(250 * place, 250 * place) for place, name in enumerate(PEOPLE)}
    assert last_after_ms(step, len(PEOPLE)) == 250 * 16


def test_waves_are_of_exact_sizes_and_each_begins_at_its_hour(tmp_path: Path) -> None:
    step = send(tmp_path, ", rate: 4/s, waves: {parts: 4, every: 1h}")

    found = places(step, PEOPLE)

    waves = [[name for name in PEOPLE if found[name].after_ms // HOUR_MS == wave] for wave in range(4)]
    assert [len(wave) for wave in waves] == [5, 4, 4, 4]
    assert [found[name].after_ms % HOUR_MS for wave in waves for name in wave] == [
        250 * place for wave in waves for place in range(len(wave))
    ]
    assert [found[name].delay_ms for name in PEOPLE] == [250 * place for place in range(17)]
    assert last_after_ms(step, len(PEOPLE)) == max(place.after_ms for place in found.values())


def test_of_fewer_people_than_waves_each_has_one_of_her_own(tmp_path: Path) -> None:
    step = send(tmp_path, ", waves: {parts: 4, every: 1h}")

    assert places(step, []) == {}
    assert sorted(place.after_ms for place in places(step, PEOPLE[:2]).values()) == [0, HOUR_MS]


@pytest.mark.parametrize("gone", PEOPLE)
def test_whoever_stays_keeps_her_wave_where_another_goes_from_the_set_between_two(tmp_path: Path, gone: str) -> None:
    step = send(tmp_path, ", waves: {parts: 4, every: 1h}")
    staying = [name for name in PEOPLE if name != gone]
    before = places(step, PEOPLE)

    after = places(step, PEOPLE, staying)

    assert {name: after[name].after_ms for name in staying} == {name: before[name].after_ms for name in staying}
    assert (gone in after) == (before[gone].after_ms == 0)
