"""Tables, JSON, rows, exit codes: without a pool."""

from __future__ import annotations

import argparse
import io
import json

import anyio
import pytest

from htcondor_async import ClassAd, errors
from htcondor_async.cli import COMMANDS, common, make_parser, output, queue, status
from htcondor_async.cli.codes import Exit, code_of


def test_a_plain_table():
    text = output.plain_table(("NAME", "N"), [("a", 1), ("long name", 20), ("bad\x1b[31m\n", "-3.5")])
    assert text.split("\n") == ["NAME          N", "a             1", "long name    20", "bad?[31m?  -3.5"]


def test_an_empty_table_has_its_heading():
    assert output.plain_table(("A", "B"), []) == "A  B"


def test_a_rich_table_takes_no_markup_from_ads():
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=60).print(output.rich_table(("CMD",), [["[red]x[/red]"]], "title"))
    assert "[red]x[/red]" in out.getvalue()


def test_json_of_ads(capsys):
    async def ads():
        yield ClassAd({"A": 1})
        yield ClassAd({"B": "x\ny"})

    async def body():
        return (
            await output.print_json_ads(ads()),
            await output.print_json_ads([]),
            await output.print_json_ads([ClassAd()]),
        )

    assert anyio.run(body) == (2, 0, 1)
    decoder, text, found = json.JSONDecoder(), capsys.readouterr().out, []
    while text.strip():
        value, end = decoder.raw_decode(text.lstrip())
        found.append(value)
        text = text.lstrip()[end:]
    assert found == [[{"A": 1}, {"B": "x\ny"}], [], [{}]]


def test_a_row_of_a_job():
    ad = ClassAd(
        {
            "ClusterId": 5,
            "ProcId": 2,
            "Owner": "al\x1bice",
            "JobStatus": 2,
            "ShadowBday": 1000,
            "ServerTime": 1000 + 86400 + 3661,
            "ImageSize": 2048,
            "Cmd": "/bin/sleep",
            "Args": "300",
        }
    )
    row = queue.job_row(ad)
    assert row[:2] == ["5.2", "al?ice"]
    assert row[3:] == ["1+01:01:01", "R", "0", "2.0", "sleep 300"]
    assert queue.job_row(ClassAd())[0] == "0.0"


def test_constraints():
    assert queue.jobs_constraint([], None) is None
    assert (
        queue.jobs_constraint(["5", "6.1"], "X > 1") == "(ClusterId == 5 || ClusterId == 6 && ProcId == 1) && (X > 1)"
    )
    assert queue.jobs_constraint(["alice"], None) == '((Owner == "alice" || User == "alice"))'
    with pytest.raises(ValueError, match="neither a job nor an owner"):
        queue.jobs_constraint(['"x'], None)
    names = argparse.Namespace(name=["m"], constraint="true")
    assert status.constraint_of(names) == '(true) && (Name == "m" || Machine == "m")'
    with pytest.raises(ValueError, match="no quote"):
        status.constraint_of(argparse.Namespace(name=['"'], constraint=None))


def test_totals():
    ads = [ClassAd({"JobStatus": value}) for value in (1, 1, 5)]
    assert queue.totals_line(ads) == "3 jobs; 0 completed, 0 removed, 2 idle, 0 running, 1 held, 0 suspended"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.AuthorizationError("x"), Exit.REFUSED),
        (errors.AuthenticationError("x"), Exit.REFUSED),
        (errors.HTCondorLocateError("x"), Exit.NOT_FOUND),
        (errors.ConnectError("x"), Exit.FAILED),
        (errors.DaemonError("x"), Exit.FAILED),
        (errors.HTCondorValueError("x"), Exit.USAGE),
        (errors.ConfigError("x"), Exit.USAGE),
        (ValueError("x"), Exit.USAGE),
        (OSError("x"), Exit.FAILED),
    ],
)
def test_exit_codes(error, code):
    assert code_of(error) is code


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_help_and_the_common_options(command, capsys):
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--pool", "--json", "--timeout", "--debug"))


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["q", "--timeout", "-1"], ["history", "--match", "-1"]])
def test_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(arguments)
    assert ended.value.code == Exit.USAGE
    assert "usage:" in capsys.readouterr().err


def test_options_stand_before_or_behind_an_action():
    parser = make_parser()
    for words in (["token", "--json", "list"], ["token", "list", "--json"]):
        assert parser.parse_args(words).json is True
    assert parser.parse_args(["token", "list"]).json is False


def test_numbers():
    assert common.seconds("1.5") == 1.5
    assert common.count("0") == 0
    for text in ("0", "nan", "1e12"):
        with pytest.raises(argparse.ArgumentTypeError):
            common.seconds(text)
