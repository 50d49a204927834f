"""Arguments and environments in one string."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async.submit.quoting import (
    EnvironmentFilter,
    EnvironmentTable,
    QuotingError,
    join_v2,
    parse_arguments,
    quote_v2,
    split_v2,
    unquote_v2,
)

characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
arguments = st.lists(st.text(alphabet=characters, max_size=12), max_size=6)


@given(arguments)
def test_arguments_survive(values: list[str]) -> None:
    assert split_v2(join_v2(values)) == values
    assert parse_arguments(quote_v2(join_v2(values))) == (False, values)


@given(st.text(max_size=30))
def test_quotes_survive(raw: str) -> None:
    assert unquote_v2(quote_v2(raw)) == raw


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a b", (True, ["a", "b"])),
        (r"say \"hi\"", (True, ["say", '"hi"'])),
        ("it's", (True, ["it's"])),
        ("\"a 'b c' it''s\"", (False, ["a", "b c", "its"])),
        ('"a""b"', (False, ['a"b'])),
        ('""', (False, [])),
    ],
)
def test_forms(text: str, values: tuple[bool, list[str]]) -> None:
    assert parse_arguments(text) == values


@pytest.mark.parametrize("text", ['"a', '"a" b', 'a "b"', '"a \'b"'])
def test_bad_quotes_are_shown(text: str) -> None:
    with pytest.raises(QuotingError, match="quote"):
        parse_arguments(text)


def test_v2_is_demanded() -> None:
    with pytest.raises(QuotingError, match="double quotes"):
        parse_arguments("a b", v2_only=True)


names = st.text(alphabet="ABCxyz_", min_size=1, max_size=5)
values = st.text(alphabet=characters, max_size=10)


@given(st.dictionaries(names, values, max_size=5))
def test_environments_survive(variables: dict[str, str]) -> None:
    table = EnvironmentTable()
    for name, value in variables.items():
        table.add_entry(f"{name}={value}")
    again = EnvironmentTable()
    again.merge(quote_v2(table.raw_v2()))
    assert again.raw_v2() == table.raw_v2()
    assert len(again) == len(variables)


def test_first_character_may_be_the_delimiter() -> None:
    table = EnvironmentTable()
    table.merge("|A=1|B=a;b")
    assert table.raw_v2() == "A=1 B=a;b"
    with pytest.raises(QuotingError, match="cannot hold"):
        table.raw_v1()


@pytest.mark.parametrize("text", ["A", "=1", '"A"', '"=x"'])
def test_entries_without_name_or_value(text: str) -> None:
    with pytest.raises(QuotingError):
        EnvironmentTable().merge(text)


def test_filters() -> None:
    chosen = EnvironmentFilter.parse("PATH,LC_*,!LC_ALL", False)
    assert [name for name in ("path", "LC_TIME", "LC_ALL", "HOME") if chosen.accepts(name, "x")] == ["path", "LC_TIME"]
    assert not EnvironmentFilter().accepts("A", "two\nlines")
    assert not EnvironmentFilter(v1=True).accepts("A", "a;b")
