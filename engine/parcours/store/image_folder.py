"""The folder of slot images: each is replaced whole, so that a crash leaves the old one or the new one.

The new image is written under another name, made durable, and then takes the place of the old one by a
rename, which the file system does whole or not at all. A rename is durable when its folder is.
"""

from __future__ import annotations

import os
from pathlib import Path

from parcours.errors import naming
from parcours.store.codec import decode_image, encode_image
from parcours.store.private_files import make_folder, open_private, sync_folder
from parcours.store.store import SlotImage

SUFFIX = ".image"
UNFINISHED = ".unfinished"


class ImageFolder:
    """The images of one shard's slots, a file each.

    OSError passes through, for the store to put into words; a damaged file raises StoreBroken.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_folder(folder)

    def clear_unfinished(self) -> None:
        """Delete what a crash has left half-written. Only for the owner: another one's image may be under way."""
        for left_behind in self.folder.glob(f"*{UNFINISHED}"):
            left_behind.unlink()

    def path(self, slot: int) -> Path:
        return self.folder / f"{slot:04}{SUFFIX}"

    def slots(self) -> set[int]:
        """The slots that have an image."""
        return {int(path.stem) for path in self.folder.glob(f"[0-9]*{SUFFIX}")}

    def read(self, slot: int) -> SlotImage:
        path = self.path(slot)
        return decode_image(path.read_bytes(), str(path))

    def save(self, image: SlotImage) -> int:
        """Durable when it returns; the size of its file in bytes."""
        encoded = encode_image(image)
        self.put(image.slot, encoded)
        sync_folder(self.folder)
        return len(encoded)

    def put(self, slot: int, sealed: bytes) -> None:
        """Keep the bytes of an image; they are durable, and that they are there is once the folder is synchronised."""
        path = self.path(slot)
        unfinished = path.with_suffix(UNFINISHED)
        with naming(path), open_private(unfinished, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
