"""Which files are read, in which order, and what they may not do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from htcondor_async._environment import CommandResult, UserRecord
from htcondor_async.config import Config, SourceError
from htcondor_async.config.detected import Machine, detected_values

Write = Callable[..., Any]


def test_search_order(world: Any) -> None:
    world.environ = {}
    world.users["condor"] = UserRecord("condor", 64, 64, "/home/condor")
    config = Config.load(world)
    assert "CONDOR_CONFIG is not set" in config.warnings[0]
    assert config["TILDE"] == "/home/condor"
    for path in ("/home/condor/condor_config", "/usr/local/etc/condor_config", "/etc/condor/condor_config"):
        world.files[path] = f"A = {path}\n".encode()
        config = Config.load(world)
        assert config["A"] == path and config.warnings == ()
    world.environ = {"CONDOR_CONFIG": "/c/x"}
    world.files["/c/x"] = b"A = x\n"
    assert Config.load(world)["A"] == "x"
    assert Config.load(world)["CONFIG_ROOT"] == "/c"
    assert Config.load(world, path="/home/condor/condor_config")["A"] == "/home/condor/condor_config"


@pytest.mark.parametrize("name", ["ONLY_ENV", "only_env", "/dev/null", ""])
def test_no_main_file(world: Any, name: str) -> None:
    world.environ = {"CONDOR_CONFIG": name, "_CONDOR_A": "$(B)", "_condor_B": "  b "}
    world.files["/etc/condor/condor_config"] = b"A = no\n"
    config = Config.load(world)
    assert config["A"] == "b "
    assert str(config.where("A")) == "<Environment>"
    assert world.reads == 0


def test_missing_main_file(world: Any) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        Config.load(world)
    world.files["/c/condor_config/x"] = b""
    with pytest.raises(SourceError, match="is a directory"):
        Config.load(world)


def test_main_file_from_a_command(world: Any) -> None:
    world.environ = {"CONDOR_CONFIG": "/bin/make it |"}
    world.commands[("/bin/make", "it")] = CommandResult(0, b"A = 1\n", b"")
    with pytest.raises(SourceError, match="not allowed"):
        Config.load(world)
    assert Config.load(world, allow_commands=True)["A"] == "1"
    world.commands[("/bin/make", "it")] = CommandResult(2, b"A = 1\n", b"")
    with pytest.raises(SourceError, match="status 2"):
        Config.load(world, allow_commands=True)


def test_local_directories(write: Write) -> None:
    files = {
        "/d1/10": "A = d1\nB = d1\n",
        "/d1/05": "A = early\nD = early\n",
        "/d1/.x": "A = hidden\n",
        "/d1/y~": "A = backup\n",
        "/d1/z.rpmsave": "A = saved\n",
        "/d1/sub/file": "A = deeper\n",
        "/d2/a": "B = d2\n",
    }
    config = Config.load(write("LOCAL_CONFIG_DIR = /d1, /d2 /d3\nA = main\n", files))
    assert (config["A"], config["B"], config["D"]) == ("d1", "d2", "early")


def test_a_directory_named_by_a_local_file(write: Write) -> None:
    files = {"/d1/a": "LOCAL_CONFIG_DIR = /d2\n", "/d2/a": "A = d2\n"}
    assert Config.load(write("LOCAL_CONFIG_DIR = /d1\n", files))["A"] == "d2"


def test_exclusion_pattern(write: Write) -> None:
    files = {"/d/one": "A = 1\n", "/d/two": "B = 2\n"}
    config = Config.load(write("LOCAL_CONFIG_DIR = /d\nLOCAL_CONFIG_DIR_EXCLUDE_REGEXP = ^t\n", files))
    assert config["A"] == "1" and "B" not in config
    with pytest.raises(SourceError, match="regular expression"):
        Config.load(write("LOCAL_CONFIG_DIR = /d\nLOCAL_CONFIG_DIR_EXCLUDE_REGEXP = (\n", files))


def test_local_files(write: Write) -> None:
    files = {"/l1": "A = 1\nLOCAL_CONFIG_FILE = /l2, /l1, /l3\n", "/l2": "A = $(A) 2\n", "/l3": "A = $(A) 3\n"}
    assert Config.load(write("LOCAL_CONFIG_FILE = /l1, /none\n", files))["A"] == "1 2 3"
    with pytest.raises(SourceError, match="cannot read") as caught:
        Config.load(write("LOCAL_CONFIG_FILE = /none\n"))
    assert caught.value.source == "/none"
    world = write("REQUIRE_LOCAL_CONFIG_FILE = F\nLOCAL_CONFIG_FILE = /none /l2\n", {"/l2": "A = 2\n"})
    assert Config.load(world)["A"] == "2"


def test_a_chain_of_local_files_without_end(write: Write) -> None:
    """Each file names the next; the number of files is bounded by what exists."""
    files = {f"/l{n}": f"LOCAL_CONFIG_FILE = /l{n + 1}\nA = {n}\n" for n in range(50)}
    with pytest.raises(SourceError, match="cannot read") as caught:
        Config.load(write("LOCAL_CONFIG_FILE = /l0\n", files))
    assert caught.value.source == "/l50"


def test_user_file(write: Write) -> None:
    files = {"/home/alice/.condor/user_config": "A = $(A) user\n", "/u": "A = $(A) other\n"}
    assert Config.load(write("A = main\n", files))["A"] == "main user"
    assert Config.load(write("A = main\nUSER_CONFIG_FILE = /u\n", files))["A"] == "main other"
    assert Config.load(write("A = main\nUSER_CONFIG_FILE =\n", files))["A"] == "main"


def test_environment_wins_over_files(write: Write) -> None:
    world = write("A = file\nTOOL.B = prefixed\n")
    world.environ = {**world.environ, "_CONDOR_A": "$(A) env", "_CONDOR_B": "env", "_CONDOR_": "x", "_CONDOR_C ": "c"}
    config = Config.load(world)
    assert (config.get_str("A"), config.get_str("B"), config["C"]) == ("file env", "prefixed", "c")


def test_detected_values(write: Write) -> None:
    names = "HOSTNAME = no\nUSERNAME = no\nARCH = mine\nPID = 5\nDEFAULT_DOMAIN_NAME = example.net\n"
    world = write(names + "if defined FULL_HOSTNAME\nH = 1\nendif\n")
    config = Config.load(world, subsystem="SCHEDD", local_name="WEST", detected={"ARCH": "X", "PID": "77"})
    expected = {
        "HOSTNAME": "node1",
        "FULL_HOSTNAME": "node1.example.org",
        "UID_DOMAIN": "node1.example.org",
        "USERNAME": "alice",
        "REAL_UID": "1000",
        "SUBSYSTEM": "SCHEDD",
        "LOCALNAME": "WEST",
        "ARCH": "mine",
        "PID": "77",
    }
    assert {name: config.get_str(name) for name in expected} == expected
    assert "H" not in config
    world.hostname = lambda: "short"
    assert Config.load(world)["FULL_HOSTNAME"] == "short.example.net"
    config = Config.load(write("NETWORK_HOSTNAME = other.example.org\n"))
    assert (config["FULL_HOSTNAME"], config["HOSTNAME"]) == ("other.example.org", "other")


def test_machine(world: Any) -> None:
    machine = Machine("Linux", "n", "6.1", "#1", "x86_64", cores=4, memory=2000, pid=9, ppid=8, ipv4="10.0.0.1")
    world.files["/etc/issue"] = b"Debian GNU/Linux 12 \\n \\l\n"
    values = detected_values(machine, world)
    assert values["OPSYSANDVER"] == "Debian12" and values["OPSYSVER"] == "1200"
    assert values["OPSYSLONGNAME"] == "Debian GNU/Linux 12"
    assert (values["ARCH"], values["OPSYS"], values["DETECTED_CPUS"]) == ("X86_64", "LINUX", "4")
    assert values["IP_ADDRESS_IS_IPV6"] == "false" and "IPV6_ADDRESS" not in values
    world.files["/etc/issue"] = b"Welcome\n"
    world.files["/etc/os-release"] = b'NAME=x\nPRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"\n'
    assert detected_values(machine, world)["OPSYSANDVER"] == "Rocky9"
    assert detected_values(machine, world)["OPSYSVER"] == "904"
    world.files.clear()
    assert detected_values(machine, world)["OPSYSANDVER"] == "LINUX"
    assert detected_values(Machine("Darwin", release="22.1", machine="arm64"), world)["OPSYS"] == "MACOS"


def test_large_files_are_refused(world: Any) -> None:
    world.files["/c/condor_config"] = b"# x\n" * (5 * 1024 * 1024)
    with pytest.raises(SourceError, match="more than"):
        Config.load(world)
    assert world.reads == 0


def test_bytes_that_are_no_text_survive(write: Write) -> None:
    world = write("")
    world.files["/c/condor_config"] = b"A = caf\xe9\nB = [$(A)]\n"
    assert Config.load(world)["B"] == "[caf\udce9]"
