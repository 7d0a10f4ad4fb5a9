"""Training a score: virtual time to each cut, the score's own features over everybody, and what happened after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from parcours.config import Settings
from parcours.core.time_text import time_text
from parcours.errors import AnalysisRefused, CallerError
from parcours.expression.duration import format_duration
from parcours.journey.project import Project
from parcours.scoring.margins import margin_of, probability_of
from parcours.scoring.model import ScoreModel
from parcours.segment.line import Unusable, read_heading
from parcours.simulation.score_cut import ScoreCut, score_of
from parcours.simulation.simulation import simulate
from parcours.training.artefact import Trained, influence_of
from parcours.training.cases import Case, Gathering, digest_of
from parcours.training.fitting import fitted
from parcours.training.outcomes import with_outcome
from parcours.training.quality import quality_of


def train(
    project: Project, score: str, lines: Iterable[bytes], cuts_ms: Sequence[int], settings: Settings | None = None
) -> Trained:
    """Train the score's model with recorded events (NDJSON lines). The same events and cuts give the same model.

    project  may lack the model
    cuts_ms  the instants as of which features are asked; the outcome is known `within` later, and has to be among the
             events
    Raises CallerError for an unknown score or a cut whose outcome is not known yet, AnalysisRefused where there are too
    few cases, ExtraMissing without scikit-learn, and as `simulate` does.
    """
    known = settings or Settings()
    asked = score_of(project, score)
    cuts_ms = sorted(set(cuts_ms))
    if not cuts_ms:
        raise CallerError("name an instant as of which people are looked at")
    gathering = _gathered(project, score, lines, cuts_ms, asked.predicts.within_ms, known)
    cases = gathering.finish()
    _check_enough(score, gathering, cases, known.score_cases_min)
    seen = [case for case in cases if not case.is_held_out]
    model = fitted(asked, project.documents.scores.scores[score].model.kind, seen)
    return _judged(model, cases, seen, cuts_ms)


def _gathered(
    project: Project, score: str, lines: Iterable[bytes], cuts_ms: Sequence[int], within_ms: int, settings: Settings
) -> Gathering:
    prepared, outcome = with_outcome(project, score)
    gathering = Gathering(prepared.program.scores[score])
    asked = [ScoreCut(score, at_ms, partial(gathering.cut, at_ms)) for at_ms in cuts_ms]
    asked += [ScoreCut(outcome, at_ms + within_ms, partial(gathering.end, at_ms)) for at_ms in cuts_ms]
    end_ms = cuts_ms[-1] + within_ms
    read = _Read(settings)
    simulate(prepared, read.lines(lines), until_ms=end_ms, settings=settings, facts=lambda facts: None, cuts=asked)
    if read.newest_ms is None or read.newest_ms < end_ms:
        newest = "there is none" if read.newest_ms is None else f"the last event is of {time_text(read.newest_ms)}"
        raise CallerError(
            f"what became of people after {time_text(cuts_ms[-1])} is known {format_duration(within_ms)} later, at "
            f"{time_text(end_ms)}, and {newest}: name an earlier --at"
        )
    return gathering


class _Read:
    """Passes lines on, and remembers the time of the newest: nothing else tells how far a recording goes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.newest_ms: int | None = None

    def lines(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            at_ms = self._time_of(line)
            if at_ms is not None and (self.newest_ms is None or at_ms > self.newest_ms):
                self.newest_ms = at_ms
            yield line

    def _time_of(self, line: bytes) -> int | None:
        """None of a line that cannot be used, which the simulation leaves out as well."""
        try:
            return read_heading(line, self._settings)[0]
        except Unusable:
            return None


def _check_enough(score: str, gathering: Gathering, cases: Sequence[Case], least: int) -> None:
    positive = sum(case.happened for case in cases)
    others = len(cases) - positive
    held_out = {case.happened for case in cases if case.is_held_out}
    seen = {case.happened for case in cases if not case.is_held_out}
    if min(positive, others) >= least and len(held_out) == len(seen) == 2:
        return
    left_out = [
        f"{count:,} {why}"
        for count, why in (
            (gathering.not_about, "are none of those whom it is about"),
            (gathering.missing, "lack the value of a feature"),
            (gathering.gone, "were not known any more at the end"),
        )
        if count
    ]
    besides = f"; besides, {', '.join(left_out)}" if left_out else ""
    raise AnalysisRefused(
        f"{score} needs {least:,} cases of each outcome, and has {positive:,} in which it happened and {others:,} in "
        f"which it did not{besides}: name more cuts, or a longer time"
    )


def _judged(model: ScoreModel, cases: Sequence[Case], seen: Sequence[Case], cuts_ms: Sequence[int]) -> Trained:
    margin = margin_of(model)
    held_out = [case for case in cases if case.is_held_out]
    probabilities = [probability_of(margin(case.numbers)) for case in held_out]
    return Trained(
        model=model,
        at=tuple(map(time_text, cuts_ms)),
        cases=len(seen),
        positive=sum(case.happened for case in seen),
        digest=digest_of(cases),
        columns=tuple(zip(*(case.numbers for case in seen), strict=True)),
        probabilities=tuple(probability_of(margin(case.numbers)) for case in seen),
        influence=influence_of(model, [case.numbers for case in seen]),
        quality=quality_of(probabilities, [case.happened for case in held_out]),
    )
