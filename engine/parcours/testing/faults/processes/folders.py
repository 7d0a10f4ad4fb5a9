"""Where everything of a storm lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders and files below one root."""

    root: Path

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def disk(self) -> Path:
        """May be a small disk of its own."""
        return self.root / "disk"

    @property
    def store(self) -> Path:
        return self.disk / "store"

    @property
    def ledger(self) -> Path:
        """What the shards say of each record. On another disk than the store, which may be full."""
        return self.root / "ledger"

    @property
    def log(self) -> Path:
        """What the drivers log."""
        return self.root / "log"

    @property
    def address(self) -> str:
        """Of the store, where it lies there."""
        return f"sqlite:///{self.store}"

    @property
    def end(self) -> Path:
        """What is known at the end beside the store, pickled: with it a kept storm can be judged again."""
        return self.root / "end"
