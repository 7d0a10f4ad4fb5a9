"""A copy of somebody is not reached where she is, however her address comes about; else there is no copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.projects import write_texts

from parcours import Project
from parcours.ingress.copied_people import unreachable
from parcours.ingress.exchange import Problem

QA = "qa@mail.example"

FOR_TESTS = {"email": QA}


def program_of(folder: Path, address: str) -> Any:
    texts = {
        "parcours.yaml": "project: studio",
        "profile.yaml": "{traits: {email: string, at: object, all: list, name: string}, addresses: {email: ADDRESS}}",
        "events.yaml": "events: {}",
    }
    write_texts(folder, {**texts, "profile.yaml": texts["profile.yaml"].replace("ADDRESS", json.dumps(address))})
    return Project.load(folder).program


@pytest.mark.parametrize(
    "address, traits, copied",
    [
        ("profile.email", {"email": "a@b.example", "name": "A"}, {"email": "qa@mail.example", "name": "A"}),
        ("profile.email", {"name": "A"}, {"name": "A"}),
        (
            "profile.email",
            {"email": "a@b.example", "name": "a@b.example"},
            dict.fromkeys(("email", "name"), QA),
        ),
        ("profile.at.home", {"at": {"home": "a@b.example", "n": 1}}, {"at": {"home": "qa@mail.example", "n": 1}}),
        ("profile.all[0]", {"all": ["a@b.example", "b"]}, {"all": ["qa@mail.example", "b"]}),
        ("'qa@mail.example'", {"name": "A"}, {"name": "A"}),
    ],
)
def test_each_place_in_which_the_address_stands_has_one_for_tests(
    address: str, traits: dict[str, Any], copied: dict[str, Any], tmp_path: Path
) -> None:
    assert unreachable(traits, program_of(tmp_path, address), FOR_TESTS) == copied


def test_without_an_address_for_tests_it_is_left_out(tmp_path: Path) -> None:
    program = program_of(tmp_path, "profile.email")

    assert unreachable({"email": "a@b.example", "all": ["a@b.example", "b"]}, program, {}) == {"all": ["b"]}


def test_whose_address_is_put_together_is_not_copied(tmp_path: Path) -> None:
    program = program_of(tmp_path, 'profile.name + "@mail.example"')

    with pytest.raises(Problem, match="cannot be copied"):
        unreachable({"name": "ada"}, program, FOR_TESTS)
