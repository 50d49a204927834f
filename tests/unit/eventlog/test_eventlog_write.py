"""Events written and read again."""

from __future__ import annotations

import pytest
from helpers.event_logs import CLOCK, decoded, plain
from helpers.sizes import FULL
from hypothesis import given, settings
from hypothesis import strategies as st

from htcondor_async.classad import ClassAd, ExprTree
from htcondor_async.enums import FileTransferEventType, JobEventType
from htcondor_async.errors import HTCondorValueError
from htcondor_async.eventlog import FormatOptions, JobEvent, LogFormat, format_event

COMMON = {"EventTypeNumber", "MyType", "EventTime", "Cluster", "Proc", "Subproc"}
WORD = st.text("abcXYZ019@./:<>=&-_é日", min_size=1, max_size=12)
TEXT = st.lists(WORD, min_size=1, max_size=4).map(" ".join).filter(lambda text: not text.startswith(("DAG", "WARN")))
COUNT = st.integers(0, 10**15)
CODE = st.integers(-(10**9), 10**9)
BYTES = st.integers(0, 2**50).map(float)
USAGE = st.tuples(*[st.integers(0, 900), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59)] * 2).map(
    lambda t: "Usr {} {:02d}:{:02d}:{:02d}, Sys {} {:02d}:{:02d}:{:02d}".format(*t)
)
EXPRESSIONS = st.sampled_from([ExprTree("Cpus + 1"), ExprTree('strcat("a", B)')])
VALUES = COUNT | TEXT | st.booleans() | EXPRESSIONS | st.lists(COUNT | TEXT, max_size=3)
NAMES = st.from_regex("[A-Z][a-z]{1,8}", fullmatch=True).filter(
    lambda name: name.lower() not in ("error", "true", "false", "undefined", "is", "isnt")
)
ADS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4).map(ClassAd)
TOE = st.one_of(
    st.fixed_dictionaries(
        {
            "Who": st.just("itself"),
            "How": st.just("OF_ITS_OWN_ACCORD"),
            "HowCode": st.just(0),
            "When": st.integers(0, 2**33),
            "ExitBySignal": st.just(False),
            "ExitCode": st.integers(0, 255),
        }
    ),
    st.fixed_dictionaries({"Who": WORD, "How": WORD, "HowCode": st.integers(0, 99), "When": st.integers(0, 2**33)}),
).map(ClassAd)
RESOURCES = {
    "Cpus": COUNT,
    "RequestCpus": COUNT,
    "CpusUsage": st.integers(1, 10**6).map(lambda n: n / 4).filter(lambda x: not x.is_integer()),
    "Memory": COUNT,
    "RequestMemory": COUNT,
    "MemoryUsage": COUNT,
    "Gpus": COUNT,
    "AssignedGpus": TEXT,
    "TimeExecuteUsage": COUNT,
}
USAGES = dict.fromkeys(("RunRemoteUsage", "RunLocalUsage"), USAGE)
TOTALS = {**USAGES, **dict.fromkeys(("TotalRemoteUsage", "TotalLocalUsage"), USAGE)}
RUN_BYTES = {"SentBytes": BYTES, "ReceivedBytes": BYTES}
ALL_BYTES = {**RUN_BYTES, "TotalSentBytes": BYTES, "TotalReceivedBytes": BYTES}
NORMAL = {"TerminatedNormally": st.just(True), "ReturnValue": CODE}
KILLED = {"TerminatedNormally": st.just(False), "TerminatedBySignal": CODE}


def some(required, **optional):
    return st.fixed_dictionaries(required, optional=optional)


REASON = {"Reason": TEXT}
KINDS = {
    0: some({"SubmitHost": WORD}, LogNotes=TEXT, UserNotes=TEXT),
    1: some({"ExecuteHost": WORD}, SlotName=WORD, ExecuteProps=ADS),
    2: some({"ExecuteErrorType": st.integers(0, 5)}),
    3: some({**USAGES, "SentBytes": BYTES}),
    4: some(
        {
            **USAGES,
            **RUN_BYTES,
            "Checkpointed": st.booleans(),
            "TerminatedAndRequeued": st.just(False),
            "TerminatedNormally": st.just(False),
        },
        ReasonCode=st.integers(1, 9999),
        **REASON,
        **RESOURCES,
    )
    | some(
        {**USAGES, **RUN_BYTES, **KILLED, "Checkpointed": st.just(False), "TerminatedAndRequeued": st.just(True)},
        CoreFile=TEXT,
        **REASON,
    ),
    5: some({**TOTALS, **ALL_BYTES, **NORMAL}, ToE=TOE, **RESOURCES)
    | some({**TOTALS, **ALL_BYTES, **KILLED}, CoreFile=TEXT, ToE=TOE),
    6: some({"Size": COUNT, "ResidentSetSize": COUNT}, MemoryUsage=COUNT, ProportionalSetSize=COUNT),
    7: some({"Message": TEXT, **RUN_BYTES}),
    8: some({}, Info=TEXT),
    9: some({}, ToE=TOE.filter(lambda ad: ad["Who"] != "itself"), **REASON),
    10: some({"NumberOfPIDs": COUNT}),
    11: some({}),
    12: some({"HoldReasonCode": CODE, "HoldReasonSubCode": CODE}, HoldReason=TEXT),
    13: some({}, **REASON),
    14: some({"Node": COUNT, "ExecuteHost": WORD}, SlotName=WORD, ExecuteProps=ADS),
    15: some({**TOTALS, **ALL_BYTES, **NORMAL, "Node": COUNT, "TerminatedBySignal": st.just(-1)}, **RESOURCES),
    16: some(NORMAL, DAGNodeName=TEXT) | some(KILLED, DAGNodeName=TEXT),
    21: some(
        {"Daemon": WORD, "ExecuteHost": WORD, "ErrorMsg": st.lists(TEXT, min_size=1, max_size=3).map("\n".join)},
        CriticalError=st.just(0),
    ),
    22: some(
        {
            "DisconnectReason": TEXT,
            "StartdName": WORD,
            "StartdAddr": WORD,
            "EventDescription": st.just("Job disconnected, attempting to reconnect"),
        }
    ),
    23: some(
        {"StartdName": WORD, "StartdAddr": WORD, "StarterAddr": WORD, "EventDescription": st.just("Job reconnected")}
    ),
    24: some(
        {"Reason": TEXT, "StartdName": WORD, "EventDescription": st.just("Job reconnect impossible: rescheduling job")}
    ),
    25: some({"GridResource": TEXT}),
    26: some({"GridResource": TEXT}),
    27: some({"GridResource": TEXT, "GridJobId": TEXT}),
    28: st.dictionaries(NAMES, COUNT | TEXT | st.booleans(), min_size=1, max_size=5),
    29: some({}),
    30: some({}),
    31: some({"EventHead": st.just("Job is performing stage-in of input files")}),
    32: some({"EventHead": st.just("Job is performing stage-out of output files")}),
    33: some({"Attribute": WORD, "Value": TEXT}),
    34: some({"SkipEventLogNotes": TEXT}),
    35: some({"SubmitHost": WORD}),
    36: some({"NextProcId": COUNT, "NextRow": COUNT, "Completion": st.integers(-9, 2)}, Notes=TEXT),
    37: some({"PauseCode": CODE, "HoldCode": CODE}, **REASON),
    38: some({}, **REASON),
    40: some({"Type": st.sampled_from(FileTransferEventType)}, QueueingDelay=COUNT, Host=WORD),
    41: some({"ReservedSpace": COUNT, "ExpirationTime": COUNT, "UUID": WORD, "Tag": WORD}),
    42: some({"UUID": WORD}),
    43: some({"Size": COUNT, "Checksum": WORD, "ChecksumType": WORD, "UUID": WORD}),
    44: some({"Checksum": WORD, "ChecksumType": WORD, "Tag": WORD}),
    45: some({"Size": COUNT, "Checksum": WORD, "ChecksumType": WORD, "Tag": WORD}),
    46: some({}, **REASON),
    47: some({"Type": st.sampled_from(["TransferQueued", "TransferFinished"])}),
    60: st.dictionaries(NAMES, COUNT | TEXT, max_size=4).map(lambda found: {**found, "EventHead": "head line"}),
    104: st.dictionaries(NAMES, COUNT | TEXT, max_size=4).map(lambda found: {**found, "EventHead": "head line"}),
}
FORMS = st.sampled_from(LogFormat)
OPTIONS = st.builds(FormatOptions, iso_date=st.booleans(), utc=st.booleans(), sub_second=st.booleans())


def read_back(written):
    (event,) = decoded(written)
    assert isinstance(event, JobEvent), event
    return event


def own(event):
    return {name: plain(value) for name, value in event.items() if name not in COMMON | {"SlotId", "DSlotId"}}


@pytest.mark.parametrize("number", sorted(KINDS))
@settings(deadline=None, max_examples=400 if FULL else 8)
@given(data=st.data(), form=FORMS, options=OPTIONS, proc=st.integers(-1, 9999), cluster=st.integers(1, 2**31))
def test_round_trip(number, data, form, options, proc, cluster):
    attributes = data.draw(KINDS[number])
    when = data.draw(st.integers(1785000000_000, 1798000000_000)) / 1000
    written = format_event(number, cluster, proc, when, attributes, CLOCK, form=form, options=options)
    event = read_back(written)
    assert own(event) == {name: plain(value) for name, value in attributes.items()}
    assert event.type == number
    assert event.cluster == cluster
    assert event.timestamp == when // 1
    if number < 100 or proc > 0:
        assert event.proc == proc
    if form is LogFormat.TEXT:
        assert event.text(options).encode() + b"...\n" == written
        exact = options.sub_second
    else:
        exact = True
    assert not exact or abs(event.time - when) < 0.0011


def test_every_kind_is_tried():
    named = {int(kind) for kind in JobEventType if kind < 48}
    assert named - KINDS.keys() == {17, 18, 19, 20, 39}  # as the ones without a form of their own


def test_line_breaks_and_dots_end_no_event():
    attributes = {"HoldReason": "one\n...\r\n013 (001.000.000) 2024-03-05 14:07:09 two", "HoldReasonCode": 1}
    event = read_back(format_event(12, 5, 0, 0, attributes, CLOCK))
    assert event["HoldReason"] == "one|...|013 (001.000.000) 2024-03-05 14:07:09 two"
    event = read_back(format_event(8, 5, 0, 0, {"Info": "a\nb\r\n..."}, CLOCK))
    assert event["Info"] == "a|b|..."
    event = read_back(format_event(21, 5, 0, 0, {"ErrorMsg": "a\n...\nb", "Daemon": "d", "ExecuteHost": "h"}, CLOCK))
    assert event["ErrorMsg"] == "a\n...\nb"


@pytest.mark.parametrize(
    ("number", "attributes"),
    [(22, {}), (23, {"StartdName": "x"}), (24, {}), (34, {}), (40, {"Type": 9}), (1000, {}), (-1, {})],
)
def test_what_cannot_be_written(number, attributes):
    with pytest.raises(HTCondorValueError):
        format_event(number, 1, 0, 0, attributes, CLOCK)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", FormatOptions()),
        ("LEGACY", FormatOptions(iso_date=False)),
        ("iso_date, utc SUB_SECOND", FormatOptions(utc=True, sub_second=True)),
        ("UTC !UTC", FormatOptions()),
        ("LEGACY SUB_SECOND", FormatOptions(iso_date=False, sub_second=True)),
        ("!LEGACY", FormatOptions()),
        ("XML", FormatOptions()),
    ],
)
def test_format_options(text, options):
    assert FormatOptions.parse(text) == options


def test_an_event_is_a_mapping():
    event = read_back(format_event(12, 5, 3, 1709647629, {"HoldReason": "r", "HoldReasonCode": 1}, CLOCK))
    assert event["holdreason"] == event.get("HOLDREASON") == "r"
    assert "HoldReasonCode" in event
    assert event.get("ReturnValue", 7) == 7
    with pytest.raises(KeyError, match="Nope"):
        event["Nope"]
    assert len(event) == len(list(event)) == len(dict(event)) == 9
    assert event != read_back(format_event(12, 5, 3, 1709647629, {}, CLOCK))
    assert len({event, event}) == 1
    assert repr(event) == "JobEvent(type=12, cluster=5, proc=3, timestamp=1709647629)"
    assert event.type is JobEventType.JOB_HELD
    assert event.subproc == 0
    unnamed = read_back(format_event(77, 5, 3, 0, {"EventHead": "x"}, CLOCK))
    assert unnamed.type == 77
    assert unnamed.type is JobEventType(77)


def test_an_ad_that_has_no_text_form():
    ad = b'{"EventTypeNumber":22,"Cluster":1,"Proc":0,"EventTime":"2024-03-05T14:07:09"}\n'
    event = read_back(ad)
    assert str(event) == repr(event)


@pytest.mark.parametrize("name", ["ReturnValue", "TerminatedNormally", "TerminatedBySignal"])
@pytest.mark.parametrize("attributes", [{"TerminatedNormally": True, "ReturnValue": -3}, {"TerminatedBySignal": 11}])
def test_what_is_asked_for_alone_is_what_the_whole_body_says(name, attributes):
    written = format_event(5, 1, 0, 0, attributes, CLOCK)
    whole = dict(read_back(written))
    assert read_back(written).get(name) == whole.get(name)
    assert type(read_back(written).get(name)) is type(whole.get(name))
