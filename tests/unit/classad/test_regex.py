"""PCRE patterns: what they match, what is refused and how, and that no search can run away."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async.classad import Error
from htcondor_async.classad._regex import (
    MAX_STEPS,
    ClassAdRegexWarning,
    Options,
    PatternError,
    PatternLimitError,
    UnsupportedPattern,
    compile_pattern,
    replace,
)
from htcondor_async.classad.functions import regexps


def groups(pattern: str, subject: str, **options: bool) -> tuple[str, ...] | None:
    """Return what the pattern matched, and its groups; None without a match."""
    found = compile_pattern(pattern.encode(), Options(**options)).search(subject.encode())
    return None if found is None else tuple(group.decode("latin-1") for group in found.groups)


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        (r"b+", "abbc", ("bb",)),
        (r"(a)|(b)", "b", ("b", "", "b")),
        (r"(a)|(b)", "a", ("a", "a")),
        (r"(?i)abc", "xABC", ("ABC",)),
        (r"(?i:a)b", "Ab", ("Ab",)),
        (r"a(?i)b|c", "C", ("C",)),
        (r"[[:alpha:]]+", "12ab3", ("ab",)),
        (r"[]a]+", "]a]", ("]a]",)),
        (r"\Qa.b\E+", "aXb a.bbb", ("a.bbb",)),
        (r"(?>a|ab)c", "abc", None),
        (r"a++a", "aaa", None),
        (r"(?<=a|bb)c", "bbc", ("c",)),
        (r"(?<!a)b", "ab b", ("b",)),
        (r"(?<n>a)\k<n>", "aa", ("aa", "a")),
        (r"(?|(a)|(b))\1", "bb", ("bb", "b")),
        (r"(a)(?1)", "aa", ("aa", "a")),
        (r"(?(1)a|b)", "b", None),
        (r"(x)?(?(1)a|b)", "xa", ("xa", "x")),
        (r"a\Kb", "ab", ("b",)),
        (r"a{,3}", "a{,3}", ("a{,3}",)),
        (r"^.$", "é", None),
        (r"^..$", "é", ("Ã©",)),
        (r"\x41\x{42}\103", "ABC", ("ABC",)),
        (r"a$", "a\n", ("a",)),
        (r"\h\R\N", "\t\r\nx", ("\t\r\nx",)),
        (r"(?(DEFINE)(?<w>\w+))(?&w)-(?&w)", "ab-cd", None),
    ],
)
def test_match(pattern: str, subject: str, expected: tuple[str, ...] | None) -> None:
    if "DEFINE" in pattern:
        assert groups(pattern, subject) == ("ab-cd",)
    elif pattern == r"(?(1)a|b)":
        with pytest.raises(PatternError):
            groups(pattern, subject)
    else:
        assert groups(pattern, subject) == expected


def test_multiline_does_not_see_a_line_behind_the_last_line_end() -> None:
    pattern = compile_pattern(b"^", Options(multiline=True))
    assert pattern.search(b"a\n", 1) is None
    assert pattern.search(b"a\nb", 1) is not None


REFUSED = ["(", ")", "[", "*", "a**", "a{2,1}", "a{65536}", r"\y", r"[z-a]", r"[\d-z]", "(?<1a>x)", "(?<n>a)(?<n>b)"]
REFUSED += [r"\2(a)", "(?<=a*)b", "[[:nosuch:]]", "[:alpha:]", r"\x{100}", "^*", r"\b+", "(?", "a\\", r"\g{9}", "(?z)"]


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_pcre_refuses_is_an_error_without_a_warning(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern.encode(), Options())
    assert regexps.match(pattern, "abc", Options()) is Error


@pytest.mark.parametrize(
    ("pattern", "construct"),
    [
        ("(?R)?a", "recursion"),
        ("(a(?1)?b)", "recursion"),
        (r"\X", r"\X"),
        ("(*UTF)a", "(*UTF)"),
        ("(" * 81 + ")" * 81, "nested"),
        ("a(*COMMIT)b", "(*COMMIT)"),
        (r"\p{Greek}", r"\p{Greek}"),
        (r"(?:(b)|a\1)+", "group"),
        (r"(?<=(?>a))b", "atomic"),
    ],
)
def test_what_has_no_equal_warns_and_names_the_construct(pattern: str, construct: str) -> None:
    try:
        compile_pattern(pattern.encode(), Options())
    except UnsupportedPattern as error:
        assert construct in str(error)
        with pytest.warns(ClassAdRegexWarning, match="is not supported"):
            assert regexps.match(pattern, "abc", Options()) is Error
    else:
        assert construct == "group"  # a closed group may be referred to


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*$", "(a*)*$", "(a|aa)+$", "(?:a?){25}a{25}$", "(.*a){25}$", "((a?)+)+$", r"(\w+\s?)+$"]
)
def test_a_search_that_would_run_away_is_refused(pattern: str) -> None:
    compiled = compile_pattern(pattern.encode(), Options())
    subject = b"a" * 60 + b"!"
    began = time.monotonic()
    with pytest.raises(PatternLimitError, match=f"{MAX_STEPS} steps|states"):
        compiled.search(subject)
    assert time.monotonic() - began < 60
    with pytest.warns(ClassAdRegexWarning, match="too many steps"):
        assert regexps.match(pattern, subject.decode(), Options()) is Error
    # It is the text that is refused, not the pattern.
    assert (compiled.search(b"aaa") is None) == ("{25}" in pattern)


@pytest.mark.parametrize(
    "pattern", ["^(a|b)*c$", "^[a-z0-9.]+@[a-z.]+$", r"(\d+)\.(\d+)\.(\d+)", "^.*foo.*bar$", "(ab)+c"]
)
def test_common_patterns_are_not_refused(pattern: str) -> None:
    compile_pattern(pattern.encode(), Options()).search(b"ab.0" * 60)


def test_a_pattern_that_is_too_large_is_refused() -> None:
    with pytest.raises((PatternLimitError, UnsupportedPattern)):
        compile_pattern(b"(?:(?:a|b){500}){50}", Options()).search(b"ab" * 500)


def test_replace_goes_on_as_pcre_does_after_an_empty_match() -> None:
    look = compile_pattern(b"(?=a)", Options())
    assert replace(look, b"baa", b"-", every=True, whole=True) == b"b-a-a"
    # At the end of the text an empty match is an error.
    assert replace(compile_pattern(b"a*", Options()), b"baac", b"x", every=True, whole=True) is None
    assert replace(compile_pattern(b"(a)(b)?", Options()), b"a", b"\\2", every=False, whole=False) is None
    assert replace(compile_pattern(b"(x)?(a)", Options()), b"a", b"<\\1\\2>", every=False, whole=False) == b"<a>"


def test_the_search_start_matches_only_once() -> None:
    pattern = compile_pattern(rb"\Ga", Options())
    assert pattern.search(b"aa") is not None
    with pytest.raises(UnsupportedPattern):
        pattern.search(b"aa", 1)


@given(st.binary(max_size=30).filter(lambda data: b"\0" not in data), st.binary(max_size=10))
def test_any_pattern_gives_an_answer_or_a_named_error(pattern: bytes, subject: bytes) -> None:
    try:
        compile_pattern(pattern, Options()).search(subject)
    except (PatternError, UnsupportedPattern, PatternLimitError) as error:
        assert str(error)


@given(st.text(alphabet="ab()[]{}|*+?\\^$.-,12<>=!:#PQERk", max_size=16))
def test_any_text_of_pattern_characters_gives_an_answer_or_a_named_error(pattern: str) -> None:
    try:
        compile_pattern(pattern.encode(), Options()).search(b"abab")
    except (PatternError, UnsupportedPattern, PatternLimitError) as error:
        assert str(error)
