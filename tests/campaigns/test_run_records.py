"""May any thread read what a run has kept, whoever else reads it?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

KINDS = 300
"""So many are read for the first time: without care, one of a few dozen crashes the process."""

READ_BY_THREE_AT_ONCE = f"""
import sys, threading
from pathlib import Path
import msgspec
from parcours.campaigns.run_folder import read_json

sys.setswitchinterval(1e-6)  # a thread may be interrupted anywhere
for number in range({KINDS}):
    class Inner(msgspec.Struct):
        sizes: dict[str, int] | None = None

    class Kept(msgspec.Struct):
        number: int
        steps: dict[str, Inner]
        names: list[tuple[str, int]] = []

    together, read = threading.Barrier(3), []

    def look(kind=Kept):
        together.wait()
        read.append(read_json(Path(sys.argv[1]), kind))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert read == [Kept(1, {{"a": Inner({{"main": 2}})}}, [("b", 3)])] * 3, read
"""


def test_three_threads_that_read_a_kind_for_the_first_time_all_read_it(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text('{"number": 1, "steps": {"a": {"sizes": {"main": 2}}}, "names": [["b", 3]]}')

    done = subprocess.run([sys.executable, "-c", READ_BY_THREE_AT_ONCE, str(kept)], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
