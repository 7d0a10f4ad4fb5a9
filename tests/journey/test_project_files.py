"""Which files of a folder make a project: its documents, what messages name, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours.errors import CallerError
from parcours.examples import write_example
from parcours.journey.project import Project
from parcours.journey.read.project_files import project_texts

MESSAGE = "message: note\nemail: {subject: Hello, text_file: ../texts/note.txt}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written = tmp_path / "shop"
    write_example(written, "abandoned-cart")
    (written / "secrets").mkdir()
    (written / "secrets" / "fcm.json").write_text("secret")
    (written / "texts").mkdir()
    (written / "texts" / "note.txt").write_text("Bonjour")
    (written / "messages" / "note.yaml").write_text(MESSAGE)
    return written


def test_documents_and_what_messages_name_are_all_that_is_sent(folder: Path, tmp_path: Path) -> None:
    texts = project_texts(folder)

    assert set(texts) == {
        "parcours.yaml", "profile.yaml", "events.yaml", "messages/cart-reminder.yaml", "messages/note.yaml",
        "journeys/abandoned-cart.yaml", "texts/note.txt",
    }  # fmt: skip
    copy = tmp_path / "copy"
    for name, text in texts.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text)
    assert Project.load(copy).to_json() == Project.load(folder).to_json()


def test_what_lies_elsewhere_is_not_sent(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.yaml").write_text("message: other\n")
    (folder / "messages" / "other.yaml").symlink_to(tmp_path / "elsewhere.yaml")

    with pytest.raises(CallerError, match="lies outside the project's folder"):
        project_texts(folder)


def test_what_cannot_be_read_is_left_to_whoever_reads_the_project(folder: Path) -> None:
    (folder / "messages" / "note.yaml").write_text("email: {text_file: [\n")
    (folder / "messages" / "two.yaml").write_text("message: two\nemail: {text_file: missing.txt}\n")
    assert "messages/note.yaml" in project_texts(folder)

    (folder / "events.yaml").write_bytes(b"\xff")
    with pytest.raises(CallerError, match=r"events\.yaml cannot be sent"):
        project_texts(folder)
