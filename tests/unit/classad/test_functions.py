"""Functions that ask the world, and the helpers behind the others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from harness.classad_world import World
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async.classad import (
    ClassAd,
    ClassAdOSError,
    ClassAdValueError,
    Error,
    ExprTree,
    Undefined,
    register,
    register_library,
    set_default_environment,
)
from htcondor_async.classad.functions import REGISTRY, registered
from htcondor_async.classad.functions._argument_text import (
    format_v1,
    format_v2,
    parse_v1,
    parse_v2,
    read_environment_v2,
    write_environment,
)
from htcondor_async.classad.functions._coerce import quotient, remainder, strtod
from htcondor_async.classad.functions._strftime import BrokenDownTime, strftime
from htcondor_async.classad.functions._user_maps import parse as parse_map
from htcondor_async.classad.functions.string_lists import tokens
from htcondor_async.classad.functions.strings import natural_compare


@pytest.fixture(autouse=True)
def world() -> Iterator[World]:
    made = World("America/New_York", now=1593921599.75)
    set_default_environment(made)
    yield made
    set_default_environment(None)


@pytest.fixture
def no_registered() -> Iterator[None]:
    yield
    for name in list(registered.registered):
        del REGISTRY[name.lower()]
    registered.registered.clear()


def value(text: str, ad: str | None = None) -> Any:
    return ExprTree(text).eval(None if ad is None else ClassAd(ad))


# The clock and the zone


def test_the_time_is_the_environments() -> None:
    assert value("time()") == 1593921599
    assert value("string(currentTime())") == "2020-07-04T23:59:59-04:00"
    assert value("string(absTime())") == "2020-07-04T23:59:59-04:00"
    assert value("string(timeZoneOffset())") == "-04:00:00"
    assert value("string(dayTime())") == "23:59:59"
    assert value("formatTime()") == "Sat Jul  4 23:59:59 2020"
    assert value('formatTime(0,"%H %Z %z %s")') == "19 EST +0000 0"


@pytest.mark.parametrize(
    ("pattern", "printed"),
    [
        ("%-5d", "    8"), ("%-d", "8"), ("%-5Y", " 2020"), ("%5s", "    0"), ("%05s", "00000"), ("%-z", "+0"),
        ("%_z", "+   0"), ("%3z", "  +0000"), ("%-3z", "  +  0"), ("%05z", "0000+00000"), ("%^P", "am"), ("%#p", "am"),
        ("%#c", "Sun Mar  8 02:00:00 2020"), ("%^a", "SUN"), ("%+5d", "%+5d"), ("%Er", "02:00:00 AM"), ("%Ed", "%Ed"),
        ("%ER", "02:00"), ("%Oe", " 8"), ("%OY", "%OY"), ("%Op", "AM"), ("%EF", "%EF"), ("%OD", "%OD"),
    ],
)  # fmt: skip
def test_flags_and_widths_of_time_formats(pattern: str, printed: str) -> None:
    when = 0 if pattern.endswith("s") else 'absTime("2020-03-08T02:00:00Z")'
    assert value(f'formatTime({when}, "{pattern}")') == printed


def test_chance_is_the_environments(world: World) -> None:
    world.random.seed(5)
    first = [value("random(1000)") for _ in range(5)]
    world.random.seed(5)
    assert [value("random(1000)") for _ in range(5)] == first
    assert all(0 <= value("random()") <= 1 for _ in range(5))


# Users


def test_user_home_is_disabled_by_default(world: World) -> None:
    assert value('userHome("alice")') is Undefined
    assert value('userHome("alice","/d")') == "/d"
    world.params["CLASSAD_ENABLE_USER_HOME"] = "True"
    assert value('userHome("alice")') == "/home/alice"
    assert value('userHome("nobody","/d")') == "/d"


MAP = """
# comment
* alice physics,chemistry
* /^(.*)@cern\\.ch$/i \\1,cern
* "bob b" x
GSI alice other
* /(/ broken
"""


def test_user_map(world: World) -> None:
    world.params |= {"TOOL_CLASSAD_USER_MAP_NAMES": "groups, files", "CLASSAD_USER_MAPDATA_groups": MAP}
    assert value('userMap("groups","alice")') == "physics,chemistry"
    assert (
        value('userMap("GROUPS","Carol@CERN.ch")') is Undefined
        or value('userMap("groups","carol@CERN.ch")') == "carol,cern"
    )
    assert value('userMap("groups","alice","CHEMISTRY")') == "chemistry"
    assert value('userMap("groups","alice","nope")') == "physics"
    assert value('userMap("groups","bob b")') == "x"
    assert value('userMap("groups.GSI","alice")') == "other"
    assert value('userMap("groups","dave","x","default")') == "default"
    assert value('userMap("nosuch","alice")') is Undefined


def test_a_user_map_in_a_file_may_include_others(world: World) -> None:
    world.params |= {"TOOL_CLASSAD_USER_MAP_NAMES": "m", "CLASSAD_USER_MAPFILE_m": "/etc/m"}
    assert value('userMap("m","a")') is Undefined
    assert "cannot be read" in world.logged[0]
    world.files |= {
        "/etc/m": b"@include more\n@include /d\n* a 1\n",
        "/etc/more": b"* b 2\n@include /etc/m\n",
        "/d/x": b"* c 3",
    }
    assert [value(f'userMap("m","{name}")') for name in "abc"] == ["1", "2", "3"]


def test_a_prefix_map_compares_beginnings() -> None:
    assert parse_map("* http://a/ one\n* http:// two", prefix=True).find("*", "http://a/b") == "one"
    assert parse_map("* http://a/ one\n* http:// two", prefix=True).find("*", "http://c") == "two"


def test_debug_says_what_it_evaluates(world: World) -> None:
    assert value("debug(x + 1)", "[x = 2]") == 3
    assert [line.split(": ", 1)[1] for line in world.logged] == ["x --> 2", "x + 1 --> 3"]


# Functions of users


def test_register(no_registered: None) -> None:
    def add_one(x: Any) -> Any:
        return x + 1

    def types(*args: Any) -> Any:
        return [type(each).__name__ for each in args]

    def state_size(state: Any) -> int:
        return len(state)

    register(add_one)
    register(types, "Types")
    register(state_size, "size_of")
    assert value("add_one(1)") == 2
    assert value("ADD_ONE(x)", "[x = 4]") == 5
    assert value("add_one(1 + 1)") == 3
    expected = ["int", "float", "str", "bool", "Value", "Value", "list", "ClassAd", "ExprTree", "ExprTree"]
    assert value('types(1,1.5,"s",true,undefined,error,{1},[a=1],x,1+1)', "[x = 3]") == expected
    assert value("size_of()", "[x = 2; y = 3]") == 2
    register(lambda: None, "types")
    assert value("types()") is Undefined


def test_an_exception_of_a_registered_function_comes_out(no_registered: None) -> None:
    def boom(x: Any) -> Any:
        raise ValueError(f"boom {x}")

    register(boom)
    with pytest.raises(ValueError, match="boom 1"):
        value("isError(boom(1))")
    register(boom, "exact", exact_case=True)
    with pytest.raises(KeyError, match="EXACT"):
        value("EXACT(1)")


def test_functions_of_the_language_cannot_be_replaced() -> None:
    with pytest.raises(ClassAdValueError, match="strcat"):
        register(lambda: 1, "strcat")
    assert value('STRCAT("a")') == "a"


def test_a_library_cannot_be_loaded() -> None:
    with pytest.raises(ClassAdOSError, match=r"x\.so.*classad\.register"):
        register_library("/tmp/x.so")


# Helpers


@given(st.lists(st.text(alphabet="ab' \t=$", max_size=6), max_size=5))
def test_v2_arguments_come_back(items: list[str]) -> None:
    # As in HTCondor an item that ends with a quote and one that is empty run together.
    text = format_v2(items)
    if not any("'" in item or not item for item in items):
        assert parse_v2(text) == items
    assert parse_v2(text) is not None


@given(st.lists(st.text(alphabet="ab'", min_size=1, max_size=6), max_size=5))
def test_v1_arguments_come_back(items: list[str]) -> None:
    assert parse_v1(format_v1(items) or "") == items


@given(
    st.dictionaries(st.text(alphabet="abé", min_size=1, max_size=3), st.text(alphabet="xy= ", max_size=5), max_size=4)
)
def test_environments_come_back(variables: dict[str, str | None]) -> None:
    read: dict[str, str | None] = {}
    assert read_environment_v2(write_environment(variables), read)
    assert read == variables


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-100, 100).filter(bool))
def test_division_is_that_of_c(left: int, right: int) -> None:
    whole, rest = quotient(left, right), remainder(left, right)
    assert whole * right + rest == left
    assert abs(rest) < abs(right)
    assert rest == 0 or (rest < 0) == (left < 0)


@given(st.text(max_size=8), st.text(max_size=8))
def test_versions_compare_both_ways(first: str, second: str) -> None:
    if "\0" not in first + second:
        order, back = natural_compare(first, second), natural_compare(second, first)
        assert (order > 0, order < 0) == (back < 0, back > 0)
        assert (order == 0) == (first == second)


@given(st.text(alphabet="a, \t;b", max_size=12), st.sampled_from([", ", ";", "", "a"]))
def test_tokens_are_trimmed_and_hold_no_delimiter(text: str, delimiters: str) -> None:
    for token in tokens(text, delimiters):
        assert token == token.strip(" \t")
        assert token
        assert not set(token) & set(delimiters)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5abc", (5.0, 1)),
        (" -1.5e1x", (-15.0, 7)),
        ("0x10", (16.0, 4)),
        ("0x1p4", (16.0, 5)),
        ("0x", (0.0, 1)),
        (".", None),
        ("inf", (math.inf, 3)),
        ("infinit", (math.inf, 3)),
        ("1e", (1.0, 1)),
        ("", None),
        ("1e999", (math.inf, 5)),
        ("-0x1p9999", (-math.inf, 9)),
        ("\u0663", None),
    ],
)
def test_strtod(text: str, expected: tuple[float, int] | None) -> None:
    assert strtod(text) == expected


def test_strftime_takes_any_fields() -> None:
    odd = BrokenDownTime(-5, 14, 40, 25, 61, 70, 9, 400)
    assert strftime("%Y %m %d %H %a %b %%", odd) == "-5 14 40 25 ? ? %"
    usual = BrokenDownTime(2020, 1, 2, 3, 4, 5, 4, 1)
    assert strftime("%-d|%_d|%05d|%^a|%G-W%V|%j|%I%p|%e", usual) == "2| 2|00002|THU|2020-W01|002|03AM| 2"
    assert strftime("%100000Y", usual) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('countMatches(x > 1, {[x=1],[x=2],undefined})', 1),
        ('evalInEachContext(x, {[x=1],5})', [1, Error]),
        ("unresolved(e)", "nosuch,t"),
        ('unresolved(e,"^nos")', True),
        ("unparse(e)", "a + nosuch + TARGET.t"),
        ('mergeEnvironment("A=1 B=2","B=\'x y\'",undefined)', "A=1 B=x' 'y"),
        ('envV1ToV2("|A=1|B= 2")', "A=1 B=' '2"),
        ("listToArgs({\"a b\",\"it's\"})", "a' 'b it''''s"),
        ('split("a,,b, c")', ["a", "", "b", "c"]),
        ("quantize(7,{5,10})", 10),
        ('stringListMax("-5,-3")', 0),
        ('interval(90061)', "1+01:01:01"),
    ],
)  # fmt: skip
def test_values(text: str, expected: Any) -> None:
    result = value(text, "[a = 1; e = a + nosuch + TARGET.t]")
    assert result == expected


def test_every_function_has_a_name_of_its_own_and_a_description() -> None:
    assert len(REGISTRY) >= 94
    for builtin in REGISTRY.values():
        assert builtin.min_args >= 0
        assert builtin.max_args is None or builtin.max_args >= builtin.min_args
