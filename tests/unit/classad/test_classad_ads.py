"""The lazy ad: what it keeps, when it looks, what it says when something is wrong."""

from __future__ import annotations

import copy
import pickle
import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from htcondor_async.classad import (
    ClassAd,
    ClassAdEvaluationError,
    ClassAdException,
    ClassAdParseError,
    ClassAdTypeError,
    ClassAdValueError,
    Error,
    ExprTree,
    ParserType,
    Undefined,
    attr,
    function,
    literal,
    parse_ads,
    parse_next,
    parse_old,
    parse_one,
    quote,
    unquote,
)
from htcondor_async.classad._index import PEEKS


def wire(*lines: str, prefixed: bool = False, count: int | None = None) -> ClassAd:
    """Return an ad of lines as they are received."""
    strings = [line.encode("utf-8", "surrogateescape") + b"\0" for line in lines]
    data = b"".join((len(string).to_bytes(8, "big") if prefixed else b"") + string for string in strings)
    return ClassAd._from_wire(data, len(lines) if count is None else count, prefixed)


both = pytest.mark.parametrize("prefixed", [False, True])


@both
def test_reads_without_and_with_a_table(prefixed: bool) -> None:
    """The first reads search the bytes, later ones a table; both give the same."""
    ad = wire('Owner = "alice"', "ClusterId = 7", "Rank = 0.5", "Ok = true", "Foo = Bar + 1", prefixed=prefixed)
    for _ in range(PEEKS + 3):
        assert ad["owner"] == "alice"
        assert ad["CLUSTERID"] == 7
    assert ad["Rank"] == 0.5
    assert ad["Ok"] is True
    assert str(ad["foo"]) == "Bar + 1"
    assert list(ad) == ["Owner", "ClusterId", "Rank", "Ok", "Foo"]
    assert "oWnEr" in ad and "Nosuch" not in ad and 5 not in ad
    with pytest.raises(KeyError, match="Nosuch"):
        ad["Nosuch"]


@both
def test_names_that_begin_or_contain_others_are_told_apart(prefixed: bool) -> None:
    """A search for a name finds that name alone."""
    ad = wire("DiskUsage = 1", "xDisk = 2", 'Note = "Disk = 9"', "Disk = 3", prefixed=prefixed)
    assert ad["Disk"] == 3
    assert wire('Note = "a Disk = 9"', prefixed=prefixed).get("Disk") is None


@both
@pytest.mark.parametrize("second", ["Owner = 2", "OWNER = 2", "Owner=2", " Owner = 2", "\towner  =  2"])
def test_the_last_of_equal_names_counts(second: str, prefixed: bool) -> None:
    """However the second line is written, it wins, and the first spelling of the name stays."""
    ad = wire("Owner = 1", "X = 5", second, prefixed=prefixed)
    assert ad["Owner"] == 2
    assert list(ad) == ["Owner", "X"]
    assert len(ad) == 2


def test_length_bytes_are_no_part_of_a_name() -> None:
    """The byte of a length before a line that happens to be a letter is not taken for the line's beginning."""
    value = "1" * (ord("o") - len("a = ") - 1)
    assert wire(f'a = "{value[:-2]}"', prefixed=True).get("oa") is None


def test_private_markers_are_no_attributes() -> None:
    """ZKM announces a private string and does not count."""
    data = b'A = 1\0ZKM\0ClaimId = "secret"\0'
    ad = ClassAd._from_wire(data, 2, False)
    assert list(ad) == ["A", "ClaimId"]
    assert ad["claimid"] == "secret"


@pytest.mark.parametrize(
    ("data", "count", "prefixed"),
    [
        (b"A = 1\0", 2, False),
        (b"A = 1\0B = 2\0", 1, False),
        (b"A = 1", 1, False),
        (b"\0\0\0\0\0\0\0\x06A = 1", 1, True),
        (b"nothing\0", 1, False),
        (b" = 1\0", 1, False),
    ],
)
def test_damage_is_found(data: bytes, count: int, prefixed: bool) -> None:
    """An ad whose strings are not what was announced raises when it is looked at."""
    with pytest.raises(ClassAdParseError):
        len(ClassAd._from_wire(data, count, prefixed))
        ClassAd._from_wire(data, count, prefixed)["A"]


def test_a_faulty_value_is_found_on_access_and_named() -> None:
    """A value that does not parse spoils only itself."""
    ad = wire("A = 1", "Bad = (1 +", "C = 3")
    assert ad["A"] == 1 and ad["C"] == 3
    with pytest.raises(
        ClassAdParseError, match=r"^Bad: line 1, column 5: found the end, expected an expression$"
    ) as info:
        ad["bad"]
    assert info.value.attribute == "Bad"
    with pytest.raises(ClassAdParseError, match="Bad"):
        str(ad)


def test_names_received_are_kept_as_they_are() -> None:
    """What stands before the first '=' is the name, as in HTCondor; it goes out the same."""
    ad = wire("'odd name' = 1", "a.b = 2")
    assert ad["'odd name'"] == 1 and ad["A.B"] == 2
    assert ad.wire_items() == [b"'odd name' = 1", b"a.b = 2"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", 0),
        ("1E+300", 1e300),
        ("0.1", 0.1),
        ("UNDEFINED", Undefined),
        ("Error", Error),
        ("tRuE", True),
        (r'"x\y"', "x\\y"),
        (r'"say \"hi\""', 'say "hi"'),
        ('"dir\\"', "dir\\"),
        ('"é\udcff"', "é\udcff"),
        ('{ 1,"a",{ true } }', [1, "a", [True]]),
        ('absTime("2020-01-02T03:04:05-06:00")', datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-6)))),
        ('relTime("1+00:00:01.5")', timedelta(days=1, seconds=1.5)),
    ],
)
def test_values_become_python_values(text: str, value: Any) -> None:
    """Each kind of constant is read as its Python counterpart, of the same type."""
    got = wire(f"A = {text}")["A"]
    assert got == value and type(got) is type(value)


def test_nested_ads_see_the_ads_around_them() -> None:
    """A nested ad that was read is an ad, a copy, that still knows where it stood."""
    ad = ClassAd("[x = 5; n = [y = x + 1; m = [z = y + x]]]")
    nested = ad["n"]
    assert isinstance(nested, ClassAd)
    assert nested.eval("y") == 6
    assert nested["m"].eval("z") == 11
    nested["y"] = 0
    assert ad["n"].eval("y") == 6


def test_python_values_go_in() -> None:
    """All kinds of Python values can be set, and are read back."""
    when = datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
    content = {
        "i": 1, "f": 1.5, "s": 'a"b\\', "t": True, "n": None, "u": Undefined, "e": Error, "w": when,
        "d": timedelta(seconds=90), "l": [1, "x", [2]], "m": {"a": {"b": 1}}, "x": ExprTree("i + 1"), "b": b"raw",
    }  # fmt: skip
    ad = ClassAd.from_dict(content)
    assert ad["n"] is Undefined and ad["w"] == when and ad["d"] == timedelta(seconds=90)
    assert ad["l"] == [1, "x", [2]] and ad["m"]["A"]["B"] == 1 and ad["b"] == "raw"
    assert ad.eval("x") == 2
    assert ad.to_dict(evaluate=True)["m"] == {"a": {"b": 1}}


@pytest.mark.parametrize("value", [2**63, object(), "a\0b", {"": 1}, {5: 1}, 1j])
def test_what_has_no_value_is_refused(value: Any) -> None:
    """Python values the language cannot hold raise ClassAdValueError."""
    with pytest.raises(ClassAdValueError):
        ClassAd()["x"] = value


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_names_that_cannot_be_are_refused(name: str) -> None:
    """Names with a NUL, or none, raise ClassAdValueError; other types too."""
    with pytest.raises(ClassAdValueError):
        ClassAd()[name] = 1
    with pytest.raises(ClassAdTypeError):
        ClassAd()[5]  # type: ignore[index]  # the point of the test


def test_names_that_cannot_be_sent_are_refused() -> None:
    """A name that would be read as something else is not sent."""
    for name in ("a=b", "a\nb"):
        with pytest.raises(ValueError, match="cannot be sent"):
            ClassAd({name: 1}).wire_items()


def test_copies_are_independent() -> None:
    """Copies share nothing that can change."""
    ad = wire("A = 1", "N = [ x = 1 ]")
    for other in (ad.copy(), copy.copy(ad), copy.deepcopy(ad), pickle.loads(pickle.dumps(ad)), ClassAd(ad)):
        assert other == ad
        other["A"] = 2
        del other["N"]
        assert ad["A"] == 1 and "N" in ad


def test_typed_access() -> None:
    """The typed getters give a value of the type, or the default."""
    ad = ClassAd('[s = "x"; i = 5; f = 2.75; b = true; e = i + 1; bad = error; u = nosuch]')
    assert ad.get_str("s") == "x" and ad.get_str("i") is None and ad.get_str("i", "-") == "-"
    assert ad.get_int("i") == 5 and ad.get_int("f") == 2 and ad.get_int("e") == 6 and ad.get_int("b") == 1
    assert ad.get_float("i") == 5.0 and ad.get_float("s", 0.0) == 0.0
    assert ad.get_bool("b") is True and ad.get_bool("i") is True and ad.get_bool("bad", False) is False
    assert ad.get_int("u", 9) == 9 and ad.get_int("nosuch") is None


def test_one_table_for_all_threads() -> None:
    """Threads that look at an ad for the first time at once see one table."""
    lines = [f"Attr{number} = {number}" for number in range(200)]
    for _ in range(20):
        ad = wire(*lines)
        barrier = threading.Barrier(4)

        def look(ad: ClassAd = ad, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            ad[f"Set{threading.get_ident()}"] = 1

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ad) == 204


def test_matching() -> None:
    """Requirements are evaluated with both ads in view; what a name is not found in is not an error."""
    job = ClassAd(
        '[Requirements = TARGET.Arch == "X86_64" && Memory >= RequestMemory; RequestMemory = 10; Owner = "a"]'
    )
    slot = ClassAd('[Arch = "x86_64"; Memory = 20; Requirements = TARGET.Owner == "a"]')
    assert slot.matches(job) and job.matches(slot) and job.symmetric_match(slot)
    slot["Memory"] = 5
    assert not slot.matches(job) and job.matches(slot) and not slot.symmetric_match(job)
    assert job.eval("Requirements", slot) is False
    assert job.eval("Requirements") is Undefined
    assert not ClassAd().matches(ClassAd())


def test_cycles_and_depth_end() -> None:
    """What goes round or too deep raises the evaluation error."""
    ad = ClassAd("[a = b; b = a; c = c + 1; deep = d0]")
    for name in ("a", "c"):
        with pytest.raises(ClassAdEvaluationError):
            ad.eval(name)
    chain = ClassAd({f"a{number}": ExprTree(f"(a{number + 1} + 1) * 1") for number in range(390)})
    chain["a390"] = 1
    assert chain.eval("a0") == 391


def test_work_is_bounded() -> None:
    """An ad of a few lines that asks for 2 to the 60 steps fails instead."""
    ad = ClassAd({f"a{number}": ExprTree(f"a{number + 1} + a{number + 1}") for number in range(60)})
    ad["a60"] = ExprTree("1 + 0")
    with pytest.raises(ClassAdEvaluationError):
        ad.eval("a0")


@pytest.mark.parametrize("unit", ["!", "(", "[a=", "{", "f(", "1+", "a.", "a[", "1?", "1?:", "a[0]+"])
def test_hostile_depth_raises(unit: str) -> None:
    """Nesting far beyond what is allowed raises the parse error, whatever it is nested with."""
    text = unit * 60000 + "a"
    with pytest.raises(ClassAdParseError):
        ExprTree(text)
    with pytest.raises(ClassAdParseError):
        wire(f"A = {text}")["A"]


def test_allowed_depth_works() -> None:
    """What is just within the limits parses, prints, evaluates, compares and pickles."""
    for text in ("!" * 10000 + "true", "1" + "+1" * 10000, "(" * 999 + "1" + ")" * 999, "[a=" * 999 + "[]" + "]" * 999):
        expr = ExprTree(text)
        assert pickle.loads(pickle.dumps(expr)).same_as(expr)
        assert str(ExprTree(str(expr))) == str(expr)
        expr.eval()
    with pytest.raises(ClassAdValueError):
        ClassAd("[x = " + "[a=" * 900 + "[]" + "]" * 901).to_dict()


def test_errors_say_where() -> None:
    """A parse error has line, column, what was found and what was expected."""
    with pytest.raises(ClassAdParseError) as info:
        ExprTree("a +\n  b )")
    error = info.value
    assert (error.line, error.column, error.found, error.expected) == (2, 5, "')'", "an operator or the end")
    assert isinstance(error, (SyntaxError, ValueError, RuntimeError)) and isinstance(error, ClassAdException)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) and again.expected == error.expected
    with pytest.raises(ClassAdParseError, match=r"^line 3, column 7: b: found the end, expected '\)'$"):
        parse_old("a = 1\n\nb = (1\n")


def test_readers() -> None:
    """Text in each syntax, one ad, several, none."""
    assert [ad["a"] for ad in parse_ads("[a=1] [a=2]")] == [1, 2]
    assert [ad["a"] for ad in parse_ads("a = 1\n\na = 2\n")] == [1, 2]
    assert parse_one("a = 1\n\nb = 2")["b"] == 2
    assert parse_next("[a=1][a=2]", ParserType.New) == ClassAd(a=1)
    assert parse_next("", ParserType.Old) is None
    assert [ad["a"] for ad in parse_ads('[{"a": 1}, {"a": 2}]\n', ParserType.JSON)] == [1, 2]
    assert [ad["a"] for ad in parse_ads("[a=1] garbage")] == [1]
    with pytest.raises(ClassAdParseError, match=r"^line 1, column 7: found 'garbage', expected '\['$"):
        list(parse_ads("[a=1] garbage", strict=True))
    with pytest.raises(ClassAdTypeError):
        parse_ads(5)  # type: ignore[arg-type]  # the point of the test


def test_quoting() -> None:
    """Any text can be put into an expression, and only text."""
    nasty = 'x" || true || "'
    assert ExprTree(f"a == {quote(nasty)}").eval({"a": nasty}) is True
    assert unquote(quote(nasty)) == nasty
    with pytest.raises(ClassAdTypeError):
        quote(5)  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(ClassAdParseError):
        unquote("1")


def test_building_expressions() -> None:
    """Operators of Python build expressions, with parentheses where they are needed."""
    a, b = attr("a"), attr("b")
    assert str((a + b) * 2) == "(a + b) * 2"
    assert str(a - (b - 1)) == "a - (b - 1)"
    assert str((a == 1).and_(b != "x").or_(a.is_(Undefined))) == 'a == 1 && b != "x" || a is undefined'
    assert str((-a)[0]) == "( -a)[0]"
    assert str(attr("Owner", "TARGET") == "me") == 'TARGET.Owner == "me"'
    assert str(attr("x || true", "MY")) == 'MY["x || true"]'
    assert str(attr("odd name")) == "'odd name'"
    assert str(a.in_([1, 2])) == "member(a,{ 1,2 })"
    assert str(function("size", [1])) == "size({ 1 })" and str(literal(1.5)) == "1.500000000000000E+00"
    assert bool(literal(5)) is True and int(literal(5) + 1) == 6 and float(literal(1)) == 1.0
    with pytest.raises(ClassAdEvaluationError):
        bool(literal("x"))
    with pytest.raises(ClassAdTypeError):
        function("evil(", 1)
    with pytest.raises(ClassAdTypeError):
        attr("")


def test_references_and_flattening() -> None:
    """What an expression refers to, inside and outside of an ad, and what is left of it with the ad put in."""
    ad = ClassAd("[a = 1; b = a + c]")
    expr = ExprTree("b + TARGET.x + a")
    assert ad.internal_refs(expr) == ["a", "b"]
    assert ad.external_refs(expr) == ["c", "TARGET.x"]
    assert ad.flatten(ExprTree("a + 2")) == 3
    assert str(ad.flatten(ExprTree("a == 1 && x"))) == "x"


def test_debug_is_logged(still_world: Any) -> None:
    """debug() logs what was evaluated on the way."""
    assert ExprTree("debug(a + b)").eval({"a": 1, "b": 2}) == 3
    assert [line.split("] ")[-1] for line in still_world.logged] == [
        "Classad debug: a --> 1",
        "Classad debug: b --> 2",
        "Classad debug: a + b --> 3",
    ]


def test_html() -> None:
    """A notebook shows a table in which nothing of the ad is markup."""
    shown = ClassAd({"a<b": "<script>"})._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;" in shown
