"""Packed entries are what a sorted list of them would be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from parcours.core.packed_entries import PLACE_BYTES, PackedEntries

places = st.integers(0, 2**128 - 1) | st.integers(0, 300)
contents = st.binary(max_size=40) | st.integers(240, 300).map(bytes)
added = st.dictionaries(places, contents, max_size=12)


def entry_of(place: int, content: bytes) -> bytes:
    return place.to_bytes(PLACE_BYTES, "big") + content


def packed_of(given_entries: dict[int, bytes]) -> PackedEntries:
    packed = PackedEntries()
    for place, content in given_entries.items():
        packed.add(entry_of(place, content))
    return packed


def in_order(given_entries: dict[int, bytes]) -> list[bytes]:
    return sorted(entry_of(place, content) for place, content in given_entries.items())


def check(packed: PackedEntries, entries: list[bytes]) -> None:
    assert packed.unpacked() == entries
    assert packed.number == len(entries)
    assert packed.first == (entries[0][:PLACE_BYTES] if entries else b"")
    assert packed.last == (entries[-1][:PLACE_BYTES] if entries else b"")


@given(added)
def test_entries_lie_at_their_places_whenever_they_come(given_entries: dict[int, bytes]) -> None:
    check(packed_of(given_entries), in_order(given_entries))


@given(added, st.sets(st.integers(0, 11)), st.integers(0, 12))
def test_what_is_dropped_is_gone_and_nothing_else(
    given_entries: dict[int, bytes], dropped: set[int], first: int
) -> None:
    packed, entries = packed_of(given_entries), in_order(given_entries)
    dropped &= set(range(len(entries)))

    packed.drop(dropped)
    left = [entry for index, entry in enumerate(entries) if index not in dropped]
    check(packed, left)

    for _ in range(min(first, len(left))):
        packed.drop_first()
    check(packed, left[first:])


@given(added, st.data())
def test_what_is_taken_out_and_put_back_leaves_the_same_bytes(
    given_entries: dict[int, bytes], data: st.DataObject
) -> None:
    packed, entries = packed_of(given_entries), in_order(given_entries)
    taken = data.draw(st.sets(st.integers(0, max(len(entries) - 1, 0)), max_size=len(entries)))

    packed.drop(taken)
    for index in taken:
        packed.add(entries[index])

    assert packed == packed_of({int.from_bytes(each[:PLACE_BYTES], "big"): each[PLACE_BYTES:] for each in entries})


@given(added, st.binary(min_size=1, max_size=3))
def test_every_entry_that_holds_a_text_is_found(given_entries: dict[int, bytes], text: bytes) -> None:
    packed, entries = packed_of(given_entries), in_order(given_entries)

    found = list(packed.holding(text))

    assert all(entries[index] == entry for index, entry in found)
    assert {index for index, entry in enumerate(entries) if text in entry} <= {index for index, _ in found}
    assert [index for index, _ in found] == sorted({index for index, _ in found}, reverse=True)
