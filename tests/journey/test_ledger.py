"""The ledger of what is published: which content is which version, and what each change leads to."""

from __future__ import annotations

from typing import Any

import pytest

from parcours.errors import CallerError
from parcours.journey.model.document import (
    ActionsDocument,
    AudiencesDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.program import AudienceTrigger
from parcours.journey.project import Project
from parcours.journey.publish.digest import digests_of
from parcours.journey.publish.ledger import Ledger, Verb, changed, published, retired
from parcours.journey.publish.publications import PublicationCompiler, Publications, begun, candidate_of, source_of

TRIP: dict[str, Any] = {
    "journey": "trip",
    "entry": {"event": "Start", "when": "event.total > 5"},
    "exit": [{"audience": "staff"}],
    "steps": [
        {"id": "write", "send": "mail"},
        {"id": "listen", "wait_for": [{"event": "Big"}], "timeout": "1h"},
    ],
}
OTHER: dict[str, Any] = {
    "journey": "other",
    "entry": {"event": "Start"},
    "exit": [{"event": "Left"}],
    "steps": [{"id": "done", "end": True}],
}


def shop(*journeys: dict[str, Any], **changes: Any) -> Project:
    """A small shop; `changes` are documents in place of its own."""
    return Project.of(
        ProjectDocument.model_validate(
            {"project": "shop", "channels": {"email": {"password": "secret"}}} | changes.get("settings", {})
        ),
        ProfileDocument.model_validate({"traits": {"email": "string", "city": "string"} | changes.get("traits", {})}),
        EventsDocument.model_validate(
            {
                "events": {
                    "Start": {"properties": {"total": "number"}},
                    "Bought": {"properties": {"total": "number"}},
                    "Left": {},
                    "Big": {"of": "Bought", "rule": "event.total > 100"},
                }
                | changes.get("events", {})
            }
        ),
        AudiencesDocument.model_validate(
            {"audiences": {"staff": 'profile.city == "Paris"'} | changes.get("audiences", {})}
        ),
        [
            MessageDocument.model_validate(
                {"message": "mail", "email": {"subject": "s", "text": "t"}} | changes.get("mail", {})
            ),
            MessageDocument.model_validate(
                {"message": "unused", "email": {"subject": "s"}} | changes.get("unused", {})
            ),
        ],
        [JourneyDocument.model_validate(each) for each in journeys or (TRIP, OTHER)],
        actions=ActionsDocument(),
    )


def turned_round(value: Any) -> Any:
    """The same with the keys of every object in the other order."""
    if isinstance(value, dict):
        return {key: turned_round(inner) for key, inner in reversed(value.items())}
    return [turned_round(inner) for inner in value] if isinstance(value, list) else value


def digest_of(project: Project) -> str:
    return candidate_of(project).digests.journeys["trip"]


@pytest.mark.parametrize(
    "same",
    [
        shop(turned_round(TRIP), OTHER),  # the order of keys
        shop({**TRIP, "priority": 50, "reentry": "always", "description": ""}, OTHER),  # what is so anyway
        shop(
            {**TRIP, "steps": [TRIP["steps"][0], {**TRIP["steps"][1], "timeout": "60m"}]}, OTHER
        ),  # other words for it
        shop(TRIP),  # without other journeys
        shop(unused={"email": {"subject": "changed"}}),  # a message of others
        shop(events={"Left": {"properties": {"why": "string"}}}),  # an event of others
        shop(audiences={"lapsed": "profile.city == 'Rome'"}),  # an audience of others
        shop(traits={"score": "number"}),  # the profile is always the newest
        shop(settings={"policies": {"consent": {"default": "opt_out"}}, "timezone": "Europe/Paris"}),
    ],
)
def test_the_same_content_has_the_same_digest(same: Project) -> None:
    assert digest_of(same) == digest_of(shop())


@pytest.mark.parametrize(
    "changed_project",
    [
        shop({**TRIP, "priority": 60}, OTHER),
        shop({**TRIP, "steps": list(reversed(TRIP["steps"]))}, OTHER),
        shop(mail={"email": {"subject": "s", "text": "u"}}),
        shop(mail={"class": "transactional"}),
        shop(audiences={"staff": 'profile.city == "Lyon"'}),
        shop(events={"Start": {"properties": {"total": "integer"}}}),
        shop(events={"Big": {"of": "Bought", "rule": "event.total > 1000"}}),
        shop(events={"Bought": {"properties": {"total": "number", "more": "string"}}}),  # what a rule is built on
    ],
)
def test_other_content_has_another_digest(changed_project: Project) -> None:
    assert digest_of(changed_project) != digest_of(shop())


def asking(**audiences: object) -> Project:
    """The shop with a journey that asks for an audience in an expression alone."""
    entry = {"event": "Start", "when": 'in_audience("keen")'}
    return shop(
        {**TRIP, "entry": entry}, OTHER, audiences={"keen": 'in_audience("best")', "best": {"saved": True}, **audiences}
    )


def test_a_digest_covers_the_audiences_that_expressions_ask_for_and_those_that_these_ask_for() -> None:
    assert digest_of(asking()) == digest_of(asking(other="true"))
    assert digest_of(asking()) != digest_of(asking(keen="true"))
    assert digest_of(asking()) != digest_of(asking(best={"saved": True, "silent": True}))


def test_a_digest_is_the_same_on_every_machine() -> None:
    assert digest_of(shop()) == "70ed63eba744e8c125b381aac9bde5bc"


def versions(ledger: Ledger) -> dict[str, list[int]]:
    return {name: [each.number for each in entry.versions] for name, entry in ledger.journeys.items()}


def test_only_what_has_changed_gets_a_version() -> None:
    ledger = begun(shop()).ledger
    ledger = published(ledger, candidate_of(shop({**TRIP, "priority": 60}, OTHER)), 5, reopen=False)

    assert versions(ledger) == {"trip": [1, 2], "other": [1]}
    assert (ledger.journeys["trip"].newest.at, ledger.journeys["other"].newest.at) == (5, 0)
    assert ledger.publications() == {1, 2}, "version 1 of trip is in the first one"


def test_content_that_comes_back_is_a_version_of_its_own() -> None:
    ledger = begun(shop()).ledger
    for at, priority in enumerate((60, 50)):
        ledger = published(ledger, candidate_of(shop({**TRIP, "priority": priority}, OTHER)), at, reopen=False)

    assert versions(ledger)["trip"] == [1, 2, 3]


def test_a_publication_that_nobody_goes_by_any_more_is_forgotten() -> None:
    ledger = begun(shop()).ledger
    ledger = published(ledger, candidate_of(shop(traits={"score": "number"})), 5, reopen=False)

    assert (versions(ledger), ledger.publications()) == ({"trip": [1], "other": [1]}, {2})


def test_a_version_that_has_drained_is_forgotten_with_its_publication() -> None:
    ledger = begun(shop()).ledger
    for at, priority in enumerate((60, 70)):
        ledger = published(ledger, candidate_of(shop({**TRIP, "priority": priority}, OTHER)), at, reopen=False)
    assert (versions(ledger)["trip"], ledger.publications()) == ([1, 2, 3], {1, 2, 3})

    ledger = retired(ledger, {("trip", 2), ("other", 1)})

    assert (versions(ledger)["trip"], ledger.publications()) == ([2, 3], {2, 3})
    assert versions(retired(ledger, ()))["trip"] == [3], "the newest one stays: it takes entries, and has the number"


STATES: list[tuple[tuple[Verb, ...], str]] = [
    ((), "open"),
    (("close",), "closed"),
    (("close", "close"), "closed"),
    (("pause",), "paused"),
    (("pause", "resume"), "open"),
    (("close", "pause", "resume"), "closed"),
    (("pause", "close"), "paused"),
    (("pause", "close", "resume"), "closed"),
    (("stop",), "stopped"),
    (("pause", "stop"), "stopped"),
    (("stop", "close"), "stopped"),
    (("stop", "resume"), "stopped"),
]


@pytest.mark.parametrize(("verbs", "state"), STATES)
def test_what_becomes_of_a_journey(verbs: tuple[Verb, ...], state: str) -> None:
    ledger = begun(shop()).ledger
    for at, verb in enumerate(verbs):
        ledger = changed(ledger, verb, "trip", at)

    assert ledger.journeys["trip"].state == state
    assert ledger.journeys["other"].state == "open"


@pytest.mark.parametrize(("verbs", "state"), STATES)
@pytest.mark.parametrize(
    ("offered", "reopen", "opens"),
    [
        (shop(), False, False),  # the engine is opened with what is published already
        (shop(), True, True),
        (shop({**TRIP, "priority": 60}, OTHER), False, True),
        (shop({**TRIP, "priority": 60}, OTHER), True, True),
    ],
)
def test_publishing_opens_what_is_closed_or_stopped_and_leaves_what_is_paused(
    verbs: tuple[Verb, ...], state: str, offered: Project, *, reopen: bool, opens: bool
) -> None:
    ledger = begun(shop()).ledger
    for at, verb in enumerate(verbs):
        ledger = changed(ledger, verb, "trip", at)

    ledger = published(ledger, candidate_of(offered), 9, reopen=reopen)

    assert ledger.journeys["trip"].state == (state if state == "paused" or not opens else "open")


def test_a_journey_that_a_publication_does_not_have_is_closed_until_one_has_it_again() -> None:
    ledger = published(begun(shop()).ledger, candidate_of(shop(OTHER)), 1, reopen=False)
    assert ledger.journeys["trip"].state == "closed"

    ledger = published(ledger, candidate_of(shop()), 2, reopen=False)
    assert (ledger.journeys["trip"].state, versions(ledger)["trip"]) == ("open", [1])


def test_what_is_so_already_is_no_change() -> None:
    ledger = changed(begun(shop()).ledger, "close", "trip", 1)

    assert changed(ledger, "close", "trip", 2) is ledger
    assert changed(ledger, "resume", "trip", 2) is ledger


def test_what_cannot_be_done_is_said() -> None:
    ledger = begun(shop()).ledger
    with pytest.raises(CallerError, match="there is no journey 'tirp', did you mean 'trip'"):
        changed(ledger, "pause", "tirp", 1)
    with pytest.raises(CallerError, match="the journey 'trip' is stopped"):
        changed(changed(ledger, "stop", "trip", 1), "pause", "trip", 2)


def test_one_version_of_everything_is_the_project_as_it_was_compiled() -> None:
    project = shop()

    assert PublicationCompiler(project).program(begun(project)) is project.program


def test_secrets_are_not_kept() -> None:
    project = shop()

    assert b"email" in source_of(project)
    assert b"secret" not in source_of(project)


def test_an_older_version_still_compiles_when_the_profile_has_dropped_what_it_names() -> None:
    # given a journey that asks for a trait and a channel that are gone later
    noted = {**TRIP, "steps": [{"id": "write", "send": "mail", "to": {"email": "profile.nickname"}}]}
    before, after = shop(noted, OTHER, traits={"nickname": "string"}), shop()
    first = begun(before)
    ledger = published(first.ledger, candidate_of(after), 1, reopen=False)

    program = PublicationCompiler().program(Publications(ledger, {**first.sources, 2: source_of(after)}))

    assert [(each.name, each.version) for each in program.draining] == [("trip", 1)]


def test_an_older_version_still_compiles_when_the_profile_has_changed_the_kind_of_a_trait() -> None:
    # given a trait that is a number at first, and an address later
    noted = {**TRIP, "steps": [{"id": "keep", "update": {"contact": "event.total"}}, *TRIP["steps"]]}
    before, after = shop(noted, OTHER, traits={"contact": "number"}), shop(traits={"contact": "string"})
    documents = after.documents
    after = Project.of(
        documents.settings,
        documents.profile.model_copy(update={"addresses": {"email": "profile.contact"}}),
        documents.events,
        documents.audiences,
        documents.messages,
        documents.journeys,
        actions=documents.actions,
    )
    first = begun(before)
    ledger = published(first.ledger, candidate_of(after), 1, reopen=False)

    program = PublicationCompiler().program(Publications(ledger, {**first.sources, 2: source_of(after)}))

    assert [(each.name, each.version) for each in program.draining] == [("trip", 1)]
    assert program.addresses["email"].kind == "string"


def test_a_name_with_a_new_meaning_has_a_key_of_its_own() -> None:
    after = shop(audiences={"staff": 'profile.city == "Lyon"'})
    first = begun(shop())
    ledger = published(first.ledger, candidate_of(after), 1, reopen=False)

    program = PublicationCompiler().program(Publications(ledger, {**first.sources, 2: source_of(after)}))

    (newest,) = (each for each in program.journeys if each.name == "trip")
    (older,) = (each for each in program.draining if each.name == "trip")
    keys = [rule.audience for each in (older, newest) for rule in each.exits if isinstance(rule, AudienceTrigger)]
    assert [program.audiences[key].condition.text for key in keys] == [
        'profile.city == "Paris"',
        'profile.city == "Lyon"',
    ]
    assert [rule.name for each in (older, newest) for rule in each.exits] == ["staff", "staff"]


def test_what_is_kept_out_of_the_export_makes_no_other_journey_or_audience() -> None:
    audiences = {"audiences": {"buyers": 'count("Bought", "30d") > 0'}}
    private = {"properties": {"total": {"type": "number", "pii": True}}}

    plain = shop(TRIP, **audiences)
    marked = shop(TRIP, **audiences, events={"Start": private, "Bought": private})

    assert digests_of(plain.documents, plain.program) == digests_of(marked.documents, marked.program)
    assert marked.program.disclosure.pii_properties == dict.fromkeys(("Start", "Bought", "Big"), frozenset({"total"}))
