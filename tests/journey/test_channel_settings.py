"""The channels' settings are validated with the project, and secrets are left to the process that runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from parcours.errors import ProjectInvalid
from parcours.journey.model.channel_keys import DISPATCHERS_WORDS
from parcours.journey.project import Project
from parcours.journey.read.schema import schema


class TlsSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    level: int = 1


class PigeonSettings(BaseModel):
    """Whoever has a loft of their own needs a key of eight characters."""

    model_config = ConfigDict(extra="forbid")

    host: str
    port: int = 25
    key: str = Field("unlocked", min_length=8)
    tls: TlsSettings = TlsSettings()
    lofts: list[int] = []

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.host == self.key:
            raise ValueError("host and key are the same")
        return self


def findings(folder: Path, channels: str) -> list[str]:
    (folder / "parcours.yaml").write_text(f"project: x\nchannels:\n{channels}\n")
    models = {"pigeon": PigeonSettings, "owl": None}
    return [str(finding) for finding in Project.check(folder, settings=models)]


@pytest.mark.parametrize(
    "settings, said",
    [
        ("{host: loft, port: 26}", []),
        ("{}", ["host: this key is needed"]),
        ("{hots: loft}", ["host: this key is needed", "hots: unknown key, did you mean 'host'?"]),
        ("{host: loft, port: many}", ["port: a whole number is expected (found 'many')"]),
        ("{host: loft, tls: {levl: 2}}", ["tls.levl: unknown key, did you mean 'level'?"]),
        ("{host: loft, lofts: [1, x]}", ["lofts[1]: a whole number is expected (found 'x')"]),
        ("{host: password, key: password}", ["host and key are the same"]),
        # the rate is no setting of the channel's own
        ("{host: loft, rate: 10/s}", []),
        ("{host: loft, rate: 10}", ["rate: a rate is written like 10/s, 600/m or 5000/h"]),
        ("{host: loft, rate: 'env:RATE'}", ["rate: a rate is written like 10/s, 600/m or 5000/h"]),
        # nor is the number of its dispatchers
        ("{host: loft, dispatchers: 4}", []),
        *(
            (f"{{host: loft, dispatchers: {wrong}}}", [f"dispatchers: {DISPATCHERS_WORDS}"])
            for wrong in ("0", "65", "-1", "2.0", "true", "two", "'2'", "null", "'env:DISPATCHERS'", "[2]")
        ),
        # what a reference stands for is not known yet
        ("{host: 'env:HOST', port: 'env:PORT', key: 'file:k'}", []),
        ("{host: loft, tls: 'env:TLS', lofts: [1, 'env:LOFT']}", []),
        ("{host: 'env:A', key: 'env:A'}", []),
        # its key is
        ("{hots: 'env:HOST', host: loft}", ["hots: unknown key, did you mean 'host'?"]),
        ("{key: 'env:KEY'}", ["host: this key is needed"]),
    ],
)
def test_settings_are_checked_key_by_key(settings: str, said: list[str], tmp_path: Path) -> None:
    found = findings(tmp_path, f"  pigeon: {settings}")

    whole = [each.replace("channels.pigeon: host and", "channels.pigeon.host and") for each in found]
    assert [each.removeprefix("parcours.yaml:3: channels.pigeon.").split(" (found {")[0] for each in whole] == said


def test_each_fault_has_its_own_line(tmp_path: Path) -> None:
    (fault,) = findings(tmp_path, "  pigeon:\n    host: loft\n    port: many")

    assert fault.startswith("parcours.yaml:5: channels.pigeon.port: ")


def test_a_channel_that_is_not_installed_is_answered_with_the_nearest_that_is(tmp_path: Path) -> None:
    assert findings(tmp_path, "  pigeno: {host: loft}\n  owl: {whatever: 1}") == [
        "parcours.yaml:3: channels.pigeno: unknown channel 'pigeno', did you mean 'pigeon'?"
    ]


def test_a_project_with_wrong_settings_is_not_loaded_where_they_are_checked(tmp_path: Path) -> None:
    findings(tmp_path, "  pigeon: {port: 3}")

    with pytest.raises(ProjectInvalid, match=r"channels\.pigeon\.host"):
        Project.load(tmp_path, settings={"pigeon": PigeonSettings})
    assert Project.load(tmp_path).channels == {"pigeon": {"port": 3}}


def test_a_wrong_key_of_the_engine_s_is_told_for_every_channel_even_if_nothing_else_is_known_of_it(
    tmp_path: Path,
) -> None:
    faults = findings(tmp_path, "  call: {rate: 5, dispatchers: 0}\n  owl:\n    rate: often\n    dispatchers: many")

    wanted = "a rate is written like 10/s, 600/m or 5000/h"
    assert [each for each in faults if "rate" in each or "dispatchers" in each] == [
        f"parcours.yaml:3: channels.call.dispatchers: {DISPATCHERS_WORDS}",
        f"parcours.yaml:3: channels.call.rate: {wanted}",
        f"parcours.yaml:5: channels.owl.rate: {wanted}",
        f"parcours.yaml:6: channels.owl.dispatchers: {DISPATCHERS_WORDS}",
    ]


def test_outbound_calls_may_have_several_dispatchers_as_channels_have(tmp_path: Path) -> None:
    assert findings(tmp_path, "  call: {dispatchers: 2}") == []


def test_a_destination_has_one_dispatcher_and_takes_no_number_of_them(tmp_path: Path) -> None:
    (tmp_path / "destinations.yaml").write_text(
        "destinations:\n  ads: {audience: all, to: {file: {}}, dispatchers: 2}\n"
    )

    assert [each for each in findings(tmp_path, "  call: {}") if "dispatchers" in each] == [
        "destinations.yaml:2: destinations.ads.dispatchers: unknown key"
    ]


def test_the_schema_of_a_project_knows_the_engine_s_keys_of_a_channel() -> None:
    (channel,) = schema("project")["properties"]["channels"]["patternProperties"].values()

    assert channel["properties"]["rate"]["pattern"] == "^([1-9][0-9]{0,6})/([smh])$"
    assert (channel["properties"]["dispatchers"]["minimum"], channel["properties"]["dispatchers"]["maximum"]) == (1, 64)
