"""The ClassAd language against recorded behaviour of HTCondor's own library (tests/data/classad)."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from htcondor_async.classad import (
    ClassAd,
    ClassAdEvaluationError,
    ClassAdParseError,
    ExprTree,
    ParserType,
    parse_ads,
    parse_next,
    parse_one,
    set_default_environment,
)
from htcondor_async.classad._context import EvalContext
from htcondor_async.classad._evaluate import evaluate
from htcondor_async.classad._nodes import AdNode, ListNode, Literal, Node
from htcondor_async.classad._parser import parse_expression
from htcondor_async.classad._times import to_datetime
from htcondor_async.classad._unparse import attribute_order, pretty, unparse_node
from htcondor_async.classad._values import AbsTime, AdBase, Error, ListValue, RelTime, Undefined
from htcondor_async.classad.functions import REGISTRY

DATA = Path(__file__).parents[1] / "data" / "classad"


class World:
    """An environment with a fixed time, in a zone."""

    def __init__(self, zone: str = "UTC") -> None:
        self.zone = ZoneInfo(zone)
        self.random = random.Random(1)
        self.environ: dict[str, str] = {}
        self.logged: list[str] = []

    def now(self) -> float:
        return 1700000000.0

    def local_zone(self) -> tzinfo:
        return self.zone

    def utc_offset(self, when: datetime) -> timedelta:
        offset = when.astimezone(self.zone).utcoffset()
        assert offset is not None
        return offset

    def log(self, message: str) -> None:
        self.logged.append(message)

    def user(self, name: str) -> None:
        return None

    def current_user(self) -> None:
        return None


@pytest.fixture(autouse=True)
def world() -> Iterator[World]:
    """Evaluations in this file happen in a world where it is always the same time."""
    environment = World()
    set_default_environment(environment)  # type: ignore[arg-type]  # the parts that expressions ask for
    yield environment
    set_default_environment(None)


def rows(name: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a file, grouped by area."""
    groups: dict[str, list[dict[str, Any]]] = {}
    with open(DATA / name, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            groups.setdefault(row["area"], []).append(row)
    return groups


PARSE = rows("parse.jsonl")
EVAL = rows("eval.jsonl")


def same_text(expected: Any, got: str) -> bool:
    """Return whether a text is the recorded one; long ones are recorded as length and hash."""
    if isinstance(expected, dict):
        if "err" in expected:
            # The v1 module could not hand out this text; there is nothing to compare with.
            return True
        digest = hashlib.sha256(got.encode("utf-8", "surrogateescape")).hexdigest()
        return bool(expected["len"] == len(got) and expected["sha256"] == digest)
    return bool(expected == got)


def printed_expression(text: str) -> dict[str, Any]:
    node = parse_expression(text)
    new = unparse_node(node)
    ad = ClassAd()
    ad["x"] = ExprTree(text)
    try:
        again: Any = unparse_node(parse_expression(new)) == new
    except ClassAdParseError:
        again = "err"
    old = ad.print_old()
    value = ad.print_json()
    return {
        "u": new,
        "p": pretty(node),
        "old": old[len("x = ") : -1],
        "json": value[len('{\n  "x": ') : -len("\n}")],
        "rt": again,
    }


def printed_ad(ad: ClassAd) -> dict[str, Any]:
    shown = str(ad)
    return {
        "attrs": sorted(ad, key=attribute_order),
        "u": shown,
        "p": ad.pretty(),
        "old": ad.print_old(),
        "json": ad.print_json(),
        "xml": ad.print_xml(),
    }


KINDS = {
    "new": ParserType.New,
    "old": ParserType.Old,
    "auto": ParserType.Auto,
    "json": ParserType.JSON,
    "xml": ParserType.XML,
}


def parse_row(how: str, text: str) -> tuple[dict[str, Any], list[str]]:
    """Parse as the row says; return the printed forms and, for several ads, their texts."""
    if how == "expr":
        return printed_expression(text), []
    if how == "ctor":
        return printed_ad(ClassAd(text)), []
    if how == "one_auto_merge":
        return printed_ad(parse_one(text)), []
    if how.startswith("next_"):
        ad = parse_next(text, KINDS[how[5:]])
        if ad is None:
            raise StopIteration("All ads processed")
        return {"u": str(ad)}, []
    return printed_ad(parse_one(text, KINDS[how])), []


def check_parse(row: dict[str, Any]) -> str | None:
    """Return what is wrong with our parsing of a row, or None."""
    expected = row["out"]
    if row["how"].startswith("multi_"):
        ads: list[str] = []
        error = None
        try:
            for ad in parse_ads(row["in"], KINDS[row["how"][6:]]):
                ads.append(str(ad))
        except ClassAdParseError as fault:
            error = fault
        if ads != expected["ads"] or (error is None) != expected["ok"]:
            return f"ads {ads}, error {error}"
        return None
    try:
        got, _ = parse_row(row["how"], row["in"])
    except (ClassAdParseError, StopIteration) as error:
        if expected.get("ok", True):
            return f"did not parse: {error}"
        wanted = StopIteration if expected["err"] == "StopIteration" else ClassAdParseError
        return None if isinstance(error, wanted) else f"raised {error!r}"
    if not expected.get("ok", True):
        return f"parsed to {str(got['u'])[:200]}"
    for form in ("u", "p", "old", "json", "rt", "attrs", "xml"):
        if form not in got:
            continue
        if form in expected:
            wanted_form = expected[form]
        elif row["how"] == "expr" and form in ("p", "old"):
            wanted_form = expected["u"]
        else:
            continue
        if form in ("rt", "attrs"):
            if wanted_form != got[form]:
                return f"{form}: {got[form]}"
        elif not same_text(wanted_form, got[form]):
            return f"{form}: {got[form][:300]!r} instead of {str(wanted_form)[:300]!r}"
    return None


@pytest.mark.parametrize("area", sorted(PARSE))
def test_parsing_and_printing(area: str) -> None:
    """Every recorded text parses, or fails, and prints as recorded."""
    wrong = [(row["id"], row["how"], row["in"][:200], fault) for row in PARSE[area] if (fault := check_parse(row))]
    assert not wrong, f"{len(wrong)} of {len(PARSE[area])}: {wrong[:5]}"


def number(value: float) -> Any:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def as_string(value: Any) -> Any:
    """Return what ``string()`` of a value gives: the recorded rows show times so."""
    return REGISTRY["string"].function(EvalContext(), (value,))


def described(value: Any) -> dict[str, Any]:
    """Return a value in the form of the recorded rows."""
    if value is Undefined:
        return {"t": "Undefined"}
    if value is Error:
        return {"t": "Error"}
    if isinstance(value, bool):
        return {"t": "Boolean", "v": value}
    if isinstance(value, int):
        return {"t": "Integer", "v": value}
    if isinstance(value, float):
        return {"t": "Real", "v": number(value)}
    if isinstance(value, str):
        # The v1 module cannot hand out bytes that are no UTF-8.
        broken = any("\udc80" <= char <= "\udcff" for char in value)
        return {"t": "Exception"} if broken else {"t": "String", "v": value}
    if isinstance(value, RelTime):
        return {"t": "RelTime", "v": number(value.seconds), "s": as_string(value)}
    if isinstance(value, AbsTime):
        try:
            to_datetime(value)
        except ValueError:
            # Not a year that Python has: the v1 module raised this, too.
            return {"t": "Exception"}
        return {"t": "AbsTime", "utc": value.secs, "s": as_string(value)}
    if isinstance(value, ListValue):
        return {"t": "List", "v": [described_node(item) for item in value.items]}
    assert isinstance(value, AdBase)
    pairs = sorted(value._pairs(), key=lambda pair: attribute_order(pair[0]))
    return {"t": "Ad", "v": [[name, described_node(node)] for name, node in pairs]}


def described_node(node: Node) -> dict[str, Any]:
    if isinstance(node, Literal):
        return described(node.value)
    if isinstance(node, ListNode):
        return {"t": "List", "v": [described_node(item) for item in node.items]}
    if isinstance(node, AdNode):
        pairs = sorted(node.pairs, key=lambda pair: attribute_order(pair[0]))
        return {"t": "Ad", "v": [[name, described_node(inner)] for name, inner in pairs]}
    return {"t": "Expr", "s": unparse_node(node)}


def evaluate_row(row: dict[str, Any]) -> dict[str, Any]:
    try:
        node = parse_expression(row["x"])
    except ClassAdParseError:
        return {"t": "ParseError"}
    try:
        ad = ClassAd(row["ad"]) if "ad" in row else None
        target = ClassAd(row["target"]) if "target" in row else None
    except ClassAdParseError:
        return {"t": "BadAd"}
    try:
        return described(evaluate(node, ad, target))
    except ClassAdEvaluationError:
        return {"t": "Exception"}


def equal(expected: Any, got: Any) -> bool:
    """Return whether two described values are equal; an instant is compared in whichever form it is recorded."""
    if isinstance(expected, dict) and isinstance(got, dict):
        if expected.get("t") == "Exception":
            return got.get("t") == "Exception"
        if expected.get("t") == "AbsTime" and got.get("t") == "AbsTime":
            return bool(expected["s"] == got["s"])
        if expected.get("t") == "RelTime" and "s" not in expected:
            # Infinite and very large spans are recorded without text, as "inf", "nan" or the number in quotes.
            return got.get("t") == "RelTime" and str(expected["v"]) == str(got["v"])
        return expected.keys() == got.keys() and all(equal(value, got[key]) for key, value in expected.items())
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(equal, expected, got))
    if isinstance(expected, float) and isinstance(got, float):
        return expected == got or math.isclose(expected, got, rel_tol=1e-15)
    return type(expected) is type(got) and bool(expected == got)


def check_eval(row: dict[str, Any]) -> str | None:
    """Return what is wrong with our evaluation of a row, or None."""
    if "tz" in row:
        set_default_environment(World(row["tz"]))  # type: ignore[arg-type]  # as above
    try:
        got = evaluate_row(row)
    finally:
        if "tz" in row:
            set_default_environment(World())  # type: ignore[arg-type]  # as above
    return None if equal(row["r"], got) else f"{str(got)[:200]} instead of {str(row['r'])[:200]}"


@pytest.mark.parametrize("area", sorted(EVAL))
def test_evaluation(area: str) -> None:
    """Every recorded expression has the recorded value."""
    wrong = [
        (row["id"], row["x"][:200], row.get("ad", "")[:200], fault) for row in EVAL[area] if (fault := check_eval(row))
    ]
    assert not wrong, f"{len(wrong)} of {len(EVAL[area])}: {wrong[:5]}"
