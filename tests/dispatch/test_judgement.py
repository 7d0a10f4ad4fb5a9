"""Is a project judged by the channels that it uses, without what they need to send?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import parcours.examples

SIMULATED = """
import sys
from parcours import simulate
from parcours.dispatch.judgement import load_project
project = load_project(sys.argv[1])
simulate(project, [])
print(__import__("json").dumps(sorted(sys.modules)))
"""

CART = Path(parcours.examples.__file__).parent / "abandoned-cart"


def test_nothing_is_imported_that_only_sending_needs() -> None:
    told = subprocess.run([sys.executable, "-c", SIMULATED, str(CART)], capture_output=True, text=True, check=True)

    modules = json.loads(told.stdout)
    assert {"parcours_channels.email", "parcours_channels.sms", "parcours_channels.push"} <= set(modules)
    assert {"twilio", "pyfcm", "google.oauth2", "requests", "aiohttp"}.isdisjoint(modules)
