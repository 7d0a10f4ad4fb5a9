"""Does the guide to writing a channel do what it says?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parcours.channel import Channel
from parcours_channels.email import EmailChannel
from parcours_channels.inbox import CardChannel, InAppChannel
from parcours_channels.push import PushChannel
from parcours_channels.sms import SmsChannel

CHANNELS: list[type[Channel]] = [EmailChannel, SmsChannel, PushChannel, CardChannel, InAppChannel]
GUIDE = Path(__file__).parents[2] / "channels" / "README.md"
TIMEOUT_S = 120


def python_blocks() -> dict[str, str]:
    """The guide's Python code by the file name in its first line."""
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return dict(blocks)


def test_every_python_block_of_the_guide_names_its_file() -> None:
    assert GUIDE.read_text(encoding="utf-8").count("```python\n") == len(python_blocks()) == 2


def test_the_channel_of_the_guide_passes_the_contract_with_plain_pytest(tmp_path: Path) -> None:
    # given the guide's files in an empty folder
    for name, code in python_blocks().items():
        (tmp_path / name).write_text(code, encoding="utf-8")

    # when they are tested there, with warnings as errors
    here = os.pathsep.join([str(tmp_path), *(str(Path(entry).resolve()) for entry in sys.path if entry)])
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_pager.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": here, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    # then the whole suite passes, but for the entry point that is not installed
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"\b17 passed, 1 skipped\b", run.stdout), run.stdout


NAMED_BY_THE_GUIDE = {
    "parcours.testing.contracts": ["ChannelContract", "receipts_of"],
    "parcours.testing.doubles": ["Drop", "Hang", "HttpReply"],
}
"""What a channel without HTTP imports for its tests."""


@pytest.mark.parametrize("more, allowed", [([], set()), (["HttpServer"], {"aiohttp"})])
def test_the_contract_needs_no_library_that_the_guide_does_not_name(more: list[str], allowed: set[str]) -> None:
    names = {**NAMED_BY_THE_GUIDE, "parcours.testing.doubles": [*NAMED_BY_THE_GUIDE["parcours.testing.doubles"], *more]}
    imports = "; ".join(f"from {module} import {', '.join(names)}" for module, names in names.items())
    optional = ("aiohttp", "aiosmtpd", "aiosmtplib", "cryptography", "google", "hypothesis", "pyfcm", "twilio")
    code = f"import sys; {imports}; print(*[name for name in {optional} if name in sys.modules])"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=TIMEOUT_S, check=True)

    assert set(run.stdout.split()) <= allowed


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_setting_and_every_field_of_a_built_in_channel_is_named_in_the_guide(channel: type[Channel]) -> None:
    named = set(re.findall(r"`(\w+)`", GUIDE.read_text(encoding="utf-8")))
    fields = {*channel.Settings.model_fields, *channel.Content.model_fields}
    assert fields <= named, f"not in the guide: {sorted(fields - named)}"
