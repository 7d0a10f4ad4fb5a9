"""What a model complains of is told in an author's words, in one line where there is room for no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError, model_validator

from parcours.journey.project import Project
from parcours.journey.read.complaints import in_a_line
from parcours.journey.starter import write_starter
from parcours.validation import IN_A_LINE_MAX


class Server(BaseModel):
    host: str
    ports: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _is_somewhere(self) -> Server:
        if self.host == "nowhere":
            raise ValueError("this is no place")
        return self


@pytest.mark.parametrize(
    "given, line",
    [
        ({}, "host: this key is needed"),
        ({"host": 4711, "ports": ["secret"]}, "host: a text is expected; ports.0: a whole number is expected"),
        ({"host": "nowhere"}, "this is no place"),  # the model as a whole has no place
    ],
)
def test_each_complaint_follows_its_place_and_no_value_is_shown(given: dict[str, object], line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Server.model_validate(given)

    assert in_a_line(caught.value, Server) == line


def test_however_much_is_wrong_the_line_is_bounded() -> None:
    with pytest.raises(ValidationError) as caught:
        Server.model_validate({"host": "here", "ports": ["x"] * 1_000})

    told = in_a_line(caught.value, Server).split("; ")

    assert told[-1] == f"and {1_000 - IN_A_LINE_MAX} more"
    assert len(told) == IN_A_LINE_MAX + 1


def starter_with(folder: Path, file: str, text: str) -> Path:
    write_starter(folder)
    (folder / file).write_text(text)
    return folder


@pytest.mark.parametrize(
    "file, text, words",
    [
        ("profile.yaml", "traits: {'.city': string}\n", "a path is a name, or names with a dot between them"),
        ("events.yaml", "events: {Seen: {properties: {'a..b': string}}}\n", "a path is a name, or names with a dot"),
        ("parcours.yaml", "project: shop\nregion: fr\n", "two capital letters are expected, such as FR"),
        ("parcours.yaml", "project: my shop\n", "a name has letters, digits, - and _"),
        ("audiences.yaml", "audiences: {'my own': 'true'}\n", "a name has letters, digits, - and _"),
    ],
)
def test_what_a_pattern_allows_is_said_in_words(file: str, text: str, words: str, tmp_path: Path) -> None:
    told = "\n".join(str(finding) for finding in Project.check(starter_with(tmp_path / "shop", file, text)))

    assert words in told
    assert "pattern" not in told and "[^" not in told


@pytest.mark.parametrize(
    "file, text",
    [
        ("audiences.yaml", 'audiences: {long: "%s"}\n' % ("profile.city == 'Oslo' || " * 400)),
        ("audiences.yaml", 'audiences: {long: \'count("%s", "1d") > 0\'}\n' % ("e" * 3_000)),
        ("audiences.yaml", "audiences: {long: 'profile.%s == 1'}\n" % ("n" * 3_000)),
        ("profile.yaml", "traits: {%s: nothing}\n" % ("n" * 3_000)),
        ("profile.yaml", "%s: 1\n" % ("n" * 3_000)),
        ("parcours.yaml", "project: shop\ntimezone: %s\n" % ("n" * 3_000)),
    ],
)
def test_a_finding_quotes_no_more_than_a_line_has_room_for(file: str, text: str, tmp_path: Path) -> None:
    found = Project.check(starter_with(tmp_path / "shop", file, text))

    assert found
    assert max(len(str(finding)) for finding in found) < 1_500


@pytest.mark.parametrize("number", [str(2**63), str(-(2**63) - 1), "9" * 5_000, "0x" + "F" * 5_000, "0b" + "1" * 64])
def test_a_number_beyond_64_bits_is_told_with_its_line(number: str, tmp_path: Path) -> None:
    text = f"traits:\n  city: string\n  age: {number}\n"
    told = [str(finding) for finding in Project.check(starter_with(tmp_path / "shop", "profile.yaml", text))]

    assert "profile.yaml:3: a whole number of more than 64 bits has no place in a document" in told
