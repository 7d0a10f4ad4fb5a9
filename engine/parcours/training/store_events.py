"""What callers have handed in to a store that no engine uses, as a recording: the kept inputs, but for what is told.

A training goes by the project at hand, so what the store's own versions of it did, what was sent and what campaigns
took people to is left out: it happens anew under virtual time, as far as it depends on nothing but events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from parcours.config import COUNT_MAX, Settings
from parcours.segment.line import Unusable, read_heading
from parcours.segment.told import TOLD
from parcours.simulation.store_inputs import write_inputs

AS_TAKEN: Final = Settings(event_bytes_max=COUNT_MAX)
"""What a store has taken is not too long, though there is more in its line now."""


@contextmanager
def events_of_store(address: str) -> Iterator[Iterator[bytes]]:
    """The lines, in their order, for whoever takes them with `AS_TAKEN`. They lie in a folder for temporary files
    meanwhile. Raises as `write_inputs` does.
    """
    with TemporaryDirectory(prefix="parcours-inputs-") as folder:
        file = Path(folder) / "inputs.ndjson"
        write_inputs(address, file)
        with file.open("rb") as lines:
            yield handed_in(lines)


def handed_in(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Those of a store's inputs that callers have handed in, and those that say whose a name became."""
    for line in lines:
        try:
            kind = read_heading(line, AS_TAKEN)[2]
        except Unusable:
            continue  # a line that tells of no instant of a person's
        if kind not in TOLD:
            yield line
