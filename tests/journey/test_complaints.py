"""What a model complains of is told in an author's words, in one line where there is room for no more."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError, model_validator

from parcours.journey.read.complaints import in_a_line
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
