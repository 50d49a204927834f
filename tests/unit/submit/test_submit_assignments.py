"""The short way through a description: the same table, the same errors as the long way, line by line."""

from __future__ import annotations

import random

import pytest

from htcondor_async.errors import ConfigError
from htcondor_async.submit import Submit, SubmitError
from htcondor_async.submit.assignments import plain_queue, take_assignments
from htcondor_async.submit.macros import MacroTable
from htcondor_async.submit.reader import DescriptionReader
from tests.helpers.submit_world import SubmitWorld

PIECES = (
    "a = 1",
    "  B.c/d =  two words\t ",
    "A = $(a) more",
    "a = $(A)$(b.C/d)",
    "x=$(x:none)",
    "+Mark = $(my.mark)1",
    "+mark = $(MY.Mark)2",
    "-Mark = 1",
    "# comment \\",
    "",
    "\t",
    "long = one \\",
    "path = C:\\dir\\file",
    "block @=end",
    "@end",
    "if true",
    "if false",
    "else",
    "endif",
    "if = 3",
    "endif=3",
    "ELIF=3",
    "queue = 3",
    "Queue=3",
    "queue_x = 1",
    "queue 3",
    "QUEUE\t2 in (a b\xa0) ",
    "queue \xa0\x1f2",
    "queue",
    "queue from (",
    "queue in \\",
    "queue:",
    "iterate 2",
    "iterate = 2",
    ") = b",
    "a:b",
    "a : = b",
    "bad name = 1",
    "a\xa0= 1",
    "$(a) = 4",
    "\xe9 = 1",
    "include = x",
    "warning : hello",
    "error : no",
    "use template : none",
    "= 1",
    "a =",
    "a =\x0bb\x0c",
)


def long_way(text: str) -> tuple[object, ...]:
    environment = SubmitWorld("/nowhere")
    macros = MacroTable({}, environment)
    notices: list[str] = []
    reader = DescriptionReader(macros, environment, Submit().context.version, lambda name: None, notices.append)
    found = reader.read(text)
    return macros.values, macros.names, macros.lines, found.queue, found.rest, found.line, notices


def short_way(text: str) -> tuple[object, ...]:
    environment = SubmitWorld("/nowhere")
    macros = MacroTable({}, environment)
    notices: list[str] = []
    rest, before = take_assignments(text, macros)
    queue = plain_queue(rest)
    if queue is not None:
        return macros.values, macros.names, macros.lines, *queue, before + 1, notices
    reader = DescriptionReader(macros, environment, Submit().context.version, lambda name: None, notices.append)
    found = reader.read(rest, before)
    return macros.values, macros.names, macros.lines, found.queue, found.rest, found.line, notices


def outcome(read: object, text: str) -> object:
    try:
        return read(text)  # type: ignore[operator]  # one of the two above
    except (SubmitError, ConfigError) as error:
        return type(error), str(error)


@pytest.mark.parametrize("seed", range(40))
def test_both_ways_are_the_same(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(150):
        lines = chance.choices(PIECES, k=chance.randrange(1, 7))
        text = chance.choice(("\n", "\r\n", "\n", "\n\n")).join(lines) + chance.choice(("", "\n", " \n", "\n "))
        assert outcome(short_way, text) == outcome(long_way, text), text


@pytest.mark.parametrize("piece", PIECES)
def test_each_line_alone_and_between(piece: str) -> None:
    for text in (piece, piece + "\n", " " + piece, f"first = 1\n{piece}\nlast = $(first)\nqueue", f"a = 0\n{piece}"):
        assert outcome(short_way, text) == outcome(long_way, text), text


def test_a_plain_description_leaves_nothing_to_the_reader() -> None:
    macros = MacroTable({}, SubmitWorld("/nowhere"))
    text = "# a job\nExecutable = /bin/true\r\n\n  arguments = $(Process) $(Item)\n+Mark = 1\n"
    assert take_assignments(text + "queue Item in (a b)\nrest", macros) == ("queue Item in (a b)\nrest", 5)
    assert macros.values == {"executable": "/bin/true", "arguments": "$(Process) $(Item)", "my.mark": "1"}
    assert macros.names == {"executable": "Executable", "arguments": "arguments", "my.mark": "MY.Mark"}
    assert macros.lines == {"executable": 2, "arguments": 4, "my.mark": 5}
    assert plain_queue("queue Item in (a b)\nrest") == ("Item in (a b)", "rest")


def test_a_value_without_end_names_its_line() -> None:
    with pytest.raises(SubmitError, match=r"line 3: ") as caught:
        Submit("a = 1\n\nb = $(a)$(b)$(" + "b)$(b)" * 20_000 + "\n")
    assert caught.value.line == 3


def test_a_line_that_is_too_long_is_refused() -> None:
    with pytest.raises(SubmitError, match="more than 1048576 characters"):
        Submit("a = 1\nb = " + "x" * (1 << 20) + "\nqueue\n")
    assert len(Submit("".join(f"a{number} = {'x' * 1000}\n" for number in range(1200)))) == 1200


def test_built_in_names_are_looked_up_when_they_are_needed() -> None:
    asked: list[str] = []
    macros = MacroTable(lambda: asked.append("asked") or {"arch": "X86_64"}, SubmitWorld("/nowhere"))
    take_assignments("a = $(ARCH)\n", macros)
    assert asked == []
    assert macros.expand("$(a)") == "X86_64" == macros.lookup("Arch")
    assert asked == ["asked"]
