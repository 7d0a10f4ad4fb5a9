"""Whatever the description of the door allows is asked of it: no fault, and every answer is as the description says."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from parcours.examples import write_example
from parcours.ingress.application import app
from parcours.ingress.keys import SCOPES
from parcours.ingress.routes import ROUTES
from parcours.ingress.settings import ServeSettings
from parcours.ingress.tokens import Seals, UnsubscribeToken
from parcours.journey.project import Project
from parcours.service.engine import Engine

EXAMPLES = 12
"""Requests to each path: about a thousand in all."""

SIGNING_KEYS = ["s" * 32]

FORM = "application/x-www-form-urlencoded"

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

DESCRIBED = [(route.method, path) for route in ROUTES for path in (route.path, *route.also) if route.gives is not None]
"""What is answered with JSON of a shape that is told; pictures, pages and texts are looked at elsewhere."""


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    """The description that a door gives, of the engine behind it."""
    folder = tmp_path_factory.mktemp("shop")
    write_example(folder, "abandoned-cart")
    key = {"name": "any", "sha256": sha256(b"any").hexdigest(), "scopes": SCOPES}
    given_settings = ServeSettings.model_validate({"keys": [key], "signing_keys": SIGNING_KEYS})
    project = Project.load(folder)
    with Engine.open(project, "memory:", shards=2, runtime="local", records=["email", "sms", "push"]) as engine:
        yield schemathesis.openapi.from_asgi("/openapi.json", app(engine, given_settings))


AS_ANY: dict[str, str] = {"Authorization": "Bearer any"}


def test_a_form_an_unchanged_inbox_and_another_method_are_answered_as_it_says(description: BaseSchema) -> None:
    token = UnsubscribeToken("sarah", "0" * 37, "email")
    form = description["/u/{token}"]["POST"].Case(
        path_parameters={"token": Seals(SIGNING_KEYS).seal(token)}, body={"stop": "email"}, media_type=FORM
    )
    assert form.call_and_validate(allow_redirects=False, checks=CHECKS).status_code == 303

    inbox = description["/inbox/{id}"]["GET"].Case(path_parameters={"id": "sarah"})
    etag = inbox.call_and_validate(headers=AS_ANY, checks=CHECKS).headers["etag"][0]
    again = inbox.call_and_validate(headers={**AS_ANY, "If-None-Match": etag}, checks=CHECKS)
    assert again.status_code == 304

    publishing = description["/publish"]["POST"].Case(method="PUT")
    assert publishing.call_and_validate(headers=AS_ANY, checks=CHECKS).status_code == 405


@pytest.mark.parametrize("method, path", DESCRIBED)
def test_what_the_description_allows_is_answered_as_it_says(method: str, path: str, description: BaseSchema) -> None:
    operation = description[path][method]

    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(headers=AS_ANY, checks=CHECKS)

    ask()
