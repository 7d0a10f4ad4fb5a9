"""Projects that a test writes out in full."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from parcours.journey.project import Project


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Write each text at its path below the folder; it may be indented as the test is that holds it."""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")


def write_documents(folder: Path, documents: Mapping[str, object]) -> None:
    """Write each document, by its path without `.yaml`, as JSON, which is YAML as well."""
    texts = {name: json.dumps(document, ensure_ascii=False) for name, document in documents.items()}
    write_texts(folder, {f"{name}.yaml": text for name, text in texts.items()})


def findings_of(folder: Path) -> list[str]:
    """What is wrong with the project in the folder, a sentence each."""
    return [str(finding) for finding in Project.check(folder)]
