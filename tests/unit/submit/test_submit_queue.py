"""The QUEUE statement: its arguments, slices, and how rows are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async.submit.problems import SubmitError
from htcondor_async.submit.queue import ItemMode, QueueStatement, Slice, TableOptions, split_row


@pytest.mark.parametrize(
    ("text", "count", "mode", "variables", "items", "filename"),
    [
        ("", 1, ItemMode.NONE, [], [], ""),
        ("3", 3, ItemMode.NONE, [], [], ""),
        ("2 * 3", 6, ItemMode.NONE, [], [], ""),
        ("in (a b, c)", 1, ItemMode.IN, ["Item"], ["a", "b", "c"], ""),
        ("2 x,y IN a b", 2, ItemMode.IN, ["x", "y"], ["a", "b"], ""),
        ("x from (a b)", 1, ItemMode.FROM, ["x"], ["a b"], ""),
        ("x1 y2 from file name", 1, ItemMode.FROM, ["x1", "y2"], [], "file name"),
        ("x from (", 1, ItemMode.FROM, ["x"], [], "<"),
        ("f matching files *.dat", 1, ItemMode.MATCHING_FILES, ["f"], ["*.dat"], ""),
        ("f matching dirs [1:2] *", 1, ItemMode.MATCHING_DIRECTORIES, ["f"], ["*"], ""),
    ],
)
def test_forms(text: str, count: int, mode: ItemMode, variables: list[str], items: list[str], filename: str) -> None:
    found = QueueStatement.parse(text)
    assert (found.count, found.mode, found.variables, found.items, found.filename) == (
        count,
        mode,
        variables,
        items,
        filename,
    )


@pytest.mark.parametrize("text", ["x", "-1", "2147483647", "in", "x from", "1 x y z"])
def test_bad_counts_are_named(text: str) -> None:
    with pytest.raises(SubmitError, match="count"):
        QueueStatement.parse(text)


@pytest.mark.parametrize(
    ("text", "word"),
    [("x in files (a)", "files"), ("x in table (a)", "table"), ("x in [a:] (b)", "slice"), ("x in [::0] (b)", "slice")],
)
def test_bad_words_are_named(text: str, word: str) -> None:
    with pytest.raises(SubmitError, match=word):
        QueueStatement.parse(text)


bounds = st.none() | st.integers(-12, 12)


@given(bounds, bounds, st.none() | st.integers(1, 5), st.integers(0, 10))
def test_slices_select_what_python_selects(start: int | None, end: int | None, step: int | None, length: int) -> None:
    selected = list(Slice(start, end, step).indexes(length))
    assert all(0 <= index < length for index in selected)
    if start is None or -length <= start:
        assert selected == list(range(length))[slice(start, end, step)]


@given(bounds, bounds, st.none() | st.integers(1, 5))
def test_slices_are_read_as_they_are_written(start: int | None, end: int | None, step: int | None) -> None:
    text = str(Slice(start, end, step))
    assert Slice.parse(text + " rest") == (Slice(start, end, step), len(text))


@pytest.mark.parametrize(
    ("row", "columns", "fields"),
    [
        ("a, 1", 2, ["a", "1"]),
        ("a , 1", 2, ["a", ", 1"]),
        ("1,,3", 3, ["1", "", "3"]),
        ("a b c d", 2, ["a", "b c d"]),
        ("a", 3, ["a", "", ""]),
        ("  ", 2, []),
        ("a b\x1f c", 2, ["a b", "c"]),
        ("a\t b", 2, ["a", "b"]),
    ],
)
def test_rows(row: str, columns: int, fields: list[str]) -> None:
    assert split_row(row, columns) == fields


def test_table_options_are_applied_left_to_right() -> None:
    assert TableOptions().updated("csv,header=2,skip=1,sep=;") == TableOptions(2, 1, False, True, ";")
    assert TableOptions().updated("header=2,standard") == TableOptions()
    assert split_row(" a ;b", 2, TableOptions().updated("csv,sep=;,trim=false")) == [" a ", "b"]


@given(st.text(alphabet=" \t,ab\x1f\n", max_size=20), st.integers(1, 6))
def test_rows_have_the_fields_asked_for(row: str, columns: int) -> None:
    fields = split_row(row, columns)
    assert len(fields) in (0, columns)


@given(st.text(max_size=40))
def test_any_text_is_a_statement_or_a_clear_error(text: str) -> None:
    try:
        found = QueueStatement.parse(text)
    except SubmitError as error:
        assert error.what
    else:
        assert 0 <= found.count < 2**31 - 1
