"""How long does the page of `parcours demo insight` take, and how much of it is drawing?

The demo is simulated once, with facts. Then its page is made again and again, in the one process: counted by the
warehouse, checked, drawn and written as HTML. The first one also starts the library of charts. The pages have to be the
same. Prints the first and the median of the others, in seconds, and one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from parcours.demo.insight import insight_page, run_insight_demo
from parcours.dispatch.judgement import load_project
from parcours.insight.pictures.picture import Picture
from parcours.journey.picture.drawing import journey_svg


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with TemporaryDirectory(prefix="parcours-page-") as folder:
        demo = run_insight_demo(Path(folder), shards=1, runtime="local")
        project = load_project(demo.project)
        pages, whole, drawing = set[str](), list[float](), list[float]()
        for _ in range(runs):
            with drawn() as seconds:
                started_s = time.perf_counter()
                pages.add(insight_page(demo.out, project, demo.result.summary))
                whole.append(time.perf_counter() - started_s)
            drawing.append(sum(seconds))
    assert len(pages) == 1, "the same facts give the same page"
    figures: dict[str, Any] = {"bytes": len(pages.pop().encode())}
    for name, seconds in (("page", whole), ("pictures", drawing)):
        figures |= {f"first_{name}_s": round(seconds[0], 2)}
        figures |= {f"{name}_s": round(statistics.median(seconds[1:]), 2)} if runs > 1 else {}
    for name, figure in figures.items():
        print(f"{name}: {figure:,}")
    print(json.dumps(figures))


@contextmanager
def drawn() -> Iterator[list[float]]:
    """How long each picture takes that is drawn meanwhile."""
    seconds: list[float] = []

    def timed(draw: Callable[..., str]) -> Callable[..., str]:
        def draw_timed(*given: Any, **named: Any) -> str:
            started_s = time.perf_counter()
            picture = draw(*given, **named)
            seconds.append(time.perf_counter() - started_s)
            return picture

        return draw_timed

    of_journeys = "parcours.insight.gathering.journeys.journey_svg"
    with patch.object(Picture, "svg", timed(Picture.svg)), patch(of_journeys, timed(journey_svg)):
        yield seconds


if __name__ == "__main__":
    main()
