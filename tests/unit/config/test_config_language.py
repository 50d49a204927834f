"""Statements, conditions and metaknobs, on files in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from htcondor_async._environment import CommandResult
from htcondor_async.config import Config, SourceError

Write = Callable[..., Any]


def load(world: Any, **options: Any) -> Config:
    return Config.load(world, **options)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A = 1 \\\n  two\n", "1 two"),
        ("A = 1 \\\n# c\\\n two\n", "1 two"),
        ("A = 1 \\\n# gone\nB = 2\n", "1 e"),
        ("A = one\\", "one\\"),
        ("A = x  ", "x  "),
        ("A = 1 # x\n", "1 # x"),
        ("A = 1 \\\r\n 2\r\n", "1 2"),
        ("# A = 0 \\\nA = 1\n", "1"),
        ("A = 1\n[section]\n", "1"),
        ("foo bar = 1\nA = $(foo)\n", "1"),
        ("A @=end\n  a  \n\n# no\n b \\\n c\n@end x\n@end\n", "a\nb c\n@end x"),
        ("N = A\n$(N) = 5\n", "5"),
        ("A = 1\nA = $(A) 2\nA = 0 $(A)\n", "0 1 2"),
        ("#opt:oldcomment\nA = 1 \\\n# x\n", "1 # x"),
        ("A = $(X:a b,c\\d)\n", "a b,c\\d"),
        ("A = $(X:$(Y))\nY = y\n", "y"),
        ("A = $(X:a-b)\n", "$(X:a-b)"),
        ("A = $($(E))\nE = F\nF = f\n", "f"),
        ("A = $(DOLLAR)(B)\n", "$(B)"),
        ("A = $$(B) $$([1])\n", "$$(B) $$([1])"),
        ("A = $$$(B)\nB=1\n", "$$1"),
        ("A = x$\n", "x$"),
        ("A = $NOSUCH(x)\n", "$NOSUCH(x)"),
    ],
)
def test_lines_and_values(write: Write, text: str, expected: str) -> None:
    assert load(write(text))["A"] == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("true", True),
        ("F", False),
        ("no", False),
        ("0.0", False),
        ("-1", True),
        ("1e3", True),
        (".5", True),
        ("! 0", True),
        ("version >= v 24.0", True),
        ("version != 24.0.23", True),
        ("version < 99999999.0", True),
        ("$(NOPE)", False),
        ("! $(NOPE)", True),
        ("$(X)", True),
        ("defined X", True),
        ("defined NOPE", False),
        ("defined EMPTY", False),
        ("defined MAX_JOBS_RUNNING", True),
        ("DEFINED 1", True),
        ("defined", False),
        ("defined use ROLE", True),
        ("defined use role:submit", True),
        ("defined use ROLE:Bogus", False),
        ("version >= 8.1", True),
        ("version < 24.0", False),
        ("version == 24.0", True),
        ("version != 24.0.24", False),
        ("! version > 99.0", True),
    ],
)
def test_conditions(write: Write, condition: str, expected: bool) -> None:
    text = f"X = 1\nEMPTY =\nif {condition}\nA = yes\nelse\nA = no\nendif\n"
    assert load(write(text))["A"] == ("yes" if expected else "no")


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("1 == 1", "complex"),
        ("a && b", "complex"),
        ("1+1", "complex"),
        ("maybe", "is not a condition"),
        ("", "is not a condition"),
        ("defined a b", "defined takes"),
        ("defined use ROLE : x", "without blanks"),
        ("version", "version takes"),
        ("version > 5.0", "version takes"),
        ("version>9.0", "complex"),
        ("version >= 24.0.x", "complex"),
        ("version !> 24.0", "complex"),
    ],
)
def test_what_is_no_condition(write: Write, condition: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason) as caught:
        load(write(f"A = 1\nif {condition}\nendif\n"))
    assert (caught.value.source, caught.value.line) == ("/c/condor_config", 2)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("A = 1\nfoo bar\n", 2, "not a statement"),
        ("A\n", 1, "not a statement"),
        ("A-B = 1\n", 1, "not a valid name"),
        ("= 5\n", 1, "not a valid name"),
        ("  A = 1", 0, "not a valid name"),
        ("A @=x\ny\n", 2, "ends before '@x'"),
        ("if 1\nA = 1\n", 2, "no endif"),
        ("endif\n", 1, "endif without an if"),
        ("if 1\nelse\nelse\nendif\n", 3, "else after else"),
        ("if 0\nelse\nelif 1\nendif\n", 3, "elif after else"),
        ("X = 1\nerror : no $(X)\n", 2, "no 1"),
        ("error 7 : no\n", 1, "no"),
        ("use ROLE : Bogus\n", 1, "does not recognise Bogus"),
        ("use Nothing : Bogus\n", 1, "no such category"),
        ("use : Submit\n", 1, "needs a category"),
        ("include : /none\n", 1, "cannot include /none"),
        ("include twice : /none\n", 1, "unexpected words"),
        ("include command into : x\n", 1, "takes a file name"),
        ("use FEATURE : Monitor(a)\n", 1, "use FEATURE:Monitor: "),
        ("#opt:strict\nA : 1\n", 2, "does not assign"),
        ("A = 1\nB = \0\n", 2, "NUL"),
    ],
)
def test_errors_name_file_and_line(write: Write, text: str, line: int, reason: str) -> None:
    with pytest.raises(SourceError, match=reason) as caught:
        load(write(text))
    assert (caught.value.source, caught.value.line) == ("/c/condor_config", line)
    assert str(caught.value).startswith("/c/condor_config")


def test_appending(write: Write) -> None:
    text = "A += x\nA += y\nB = 1\nB +,= 2\nC = a\nC +&&= b\nTOOL.D = t\nD +|= u\nE +x= 5\n"
    config = load(write(text))
    assert [config.get_str(name) for name in "ABCE"] == ["x y", "1,2", "a && b", "5"]
    assert config.raw("D") == "t" and config["D"] == "t"


def test_disabled_parts_are_skipped(write: Write) -> None:
    config = load(write("if false\ninclude : /none\nif nonsense here\nelse\nendif\nA = 1\nelse\nA = 2\nendif\n"))
    assert config["A"] == "2"


def test_colon_before_if(write: Write) -> None:
    assert load(write(":if 1\n:A = 3\n:else\n:A = 4\n:endif\n"))["A"] == "3"


def test_nesting_of_if_is_bounded(write: Write) -> None:
    assert load(write("if 1\n" * 63 + "A = 1\n" + "endif\n" * 63))["A"] == "1"
    with pytest.raises(SourceError, match="63 deep"):
        load(write("if 1\n" * 64 + "endif\n" * 64))


def test_colon_assignment_warns(write: Write) -> None:
    config = load(write("A : 1\nRunBenchmarks : 2\nwarning : look $(A)\n"))
    assert (config["A"], config["RunBenchmarks"]) == ("1", "2")
    assert [warning.split(": ")[0] for warning in config.warnings] == [
        "/c/condor_config, line 1",
        "/c/condor_config, line 3",
    ]
    assert config.warnings[1].endswith("look 1")


def test_includes(write: Write) -> None:
    files = {"/c/one": "A = 1\ninclude : $(DIR)/two\nC = $(B)3\n", "/c/two": "B = $(A)2\n"}
    config = load(write("DIR = /c\n@include : /c/one\ninclude ifexist : /none\n", files))
    assert config["C"] == "123"
    assert str(config.where("B")) == "/c/two, line 1"


def test_an_error_in_an_include_names_the_included_file(write: Write) -> None:
    with pytest.raises(SourceError) as caught:
        load(write("\n\ninclude : /c/one\n", {"/c/one": "A = 1\nnonsense\n"}))
    assert (caught.value.source, caught.value.line) == ("/c/one", 2)


def test_include_loops_end(write: Write) -> None:
    with pytest.raises(SourceError, match="nested more than 20 deep"):
        load(write("include : /c/condor_config\n"))


def test_commands_need_permission(write: Write) -> None:
    world = write("include command : /bin/make config\n")
    world.commands[("/bin/make", "config")] = CommandResult(1, b"A = 5\n", b"")
    with pytest.raises(SourceError, match="not allowed"):
        load(world)
    assert world.ran == []
    config = load(world, allow_commands=True)
    assert config["A"] == "5"
    assert str(config.where("A")) == "/bin/make config |, line 1"


def test_commands_that_cannot_be_run(write: Write) -> None:
    with pytest.raises(SourceError, match="cannot include"):
        load(write("include : /bin/nothing |\n"), allow_commands=True)
    assert load(write("include ifexist command : /bin/nothing\nA = 1\n"), allow_commands=True)["A"] == "1"
    with pytest.raises(SourceError, match="must be at its end"):
        load(write("include : a | b\n"), allow_commands=True)


def test_quoted_commands(write: Write) -> None:
    world = write("""include command : "/bin/x 'a b' c''d ""e"" 'f''g'"\n""")
    world.commands[("/bin/x", "a b", "cd", '"e"', "f'g")] = CommandResult(0, b"A = 1\n", b"")
    assert load(world, allow_commands=True)["A"] == "1"
    for broken in ('"x', '"a "b"', '"a \'b"'):
        with pytest.raises(SourceError, match="quote"):
            load(write(f"include command : {broken}\n"), allow_commands=True)


def test_include_into(write: Write) -> None:
    world = write("include command into /c/cache : /bin/make\n")
    world.commands[("/bin/make",)] = CommandResult(0, b"A = made\n", b"")
    config = load(world, allow_commands=True)
    assert config["A"] == "made"
    assert "not stored" in config.warnings[0]
    world.files["/c/cache"] = b"A = cached\n"
    assert load(world)["A"] == "cached"
    del world.files["/c/cache"]
    world.commands[("/bin/make",)] = CommandResult(3, b"A = made\n", b"")
    with pytest.raises(SourceError, match="status 3"):
        load(world, allow_commands=True)


def test_metaknobs(write: Write) -> None:
    config = load(write("use ROLE : Submit Execute\nuse FEATURE : PartitionableSlot(2, 50%)\n"))
    assert config["DAEMON_LIST"] == "MASTER SCHEDD STARTD"
    assert (config["SLOT_TYPE_2"], config["SLOT_TYPE_2_PARTITIONABLE"]) == ("50%", "true")
    assert str(config.where("SLOT_TYPE_2")) == "/c/condor_config, line 2, use FEATURE:PartitionableSlot"


def test_arguments_of_metaknobs() -> None:
    from htcondor_async.config.metaknobs import expand_arguments, split_knobs

    body = "$(0)|$(0#)|$(1)|$(2:d)|$(3:d)|$(1?)|$(3?)|$(2+)|$($(1)_X)"
    assert expand_arguments(body, "a, b") == "a, b|2|a|b|d|1|0|b|$(a_X)"
    assert expand_arguments(body, "") == "|0||d|d|0|0||$(_X)"
    assert expand_arguments("$(2)", "a,,b") == "b"
    assert expand_arguments("$(2+)", "a, b,, c") == "b,, c"
    assert expand_arguments("$(1:a(b)c)", "") == "a(b)c"
    assert list(split_knobs(" a, b(1,(2,3)) c ")) == [("a", ""), ("b", "1,(2,3)"), ("c", "")]
    with pytest.raises(SourceError, match="does not end"):
        expand_arguments("$(1)", "$(1)")


def test_automatic_metaknobs(write: Write) -> None:
    config = load(write("X = 1\nAUTO_USE_ROLE_Submit = defined X\nAUTO_USE_ROLE_Execute = false\n"))
    assert config["DAEMON_LIST"] == "MASTER SCHEDD"
    assert config.warnings == ()
    config = load(write("AUTO_USE_ROLE_Bogus = 1\nAUTO_USE_ROLE_Submit = a b c\n"))
    assert config["DAEMON_LIST"] == "MASTER"
    assert len(config.warnings) == 2
