"""What v1's ads are here beyond what was recorded of v1's own: sharing, copying, pickling, values, threads."""

from __future__ import annotations

import copy
import pickle
import string
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import htcondor_async.classad as core
import htcondor_sync.classad as v1
from htcondor_async.classad._unparse import pretty, unparse_node

NAMES = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=8)
CONSTANTS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.integers(-(10**6), 10**6).map(lambda number: number / 64),  # printing keeps 16 digits
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
)
VALUES = st.recursive(
    CONSTANTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)


def received(*lines: str) -> core.ClassAd:
    data = b"".join(len(line.encode() + b"\0").to_bytes(8, "big") + line.encode() + b"\0" for line in lines)
    return core.ClassAd._from_wire(data, len(lines), True)


def folded(value: Any) -> Any:
    """Return a value with the names in it in lower case: of two spellings of a name the first is kept."""
    if isinstance(value, dict):
        result: dict[str, Any] = {}
        for name, inner in value.items():
            result[name.lower()] = folded(inner)
        return result
    return [folded(inner) for inner in value] if isinstance(value, list) else value


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_what_is_set_is_read(values: dict[str, Any]) -> None:
    ad = v1.ClassAd(values)
    assert folded(dict(ad)) == folded(values)
    assert folded(dict(v1.ClassAd(str(ad)))) == folded(values)


@given(st.dictionaries(NAMES, CONSTANTS, max_size=6))
def test_the_order_is_that_of_length_then_alphabet(values: dict[str, Any]) -> None:
    names = list(v1.ClassAd(values))
    assert names == sorted(names, key=lambda name: (len(name), name.lower()))
    assert list(v1.ClassAd(values).keys()) == names
    assert [name for name, _ in v1.ClassAd(values).items()] == names


@given(st.dictionaries(NAMES, CONSTANTS, max_size=6))
def test_the_two_facades_hand_an_ad_to_and_fro(values: dict[str, Any]) -> None:
    ad = v1.ClassAd(values)
    assert v1.ClassAd._wrap(ad._unwrap()) == ad
    assert repr(v1.ClassAd._wrap(ad._unwrap())) == repr(ad)


@given(st.dictionaries(NAMES | st.sampled_from(["true", "é", "a b", "1x"]), VALUES, max_size=6))
def test_an_ad_prints_as_its_node_does(values: dict[str, Any]) -> None:
    ad = v1.ClassAd(values)
    ad["Expression"] = v1.ExprTree("[b = {1, a}; c = x + 1.5]")
    assert str(ad) == pretty(ad._node())
    assert repr(ad) == str(ad._unwrap()) == unparse_node(ad._node())


@pytest.mark.parametrize("look_first", [False, True])
@pytest.mark.parametrize("change", ["the given one", "the wrapped one"])
def test_what_is_wrapped_is_shared_until_one_is_changed(look_first: bool, change: str) -> None:
    given_ad = received("ClusterId = 7", "Cmd = ifThenElse(ClusterId > 5, 1, 2)")
    if look_first:
        assert len(given_ad) == 2
    wrapped = v1.ClassAd._wrap(given_ad)
    target: Any = given_ad if change == "the given one" else wrapped
    target["ClusterId"] = 1
    other: Any = wrapped if change == "the given one" else given_ad
    assert other["ClusterId"] == 7
    assert other.eval("Cmd") == 1
    assert target.eval("Cmd") == 2


def test_a_wrapped_ad_reads_a_few_values_without_an_index() -> None:
    others = [f"Attr{number} = {number}" for number in range(20)]
    lines = ["ClusterId = 7", 'Owner = "alice"', "Rank = 0.5", "Held = true", "Number = -3", *others]
    wrapped = v1.ClassAd._wrap(received(*lines))
    assert [wrapped[name] for name in ("clusterid", "OWNER", "Rank", "Held", "Number")] == [7, "alice", 0.5, True, -3]
    assert wrapped._table is None


def test_a_faulty_value_says_so_when_it_is_read() -> None:
    wrapped = v1.ClassAd._wrap(received("Good = 1", "Bad = 1 +"))
    assert wrapped["Good"] == 1
    with pytest.raises(v1.ClassAdParseError, match="Bad") as caught:
        wrapped["Bad"]
    assert caught.value.attribute == "Bad"


def test_bytes_that_are_no_text_are_kept_but_not_read() -> None:
    data = b'Name = "\xff"\0'
    wrapped = v1.ClassAd._wrap(core.ClassAd._from_wire(data, 1, False))
    with pytest.raises(UnicodeDecodeError):
        wrapped["Name"]
    assert repr(wrapped) == '[ Name = "\\377" ]'
    assert wrapped._unwrap().wire_items() == [b'Name = "\xff"']


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda ad: pickle.loads(pickle.dumps(ad))])
def test_copies_are_apart(duplicate: Callable[[v1.ClassAd], v1.ClassAd]) -> None:
    ad = v1.ClassAd({"a": 1, "n": {"k": [1, 2]}})
    ad.note = ["mine"]
    second = duplicate(ad)
    assert second == ad
    assert type(second) is v1.ClassAd
    second["a"] = 2
    assert ad["a"] == 1
    assert second.note == ["mine"]


def test_a_subclass_stays_one() -> None:
    class Job(v1.ClassAd):
        pass

    assert type(copy.copy(Job({"a": 1}))) is Job
    assert type(Job._wrap(received("a = 1"))) is Job


def test_values_lose_their_names_when_copied_as_in_v1() -> None:
    undefined = v1.Value.Undefined
    again = pickle.loads(pickle.dumps(undefined))
    assert again == undefined
    assert repr(again) == "classad.classad.Value(2)"
    assert v1.ClassAd({"a": again})["a"] is undefined
    with pytest.raises(AttributeError, match="no attribute 'name'"):
        again.name  # noqa: B018  # reading is the test


def test_nested_too_deeply_is_an_error() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(v1.ClassAdValueError, match="deeper"):
        v1.ClassAd({"a": value})
    deep = v1.ClassAd("[a = " + "{" * 250 + "}" * 250 + "]")
    with pytest.raises(v1.ClassAdValueError, match="deeper"):
        deep["a"]


def test_parse_errors_say_where() -> None:
    with pytest.raises(v1.ClassAdParseError) as caught:
        v1.ClassAd("[a = 1;\n b = 1 + ]")
    assert caught.value.args == ("Unable to parse string into a ClassAd.",)
    assert caught.value.line == 2
    assert str(caught.value) != caught.value.args[0]
    with pytest.raises(v1.ClassAdParseError) as caught:
        v1.parseOne("a = 1\nb = 1 +\n")
    assert caught.value.args == ("b = 1 +",)
    assert caught.value.line == 2


def test_arguments_that_do_not_fit() -> None:
    from htcondor_sync._arguments import ArgumentError

    ad: Any = v1.ClassAd()
    calls: list[Callable[[], Any]] = [
        lambda: ad.lookup(),
        lambda: ad.lookup(1),
        lambda: ad.matches(),
        lambda: ad.get("a", default=1),
        lambda: ad.update({}, a=1),
        lambda: v1.ExprTree(),
        lambda: v1.ClassAd(None),
        lambda: v1.parseOne("a=1", "Old"),
        lambda: v1.quote(1),
    ]
    for call in calls:
        with pytest.raises(ArgumentError):
            call()


def test_an_error_inside_a_function_is_not_taken_for_one_of_its_arguments() -> None:
    with pytest.raises(TypeError, match="from within") as caught:
        v1.ClassAd().update(Pairs())
    assert type(caught.value) is TypeError


class Pairs:
    """Fails while it is iterated over."""

    def __iter__(self) -> Any:
        yield ("a", 1)
        raise TypeError("from within")


def test_threads_read_one_ad() -> None:
    wrapped = v1.ClassAd._wrap(received(*[f"A{number} = {number} + 0" for number in range(200)]))
    found: list[list[Any]] = []

    def read() -> None:
        found.append([wrapped.eval(f"A{number}") for number in range(200)])

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [list(range(200))] * 8
