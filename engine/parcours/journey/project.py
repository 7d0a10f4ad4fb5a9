"""Projects: a folder of documents, or models made in Python, validated and compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar

from pydantic import BaseModel

from parcours.arguments import check_callable, check_kind, folder_path
from parcours.errors import CallerError, ProjectInvalid
from parcours.expression.nodes import Node
from parcours.expression.trees import Trees
from parcours.journey.compile.campaigns.campaign import note_overdue
from parcours.journey.compile.content_check import ContentChecks
from parcours.journey.compile.project import ContentModels, compile_project
from parcours.journey.compile.reactions import Reported, warn_of_unheard, warn_of_unheard_reactions
from parcours.journey.model.analyses import AnalysesDocument
from parcours.journey.model.campaign import CampaignDocument
from parcours.journey.model.destinations import DestinationsDocument
from parcours.journey.model.document import (
    ActionsDocument,
    AudiencesDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.model.offers import OffersDocument
from parcours.journey.model.places import PlacesDocument
from parcours.journey.model.scores import ScoresDocument
from parcours.journey.model.sources import SourcesDocument
from parcours.journey.model.tables import TablesDocument
from parcours.journey.program import Program, Send
from parcours.journey.read.channel_settings import ChannelModels, check_channels
from parcours.journey.read.destination_settings import DestinationKinds, check_destinations
from parcours.journey.read.documents import Documents, margins_of, read_documents
from parcours.journey.read.documents_json import documents_of, json_of
from parcours.journey.read.finding import Finding, errors
from parcours.journey.read.source_settings import SourceModels, check_sources
from parcours.journey.read.table_files import TableReader, check_tables
from parcours.scoring.model import ModelFault, ScoreModel, judged
from parcours.wording import shown_value

D = TypeVar("D", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Publishing:
    """What a project is judged by that is about to run: the time, what reads tables, what there is to read and tell."""

    now_ms: int | None
    reader: TableReader | None
    sources: SourceModels | None = None
    destinations: DestinationKinds | None = None


class Project:
    """A project without errors. Immutable; made by `load`, `of` or `from_json`.

    name       as parcours.yaml says
    program    the compiled form that the engine runs
    documents  the documents that it was compiled from
    channels   the raw settings of each channel, secrets still as references
    folder     where it was loaded from, for secrets in files; the current folder for one made in Python
    """

    __slots__ = ("_documents", "_folder", "_program", "_trees")

    def __init__(
        self, documents: Documents, program: Program, folder: Path | None = None, trees: Trees | None = None
    ) -> None:
        self._documents = documents
        self._program = program
        self._folder = folder or Path()
        self._trees = trees or Trees()

    def __reduce__(self) -> tuple[Any, ...]:
        """It travels as its documents: closures cannot, so each process compiles them for itself."""
        return _restored, (self.to_json(), self._folder, self._trees.known())

    @classmethod
    def load(
        cls,
        folder: str | Path,
        contents: ContentModels | None = None,
        settings: ChannelModels | None = None,
        checks: ContentChecks | None = None,
        *,
        drafts: bool = False,
    ) -> Project:
        """The project in a folder.

        contents  the content model of each channel; None leaves messages unchecked but for their templates
        settings  the settings' model of each installed channel; None leaves `channels` of parcours.yaml unchecked
        checks    each channel's `check`, of which contents are asked that are the same for everybody
        drafts    whether messages that are drafts may be sent: to test and simulate, for nothing else takes the project
        Raises ProjectInvalid with every error at once.
        """
        _check_judgement(contents, settings, checks)
        project, findings = _examine(folder_path("Project.load", folder), contents, settings, checks)
        if project is None or errors(findings, drafts=drafts):
            raise _invalid(findings, drafts=drafts)
        return project

    @classmethod
    def check(
        cls,
        folder: str | Path,
        contents: ContentModels | None = None,
        settings: ChannelModels | None = None,
        checks: ContentChecks | None = None,
        reported: Reported | None = None,
        *,
        now_ms: int | None = None,
        reader: TableReader | None = None,
        sources: SourceModels | None = None,
        destinations: DestinationKinds | None = None,
    ) -> list[Finding]:
        """Every error and warning in a folder, by file and line. Raises for nothing that the folder may hold.

        checks    each channel's `check`, of which contents are asked that are the same for everybody
        reported  which reactions are told where the project is to run: listeners for any other are warned of
        now_ms    the time at which it would be published; campaigns whose only run would be past have a finding then
        reader    of tables that only a library can read; neither those nor queries are looked into without it
        sources   the settings' model of each installed source; None leaves those of sources.yaml unchecked
        destinations  finds those that are installed; None leaves unchecked how destinations.yaml says they are reached
        """
        _check_judgement(contents, settings, checks)
        check_callable("reported", reported)
        place = folder_path("Project.check", folder)
        publishing = Publishing(now_ms, reader, sources, destinations)
        return _examine(place, contents, settings, checks, reported, publishing)[1]

    @classmethod
    def of(
        cls,
        settings: ProjectDocument,
        profile: ProfileDocument | None = None,
        events: EventsDocument | None = None,
        audiences: AudiencesDocument | None = None,
        messages: Iterable[MessageDocument] = (),
        journeys: Iterable[JourneyDocument] = (),
        contents: ContentModels | None = None,
        actions: ActionsDocument | None = None,
        tables: TablesDocument | None = None,
        campaigns: Iterable[CampaignDocument] = (),
        insight: Iterable[AnalysesDocument] = (),
        places: PlacesDocument | None = None,
        scores: ScoresDocument | None = None,
        models: Mapping[str, ScoreModel] | None = None,
        offers: OffersDocument | None = None,
        sources: SourcesDocument | None = None,
        destinations: DestinationsDocument | None = None,
    ) -> Project:
        """A project from models made in Python. Raises ProjectInvalid with every error at once.

        models  those of scores, by the files that their documents name
        """
        documents = Documents(
            _document("settings", settings, ProjectDocument),
            _document("profile", profile, ProfileDocument),
            _document("events", events, EventsDocument),
            _document("audiences", audiences, AudiencesDocument),
            _listed("messages", messages, MessageDocument),
            _listed("journeys", journeys, JourneyDocument),
            _document("actions", actions, ActionsDocument),
            _document("tables", tables, TablesDocument),
            _listed("campaigns", campaigns, CampaignDocument),
            _listed("insight", insight, AnalysesDocument),
            _document("places", places, PlacesDocument),
            _document("scores", scores, ScoresDocument),
            _judged_models(models or {}),
            _document("offers", offers, OffersDocument),
            _document("sources", sources, SourcesDocument),
            _document("destinations", destinations, DestinationsDocument),
        )
        _check_models("contents", contents)
        return _compiled(documents, contents)

    @property
    def name(self) -> str:
        return self._documents.settings.project

    @property
    def program(self) -> Program:
        return self._program

    @property
    def documents(self) -> Documents:
        return self._documents

    @property
    def channels(self) -> Mapping[str, Mapping[str, object]]:
        return self._documents.settings.channels

    @property
    def drafts(self) -> tuple[str, ...]:
        """The messages that its journeys and campaigns send and that are drafts; with any it cannot be published."""
        sent = {
            step.message for each in self._program.journeys for step in each.steps.values() if isinstance(step, Send)
        } | {name for each in self._program.campaigns for name in each.messages}
        return tuple(
            each.message for each in self._documents.messages if each.status == "draft" and each.message in sent
        )

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def trees(self) -> Trees:
        """The syntax trees of its expressions."""
        return self._trees

    def to_json(self) -> bytes:
        """All documents, from which another process builds the same project. Secrets stay references."""
        return json_of(self._documents)

    @classmethod
    def from_json(cls, data: bytes) -> Project:
        """The project that `to_json` wrote; it compiles to the same program. Raises CallerError for anything else."""
        check_kind("data", data, (bytes, bytearray), "what `to_json` has written")
        try:
            documents = documents_of(data)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise CallerError(f"data={shown_value(data)}: this is not what `to_json` has written") from error
        return _compiled(documents, None)

    def __repr__(self) -> str:
        return f"Project({self.name!r})"


def check_project(asked: str, project: object) -> None:
    """Raises CallerError for what is no project, by the call that needs one."""
    if not isinstance(project, Project):
        given = f"{asked}({shown_value(project)})"
        raise CallerError(f"{given}: a Project is expected; a folder is read by Project.load(folder)")


def _document(name: str, document: D | None, kind: type[D]) -> D:
    if document is None and kind is not ProjectDocument:
        return kind()
    check_kind(name, document, kind, f"a {kind.__name__}")
    assert document is not None, "None is of no kind"
    return document


def _listed(name: str, documents: Iterable[D], kind: type[D]) -> tuple[D, ...]:
    check_kind(name, documents, Iterable, f"a list of {kind.__name__}")
    listed = tuple(documents)
    for place, each in enumerate(listed):
        check_kind(f"{name}[{place}]", each, kind, f"a {kind.__name__}")
    return listed


def _judged_models(models: Mapping[str, ScoreModel]) -> dict[str, ScoreModel | ModelFault]:
    check_kind("models", models, Mapping, "a mapping of files to models")
    for file, model in models.items():
        check_kind(f"models[{file!r}]", model, ScoreModel, "what `read_model` gives")
    return {file: judged(model) for file, model in models.items()}


def _check_judgement(contents: object, settings: object, checks: object) -> None:
    """Raises CallerError for what channels cannot judge a project by."""
    _check_models("contents", contents)
    _check_models("settings", settings)
    check_kind("checks", checks, (Mapping, NoneType), "a mapping of channels to their checks")


def _check_models(name: str, models: object) -> None:
    """Raises CallerError for what are not the models of channels, by their names; None stands for no models.

    A mapping that is no dict may load a channel when it is asked for one, so it is not asked for all of them.
    """
    check_kind(name, models, (Mapping, NoneType), "a mapping of channels to their models")
    for channel, model in models.items() if isinstance(models, dict) else ():
        check_kind(name, channel, str, "the name of a channel")
        if model is not None and not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise CallerError(f"{name}[{channel!r}]={shown_value(model)}: a model of pydantic is expected")


def _examine(
    folder: Path,
    contents: ContentModels | None,
    settings: ChannelModels | None,
    checks: ContentChecks | None = None,
    reported: Reported | None = None,
    publishing: Publishing | None = None,
) -> tuple[Project | None, list[Finding]]:
    """The project, if it has no errors, and all findings in order."""
    findings: list[Finding] = []
    documents, margins = read_documents(folder, findings)
    if settings is not None:
        check_channels(documents.settings.channels, settings, margins.single["project"].below("channels"))
    trees = Trees()
    program, checked = compile_project(documents, margins, contents, trees=trees, checks=checks or {})
    project = None if errors(findings, drafts=True) else Project(checked, program, folder, trees)
    if project is not None and reported is not None:
        compiled = {journey.name: journey for journey in program.journeys}
        for document, margin in zip(documents.journeys, margins.journeys, strict=True):
            warn_of_unheard(document, compiled[document.journey], reported, margin)
        campaigns = {campaign.name: campaign for campaign in program.campaigns}
        for each, margin in zip(documents.campaigns, margins.campaigns, strict=True):
            warn_of_unheard_reactions(campaigns[each.campaign], reported, margin)
    if publishing is not None and publishing.sources is not None:
        check_sources(documents.sources.sources, publishing.sources, margins.single["sources"].below("sources"))
    if publishing is not None and (kinds := publishing.destinations) is not None:
        check_destinations(documents.destinations.destinations, kinds, folder, margins.single["destinations"])
    if publishing is not None:
        margin = margins.single["tables"]
        known = {} if margins.lost.get(margin.file) else program.tables  # of what could not be read no query is judged
        uses = {name: table.uses for name, table in known.items()}
        check_tables(folder, documents.tables.tables, uses, publishing.reader, margin)
    if project is not None and publishing is not None and publishing.now_ms is not None:
        campaigns = {campaign.name: campaign for campaign in program.campaigns}
        for each, margin in zip(documents.campaigns, margins.campaigns, strict=True):
            note_overdue(campaigns[each.campaign].schedule, margin, publishing.now_ms)
        for analyses, margin in zip(documents.insight, margins.insight, strict=True):
            for name in analyses.audiences:
                schedule = project.program.analyses.audiences[name].schedule
                note_overdue(schedule, margin.below("audiences", name), publishing.now_ms)
    return project, sorted(set(findings))


def _restored(data: bytes, folder: Path, known: Mapping[str, Node]) -> Project:
    return _compiled(documents_of(data), None, folder, Trees(known), drafts=True)


def _compiled(
    documents: Documents,
    contents: ContentModels | None,
    folder: Path | None = None,
    trees: Trees | None = None,
    *,
    drafts: bool = False,
) -> Project:
    findings: list[Finding] = []
    trees = trees or Trees()
    program, checked = compile_project(documents, margins_of(documents, findings), contents, trees=trees)
    if errors(findings, drafts=drafts):
        raise _invalid(findings, drafts=drafts)
    return Project(checked, program, folder, trees)


def _invalid(findings: list[Finding], *, drafts: bool) -> ProjectInvalid:
    return ProjectInvalid("\n".join(str(finding) for finding in errors(sorted(set(findings)), drafts=drafts)))
