"""/openapi.json tells what the table of routes has, by the structs that handlers use."""

from __future__ import annotations

from openapi_spec_validator import validate

from parcours.ingress.openapi import document
from parcours.ingress.routes import ROUTES


def test_it_is_a_document_of_openapi_3_1() -> None:
    validate(document(ROUTES))


def test_each_route_is_in_it_under_each_of_its_paths() -> None:
    told = document(ROUTES)["paths"]

    for route in ROUTES:
        for path in (route.path, *route.also):
            operation = told[path][route.method.lower()]
            assert operation["summary"] == route.summary
            assert ("security" in operation) == (route.scope is not None)
            assert ("requestBody" in operation) == (route.takes is not None)


def test_the_statuses_without_a_body_are_told_where_they_are_answered() -> None:
    told = document(ROUTES)["paths"]
    operations = {(path, method): each["responses"] for path in told for method, each in told[path].items()}

    assert [of for of, responses in operations.items() if "303" in responses] == [
        ("/u/{token}", "post"), ("/in", "get"), ("/in", "post"), ("/out", "post"), ("/try", "post"),
        ("/try/{id}", "post"), ("/people/{id}/erase", "post"),
    ]  # fmt: skip
    assert [of for of, responses in operations.items() if "304" in responses] == [("/inbox/{id}", "get")]
    assert all({"405", "501"} <= responses.keys() for responses in operations.values())


def test_no_two_structs_have_one_name() -> None:
    structs = {each for route in ROUTES for each in (route.takes, route.gives, route.or_gives) if each is not None}

    assert len({each.__name__ for each in structs}) == len(structs)
