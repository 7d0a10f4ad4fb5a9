"""Whose facts an analysis asks, by which project's words, within which window, and where its answer goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from parcours.cli.door_options import KEY_HELP, URL_HELP
from parcours.cli.fact_sources import AnswerForm, Stitch, check_facts, open_facts, project_of, write_picture, written
from parcours.cli.windows import asked_window
from parcours.wording import quoted

if TYPE_CHECKING:
    from parcours.insight.asking.analysed import AnalysisAsked, AnalysisKind, AnalysisTold
    from parcours.insight.asking.asking import Asking
    from parcours.journey.analyses import Funnel
    from parcours.journey.project import Project
    from parcours.service.stored_facts import StoredFacts

First = Annotated[
    str, typer.Argument(metavar="[OUT]", help="What simulate --facts wrote; left out with --facts, --store and --url.")
]
Words = Annotated[
    str | None, typer.Argument(metavar="WORDS", help="The analysis in words, or its name in insight/ of the project.")
]
Url = Annotated[str | None, typer.Option("--url", metavar="URL", help=f"{URL_HELP} The words are of its project.")]
AnalysisKey = Annotated[str | None, typer.Option("--door-key", metavar="REF", help=KEY_HELP)]
"""Not `--key`, which says of flows and attributions by what events and touches are told apart."""

Of = Annotated[str | None, typer.Option("--segment", metavar="NAME", help="The people of this segment only.")]


@dataclass(frozen=True, slots=True)
class Source:
    """What the arguments say.

    first, words  one of the two arguments, or both: OUT and the words, or the words alone
    key           for the door at `url`
    """

    first: str
    words: str | None
    facts: Path | None
    store: str | None
    url: str | None
    key: str | None
    project: Path | None
    since: str | None
    until: str | None
    live: bool
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


def tell(source: Source, kind: AnalysisKind, options: Mapping[str, object], shown: Shown) -> None:
    """Ask, and write the answer; warnings are said.

    options  by the keys of the analysis's document; None is as good as not given
    Raises BadParameter for arguments that do not go together, CallerError for what is wrong with the words.
    """
    from parcours.insight.asking.analysed import AnalysisAsked

    out, words = out_and_words(source)
    given = {key: value for key, value in options.items() if value is not None}
    asked = AnalysisAsked(
        kind=kind, words=words, options=given, live=source.live, stitch=source.stitched is not None,
        exported=source.exported,
    )  # fmt: skip
    told = _told(source, out, asked.within(asked_window(source.since, source.until, live=source.live)))
    for each in told.warnings:
        typer.echo(each, err=True)
    show(told, shown)


def _told(source: Source, out: Path | None, asked: AnalysisAsked) -> AnalysisTold:
    """The answer, by a door or from facts: both tell it in one form."""
    from parcours.insight.asking.analysed import AnalysisTold

    if source.url is not None:
        import msgspec

        from parcours.cli.remote import Remote

        return (
            Remote(source.url, source.key)
            .patient()
            .told("facts", "analyses", body=msgspec.to_builtins(asked), kind=AnalysisTold)
        )
    check_facts(out, source.facts, source.store)
    from parcours.insight.asking.answering import Known, answer

    project = project_of(out, source.facts, source.project)
    if source.store is None and asked.kind != "experiment":
        Known(project, None).of_words()  # which is said first: facts alone have no words
    found = source.opened(out, project)
    with found.warehouse as warehouse:
        return AnalysisTold.of(answer(warehouse, asked, Known(project or found.published, found.program)))


def show(told: AnalysisTold, shown: Shown) -> None:
    """Write the answer. The window, and what it is as of, go to standard error where the answer has no words."""
    import csv

    from rich.console import Console

    from parcours.insight.asking.rows import rows_of
    from parcours.insight.asking.tables import Heading, print_analysis
    from parcours.insight.experiments import forms
    from parcours.insight.gathering.answers import answer_page, picture_of

    sentences = told.sentences()
    if shown.form is AnswerForm.SVG or shown.form is AnswerForm.PNG:
        write_picture(picture_of(told), shown.form, shown.file)
        typer.echo(" ".join(sentences), err=True)
        return
    with written(shown.file) as file:
        match shown.form:
            case AnswerForm.TABLE if told.design is not None:
                console = Console(file=file, highlight=False)
                forms.print_experiment(console, told.design, told.experiment())
                console.print("\n".join(sentences))
            case AnswerForm.TABLE:
                print_analysis(Console(file=file), Heading(told.words, sentences), told.meant(), told.figures())
            case AnswerForm.JSON:
                file.write(bytes(told.result).decode() + "\n")
            case AnswerForm.CSV if told.design is not None:
                forms.write_csv(file, told.experiment())
            case AnswerForm.CSV:
                csv.writer(file, lineterminator="\n").writerows(rows_of(told.figures()))
            case AnswerForm.HTML:
                file.write(answer_page(told))
    if shown.form is AnswerForm.JSON or shown.form is AnswerForm.CSV:
        typer.echo(" ".join(sentences), err=True)


@dataclass(frozen=True, slots=True)
class AskedFunnel:
    """
    out  the folder of the simulation whose facts are asked
    """

    asked: Funnel
    asking: Asking
    project: Project
    out: Path


@contextmanager
def funnel_of(source: Source, options: Mapping[str, object]) -> Iterator[AskedFunnel]:
    """A funnel of a simulation, whose people are asked for; its facts are closed in the end.

    Raises BadParameter, CallerError for what is wrong with the words.
    """
    out, words = out_and_words(source)
    if out is None:
        raise typer.BadParameter("it goes with OUT: an audience of a store is saved by its engine.", param_hint="OUT")
    check_facts(out, None, None)
    from parcours.insight.asking.answering import Known
    from parcours.insight.asking.asking import Asking
    from parcours.insight.warehouse.questions import Questions
    from parcours.insight.words import funnel_in_words

    project = Known(project_of(out, None, source.project), None).of_words()
    asked, _ = funnel_in_words(project, words, options)
    window = asked_window(source.since, source.until, live=source.live)
    with source.opened(out, project).warehouse as warehouse:
        bounds = window.by(warehouse.as_of_ms)
        asking = Asking(
            Questions(warehouse), project.program, bounds.from_ms, bounds.to_ms, known_until=warehouse.as_of_ms
        )
        yield AskedFunnel(asked, asking, project, out)


def out_and_words(source: Source) -> tuple[Path | None, str]:
    """OUT, if it is asked, and the words. Raises BadParameter."""
    given = [each for each in (source.facts, source.store, source.url) if each is not None]
    if len(given) > 1 or (given and source.words is not None):
        raise typer.BadParameter("choose one of OUT, --facts, --store and --url.", param_hint="OUT")
    if source.url is not None and source.project is not None:
        raise typer.BadParameter("a running engine knows its own.", param_hint="--project")
    if source.url is None and source.key is not None:
        raise typer.BadParameter("it goes with --url.", param_hint="--door-key")
    if given:
        return None, source.first
    if source.words is None:
        raise typer.BadParameter(
            "whose facts? Name OUT before the words, or give --facts, --store or --url.", param_hint="WORDS"
        )
    if not _is_folder(source.first):
        raise typer.BadParameter(f"there is no folder {quoted(source.first)}.", param_hint="OUT")
    return Path(source.first), source.words


def _is_folder(text: str) -> bool:
    try:
        return bool(text) and Path(text).is_dir()
    except OSError:  # it is longer than a path may be
        return False
