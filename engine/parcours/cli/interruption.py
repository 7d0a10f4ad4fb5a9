"""What does Ctrl-C do to a command? It ends, soon and with a word, whatever is under way.

The first one is a KeyboardInterrupt like any other, so that temporary files are removed. What has not ended by then is
left: Ray's processes are children that the kernel ends with their parent, and results get their names when all of them
are whole.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE_S = 1.5
"""How long an interrupted command may clean up: Ray takes many seconds to start, and does not stop meanwhile."""

INTERRUPTED = 128 + signal.SIGINT
"""The exit code, as shells have it."""

WORD = "\nInterrupted: it ends here, and no results are written.\n"


@contextmanager
def interruptible(patience_s: float = PATIENCE_S) -> Iterator[None]:
    """For the length of a `with`, Ctrl-C ends the process within `patience_s` seconds; the second one does at once."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return
    interrupted = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            _leave()
        interrupted = True
        sys.stderr.write(WORD)
        sys.stderr.flush()
        ending = threading.Timer(patience_s, _leave)
        ending.daemon = True
        ending.start()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except BaseException:  # what has become of the KeyboardInterrupt on its way
        if not interrupted:
            raise
        _leave()  # what the interpreter waits for at its end is not ours: threads, and Ray
    finally:
        signal.signal(signal.SIGINT, before)


def _leave() -> None:
    os._exit(INTERRUPTED)
