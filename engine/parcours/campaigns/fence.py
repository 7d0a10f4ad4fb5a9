"""Whose files of campaigns count? Those of whoever keeps the engine: a keeper that was succeeded writes none any more.

    campaigns/.keeper/epoch   the epoch of the keeper that has taken the files over last

A process may be frozen at any moment, and go on while another one has taken its work over. A file that says how far
something is could then say what was so before. So whoever takes over notes its epoch first, then takes away all files
that are being written, and only then reads. Whoever writes has its unfinished file there before it looks at the note.
If it finds its own epoch, either the file gets its name before anything is read, or it is gone by then, and the
renaming fails. So what was so before a succession never takes the place of what came after.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from parcours.campaigns.sets.whole_file import drop_unfinished, whole_file
from parcours.errors import StoreBusy
from parcours.store.campaign_files import KEEPER

UNFENCED: Final = 0
"""The epoch where nobody can come to succeed whoever has the store open: locks of the shards keep all others away."""


class Fence:
    """Of the files in the folder of campaigns, under the epoch of a keeper. Methods raise OSError."""

    def __init__(self, folder: Path, epoch: int) -> None:
        self._folder = folder
        self._path = folder / KEEPER / "epoch"
        self._epoch = epoch

    def take_over(self) -> None:
        """From now on what others write does not count. Called by who keeps the engine, before it reads any file."""
        with whole_file(self._path) as unfinished:
            unfinished.write_text(str(self._epoch))
        drop_unfinished(self._folder)

    def check(self) -> None:
        """Called once a file is being written. Raises StoreBusy where another keeper has taken over."""
        noted = self._path.read_text()
        if noted != str(self._epoch):
            raise StoreBusy(f"files of campaigns are kept under epoch {noted}; epoch {self._epoch} is over")
