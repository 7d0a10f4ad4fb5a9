"""The commands for a project's documents: init, check, schema and graph."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from parcours.errors import CallerError, ExtraMissing

if TYPE_CHECKING:
    from parcours.dispatch.registry import Registry
    from parcours.journey.compile.reactions import Reported
    from parcours.journey.project import Project
    from parcours.journey.read.finding import Finding
    from parcours.journey.read.table_files import TableReader

ProjectFolder = Annotated[
    Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="The project's folder.")
]


TESTS = "tests"
"""The kind of document that is not part of the language but of the tools: a list of journey tests."""


PROJECT_FILE = "parcours.yaml"
"""Where channels are configured; what is said of an installation is said of this file."""


class GraphFormat(StrEnum):
    MERMAID = "mermaid"
    SVG = "svg"


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is new or empty.")],
    example: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="One of the examples: welcome, checkout, abandoned-cart, launch, win-back, double-opt-in, "
            "anonymous-cart, wishlist, lapsed-buyers, studio.",
        ),
    ] = None,
) -> None:
    """Write a project to start from: a small one, or an example."""
    if example is not None:
        from parcours.examples import write_example

        write_example(folder, example)
        typer.echo(f"The example {example} is in {folder}. Next: parcours test {folder}")
        return
    from parcours.journey.starter import write_starter

    write_starter(folder)
    typer.echo(f"A project to start from is in {folder}. Next: parcours check {folder}")


def check(
    folder: ProjectFolder,
    draft: Annotated[bool, typer.Option("--draft", help="Messages that are drafts are fine.")] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="serve.yaml: warn of what nobody would tell where it says that the project runs.",
        ),
    ] = None,
) -> None:
    """List everything that is wrong with a project, all at once."""
    from parcours.clock import SystemClock
    from parcours.config import Settings
    from parcours.dispatch.destinations import InstalledDestinations
    from parcours.dispatch.judgement import Judgement
    from parcours.dispatch.registry import Registry
    from parcours.sources.registry import source_models

    registry = Registry.installed()
    judgement = Judgement(registry)
    reported = None if config is None else _reported(registry, config)
    now_ms = SystemClock(Settings().clock_jump_max_ms).now_ms()
    kinds = InstalledDestinations.installed().kind
    findings = judgement.findings(folder, reported, now_ms, _TablesWhenAsked(), source_models(), kinds)
    if not any(finding.severity == "error" for finding in findings):
        from parcours.testing.cases.read import read_cases

        project = judgement.load(folder, drafts=True)
        findings += [*read_cases(project, folder)[1], *_unopenable(project, registry), *_unkept(project)]
        findings += [] if config is None else _unmakeable(project, config)
    for finding in findings:
        typer.echo(str(finding))
    errors, drafts, warnings = (
        sum(finding.severity == each for finding in findings) for each in ("error", "draft", "warning")
    )
    told = [_count(drafts, "draft")] if drafts else []
    if errors or (drafts and not draft):
        advice = (
            "" if errors else " Drafts can be tested and simulated, but not published; `check --draft` allows them."
        )
        counts = ", ".join([_count(errors, "error"), *told, _count(warnings, "warning")])
        typer.echo(f"{folder}: {counts}.{advice}", err=True)
        raise typer.Exit(1)
    told += [_count(warnings, "warning")] if warnings else []
    typer.echo(f"{folder}: {', '.join(['nothing is wrong', *told])}.")


class _TablesWhenAsked:
    """The reader of tables, whose libraries are loaded when something is asked of it."""

    def columns_of(self, path: Path) -> Mapping[str, str | None]:
        return self._reader().columns_of(path)

    def fault_of(self, sql: str, sources: Mapping[str, Mapping[str, str]], columns: Mapping[str, str]) -> str | None:
        return self._reader().fault_of(sql, sources, columns)

    def _reader(self) -> TableReader:
        from parcours.cli.extras import extra

        with extra("reading Parquet, .zst and queries of tables.yaml", "campaigns"):
            from parcours.campaigns.sets.table_reader import LibraryTables

        return LibraryTables()


def _reported(registry: Registry, config: Path) -> Reported:
    """Which reactions are told behind the door that has these settings."""
    from parcours.dispatch.reported import InstalledReports
    from parcours.ingress.origins import is_loopback, shown_host
    from parcours.ingress.settings import load_settings

    settings = load_settings(config)
    opens_feedback = not settings.keys or any("feedback" in key.scopes for key in settings.keys)
    return InstalledReports(
        registry,
        has_links=settings.public_url is not None or is_loopback(shown_host(settings.host)),
        takes_mail=settings.bounces is not None or opens_feedback,
    )


def _unopenable(project: Project, registry: Registry) -> list[Finding]:
    """A warning for each channel whose library is missing: no engine could open it, and its content is not checked."""
    from parcours.channel import CALL
    from parcours.cli.extras import extra
    from parcours.journey.channels import channels_used
    from parcours.journey.read.finding import Finding

    used = channels_used(project.program)
    missing = {offer.name: offer.missing for offer in registry.offers() if offer.missing is not None}
    if CALL in used:
        try:
            with extra("an outbound call", CALL):
                import parcours.dispatch.call_channel  # noqa: F401  # an engine imports it when it opens
        except ExtraMissing as error:
            missing[CALL] = str(error)
    return [Finding(PROJECT_FILE, 0, "", missing[name], severity="warning") for name in used if name in missing]


def _unmakeable(project: Project, config: Path) -> list[Finding]:
    """An error for each reason why the engine that has these settings could not make the sets of campaigns."""
    from parcours.campaigns.set_engines import unmakeable
    from parcours.ingress.settings import load_settings
    from parcours.journey.read.finding import Finding

    settings = load_settings(config).settings
    return [Finding(PROJECT_FILE, 0, "", reason) for reason in unmakeable(settings, project.program)]


def _unkept(project: Project) -> list[Finding]:
    """An error where audiences are kept up to date and a library for that is missing: no engine would open."""
    from parcours.journey.read.finding import Finding
    from parcours.service.campaigns_of_host import unkept

    return [Finding(PROJECT_FILE, 0, "", reason) for reason in unkept(project.program)]


def schema(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="[KIND]", help="Without it, the kinds are listed."),
    ] = None,
) -> None:
    """Print the JSON Schema of a document kind, for an editor to complete and check the YAML."""
    from parcours.journey.model.kinds import DOCUMENTS

    kinds = (*DOCUMENTS, TESTS)
    if kind is None:
        typer.echo("\n".join(kinds))
        return
    if kind not in kinds:
        known = ", ".join(kinds)
        raise typer.BadParameter(f"{kind!r} is no document kind; there are {known}.", param_hint="KIND")
    import json

    from parcours.journey.read.schema import schema as schema_of
    from parcours.testing.cases.document import cases_schema

    described = cases_schema() if kind == TESTS else schema_of(kind)
    typer.echo(json.dumps(described, indent=2, ensure_ascii=False))


def graph(
    folder: ProjectFolder,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of a journey or campaign.")],
    format: Annotated[GraphFormat, typer.Option(help="How it is drawn.")] = GraphFormat.MERMAID,  # noqa: A002
    counts: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            exists=True,
            file_okay=False,
            help="What simulate wrote: a campaign is drawn with how many were in each set.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write here, not to standard output.", dir_okay=False)] = None,
) -> None:
    """Draw a journey or a campaign."""
    from parcours.dispatch.judgement import load_project
    from parcours.journey.picture.counts import PictureCounts
    from parcours.journey.picture.drawing import campaign_svg, journey_svg
    from parcours.journey.picture.mermaid import campaign_mermaid, mermaid

    program = load_project(folder, drafts=True).program
    journeys = {each.name: each for each in program.journeys}
    campaigns = {each.name: each for each in program.campaigns}
    if name not in journeys and name not in campaigns:
        raise CallerError(_nothing_to_draw(name, list(journeys), list(campaigns)))
    if counts is not None and name in journeys:
        raise typer.BadParameter(f"{name!r} is a journey, and has no sets to count.", param_hint="--counts")
    sizes = {} if counts is None else _sizes(counts, name)
    match format:
        case GraphFormat.MERMAID:
            picture = mermaid(journeys[name]) if name in journeys else campaign_mermaid(campaigns[name], sizes)
        case GraphFormat.SVG:
            counted = PictureCounts(sizes=sizes)
            picture = journey_svg(journeys[name]) if name in journeys else campaign_svg(campaigns[name], counted)
        case _:
            assert_never(format)
    if out is None:
        typer.echo(picture, nl=False)
    else:
        out.write_text(picture, encoding="utf-8")


def _sizes(out: Path, campaign: str) -> dict[str, int]:
    """How many were in each set of a campaign, by what a simulation wrote."""
    from parcours.cli.files import read_summary

    counted = read_summary(out).campaigns or {}
    if campaign not in counted:
        known = ", ".join(counted) or "none"
        raise CallerError(f"{out} has no counts of the campaign {campaign!r}. There are: {known}.")
    return counted[campaign].sizes()


def _nothing_to_draw(name: str, journeys: list[str], campaigns: list[str]) -> str:
    from parcours.wording import nearest

    known = [*journeys, *campaigns]
    hint = nearest(name, known) or f". There are: {', '.join(known) or 'none'}."
    return f"The project has no journey{' or campaign' if campaigns else ''} {name!r}{hint}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
