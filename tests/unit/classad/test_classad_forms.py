"""JSON, XML and the ends of faulty text: what HTCondor's own readers (24.0.24) were seen to do."""

from __future__ import annotations

import pytest

from htcondor_async.classad import ClassAd, ClassAdParseError, ParserType, parse_ads, parse_one


@pytest.mark.parametrize(
    ("element", "printed"),
    [
        ("<at>2020-01-01T00:00:00+01:00</at>", 'absTime("2019-12-31T23:00:00-00:00")'),
        ("<at>2020-01-01T00:00:00-0500</at>", 'absTime("2020-01-01T05:00:00-00:00")'),
        ("<rt>1:02:03</rt>", "3.723000000000000E+03"),
        ("<rt>1+02:03:04.500</rt>", "9.378450000000000E+04"),
        ("<rt>-1:00</rt>", "-6.000000000000000E+01"),
    ],
)
def test_times_in_xml(element: str, printed: str) -> None:
    """An instant loses its offset, a span is a number of seconds."""
    ad = parse_one(f'<c><a n="x">{element}</a></c>', ParserType.XML)
    assert str(ad) == f"[ x = {printed} ]"


@pytest.mark.parametrize(
    "text", [r'{"a":"\/Expr(b+)\/"}', r'{"a":"\/Expr()\/"}', r'{"a":"\/Expr(1K)\/"}', '{"a":-}', '{"a":.}', '{"a":=?}']
)
def test_a_fault_at_the_end_of_json_is_an_empty_ad(text: str) -> None:
    assert parse_one(text, ParserType.JSON) == ClassAd()
    with pytest.raises(ClassAdParseError):
        parse_one(text + " ", ParserType.JSON)


def test_a_faulty_expression_in_json_is_told_by_its_place() -> None:
    with pytest.raises(ClassAdParseError) as caught:
        parse_one('{"a": 1,\n "b": "\\/Expr(c +)\\/", "d": 2}', ParserType.JSON)
    assert (caught.value.line, caught.value.column) == (2, 7)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[a=/]", False), ("[a=/] ", True), ("[a=>>]", False), ("[a=>>|]", True), ("[-]", False), ("[-a=1]", False),
        ("[b=1]-]", True), ("[b=1].]", False), ("[b=1]=!=]", True), ("[b=1]=?]", False), ("[a=é;", False),
        ("[a=aé]", False), ("[b=1],", False), ("[b=1],,", True),
    ],
)  # fmt: skip
def test_faulty_text_is_reported_where_the_lexer_stands_before_the_last_character(text: str, fault: bool) -> None:
    ads = parse_ads(text, ParserType.New)
    if not fault:
        assert len(list(ads)) == text.count("[b=1]")
        return
    with pytest.raises(ClassAdParseError):
        list(ads)
