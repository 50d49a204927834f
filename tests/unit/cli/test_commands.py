"""Every command against an embedded pool, in this process; interrupts and closed pipes in one of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from htcondor_async.cli import main
from htcondor_async.cli.codes import Exit
from htcondor_async.testing import embedded_pool

JOBS = [
    {
        "ClusterId": number,
        "ProcId": 0,
        "Owner": "alice" if number % 2 else "bob",
        "User": "alice@embedded.pool" if number % 2 else "bob@embedded.pool",
        "JobStatus": 5,
        "Cmd": "/bin/sleep",
        "Args": "300",
        "QDate": 1_700_000_000,
    }
    for number in range(1, 5)
]


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    with embedded_pool(
        config={"ENABLE_RUNTIME_CONFIG": True, "SETTABLE_ATTRS_ADMINISTRATOR": "MY_*"},
        jobs=JOBS,
        slots=[{}, {"State": "Claimed", "Activity": "Busy"}],
    ) as running:
        yield running


@pytest.fixture
def environ(pool, tmp_path):
    config = tmp_path / "condor_config"
    config.write_text(
        f"COLLECTOR_HOST = {pool.address}\nSCHEDD_HOST = schedd@localhost\nUID_DOMAIN = embedded.pool\n"
        f"LOCAL_CONFIG_DIR =\nSEC_TOKEN_DIRECTORY = {tmp_path}/tokens.d\nLOCAL_SETTING = here\n"
        f"SEC_PASSWORD_DIRECTORY = {tmp_path}\nSEC_TOKEN_POOL_SIGNING_KEY_FILE = {tmp_path}/POOL\n"
        "TRUST_DOMAIN = embedded.pool\n"
    )
    return {"CONDOR_CONFIG": str(config)}


@pytest.fixture
def cli(environ, monkeypatch, capsys):
    """`cli("q", "--json")` returns the exit code, the output (of --json: its value), and the errors."""
    monkeypatch.setenv("CONDOR_CONFIG", environ["CONDOR_CONFIG"])

    def run(*words):
        code = main(words)
        out, err = capsys.readouterr()
        return code, json.loads(out) if "--json" in words and out else out, err

    return run


def test_status(cli):
    code, out, err = cli("status")
    assert (code, err) == (Exit.OK, "")
    heading, *rows = out.splitlines()
    assert heading.split()[:4] == ["NAME", "OPSYS", "ARCH", "STATE"]
    assert [row.split()[3] for row in rows] == ["Unclaimed", "Claimed"]


@pytest.mark.parametrize("kind", ["schedds", "masters", "negotiators", "collectors"])
def test_status_of_daemons(cli, kind):
    code, found, _ = cli("status", "--type", kind, "--json")
    assert code == Exit.OK
    assert len(found) == 1


def test_status_of_some(cli):
    _, found, _ = cli("status", "slot2@localhost", "--attributes", "Name,State", "--json")
    assert found == [{"Name": "slot2@localhost", "State": "Claimed"}]
    _, found, _ = cli("status", "--constraint", 'State == "Owner"', "--json")
    assert found == []


def test_queue(cli):
    code, out, _ = cli("q", "--allusers")
    assert code == Exit.OK
    assert [line.split()[0] for line in out.splitlines()[1:5]] == ["1.0", "2.0", "3.0", "4.0"]
    assert out.splitlines()[-1].startswith("4 jobs; 0 completed")
    assert [ad["ClusterId"] for ad in cli("q", "alice", "--json")[1]] == [1, 3]
    assert [ad["ClusterId"] for ad in cli("q", "2", "3.0", "--json")[1]] == [2, 3]
    assert cli("q", "2", "--attributes", "Owner,Cmd")[1].split() == ["OWNER", "CMD", "bob", "/bin/sleep"]


def test_queue_of_all_schedds(cli):
    code, found, _ = cli("q", "--global", "--json", "--attributes", "ClusterId")
    assert code == Exit.OK
    assert [ad["ClusterId"] for ad in found] == [1, 2, 3, 4]


def test_history(cli, pool):
    from htcondor_async import ClassAd

    queue = pool.pool.schedd_daemons["schedd@localhost"].queue
    queue.history = [ClassAd({"ClusterId": 90 + number, "ProcId": 0, "JobStatus": 4}) for number in range(3)]
    code, out, _ = cli("history", "--match", "2")
    assert code == Exit.OK
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["92.0", "91.0"]
    assert [ad["ClusterId"] for ad in cli("history", "--since", "91", "--json")[1]] == [92]


def test_watch(cli):
    code, out, _ = cli("watch", "pool", "--count", "2", "--interval", "0.01")
    assert code == Exit.OK
    assert out.count("LINUX/X86_64") == 2
    code, found, _ = cli("watch", "jobs", "alice", "--count", "1", "--json")
    assert code == Exit.OK
    assert [row["ID"] for row in found["rows"]] == ["1.0", "3.0"]
    assert cli("watch", "pool", "5")[0] == Exit.USAGE


def test_config_of_this_machine(cli):
    assert cli("config", "LOCAL_SETTING")[:2] == (Exit.OK, "here\n")
    code, out, err = cli("config", "NO_SUCH_SETTING")
    assert (code, out) == (Exit.NOT_FOUND, "")
    assert "NO_SUCH_SETTING is not defined" in err
    _, found, _ = cli("config", "LOCAL_SETTING", "--verbose", "--json")
    assert found["LOCAL_SETTING"]["source"].endswith("line 6")
    assert cli("config", "--dump", "^local_setting$")[1].lower() == "local_setting = here\n"
    assert cli("config")[0] == cli("config", "--set", "A=1")[0] == cli("config", "--dump", "(")[0] == Exit.USAGE


def test_config_of_a_daemon(cli):
    assert cli("config", "--daemon", "negotiator", "UID_DOMAIN")[:2] == (Exit.OK, "embedded.pool\n")
    assert cli("config", "--daemon", "negotiator", "--set", "MY_COLOUR=red")[0] == Exit.OK
    code, _, err = cli("config", "--daemon", "negotiator", "--set", "UID_DOMAIN=x")
    assert code == Exit.FAILED
    assert "SETTABLE_ATTRS" in err
    assert cli("config", "--daemon", "negotiator", "--unset", "MY_COLOUR")[0] == Exit.OK
    assert cli("config", "--daemon", "schedd", "--name", "nobody", "A")[0] == Exit.NOT_FOUND


def test_tokens(cli, tmp_path):
    (tmp_path / "POOL").touch(mode=0o600)
    (tmp_path / "POOL").write_bytes(bytes(range(1, 65)))
    assert cli("token", "list", "--json")[1]["tokens"] == []
    code, found, _ = cli("token", "create", "--identity", "alice", "--scope", "READ", "--file", "mine", "--json")
    assert code == Exit.OK
    text = (tmp_path / "tokens.d/mine").read_text().strip()
    assert found == {"file": str(tmp_path / "tokens.d/mine")}
    code, out, _ = cli("token", "list")
    assert code == Exit.OK
    assert "alice@embedded.pool" in out
    assert text not in out
    assert cli("token", "create", "--identity", "alice")[1].count(".") == 2


def test_a_pool_that_does_not_answer(cli):
    code, out, err = cli("status", "--pool", "127.0.0.1:1", "--timeout", "5")
    assert (code, out) == (Exit.FAILED, "")
    assert err.startswith("status: ") and err.count("\n") == 1


def test_a_wrong_constraint(cli):
    assert cli("q", "--constraint", "1 +")[0] == Exit.USAGE


def _start(environ, *words, **options):
    command = [sys.executable, "-m", "htcondor_async", *words]
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": os.getcwd(), **environ}
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_ctrl_c_ends_it_without_noise(environ):
    process = _start(environ, "watch", "pool", "--interval", "30")
    assert process.stdout.readline().startswith("Slots of the pool")
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert process.returncode == Exit.INTERRUPTED
    assert err == ""
    assert "Traceback" not in out
    assert time.monotonic() - began < 20


def test_a_reader_that_goes_away(environ):
    process = _start(environ, "watch", "pool", "--interval", "0.01")
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=30)
    assert process.returncode == Exit.NO_READER
    assert err == ""


def test_a_live_view_on_a_terminal(environ):
    master, terminal = os.openpty()
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": os.getcwd(), "TERM": "xterm", **environ}
    command = [sys.executable, "-m", "htcondor_async", "watch", "jobs", "alice", "--interval", "0.05"]
    process = subprocess.Popen(command, env=env, stdout=terminal, stdin=terminal, stderr=subprocess.PIPE, text=True)
    os.close(terminal)
    shown, deadline = b"", time.monotonic() + 30
    while shown.count(b"2 jobs;") < 3 and time.monotonic() < deadline:
        shown += os.read(master, 65536)
    process.send_signal(signal.SIGINT)
    while process.poll() is None and time.monotonic() < deadline:
        try:
            shown += os.read(master, 65536)
        except OSError:  # the terminal has no other end any more
            break
    _, err = process.communicate(timeout=30)
    os.close(master)
    assert process.returncode == Exit.INTERRUPTED
    assert err == ""
    assert shown.count(b"2 jobs;") >= 3
    assert b"\x1b[?1049h" in shown and b"\x1b[?1049l" in shown  # a screen of its own, given back


@pytest.mark.parametrize("daemon", ["collector", "schedd", "negotiator", "schedd:schedd@localhost"])
def test_ping(cli, daemon):
    code, found, _ = cli("ping", daemon, "--level", "WRITE", "--json")
    assert code == Exit.OK
    assert found["allowed"] is True
    code, out, _ = cli("ping", daemon)
    assert code == Exit.OK
    assert "allowed" in out
