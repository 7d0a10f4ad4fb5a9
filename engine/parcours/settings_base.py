"""A model of settings that says in one line, in words, what is wrong with what was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from pydantic import BaseModel, ValidationError, model_validator

from parcours.errors import SettingInvalid
from parcours.validation import keys_of_model, line_of, mattering, message_of


class SettingsBase(BaseModel, frozen=True, extra="forbid"):  # here, so that type checkers see it
    """Raises SettingInvalid for a name that there is not, and for a value out of bounds."""

    @model_validator(mode="wrap")
    @classmethod
    def _in_words(cls, given: Any, validate: Callable[[Any], Self]) -> Self:
        try:
            return validate(given)
        except ValidationError as error:
            keys = keys_of_model(cls)
            wrong = [(each["loc"], message_of(each, keys)) for each in mattering(error)]
            raise SettingInvalid(line_of(wrong)) from None
