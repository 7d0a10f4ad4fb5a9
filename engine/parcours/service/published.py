"""What is published, as one process knows it: the publications, and the program that they come to."""

from __future__ import annotations

from abc import ABC, abstractmethod

from parcours.background import in_thread
from parcours.expression.trees import Trees
from parcours.journey.project import Project
from parcours.journey.publish.ledger import JourneyStateName, Named, Verb
from parcours.journey.publish.publications import PublicationCompiler, Publications, begun, published_project
from parcours.service.change_outcome import ChangeOutcome, Order
from parcours.service.journey_state import JourneyState

ASKED = Order()
"""A change that is to be made, whoever asks."""


class Published(ABC):
    """Changed on the loop of its owner; `current` is also read from other threads."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._compiler = PublicationCompiler(project)
        self.publications = begun(project)
        self.current = project.program
        """All that is published now, as one program."""

    @property
    def opened_with(self) -> Project:
        """The project that the process has given, which is published or was when it was opened."""
        return self._project

    def _take(self, publications: Publications) -> None:
        """These hold from now on. Raises ProjectInvalid for what this release cannot read, and those before hold on."""
        self.current = self._compiler.program(publications)
        self.publications = publications

    def trees(self) -> Trees:
        """A copy of the trees of the project's expressions, for a thread of its own."""
        return Trees(self._project.trees.known())

    async def project_in_force(self) -> Project:
        """What is published, for whoever compiles words by it; read in a thread, as it may be large."""
        return await in_thread(published_project, self.publications, self.current, self.trees())

    def journey_states(self) -> dict[str, JourneyStateName]:
        """The state of every journey that there is or has been."""
        return {name: entry.state for name, entry in self.publications.ledger.journeys.items()}

    def taken_otherwise(self, name: str, of: Named) -> str | None:
        """In a sentence that the name is a campaign's where a journey is asked for, or the other way round."""
        is_campaign = name in self.current.campaign_names()
        if name not in self.publications.ledger.journeys or is_campaign == (of == "campaign"):
            return None
        return f"{name!r} is a {'campaign' if is_campaign else 'journey'} and no {of}: ask for it as what it is"

    @abstractmethod
    async def publish(self, project: Project, order: Order = ASKED, only: str | None = None) -> ChangeOutcome:
        """Publish a project, or say what that would do.

        only  it is refused if anything but this journey or campaign changes
        Raises PublishRefused, LedgerOutdated, ShardUnavailable; dry, what refuses it is in the answer.
        """

    @abstractmethod
    async def change(self, verb: Verb, journey: str, order: Order = ASKED, of: Named = "journey") -> ChangeOutcome:
        """Close, stop, pause or resume a journey or a campaign, or say what that would do.

        of  what the name has to be of
        Raises CallerError for a journey that there is not, and for one with which that cannot be done; dry, the answer
        says so. Raises LedgerOutdated, ShardUnavailable.
        """

    @abstractmethod
    async def states(self) -> list[JourneyState]:
        """Every journey that there is or has been, by name."""
