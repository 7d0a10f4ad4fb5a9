"""Which channels are there, and what is said about one that is not?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path

import pytest

from parcours.channel import GROUP
from parcours.dispatch.registry import ChannelEntry, Registry
from parcours.errors import ChannelUnknown, ExtraMissing, SettingInvalid

CHANNEL = """
from pydantic import BaseModel, ConfigDict

class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    host: str
    port: int = 25

class PigeonChannel:
    Settings = Settings
    Content = BaseModel
    address_kind = "loft"
    def __init__(self, settings): self.settings = settings
"""


@pytest.fixture
def modules(tmp_path: Path) -> Iterator[Path]:
    """A folder from which modules are imported for the length of a test."""
    (tmp_path / "pigeon_channel.py").write_text(CHANNEL)
    (tmp_path / "rusty_channel.py").write_text("raise RuntimeError('rust')")
    (tmp_path / "bare_channel.py").write_text("import a_library_that_nobody_has")
    (tmp_path / "late_channel.py").write_text(CHANNEL + "    libraries = ('json', 'a_library_that_nobody_has')\n")
    sys.path.insert(0, str(tmp_path))
    yield tmp_path
    sys.path.remove(str(tmp_path))
    for name in ("pigeon_channel", "rusty_channel", "bare_channel", "late_channel"):
        sys.modules.pop(name, None)


def point(name: str, value: str, distribution: str = "pigeon-post", folder: Path | None = None) -> EntryPoint:
    """An entry point as the distribution's metadata would give it."""
    info = (folder or Path()) / f"{distribution.replace('-', '_')}-1.2.dist-info"
    if folder is not None:
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Name: {distribution}\nVersion: 1.2\n")
    return EntryPoint(name, value, GROUP)._for(PathDistribution(info))  # type: ignore[attr-defined, no-any-return]  # as importlib does


def test_a_channel_is_found_by_its_entry_point_and_opened_with_its_settings(modules: Path) -> None:
    registry = Registry([point("pigeon", "pigeon_channel:PigeonChannel", folder=modules)])

    channel = registry.open("pigeon", {"host": "loft"})

    assert type(channel).__name__ == "PigeonChannel"
    assert list(registry.contents()) == ["pigeon"]
    assert registry.offers() == [ChannelEntry("pigeon", "pigeon-post", "1.2", missing=None, clashes=False)]


@pytest.mark.parametrize("asked, hint", [("pigeons", ", did you mean 'pigeon'?"), ("fax", "; there are owl, pigeon")])
def test_an_unknown_channel_is_answered_with_what_there_is(asked: str, hint: str) -> None:
    registry = Registry([EntryPoint(name, "x:y", GROUP) for name in ("pigeon", "owl")])

    with pytest.raises(ChannelUnknown, match=f"no installed distribution offers the channel '{asked}'{hint}"):
        registry.channel(asked)


def test_without_any_channel_that_is_said() -> None:
    with pytest.raises(ChannelUnknown, match="there are none"):
        Registry([]).channel("email")


def test_a_name_offered_twice_is_nobody_s(modules: Path) -> None:
    registry = Registry(
        [
            point("pigeon", "pigeon_channel:PigeonChannel", "pigeon-post", modules),
            point("pigeon", "pigeon_channel:PigeonChannel", "dove-mail", modules),
        ]
    )

    with pytest.raises(ChannelUnknown, match="'pigeon' is offered by several distributions: dove-mail, pigeon-post"):
        registry.channel("pigeon")
    assert [offer.clashes for offer in registry.offers()] == [True, True]
    assert registry.contents() == {}


@pytest.mark.parametrize("value", ["bare_channel:EmailChannel", "late_channel:PigeonChannel"])
def test_a_library_missing_from_one_of_our_own_is_a_line_that_names_the_extra(value: str, modules: Path) -> None:
    registry = Registry([point("email", value, "parcours", modules)])

    with pytest.raises(ExtraMissing) as caught:
        registry.channel("email")

    message = str(caught.value)
    assert "a_library_that_nobody_has" in message and "pip install 'parcours[email]'" in message
    assert "\n" not in message
    assert registry.offers()[0].missing == message
    assert registry.contents() == {}


@pytest.mark.parametrize("module", ["bare_channel", "rusty_channel", "pigeon_channel"])
def test_a_stranger_s_channel_that_cannot_be_loaded_hides_nobody_else_s(module: str, modules: Path) -> None:
    registry = Registry(
        [
            point("broken", f"{module}:NoSuchClass", folder=modules),
            point("pigeon", "pigeon_channel:PigeonChannel", folder=modules),
        ]
    )

    with pytest.raises(ChannelUnknown, match="the channel 'broken'"):
        registry.channel("broken")
    assert list(registry.contents()) == ["pigeon"]
    assert [offer.missing is None for offer in registry.offers()] == [False, True]


def test_settings_that_are_wrong_are_all_named_at_once(modules: Path) -> None:
    registry = Registry([point("pigeon", "pigeon_channel:PigeonChannel", folder=modules)])

    with pytest.raises(SettingInvalid) as caught:
        registry.open("pigeon", {"port": "many", "hots": "loft"})

    assert str(caught.value) == (
        "channels.pigeon: host: this key is needed; port: a whole number is expected; "
        "hots: unknown key, did you mean 'host'?"
    )


def test_the_channels_of_this_distribution_take_the_same_door() -> None:
    assert {"email", "sms", "push"} <= {offer.name for offer in Registry.installed().offers()}
