"""Reports taken apart, requests put together, what is inherited from a master: without a connection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._dialogues import accounting, drain, remote_config
from htcondor_async._secret import Secret
from htcondor_async._security.claims import session_from_capability
from htcondor_async._security.inheritance import Inheritance
from htcondor_async.classad import ClassAd
from htcondor_async.enums import CompletionTypes, DrainTypes
from htcondor_async.errors import DaemonError, HTCondorTypeError, HTCondorValueError, ProtocolError

# -- accounting


def test_entries_of_a_report():
    report = ClassAd(
        {
            "Name1": "<none>",
            "Priority1": 1.5,
            "Name2": "a@b",
            "Ceiling2": -1,
            "Name4": "behind a gap",
            "NumSubmittors": 2,
            "ConcurrencyLimit_matlab1": 3.0,
            "LastUpdate": 17,
            "Name10": "also behind it",
        }
    )
    assert [dict(entry) for entry in accounting.entries(report)] == [
        {"Name": "<none>", "Priority": 1.5},
        {"Name": "a@b", "Ceiling": -1},
    ]
    assert accounting.entries(ClassAd()) == []


names = st.sampled_from(["Name", "Priority", "Ceiling", "IsAccountingGroup"])


@given(st.lists(st.dictionaries(names, st.integers(-9, 9), min_size=1), max_size=30))
def test_entries_come_back_as_they_were(entries):
    report = ClassAd({f"{name}{number}": v for number, entry in enumerate(entries, 1) for name, v in entry.items()})
    assert [dict(entry) for entry in accounting.entries(report)] == entries


def test_many_numbers_are_no_work():
    report = ClassAd({f"A{number}": 1 for number in range(2, 20000)} | {"B" + "9" * 50: 1, "A0": 1, "A01": 1})
    assert accounting.entries(report) == []


def test_answers_to_changes():
    accounting.factor_answer(ClassAd({"ErrorCode": 0}))
    with pytest.raises(DaemonError, match="no maps") as caught:
        accounting.factor_answer(ClassAd({"ErrorCode": 4, "ErrorString": "no maps"}))
    assert caught.value.code == 4
    with pytest.raises(DaemonError, match="no reason given"):
        accounting.factor_answer(ClassAd({"ErrorCode": "x"}))
    with pytest.raises(DaemonError, match="did not set it: busy"):
        accounting.lease_answer(ClassAd({"Success": False, "ErrorString": "busy"}), "set it")


# -- draining


def test_a_drain_request():
    request = drain.drain_request(DrainTypes.Quick, 2, " TRUE ", 'Owner == "x"', 'a "b"')
    assert dict(request.ad()) == {
        "HowFast": "10",
        "ResumeOnCompletion": "2",
        "DrainReason": '"a \\"b\\""',
        "StartExpr": 'Owner == "x"',
    }
    assert request.on_completion is CompletionTypes.Exit
    assert "StartExpr" not in dict(drain.drain_request(DrainTypes.Fast, 0, "Cpus > 1", None, "").ad())


def test_answers_to_drains():
    assert drain.drain_answer(ClassAd({"Result": True, "RequestID": "7"})) == "7"
    with pytest.raises(ProtocolError, match="no id"):
        drain.drain_answer(ClassAd({"Result": True}))
    with pytest.raises(DaemonError, match="no reason given"):
        drain.drain_answer(ClassAd())
    with pytest.raises(DaemonError, match="nothing there") as caught:
        drain.cancel_answer(ClassAd({"Result": False, "ErrorCode": 10002, "ErrorString": "nothing there"}))
    assert caught.value.code == 10002


# -- configuration from afar


@pytest.mark.parametrize("crypto", [False, True])
def test_what_a_daemon_says_of_a_parameter(crypto):
    def read(writer):
        return remote_config.read_info(Reader(writer.getvalue(), crypto))

    assert read(Writer(crypto).null_str()) is None
    assert read(Writer(crypto).str("Not defined")) is None
    info = read(Writer(crypto).str("v = 1").str("NAME = $(X) = 1").str("<Default>").null_str().str("1 / 2"))
    assert (info.name, info.value, info.raw, info.default, info.uses) == ("NAME", "v = 1", "$(X) = 1", None, "1 / 2")
    empty = read(Writer(crypto).null_str().str("NAME = ").str("<Default>").null_str().str("0"))
    assert (empty.value, empty.raw) == ("", "")
    with pytest.raises(ProtocolError):
        read(Writer(crypto).str("value alone"))
    with pytest.raises(ProtocolError):
        read(Writer(crypto).str("v").str("no equals sign").str("s").null_str().str("0"))
    with pytest.raises(DaemonError):
        read(Writer(crypto).str("!error:unsup:1: no"))


def test_names():
    def read(*texts):
        writer = Writer(False)
        for text in texts:
            writer.str(text)
        return remote_config.read_names(Reader(writer.getvalue(), False))

    assert read("A", "B.C") == ["A", "B.C"]
    assert read("") == []
    for bad in ("!error:regex:3: error code 5", "!error:unsup:1: ", "Not defined"):
        with pytest.raises(DaemonError):
            read(bad)


def test_assignments():
    def written(name, value):
        reader = Reader(remote_config.assignment(name, value)(Writer(False)).getvalue(), False)
        return reader.str(), reader.str()

    assert written("A.B", "$(X) y") == ("A.B", "A.B = $(X) y")
    assert written("A", None) == ("A", "")
    for name, value in (("A = 1\nB", "x"), ("A", "x\ny"), ("A", "x\r"), ("A", "x\\ ")):
        with pytest.raises(HTCondorValueError):
            written(name, value)
    with pytest.raises(HTCondorTypeError):
        written("A", 5)


# -- what a master's child inherits

CAPABILITY = (
    '56b02e#[Integrity="NO";Encryption="NO";ShortVersion="25.14.1";CryptoMethods="BLOWFISH";'
    'ValidCommands="60000,60008,60043";CryptoMethodsList="AES.BLOWFISH.3DES";]00ff00ff'
)


def test_an_inheritance():
    found = Inheritance.read(
        {
            "CONDOR_INHERIT": "17 <127.0.0.1:9618?sock=master_1> 0 SharedPort:abc/schedd*11*6 0",
            "CONDOR_PRIVATE_INHERIT": f" SessionKey:{CAPABILITY} FamilySessionKey:family:{CAPABILITY} Other:x",
        }
    )
    assert (found.parent_pid, found.parent.port, found.parent.sock) == (17, 9618, "master_1")
    assert found.session == Secret(CAPABILITY)
    assert found.family == Secret(f"family:{CAPABILITY}")
    assert "00ff00ff" not in repr(found)
    session = session_from_capability(found.session)
    assert (session.sid, session.method) == ("56b02e", "AES")
    assert session.valid_commands == {60000, 60008, 60043}


def test_no_inheritance():
    assert Inheritance.read({}) is None
    assert Inheritance.read({"CONDOR_INHERIT": " "}) is None
    assert Inheritance.read({"CONDOR_INHERIT": "1 <1.2.3.4:5>"}).session is None
    for bad in ("x <1.2.3.4:5>", "1", "1 nowhere", "99999999999999 <1.2.3.4:5>"):
        with pytest.raises(HTCondorValueError, match="CONDOR_INHERIT"):
            Inheritance.read({"CONDOR_INHERIT": bad})


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_inheritance_is_read_or_refused(public, private):
    try:
        Inheritance.read({"CONDOR_INHERIT": public, "CONDOR_PRIVATE_INHERIT": private})
    except HTCondorValueError:
        pass
