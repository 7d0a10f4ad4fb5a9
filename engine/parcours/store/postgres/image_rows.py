"""The images of one shard's slots as rows: in pieces, so that no statement has more to carry than one of them.

The pieces of an image lie under a name of their own. The last one is written by the statement that makes the image
the slot's, and deletes the pieces of the one before: a crash leaves the old image whole, or the new one, and perhaps
pieces that no image names.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from psycopg import Binary
from psycopg.types.numeric import Int8

from parcours.store.codec import damaged, decode_image, encode_image
from parcours.store.postgres.journal_rows import JournalRows
from parcours.store.postgres.session import Session
from parcours.store.store import SlotImage

PIECE_BYTES: Final = 1024 * 1024

HELD: Final = "WITH held AS MATERIALIZED (SELECT shard FROM shards WHERE shard = %s AND epoch = %s FOR SHARE) "
"""The beginning of a write. The statement that follows takes its row of `held`."""

ADD_PIECE: Final = HELD + "INSERT INTO image_pieces SELECT shard, %s, %s, %b FROM held RETURNING number"

REPLACE: Final = (
    HELD + ", added AS (INSERT INTO image_pieces SELECT shard, %s, %s, %b FROM held), "
    "gone AS (DELETE FROM image_pieces AS old USING images, held WHERE old.shard = held.shard "
    "AND images.shard = held.shard AND images.slot = %s AND old.pieces = images.pieces) "
    "INSERT INTO images SELECT shard, %s, %s, %s FROM held ON CONFLICT (shard, slot) "
    "DO UPDATE SET sequence = excluded.sequence, pieces = excluded.pieces RETURNING slot"
)

CLEAR: Final = (
    HELD + "DELETE FROM image_pieces USING held WHERE image_pieces.shard = held.shard AND NOT EXISTS (SELECT FROM "
    "images WHERE images.shard = image_pieces.shard AND images.pieces = image_pieces.pieces)"
)

PAGE_BYTES: Final = 2 * 1024 * 1024
"""Images read at once: so many bytes, and one image more."""

PAGE_IMAGES: Final = 256
"""Images looked at for it."""

PAGE: Final = (
    "WITH asked AS (SELECT slot, sequence, pieces, (SELECT coalesce(sum(octet_length(data)), 0) FROM image_pieces "
    "AS piece WHERE piece.shard = images.shard AND piece.pieces = images.pieces) AS size FROM images "
    "WHERE shard = %s AND slot = ANY(%s)), "
    "page AS (SELECT *, sum(size) OVER (ORDER BY slot) - size AS before FROM asked) "
    "SELECT slot, sequence, data FROM page LEFT JOIN image_pieces ON shard = %s AND image_pieces.pieces = page.pieces "
    "WHERE before < %s ORDER BY slot, number"
)

READ: Final = (
    "SELECT sequence, data FROM images LEFT JOIN image_pieces USING (shard, pieces) WHERE shard = %s AND slot = %s "
    "ORDER BY number"
)


class SealedImage(NamedTuple):
    """The image of a slot as its bytes, and the record that it has to include."""

    slot: int
    sequence: int
    data: bytes


class ImageRows:
    """Errors of PostgreSQL pass through, for the store to put into words."""

    def __init__(self, session: Session, journal: JournalRows, shard: int) -> None:
        self._session = session
        self._journal = journal
        self._shard = shard

    def clear_unfinished(self) -> None:
        """Delete what a crash has left half-written."""
        self._session.run(CLEAR, self._shard, Int8(self._journal.epoch))

    def slots(self) -> list[int]:
        """The slots that have an image."""
        found = self._session.run("SELECT slot FROM images WHERE shard = %s ORDER BY slot", self._shard)
        return [slot for (slot,) in found]

    def save(self, image: SlotImage) -> int:
        """Durable when it returns; its size in bytes. Raises StoreBusy if the epoch is not held any more."""
        sealed, name = encode_image(image), uuid.uuid4().hex
        pieces = [sealed[start : start + PIECE_BYTES] for start in range(0, len(sealed), PIECE_BYTES)]
        held = self._shard, Int8(self._journal.epoch)
        for number, piece in enumerate(pieces[:-1]):
            if not self._session.run(ADD_PIECE, *held, name, number, Binary(piece)):
                self._journal.refuse()
        last = name, len(pieces) - 1, Binary(pieces[-1])
        row = image.slot, image.slot, Int8(image.sequence), name
        if not self._session.run(REPLACE, *held, *last, *row):
            self._journal.refuse()
        return len(sealed)

    def page(self, slots: Sequence[int]) -> list[SealedImage]:
        """The images of the first of these slots, which are in order: as many as are read at once, one at least.

        A slot without an image ends it; none is answered if the first has none.
        """
        asked = list(slots[:PAGE_IMAGES])
        rows = self._session.run(PAGE, self._shard, asked, self._shard, Int8(PAGE_BYTES))
        found = [
            SealedImage(slot, sequence, joined(pieces)) for (slot, sequence), pieces in groupby(rows, itemgetter(0, 1))
        ]
        return [each for each, slot in zip(found, asked, strict=False) if each.slot == slot]

    def read(self, slot: int) -> SlotImage | None:
        """The slot's image, None if there is none. Raises StoreBroken if it is not as it was written."""
        found = self._session.run(READ, self._shard, slot)
        return self.decoded(SealedImage(slot, found[0][0], joined(found))) if found else None

    def decoded(self, sealed: SealedImage) -> SlotImage:
        """The image. Raises StoreBroken if it is not as it was written."""
        where = self.where(sealed.slot)
        image = decode_image(sealed.data, where)
        if image.slot != sealed.slot:
            raise damaged(where, f"it is the image of slot {image.slot}")
        if image.sequence != sealed.sequence or image.sequence > self._journal.newest:
            raise damaged(
                where, f"it is of record {image.sequence}, the journal has {sealed.sequence} to {self._journal.newest}"
            )
        return image

    def where(self, slot: int) -> str:
        """The image in words."""
        return f"the image of slot {slot} of shard {self._shard} of {self._session.address.shown}"


def joined(rows: Iterable[tuple[Any, ...]]) -> bytes:
    """The bytes of an image whose pieces are the last in these rows; None stands for those that are missing."""
    return b"".join(row[-1] for row in rows if row[-1] is not None)
