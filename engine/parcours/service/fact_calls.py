"""What a service says of the facts of everybody: it has one object that is asked."""

from __future__ import annotations

from abc import ABC, abstractmethod

from parcours.service.engine_host import EngineHost
from parcours.service.fact_questions import FactQuestions
from parcours.service.insight import Insight


class FactCalls(ABC):
    """Those of a service."""

    _host: EngineHost
    _questions: FactQuestions

    @abstractmethod
    def _check_open(self) -> None:
        """Raises CallerError unless it is open, on the running loop."""

    def insight(self) -> Insight:
        """What can be asked of the facts of everybody: reports, analyses and experiments as of now, and SQL."""
        return Insight(self._questions, self._host.settings, self._check_open)
