"""Publications: the ledger with the documents of each publication, compiled again into a program, each once.

An older publication keeps its journeys, messages, actions, audiences and event types; profile and channels are the
newest, with the names that they have dropped since added back, so that older texts still compile.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import Final

import msgspec

from parcours.errors import ProjectInvalid
from parcours.expression.definition_keys import DefinitionKeys
from parcours.expression.trees import Trees
from parcours.journey.compile.project import compile_project
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.digest import digest, digests_of
from parcours.journey.publish.ledger import Candidate, Ledger, published
from parcours.journey.publish.linking import linked
from parcours.journey.read.documents import Documents, margins_of
from parcours.journey.read.documents_json import documents_of, json_of
from parcours.journey.read.finding import Finding, errors

PROJECTS_REMEMBERED: Final = 4
"""Projects whose candidate and source are cached: the shards, router and journey control of a process share them."""


class Publications(msgspec.Struct, frozen=True, array_like=True):
    """The ledger and the sources that it refers to, as a store and other processes get them.

    sources  the documents of each publication that the ledger names, by number
    """

    ledger: Ledger
    sources: dict[int, bytes]


def begun(project: Project, at: int = 0) -> Publications:
    """The first publication of a fresh store: the project, as number 1. Virtual time has no beginning."""
    ledger = published(Ledger(), candidate_of(project), at, reopen=True)
    return Publications(ledger, {ledger.publication: source_of(project)})


@lru_cache(maxsize=PROJECTS_REMEMBERED)
def candidate_of(project: Project) -> Candidate:
    """The digests by which publishing the project is found to change something or nothing."""
    source = digest(json.loads(source_of(project)))
    return Candidate(source, digests_of(project.documents, project.program))


@lru_cache(maxsize=PROJECTS_REMEMBERED)
def source_of(project: Project) -> bytes:
    """The project's documents, without the channels' settings: those belong to the process that runs them."""
    documents = project.documents
    channels: dict[str, dict[str, object]] = {name: {} for name in documents.settings.channels}
    settings = documents.settings.model_copy(update={"channels": channels})
    return json_of(replace(documents, settings=settings))


class PublicationCompiler:
    """Compiles publications, and caches each program until the newest publication changes.

    project  the process's own project, whose program need not be compiled again
    """

    def __init__(self, project: Project | None = None) -> None:
        self._own = None if project is None else (candidate_of(project).source, project.program)
        self._trees = Trees(None if project is None else project.trees.known())
        self._compiled: dict[tuple[int, int, str], Program] = {}

    def program(self, all_published: Publications) -> Program:
        """The linked program of everything published."""
        ledger = all_published.ledger
        # The source, too: what was only going to be published has had the same number.
        wanted = {number: (number, ledger.publication, ledger.source) for number in ledger.publications()}
        self._compiled = {key: program for key, program in self._compiled.items() if key in wanted.values()}
        for number, key in wanted.items():
            if key not in self._compiled:
                self._compiled[key] = self._compile(all_published, number)
        return linked(ledger, {number: self._compiled[key] for number, key in wanted.items()})

    def _compile(self, all_published: Publications, number: int) -> Program:
        ledger, definition_keys = all_published.ledger, all_published.ledger.definition_keys_of(number)
        newest = number == ledger.publication
        if newest and self._own is not None and self._own[0] == ledger.source and definition_keys == DefinitionKeys():
            return self._own[1]
        documents = documents_of(all_published.sources[number])
        if not newest:
            documents = _among(documents, documents_of(all_published.sources[ledger.publication]))
        return _compiled(documents, definition_keys, self._trees)


def published_project(all_published: Publications, program: Program, trees: Trees) -> Project:
    """The newest publication as a project, for whoever compiles words by it; without the channels' settings.

    program  the linked program of everything published
    trees    of its expressions, as far as they are known
    """
    documents = documents_of(all_published.sources[all_published.ledger.publication])
    return Project(documents, program, None, trees)


def _among(older: Documents, newest: Documents) -> Documents:
    """The older documents with the newest profile, and all names that either of them declares.

    They ask nothing of facts: that is for the newest ones alone to say.
    """
    profile = newest.profile.model_copy(
        update={
            "traits": {**newest.profile.traits, **older.profile.traits},
            "addresses": {**older.profile.addresses, **newest.profile.addresses},
        }
    )
    channels = {**older.settings.channels, **newest.settings.channels}
    settings = older.settings.model_copy(update={"channels": channels})
    return replace(older, settings=settings, profile=profile, insight=())


def _compiled(documents: Documents, definition_keys: DefinitionKeys, trees: Trees) -> Program:
    """The program of documents that have been published, in spite of errors that a newer profile brings about."""
    findings: list[Finding] = []
    program, _ = compile_project(documents, margins_of(documents, findings), None, definition_keys, trees)
    faults = [fault for fault in errors(sorted(set(findings))) if not fault.runs]
    if faults:
        raise ProjectInvalid("\n".join(map(str, faults)))
    return program
