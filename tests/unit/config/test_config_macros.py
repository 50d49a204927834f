"""The macro engine: functions of both languages, limits, and properties."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async.config import Config, SourceError
from htcondor_async.config.functions import CONFIG_FUNCTIONS, SUBMIT_FUNCTIONS
from htcondor_async.config.macros import Expander, MacroLimits
from htcondor_async.config.stream import LineReader, Source, StreamLimits

VALUES = {"X": "abcdef", "N": "7", "EMPTY": "", "L": "$(N), b, ,c", "F": "/a/b/c.txt", "BARE": "c.txt", "Q": '"a b.x"'}


def expander(world: Any, *, submit: bool = False, **more: Any) -> Expander:
    functions = SUBMIT_FUNCTIONS if submit else CONFIG_FUNCTIONS
    return Expander(VALUES.get, functions=functions, environment=world, **more)


@pytest.mark.parametrize(
    ("text", "config", "submit"),
    [
        ("$(X)", "abcdef", "abcdef"),
        ("$(EMPTY:d)", "d", "d"),
        ("$ENV(SET)", "s", "s"),
        ("$ENV(NONE)", "UNDEFINED", "UNDEFINED"),
        ("$ENV(NONE:d)", "d", "d"),
        ("$ENV(BLANK:d)", "", "d"),
        ("$SUBSTR(X,2)", "cdef", "ab"),
        ("$SUBSTR(X,1,2)", "bc", "bc"),
        ("$SUBSTR(X,-2)", "ef", "abcd"),
        ("$SUBSTR(X,1,-2)", "bcd", "bcd"),
        ("$SUBSTR(literal,3)", "", "lit"),
        ("$CHOICE(1,a,b,c)", "b", "b"),
        ("$CHOICE(0,L)", "7", "7"),
        ("$CHOICE(2,L)", "c", ""),
        ("$RANDOM_INTEGER(5,5)", "5", "5"),
        ("$INT(N)", "7", "7"),
        ("$INT(N,%03d)", "007", "007"),
        ("$INT(-3,%x)", "fffffffd", "fffffffd"),
        ("$INT(8,%#o)", "010", "010"),
        ("$INT(300000000000,%d)", "-647710720", "-647710720"),
        ("$INT(N,%d%%)", "7%", "7%"),
        ("$INT(8,%05.3d)", "  008", "  008"),
        ("$REAL(2.5,%a)", "0x1.4p+1", "0x1.4p+1"),
        ("$REAL(-1.5,%10.2A)", "-0X1.80P+0", "-0X1.80P+0"),
        ("$REAL(0.1,%.1a)", "0x1.ap-4", "0x1.ap-4"),
        ("$REAL(0,%a)", "0x0p+0.0", "0x0p+0.0"),
        ("$REAL(2)", "2", "2"),
        ("$REAL(2,%g)", "2.0", "2.0"),
        ("$REAL(1.5,%.3f)", "1.500", "1.500"),
        ("$Fn(F)", "c", "c"),
        ("$Fnx(F)", "c.txt", "c.txt"),
        ("$Fp(F)", "/a/b/", "/a/b/"),
        ("$Fbp(F)", "/a/b", "/a/b"),
        ("$Fd(F)", "b/", "b/"),
        ("$Fdd(F)", "a/b/", "a/b/"),
        ("$Fx(F)", ".txt", ".txt"),
        ("$Fbx(F)", "txt", "txt"),
        ("$Fp(BARE)", "", ""),
        ("$Fpn(BARE)", "c", "c"),
        ("$Fq(F)", '"/a/b/c.txt"', '"/a/b/c.txt"'),
        ("$Fqa(F)", "'/a/b/c.txt'", "'/a/b/c.txt'"),
        ("$F(Q)", "a b.x", "a b.x"),
        ("$Fw(F)", "\\a\\b\\c.txt", "\\a\\b\\c.txt"),
        ("$F(NONE)", "NONE", ""),
        ("$Fn(NONE:d.e)", "NONE:d", "d.e"),
        ("$BASENAME(F)", "c.txt", "c.txt"),
        ("$DIRNAME(F)", "/a/b/", "/a/b/"),
        ("$Fz(F)", "$Fz(F)", "$Fz(F)"),
        ("$int(N)", "$int(N)", "$int(N)"),
    ],
)
def test_functions(world: Any, text: str, config: str, submit: str) -> None:
    world.environ = {"SET": "s", "BLANK": ""}
    assert expander(world).expand(text) == config
    assert expander(world, submit=True).expand(text) == submit


def test_random_functions_use_the_environment(world: Any) -> None:
    results = {expander(world).expand("$RANDOM_CHOICE(a,b,c)$RANDOM_INTEGER(1,9,4)") for _ in range(200)}
    assert results == {f"{letter}{number}" for letter in "abc" for number in (1, 5, 9)}
    world.random = random.Random(1)
    first = expander(world).expand("$RANDOM_INTEGER(0,1000000)")
    world.random = random.Random(1)
    assert expander(world).expand("$RANDOM_INTEGER(0,1000000)") == first
    assert expander(world).expand("$RANDOM_CHOICE(L)") in ("7", "b", "c")


def test_full_paths(world: Any) -> None:
    there = expander(world, cwd="/w/")
    assert there.expand("$Ff(BARE) $Ff(F) $Ffq(BARE)") == '/w/c.txt /a/b/c.txt "/w/c.txt"'
    assert expander(world).expand("$Ff(BARE)") == "c.txt"


@pytest.mark.parametrize(
    "text",
    [
        "$CHOICE(9,a,b)",
        "$CHOICE(0,NONE)",
        "$CHOICE(1)",
        "$CHOICE(-1,a,b)",
        "$RANDOM_INTEGER(2,1)",
        "$RANDOM_INTEGER(1,2,0)",
        "$RANDOM_INTEGER(a,2)",
        "$RANDOM_INTEGER(1)",
        "$INT(N,%s)",
        "$INT(N,%d%d)",
        "$INT(N,x)",
        "$INT(N,%9999d)",
        "$INT(N,%99999999999d)",
        "$REAL(N,%d)",
        "$STRING(1,%d)",
    ],
)
@pytest.mark.parametrize("submit", [False, True])
def test_functions_that_fail(world: Any, text: str, submit: bool) -> None:
    with pytest.raises(SourceError):
        expander(world, submit=submit).expand(text)


def test_without_an_environment() -> None:
    config = Config({"A": "$ENV(X)", "B": "$RANDOM_CHOICE(a,b)", "C": "c"})
    assert config["C"] == "c"
    for name in ("A", "B"):
        with pytest.raises(SourceError, match="needs an environment"):
            config[name]


def test_selective_expansion(world: Any) -> None:
    one = expander(world)
    assert one.expand_self("$(X) $(N) $Fn(X) $INT(X)", ["x"]) == "abcdef $(N) abcdef $INT(X)"
    assert one.expand_where("$(X) $(N) $(DOLLAR)", lambda macro: macro.name == "N") == "$(X) 7 $(DOLLAR)"
    assert one.expand("$(DOLLAR)(X)", keep_dollar=True) == "$(DOLLAR)(X)"


def test_rescanning() -> None:
    values = {"E": "F", "F": "f"}
    again = Expander(values.get, functions=CONFIG_FUNCTIONS)
    onward = Expander(values.get, functions=CONFIG_FUNCTIONS, rescan=False)
    assert again.expand("$($(E))") == "f"
    assert onward.expand("$($(E)) $(F)") == "$(F) f"


@pytest.mark.parametrize(
    "values",
    [
        {"A": "$(B)", "B": "$(A)"},
        {"A": "$(B)x", "B": "$(A)y"},
        {"A": "$(B)$(B)", "B": "$(A)$(A)"},
        {"A": "$INT(B)", "B": "$INT(A)"},
        {"A": "$(X:$(A))"},
        {"A": "$Fn(B)", "B": "$Fn(A)"},
        {"A": "$(B)" + "z" * 200_000, "B": "$(A)"},
    ],
)
def test_values_that_refer_to_themselves(values: dict[str, str]) -> None:
    engine = Expander(values.get, functions=CONFIG_FUNCTIONS)
    with pytest.raises(SourceError):
        engine.expand("$(A)")


def test_references_in_a_circle_through_assignment() -> None:
    config = Config({"A": "$(B)"}).replace(B="$(A)")
    with pytest.raises(SourceError, match="does not end"):
        config["A"]
    assert config.replace(B="1")["A"] == "1"


@pytest.mark.parametrize(
    "text",
    [
        "$(a:(" * 60_000 + ")",
        "$INT(" * 60_000,
        "$" * 300_000,
        "$(" * 150_000,
        "$(X:" * 60_000 + ")",
        "$ENV(" * 50_000 + ")",
    ],
)
def test_hostile_texts_take_bounded_work(world: Any, text: str) -> None:
    """Work is counted, not timed: what a scan looks at stays below the limit or is an error."""
    engine = expander(world, limits=MacroLimits(work=40_000_000))
    try:
        result = engine.expand(text)
    except SourceError as error:
        assert "too much work" in str(error) or "does not" in str(error)
    else:
        assert len(result) <= len(text) + len("UNDEFINED")


def test_large_results_are_refused() -> None:
    values = {f"A{n}": f"$(A{n - 1})$(A{n - 1})" for n in range(1, 60)} | {"A0": "x" * 100}
    engine = Expander(values.get, functions=CONFIG_FUNCTIONS)
    with pytest.raises(SourceError, match=r"expands to over|does not end|too much"):
        engine.expand("$(A59)")


def test_long_lines_are_refused() -> None:
    limits = StreamLimits(line=100)
    with pytest.raises(SourceError, match="more than 100"):
        list(LineReader("A = " + "x" * 200 + "\n", Source("f"), limits=limits))
    with pytest.raises(SourceError, match="continuations") as caught:
        list(LineReader("A = 1\n" + "xxxxxxxxx \\\n" * 50, Source("f"), limits=limits))
    assert caught.value.source == "f" and caught.value.line > 2


texts = st.text(alphabet=st.sampled_from("$()ABX:, {}[].\\\n#@=ENVINTFpnx01'\"%d|\u00e9"), max_size=60)


@given(texts)
def test_any_text_expands_or_is_refused(text: str) -> None:
    config = Config({"X": "1", "AB": "$(X)"}, environment=None)
    try:
        assert isinstance(config.expand(text), str)
    except SourceError:
        pass


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="$\n\\\0\r"), max_size=50))
def test_texts_without_dollar_stay(text: str) -> None:
    assert Config().expand(text) == text


# A line that begins with one of these words is a condition, also with = after it.
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in CONDITIONS)
CONDITIONS = {"IF", "ELIF", "ELSE", "ENDIF"}


@given(st.dictionaries(NAMES, st.text("abc xyz123", max_size=20)))
def test_written_and_read_back(values: dict[str, str]) -> None:
    """An assignment in a file gives the same as one by the program, but for outer blanks."""
    from htcondor_async.config.reader import ConfigReader
    from htcondor_async.config.table import ParameterTable

    class Nothing:
        environ: dict[str, str] = {}

    table = ParameterTable("TOOL", None)
    nothing: Any = Nothing()
    ConfigReader(nothing, table).read("".join(f"{n} = {v}\n" for n, v in values.items()), Source("f"))
    expected = Config({name: value.strip() for name, value in values.items()})
    assert table.values() == {name.lower(): expected.raw(name) for name in values if name.lower() in table.values()}
    assert all(table.lookup(name) == expected.raw(name) for name in values)
