"""Is a document refused that would take the library of YAML far too long, or that it stumbles over?

Were any of these read all the same, the test would not end within an hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from parcours.errors import ProjectInvalid
from parcours.journey.project import Project
from parcours.journey.read.yaml_text import MERGES_MAX, VALUES_MAX


def findings(folder: Path, profile: str) -> Sequence[str]:
    (folder / "parcours.yaml").write_text("project: shop\n")
    (folder / "profile.yaml").write_text(profile)
    with pytest.raises(ProjectInvalid) as refused:
        Project.load(folder)
    return refused.value.findings


@pytest.mark.parametrize(
    "written",
    [
        "{" * 60 + "a" + "}" * 60 + ": b",  # each level doubled the work
        "? " * 60 + "a",
        "!!set {" * 60 + "a" + "}" * 60,
        "k: &k [a]\n*k : b",  # an alias of a collection is one, too
    ],
)
def test_a_key_that_is_a_collection_is_refused_before_it_is_read(written: str, tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, written)

    assert finding == "profile.yaml: the file cannot be read: a key has to be a text"


@pytest.mark.parametrize(
    "written, told",
    [
        ("- 1\n" * 1_000_000, f"it holds more than {VALUES_MAX} values"),
        ("[" + "1," * 1_900_000 + "1]", f"it holds more than {VALUES_MAX} values"),
        ("\n".join(f"k{number}: &a{number} 1" for number in range(200_000)), f"more than {VALUES_MAX} values"),
        ("a: &a {b: 1}\n" + "".join(f"k{n}: {{<<: *a}}\n" for n in range(MERGES_MAX + 1)), f"more than {MERGES_MAX}"),
    ],
)
def test_there_is_a_bound_to_what_a_document_holds(written: str, told: str, tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, written)

    assert told in finding


@pytest.mark.parametrize("written", ["a: !!bool maybe", "a: !!int ''", "!!set ''", "a: &a\n  <<: *a"])
def test_a_value_that_is_not_of_the_kind_of_its_tag_is_a_finding(written: str, tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, written)

    assert finding.startswith("profile.yaml: the file cannot be read: a value is not of the kind that its tag names")
