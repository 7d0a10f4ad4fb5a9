"""What installed channels say of a project: the one judgement by which `check` and every other command read it.

A channel is loaded when something of a project is asked of it: commands do not wait for libraries that it does not use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from parcours.dispatch.registry import Registry
from parcours.errors import ChannelUnknown, ExtraMissing
from parcours.journey.compile.content_check import ContentCheck
from parcours.journey.compile.reactions import Reported
from parcours.journey.project import Project
from parcours.journey.read.destination_settings import DestinationKinds
from parcours.journey.read.finding import Finding
from parcours.journey.read.source_settings import SourceModels
from parcours.journey.read.table_files import TableReader

T = TypeVar("T")


class Unchecked(BaseModel):
    """The content of a channel that cannot be loaded."""

    model_config = ConfigDict(extra="allow")


class Judgement:
    """The models and checks of the channels in a registry."""

    def __init__(self, registry: Registry) -> None:
        names = registry.names()
        self._registry = registry
        self._contents = _WhenAsked(names, self._content)
        self._settings = _WhenAsked(names, self._setting)
        self._checks = _WhenAsked(names, self._check)

    def findings(
        self,
        folder: str | Path,
        reported: Reported | None = None,
        now_ms: int | None = None,
        reader: TableReader | None = None,
        sources: SourceModels | None = None,
        destinations: DestinationKinds | None = None,
    ) -> list[Finding]:
        """Every error and warning in a project's folder, as if it were published at this time.

        reported  which reactions are told where it runs
        reader    of tables that only a library can read
        sources   the settings' models of those that are installed
        destinations  finds those that are installed
        """
        checks, models = self._checks, self._settings
        return Project.check(
            folder, self._contents, models, checks, reported,
            now_ms=now_ms, reader=reader, sources=sources, destinations=destinations,
        )  # fmt: skip

    def load(self, folder: str | Path, *, drafts: bool = False, configured: bool = True) -> Project:
        """The project in a folder, with drafts if asked for. Raises ProjectInvalid with every error at once.

        configured  whether what its channels are configured with is judged, too
        """
        settings = self._settings if configured else None
        return Project.load(folder, self._contents, settings, self._checks, drafts=drafts)

    def _content(self, name: str) -> type[BaseModel]:
        try:
            return self._registry.channel(name).Content
        except (ExtraMissing, ChannelUnknown):
            return Unchecked

    def _setting(self, name: str) -> type[BaseModel] | None:
        try:
            return self._registry.channel(name).Settings
        except (ExtraMissing, ChannelUnknown):
            return None

    def _check(self, name: str) -> ContentCheck:
        try:
            return self._registry.check(name) or _nothing
        except (ExtraMissing, ChannelUnknown):
            return _nothing


def load_project(folder: str | Path, *, drafts: bool = False) -> Project:
    """The project in a folder, judged by the installed channels. Raises ProjectInvalid with every error at once."""
    return Judgement(Registry.installed()).load(folder, drafts=drafts)


def _nothing(_content: object) -> tuple[()]:
    return ()


class _WhenAsked(Mapping[str, T]):
    """A value for each name, found when it is asked for."""

    def __init__(self, names: Iterable[str], find: Callable[[str], T]) -> None:
        self._names = tuple(names)
        self._find = find

    def __getitem__(self, name: str) -> T:
        if name not in self._names:
            raise KeyError(name)
        return self._find(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
