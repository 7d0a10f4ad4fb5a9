"""What Daft raises, as errors of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from daft.exceptions import DaftCoreException

from parcours.errors import StoreBroken


@contextmanager
def on_daft() -> Iterator[None]:
    """Around whatever Daft computes. Raises StoreBroken when it cannot: for want of memory, a file or a machine.

    What Ray raises of a lost machine is known by its module, for sets do not import Ray.
    """
    try:
        yield
    except Exception as error:
        is_of_ray = type(error).__module__.partition(".")[0] == "ray"
        if is_of_ray or isinstance(error, DaftCoreException | FileNotFoundError):
            raise StoreBroken(f"sets of people cannot be computed: {error}") from error
        raise
