"""What an engine on PostgreSQL keeps in files, and what it forgets in both places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engine.canaries import CANARIES, PERSON, SETTINGS, done, found
from tests.engine.test_campaigns import EVERYBODY, MAIL, filled, opened, over, sent_to, sizes
from tests.engine.test_erasure import live
from tests.postgres import by_hand, schema_of
from tests.simulation.campaign_shop import campaign, project_in

from parcours.errors import PublishRefused, SettingInvalid
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.store.campaign_files import CAMPAIGNS

NewShop = Callable[..., Project]

BYTES = (("journal", "encoded"), ("image_pieces", "data"), ("file_pieces", "data"))
"""The tables that hold what is known of people, and the column of each."""


def rows_with(url: str, address: str, canary: bytes) -> list[str]:
    """The tables in which these bytes are to be found."""
    schema, words = schema_of(address), canary.hex()
    return [
        table
        for table, column in BYTES
        if by_hand(url, f"SELECT FROM {schema}.{table} WHERE position('\\x{words}'::bytea IN {column}) > 0")
    ]


def test_whoever_is_erased_is_in_no_row_and_no_file(
    tmp_path: Path, new_shop: NewShop, postgres_url: str, postgres_address: str
) -> None:
    files = tmp_path / "files"
    with Engine.open(
        new_shop(), postgres_address, runtime="local", records=["email"], settings=SETTINGS, files=files
    ) as engine:
        live(engine)
        assert rows_with(postgres_url, postgres_address, PERSON.encode())

        job = engine.erase(PERSON)

        assert done(engine, files, job).done
        assert [each for canary in CANARIES for each in rows_with(postgres_url, postgres_address, canary)] == []
        assert engine.facts("u1") and engine.troubles() == []
    assert found(files) == set()


def test_a_campaign_runs_and_its_files_lie_in_the_folder_for_them(tmp_path: Path, postgres_address: str) -> None:
    steps = [EVERYBODY, {"id": "some", "filter": "profile.score > 2"}, MAIL]
    project, files = project_in(tmp_path / "shop", campaign(*steps)), tmp_path / "files"
    with opened(project, postgres_address, files=files) as engine:
        filled(engine, 10)
        assert engine.run_campaign("push", by="marion") == 1
        assert over(engine).state == "done"

    with opened(project, postgres_address) as engine:
        assert sizes(over(engine))["mail.main"] == 7
        assert sent_to(engine, 10, "mail") == [f"u{number}" for number in range(3, 10)]
    assert (files / CAMPAIGNS / "push" / "1" / "run.json").is_file()


def test_a_campaign_needs_a_folder_for_files(tmp_path: Path, postgres_address: str) -> None:
    project = project_in(tmp_path / "shop", campaign(EVERYBODY, MAIL))
    told = "campaigns keep their runs in files, and the store .* has no folder for any: name one .* setting `files`"

    with pytest.raises(SettingInvalid, match=told):
        opened(project, postgres_address)
    before = project_in(tmp_path / "before")
    with opened(before, postgres_address) as engine, pytest.raises(PublishRefused, match=told):
        engine.publish(project)
