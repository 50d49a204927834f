"""What htcondor.Submit 24.0.24 made of descriptions, against what this package makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import submit_rows, submit_vectors

# Rows whose recorded result is not reproduced, and why.
DEVIATIONS = {
    "queue-051": "a slice that begins beyond the end selects nothing; the bindings make one job of garbage",
    "itemdata-051": "a slice that begins beyond the end selects nothing; the bindings crash",
    "container-067": "an empty CONTAINER_SHARED_FS names no directory; the bindings crash",
    "spool-basic": "files of a directory are listed by name; the bindings list them as they lie on disk",
}

ROWS = list(submit_vectors.load(submit_rows.DATA))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The files that the descriptions refer to."""
    target = tmp_path_factory.mktemp("submit")
    submit_vectors.build_tree(submit_rows.DATA, target)
    return str(target)


@pytest.fixture
def own_tree(tmp_path: Path) -> Iterator[str]:
    """Such files for a row that changes them."""
    submit_vectors.build_tree(submit_rows.DATA, tmp_path)
    yield str(tmp_path)


def _check(row: dict[str, Any], tree: str) -> None:
    problems = submit_rows.check(row, tree)
    if row["id"] in DEVIATIONS:
        assert problems, "this row is reproduced now: take it off the list"
        return
    assert not problems, "\n".join([repr(row["input"]), *problems])


@pytest.mark.parametrize("row", [row for row in ROWS if not row.get("writes_files")], ids=lambda row: row["id"])
def test_row(row: dict[str, Any], tree: str) -> None:
    _check(row, tree)


@pytest.mark.parametrize("row", [row for row in ROWS if row.get("writes_files")], ids=lambda row: row["id"])
def test_row_that_writes_files(row: dict[str, Any], own_tree: str) -> None:
    _check(row, own_tree)


def test_deviations_are_rows() -> None:
    assert set(DEVIATIONS) <= {row["id"] for row in ROWS}
