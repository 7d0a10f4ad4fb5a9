"""Whose facts an analysis asks, by which project's words, within which window, and where its answer goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import typer

from parcours.cli.fact_sources import AnswerForm, Stitch, open_facts, project_of, write_picture, written
from parcours.errors import CallerError

if TYPE_CHECKING:
    from parcours.insight.asking.asking import Answered, Asking
    from parcours.insight.asking.rows import AnalysisResult
    from parcours.insight.warehouse.warehouse import Warehouse
    from parcours.journey.project import Project
    from parcours.service.stored_facts import StoredFacts

First = Annotated[
    str, typer.Argument(metavar="[OUT]", help="What simulate --facts wrote; left out with --facts and --store.")
]
Words = Annotated[
    str | None, typer.Argument(metavar="WORDS", help="The analysis in words, or its name in insight/ of the project.")
]
Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="Not for analyses yet: name the store.")]
Since = Annotated[str | None, typer.Option("--from", metavar="TIME", help="What happened from this instant on.")]
Until = Annotated[str | None, typer.Option("--to", metavar="TIME", help="What happened before this instant.")]
Of = Annotated[str | None, typer.Option("--segment", metavar="NAME", help="The people of this segment only.")]

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Source:
    """What the arguments say.

    first, words  one of the two arguments, or both: OUT and the words, or the words alone
    """

    first: str
    words: str | None
    facts: Path | None
    store: str | None
    url: str | None
    project: Path | None
    since: str | None
    until: str | None
    exported: bool
    stitched: Stitch | None

    def opened(self, out: Path | None, project: Project | None) -> StoredFacts:
        """The facts, whose warehouse is to be closed. `out` is the folder of a simulation, if it is one's."""
        stitch = self.stitched is not None
        return open_facts(out, self.facts, self.store, project, stitch=stitch, exported=self.exported)


@dataclass(frozen=True, slots=True)
class Shown:
    """How the answer is written, and where."""

    form: AnswerForm
    file: Path | None


@dataclass(frozen=True, slots=True)
class Question(Generic[A]):
    """
    asked   the compiled analysis
    asking  what answers it
    out     the folder of a simulation, None where the facts are another's
    """

    words: str
    asked: A
    asking: Asking
    project: Project
    warehouse: Warehouse
    from_ms: int | None
    to_ms: int | None
    out: Path | None


@contextmanager
def question(
    source: Source,
    in_words: Callable[[Project, str, Mapping[str, object]], tuple[A, list[str]]],
    options: Mapping[str, object],
) -> Iterator[Question[A]]:
    """The analysis, and the facts that it is asked of, which are closed in the end. Its warnings are said.

    in_words  what compiles words
    Raises BadParameter for arguments that do not go together, CallerError for what is wrong with the words.
    """
    from parcours.insight.asking.asking import Asking

    out, words = out_and_words(source)
    from_ms, to_ms = window(source)
    project = project_of(out, source.facts, source.project)
    if project is None:
        raise CallerError("The words are those of a project: name its folder with --project DIR.")
    asked, warnings = in_words(project, words, options)
    for each in warnings:
        typer.echo(each, err=True)
    with source.opened(out, project).warehouse as warehouse:
        from parcours.insight.warehouse.questions import Questions

        asking = Asking(Questions(warehouse), project.program, from_ms, to_ms, known_until=warehouse.as_of_ms)
        yield Question(words, asked, asking, project, warehouse, from_ms, to_ms, out)


def show(question: Question[Any], answered: Answered[Any], shown: Shown) -> None:
    """Write the answer. The window, and what it is as of, go to standard error where the answer has no words."""
    import csv

    import msgspec
    from rich.console import Console

    from parcours.insight.asking.rows import rows_of
    from parcours.insight.asking.tables import Heading, print_analysis
    from parcours.insight.gathering.pages import analysis_page
    from parcours.insight.pictures.picture import Picture

    result: AnalysisResult = answered.result
    sentences = _sentences(question, answered.people)
    if shown.form is AnswerForm.SVG or shown.form is AnswerForm.PNG:
        write_picture(Picture(question.words, question.asked, result), shown.form, shown.file)
        typer.echo(" ".join(sentences), err=True)
        return
    with written(shown.file) as file:
        match shown.form:
            case AnswerForm.TABLE:
                print_analysis(Console(file=file), Heading(question.words, sentences), question.asked, result)
            case AnswerForm.JSON:
                file.write(msgspec.json.encode(result).decode() + "\n")
            case AnswerForm.CSV:
                csv.writer(file, lineterminator="\n").writerows(rows_of(result))
            case AnswerForm.HTML:
                file.write(analysis_page(question.words, question.asked, answered, sentences))
    if shown.form is AnswerForm.JSON or shown.form is AnswerForm.CSV:
        typer.echo(" ".join(sentences), err=True)


def _sentences(question: Question[Any], people: int) -> tuple[str, ...]:
    from parcours.insight.figures import counted_text
    from parcours.insight.warehouse.answer_forms import as_of_text
    from parcours.insight.window_text import cut_texts, window_text

    return (
        window_text(question.from_ms, question.to_ms),
        as_of_text(question.warehouse.as_of_ms),
        f"{counted_text(people, 'person', 'people')} with any of what is asked for.",
        *cut_texts(question.warehouse.cut_before_ms, sorted(question.asking.tables), question.from_ms),
    )


def out_and_words(source: Source) -> tuple[Path | None, str]:
    """OUT, if it is asked, and the words. Raises BadParameter."""
    if source.url is not None:
        raise typer.BadParameter(
            "a running engine answers no analyses yet: name its store with --store, which gives what is exported.",
            param_hint="--url",
        )
    given = [each for each in (source.facts, source.store) if each is not None]
    if len(given) > 1 or (given and source.words is not None):
        raise typer.BadParameter("choose one of OUT, --facts and --store.", param_hint="OUT")
    if given:
        return None, source.first
    if source.words is None:
        raise typer.BadParameter(
            "whose facts? Name OUT before the words, or give --facts or --store.", param_hint="WORDS"
        )
    if not Path(source.first).is_dir():
        raise typer.BadParameter(f"there is no folder {source.first!r}.", param_hint="OUT")
    return Path(source.first), source.words


def window(source: Source) -> tuple[int | None, int | None]:
    """The window in milliseconds. Raises BadParameter for one that is empty."""
    from parcours.cli.run import time_ms

    from_ms = None if source.since is None else time_ms(source.since, "--from")
    to_ms = None if source.until is None else time_ms(source.until, "--to")
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise typer.BadParameter("it is not after --from, so nothing is between them.", param_hint="--to")
    return from_ms, to_ms
