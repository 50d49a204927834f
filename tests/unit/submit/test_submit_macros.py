"""The table of a description and the expansion of its macros."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async.config.functions import CONFIG_FUNCTIONS
from htcondor_async.config.macros import Expander
from htcondor_async.config.stream import SourceError
from htcondor_async.submit.macros import MacroTable
from htcondor_async.submit.problems import SubmitError
from tests.helpers.submit_world import SubmitWorld


def table(**values: str) -> MacroTable:
    made = MacroTable({"opsys": "LINUX"}, SubmitWorld(Path("/")))
    for name, value in values.items():
        made.set(name, value)
    return made


def test_names_ignore_case_and_keep_their_first_spelling() -> None:
    made = table(Foo="1", FOO="2")
    assert made.lookup("fOO") == "2"
    assert made.keys() == ["Foo"]


def test_built_in_names() -> None:
    made = table()
    assert made.expand("$(Cluster).$(Process) $(JobId) $(OPSYS) [$(Year)]") == "1.0 1.0 LINUX []"


def test_a_value_may_refer_to_its_old_one() -> None:
    made = table(a="x")
    made.set("a", "$(a) y")
    assert made.lookup("a") == "x y"


@pytest.mark.parametrize("values", [{"a": "$(a)1"}, {"a": "$(b)", "b": "$(a)"}, {"a": "$(b)$(b)", "b": "$(a)$(a)"}])
def test_endless_expansion_is_an_error(values: dict[str, str]) -> None:
    made = table()
    made.values.update(values)
    with pytest.raises(SubmitError):
        made.expand("$(a)")


def test_loop_variables_come_first_and_are_recorded() -> None:
    made = table(x="own", y="$(x)")
    made.set_loop(["X"], ["loop"])
    made.touched = set()
    assert made.expand("$(y)") == "loop"
    assert made.touched == {"x"}
    assert made.copy().expand("$(y)") == "own"


def test_random_values_count_as_changing() -> None:
    made = table(r="$RANDOM_CHOICE(a,b)")
    made.touched = set()
    made.expand("$(r)")
    assert made.touched


PIECES = ["$(b)", "$(c:d e)", "$(nosuch)", "$", "$$", "$$(Memory)", "(", ")", "x", " ", "$(DOLLAR)"]
plain_pieces = st.lists(st.sampled_from(["x", " ", "$", "(", ")", "$(nosuch:y)", "$(DOLLAR)", "$(c:(z))"]), max_size=4)
pieces = st.lists(st.sampled_from(PIECES), max_size=4)
texts = st.lists(st.sampled_from([*PIECES, "$(a)", "$(nosuch:$(a))", "$($(r))"]), max_size=8)


@given(texts, pieces, plain_pieces)
def test_the_short_way_gives_what_the_engine_gives(text: list[str], first: list[str], second: list[str]) -> None:
    made = table(r="a")
    made.values.update(a="".join(first), b="".join(second))
    plain = Expander(made.lookup, functions=CONFIG_FUNCTIONS, environment=made.environment)
    whole = "".join(text)
    try:
        expected = plain.expand(whole)
    except SourceError:
        with pytest.raises(SubmitError):
            made.expand(whole)
    else:
        assert made.expand(whole) == expected
        assert made.expand(whole) == expected


def test_what_depends_on_the_job_is_left_for_the_digest() -> None:
    made = table(a="$(Process)", b="two")
    assert made.expand_except("$(b) $(a) $(x:1) $INT(b) $(DOLLAR)", frozenset({"process", "x"})) == (
        "two $(Process) $(x:1) $INT(b) $(DOLLAR)",
        True,
    )
    assert made.expand_except("$(b)", frozenset()) == ("two", False)
