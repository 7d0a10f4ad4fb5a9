"""Logs as lines of JSON, without a word about anybody: what is logged are names, numbers and places in the code.

The text of an exception may quote what somebody wrote, or an address. So of an error its kind is logged and where it
came from, line by line of the code, and the request's id, by which it is found again. Texts that somebody has sent are
left out of messages: whoever logs one says so by `ForeignText`.
"""

from __future__ import annotations

import json
import logging
from traceback import extract_tb
from types import TracebackType
from typing import Final

from parcours.core.time_text import time_text
from parcours.wording import ForeignText

LEVELS: Final = {"WARNING": "warning", "ERROR": "error", "INFO": "info", "DEBUG": "debug", "CRITICAL": "error"}


LEFT_OUT: Final = "…"
"""Stands for a text that somebody has sent."""


class JsonLines(logging.Formatter):
    """A record as one line: `time, level, event` and what else was told with it as `extra={"told": {...}}`."""

    def __init__(self, door: int | None = None) -> None:
        """door: the number of the one that logs, where many log to one place."""
        super().__init__()
        self._door = {} if door is None else {"door": door}

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": time_text(int(record.created * 1_000)),
            "level": LEVELS.get(record.levelname, record.levelname.lower()),
            "event": _message(record),
            **self._door,
        }
        further = getattr(record, "told", None)
        if isinstance(further, dict):
            told |= {name: value for name, value in further.items() if value is not None}
        if record.exc_info and record.exc_info[0] is not None:
            told["error"] = record.exc_info[0].__name__
            told["at"] = _frames(record.exc_info[2])
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str)


def _message(record: logging.LogRecord) -> str:
    """What has happened, without what somebody has sent."""
    if isinstance(record.args, tuple) and any(isinstance(each, ForeignText) for each in record.args):
        return str(record.msg) % tuple(LEFT_OUT if isinstance(each, ForeignText) else each for each in record.args)
    return record.getMessage()


def _frames(trace: TracebackType | None) -> list[str]:
    """Where the error came from, the innermost place last."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(trace)]


def log_as_json(level: str, door: int | None = None) -> None:
    """From now on everything that this process logs goes to standard error as lines of JSON, from this level on.

    door  the number of the door in this process, where there are many
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(door))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("parcours").setLevel(level.upper())
