"""Versions, platform, commands, limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async._cedar.commands import Command, command_name, find_command
from htcondor_async._cedar.identity import OUR_VERSION, VERSION_STRING, HTCondorVersion, platform_string
from htcondor_async._cedar.limits import Limits
from htcondor_async._version import __version__
from htcondor_async.errors import HTCondorEnumError, HTCondorValueError

NUMBER = st.integers(0, 999)


def test_who_we_say_we_are() -> None:
    assert VERSION_STRING.startswith("$CondorVersion: 24.0.24 ") and VERSION_STRING.endswith(" $")
    assert f"BuildID: htcondor-async-{__version__} " in VERSION_STRING
    assert HTCondorVersion.parse(VERSION_STRING) == OUR_VERSION
    assert OUR_VERSION.at_least(9, 9)


@given(st.tuples(NUMBER, NUMBER, NUMBER), st.tuples(NUMBER, NUMBER, NUMBER))
def test_versions_compare_by_number(one: tuple[int, int, int], two: tuple[int, int, int]) -> None:
    left, right = HTCondorVersion(*one), HTCondorVersion(*two)
    for version in (left, right):
        assert HTCondorVersion.parse(str(version)) == version
        assert HTCondorVersion.parse("{}.{}.{}".format(*version.numbers)) == version
    assert (left < right) == (one < two) == (right > left)
    assert (left <= right) == (one <= two) == (right >= left)
    assert left.at_least(*two) == (left >= right)


def test_full_version_strings() -> None:
    text = "$CondorVersion: 25.14.1 2026-10-16 BuildID: 700 PackageID: 25.14.1+dfsg-1 GitSHA: abc $"
    version = HTCondorVersion.parse(text)
    assert version.numbers == (25, 14, 1) and str(version) == text
    assert version.field("BuildID") == "700" and version.field("PackageID") == "25.14.1+dfsg-1"
    assert version.field("Nothing") is None
    assert version == HTCondorVersion(25, 14, 1)
    old = HTCondorVersion.parse("$CondorVersion: 8.8.1 Feb 18 2019 BuildID: 461773 $")
    assert old < version and not old.at_least(9) and old.at_least(8, 8, 1)
    for bad in ("", "25", "25.1", "x", "$CondorVersion: x $", "25.1.1.1", "25.1.1x", "1.1.1 " * 1000, "9999999.0.0"):
        with pytest.raises(HTCondorValueError):
            HTCondorVersion.parse(bad)
    with pytest.raises(TypeError):
        _ = version < (1, 2, 3)


def test_platform() -> None:
    assert platform_string("x86_64", "Debian13") == "$CondorPlatform: x86_64_Debian13 $"
    for machine, system in (("x86 64", "Debian"), ("x$", "y"), ("", "")):
        with pytest.raises(HTCondorValueError):
            platform_string(machine, system)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("QUERY_STARTD_ADS", 5),
        ("UPDATE_STARTD_AD", 0),
        ("QUERY_ANY_ADS", 48),
        ("CCB_REGISTER", 67),
        ("CCB_REQUEST", 68),
        ("CCB_REVERSE_CONNECT", 69),
        ("SHARED_PORT_CONNECT", 75),
        ("SHARED_PORT_PASS_SOCK", 76),
        ("CCB_PROXY_CONNECT", 82),
        ("ALIVE", 441),
        ("ACT_ON_JOBS", 478),
        ("QUERY_JOB_ADS", 516),
        ("QMGMT_WRITE_CMD", 1112),
        ("DC_AUTHENTICATE", 60010),
        ("DC_NOP", 60011),
        ("DC_FETCH_LOG", 60013),
        ("DC_SEC_QUERY", 60040),
    ],
)
def test_commands(name: str, number: int) -> None:
    assert Command[name] == number and command_name(number) == name
    assert find_command(name.lower()) is Command[name] is find_command(number)


def test_unknown_commands() -> None:
    assert len(Command) == len(Command.__members__) > 250
    assert command_name(123456) == "command 123456"
    for unknown in ("NO_SUCH", 123456, ""):
        with pytest.raises(HTCondorEnumError):
            find_command(unknown)


def test_limits_are_positive() -> None:
    for name in ("max_frame", "max_message", "max_string", "max_ad_size", "max_ad_attributes", "max_unread"):
        for bad in (0, -1, 1.5, True, None):
            with pytest.raises(ValueError, match=name):
                Limits(**{name: bad})
    assert Limits().max_frame == 1 << 20 and Limits().max_string == 10_000_000
