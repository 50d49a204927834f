"""``classad2``: what sets its ads and expressions apart from those of the core, as in 25.14.1."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime, timezone
from typing import Any

import pytest

from htcondor_sync.v2.classad2 import ClassAd, ExprTree, Value, parseNext

AD = "[ b = 1; Aa = {1, b + 1}; A = [ y = b ]; e = b + 1 ]"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda ad: pickle.loads(pickle.dumps(ad))])
def test_copies_are_of_the_class(copied: Any) -> None:
    ad = ClassAd(AD)
    again = copied(ad)
    assert type(again) is ClassAd and again == ad
    again["b"] = 2
    assert ad["b"] == 1


def test_ads_are_printed_in_order() -> None:
    ad = ClassAd(AD)
    assert repr(ad) == "[ A = [ y = b ]; b = 1; e = b + 1; Aa = { 1,b + 1 } ]"
    assert str(ClassAd("[ c = 1; B = 2 ]")) == "\n    [\n        B = 2; \n        c = 1\n    ]"
    assert list(ad) == list(ad.keys()) == [name for name, _ in ad.items()] == ["A", "b", "e", "Aa"]
    assert type(ad["A"]) is ClassAd and type(ad["Aa"][1]) is ExprTree and type(ad.lookup("b")) is ExprTree


def test_expressions_know_no_ad() -> None:
    ad = ClassAd(AD)
    assert ad["e"].eval() is Value.Undefined
    assert ad["e"].eval(ad) == ad.eval("e") == 2
    assert ExprTree("TARGET.b").eval(scope=ClassAd(), target=ad) == 1
    assert ExprTree("TARGET.b").eval(target=ad) is Value.Undefined


def test_expressions_are_compared() -> None:
    assert (ExprTree("a+1") == ExprTree("a + 1")) is True
    assert (ExprTree("a") == "a") is False and (ExprTree("a") != ExprTree("a")) is False
    assert bool(ExprTree("false")) is True
    assert str(ExprTree()) == "undefined" and pickle.loads(pickle.dumps(ExprTree("a"))) == ExprTree("a")
    with pytest.raises(TypeError):
        list(ExprTree("{1, 2}"))


def test_times() -> None:
    ad = ClassAd('[ at = absTime("2020-01-01T00:00:00+0500"); for = relTime("1:30") ]')
    assert repr(ad["at"]) == repr(datetime(2019, 12, 31, 19, tzinfo=timezone.utc))
    assert ad["for"] == 90.0 and ExprTree("relTime(5)").eval() == 5.0
    ad["at"] = ad["at"]
    assert str(ad.lookup("at")) == 'absTime("2019-12-31T19:00:00-00:00")'


@pytest.mark.parametrize(
    "operation",
    [
        lambda ad: ClassAd([("a", 1)]),
        lambda ad: ad[1],
        lambda ad: ad.update({1: 2}),
        lambda ad: 1 in ad,
        lambda ad: ad.flatten("b"),
        lambda ad: ad.externalRefs("b"),
        lambda ad: ad.matches({}),
        lambda ad: ad.symmetricMatch({}),
        lambda ad: ad["e"].eval({}),
        lambda ad: ad["e"].eval(ad, {}),
        lambda ad: ad["e"].simplify({}),
    ],
)
def test_other_types_are_refused(operation: Any) -> None:
    with pytest.raises(TypeError):
        operation(ClassAd(AD))


def test_the_end_of_a_text_is_none() -> None:
    assert parseNext("") is None
