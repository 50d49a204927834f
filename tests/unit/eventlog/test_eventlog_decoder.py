"""Bytes to events: any pieces, any bytes, bounded records, what is torn."""

from __future__ import annotations

import itertools

import pytest
from helpers.event_logs import CLOCK, DATA, FixedClock, decoded, outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from htcondor_async.eventlog import BadRecord, EventDecoder, JobEvent, Limits

LOGS = sorted(DATA.glob("*.log"))
RELEASED = b"013 (%03d.000.000) 2024-03-05 14:07:09 Job was released.\n...\n"
HELD = b"012 (%03d.000.000) 2024-03-05 14:07:09 Job was held.\n\tsome reason\n\tCode 1 Subcode 2\n...\n"
AD = b'{"EventTypeNumber":13,"Cluster":%d,"Proc":0,"EventTime":"2024-03-05T14:07:09"}\n'
XML = (
    b'<c>\n    <a n="EventTypeNumber"><i>13</i></a>\n    <a n="Cluster"><i>%d</i></a>\n'
    b'    <a n="EventTime"><s>2024-03-05T14:07:09</s></a>\n</c>\n'
)


def brief(found):
    """Return where each event and bad record begins, and what it is."""
    return [(e.offset, e.end, e.reason) if isinstance(e, BadRecord) else (e.offset, outcome(e)) for e in found]


def in_pieces(data, cuts, limits=None):
    decoder = EventDecoder(CLOCK, limits=limits)
    found = []
    edges = [0, *sorted(cuts), len(data)]
    for left, right in itertools.pairwise(edges):
        decoder.feed(data[left:right])
        found += decoder
    rest = decoder.close()
    return brief(found) + ([] if rest is None else [(rest.offset, rest.end, rest.reason)])


def clusters(found):
    return [e.cluster if isinstance(e, JobEvent) else (e.offset, e.end) for e in found]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_the_pieces_do_not_matter(data):
    log = data.draw(st.sampled_from(LOGS)).read_bytes()[:6000]
    cuts = data.draw(st.lists(st.integers(0, len(log)), max_size=12))
    assert in_pieces(log, cuts) == in_pieces(log, [])


PARTS = st.sampled_from(
    [
        RELEASED % 1,
        HELD % 2,
        AD % 3,
        XML % 4,
        b"...\n",
        b"\n",
        b"...",
        b"\r\n",
        b"{",
        b"}",
        b'"',
        b"<c>",
        b"</c>",
        b"\0",
        b"013 (1.0.0) ",
        b"013 (001.000.000) 2024-03-05 14:07:09 ",
        b"Job was released.\n",
        b"\tx",
        b"<?xml ?>",
        b"\\",
    ]
) | st.binary(max_size=6)


@settings(deadline=None, max_examples=200)
@given(st.lists(PARTS, max_size=14).map(b"".join), st.lists(st.integers(0, 600), max_size=10), st.integers(40, 400))
def test_no_bytes_break_it_and_no_byte_is_left_out(data, cuts, longest):
    """Whatever comes: each byte is of one event or bad record, or blank, and the pieces do not matter."""
    limits = Limits(max_record=longest)
    whole = in_pieces(data, [], limits)
    assert in_pieces(data, [cut for cut in cuts if cut < len(data)], limits) == whole
    offsets = [entry[0] for entry in whole]
    assert offsets == sorted(set(offsets))


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=400), st.sampled_from(range(50)))
def test_hostile_bodies(body, number):
    """A body of any bytes is an event, all of whose parts can be read, or a bad record."""
    data = b"%03d (001.000.000) 2024-03-05 14:07:09 " % number + body + b"\n...\n"
    for found in decoded(data):
        if isinstance(found, JobEvent):
            assert len(list(found.items())) == len(found)
            assert str(found)


@pytest.mark.parametrize("number", range(120))
def test_the_quick_check_promises_no_more_than_the_reader_keeps(number):
    """Bodies cut off anywhere: what the check lets pass is read without an error."""
    bodies = [
        entry.read_bytes().split(b" ", 4)[-1] for entry in LOGS if entry.name.startswith(f"hand_{number:03d}")
    ] or [b"title\n\tA = 1\n...\n"]
    for body in bodies:
        for end in range(0, len(body), 3):
            data = b"%03d (001.000.000) 2024-03-05 14:07:09 " % number + body[:end] + b"\n...\n"
            for found in decoded(data):
                if isinstance(found, JobEvent):
                    assert found["MyType"]
                    assert str(found)


def test_records_are_bounded():
    long = HELD.replace(b"some reason", b"x" * 500) % 7
    limits = Limits(max_record=300)
    assert clusters(decoded(RELEASED % 1 + long + RELEASED % 2, limits=limits)) == [1, (60, 60 + len(long)), 2]
    decoder = EventDecoder(CLOCK, limits=limits)
    decoder.feed(RELEASED % 1 + long[:200])
    assert clusters(decoder) == [1]
    for _piece in range(1000):
        decoder.feed(b"y" * 100)
        assert decoder.next() is None
        assert decoder.end - decoder.offset < 500
    decoder.feed(b"\n...\n" + RELEASED % 3)
    bad, event = decoder
    assert bad.offset == 60
    assert bad.reason == "it is too long"
    assert event.cluster == 3
    assert event.offset == bad.end


@pytest.mark.parametrize("ad", [AD, XML])
def test_ads_are_bounded(ad):
    decoder = EventDecoder(CLOCK, limits=Limits(max_record=300))
    start = ad % 1
    decoder.feed(start + start[:40] + b'"' + b"x" * 5000)
    assert clusters(decoder) == [1]
    assert decoder.end - decoder.offset < 500
    decoder.feed(b"\n" + ad % 2)
    bad, event = decoder
    assert (bad.offset, bad.reason, event.cluster) == (len(start), "it is too long", 2)


def test_an_event_without_dots_ends_at_the_next():
    torn = HELD % 1
    found = decoded(torn[:-4] + RELEASED % 2)
    assert clusters(found) == [1, 2]
    assert found[0]["HoldReasonSubCode"] == 2
    # within its lines: the body cannot be right
    terminated = b"005 (001.000.000) 2024-03-05 14:07:09 Job terminated.\n\t(1) Normal term"
    assert clusters(decoded(terminated + RELEASED % 2)) == [(0, len(terminated)), 2]


def test_a_reason_that_quotes_an_event_is_no_event():
    quoted = HELD.replace(b"some reason", b"it said: " + (RELEASED % 9).split(b"\n")[0]) % 1
    (event,) = decoded(quoted)
    assert event["HoldReason"].endswith("Job was released.")


def test_torn_ads():
    whole = AD % 1
    assert clusters(decoded(whole[:30] + b"\n" + AD % 2 + AD % 3)) == [(0, 31), 2, 3]
    whole = XML % 1
    assert clusters(decoded(whole[:30] + b"\n" + XML % 2 + XML % 3)) == [(0, 31), 2, 3]


def test_forms_may_change_from_event_to_event():
    assert clusters(decoded(RELEASED % 1 + AD % 2 + XML % 3 + HELD % 4)) == [1, 2, 3, 4]
    listed = b"[\n" + (AD % 1).strip() + b",\n" + (AD % 2).strip() + b"\n]\n"
    assert clusters(decoded(listed)) == [1, 2]


def test_what_stands_between_events():
    data = b"\n\n" + RELEASED % 1 + b"...\n\r\n" + RELEASED % 2 + b"garbage\nmore\n" + RELEASED % 3 + b"x\n...\n"
    found = decoded(data)
    assert clusters(found) == [1, 2, (128, 141), 3, (201, 207)]
    assert data[128:141] == b"garbage\nmore\n"


def test_resuming_at_an_offset():
    data = RELEASED % 1 + HELD % 2 + RELEASED % 3
    decoder = EventDecoder(CLOCK)
    decoder.feed(data)
    assert decoder.next().cluster == 1
    assert data[: decoder.offset].endswith(decoder.tail())
    assert len(decoder.tail()) == 60
    again = EventDecoder(CLOCK, offset=decoder.offset)
    again.feed(data[decoder.offset :])
    rest = [(2, 60), (3, 60 + len(HELD % 2))]
    assert [(e.cluster, e.offset) for e in again] == [(e.cluster, e.offset) for e in decoder] == rest


def test_dots_without_a_line_break_end_an_event_at_the_end_only():
    decoder = EventDecoder(CLOCK)
    decoder.feed((RELEASED % 1)[:-1])
    assert decoder.next() is None
    assert decoder.next(at_end=True).cluster == 1
    decoder.feed(b"\n" + RELEASED % 2)
    assert clusters(decoder) == [2]


@pytest.mark.parametrize(
    ("head", "timestamp", "text"),
    [
        (b"2024-03-05 14:07:09", 1709647629, "2024-03-05T14:07:09"),
        (b"2024-03-05T14:07:09.25Z", 1709647629, "2024-03-05T14:07:09.250"),
        (b"2024-03-05 14:07:09+02:00", 1709640429, "2024-03-05T12:07:09"),
        (b"2024-03-05 14:07:09-0230", 1709656629, "2024-03-05T16:37:09"),
        (b"2024-02-30 00:00:00", 1709251200, "2024-03-01T00:00:00"),
        (b"12/30 10:00:00", 1798624800, "2026-12-30T10:00:00"),
        (b"02/29 10:00:00.5", 1709200800, "2024-02-29T10:00:00.500"),
        (b"0001-01-01 00:00:00", -62135596800, "0001-01-01T00:00:00"),
        (b"9999-12-31 23:59:60", 253402300800, ""),
    ],
)
def test_times(head, timestamp, text):
    (event,) = decoded((RELEASED % 1).replace(b"2024-03-05 14:07:09", head))
    assert (event.timestamp, event["EventTime"]) == (timestamp, text)
    assert str(event)


@pytest.mark.parametrize(
    ("zone", "head", "timestamp"),
    [
        ("America/New_York", b"2024-03-10 02:30:00", 1710055800),
        ("Europe/Berlin", b"2024-03-31 02:30:00", 1711848600),
        ("Australia/Lord_Howe", b"2024-10-06 02:15:00", 1728143100),
        ("Europe/Berlin", b"2024-10-27 02:30:00", 1729992600),
    ],
)
def test_times_where_the_clock_is_changed(zone, head, timestamp):
    """As recorded from the bindings 24.0.24."""
    (event,) = decoded((RELEASED % 1).replace(b"2024-03-05 14:07:09", head), FixedClock(zone))
    assert event.timestamp == timestamp


@pytest.mark.parametrize(
    "head", [b"2024-13-05 14:07:09", b"0/05 14:07:09", b"2024-03-05", b"yesterday", b"0000-01-01 00:00:00"]
)
def test_no_times(head):
    found = decoded((RELEASED % 1).replace(b"2024-03-05 14:07:09", head) + RELEASED % 2)
    assert found[-1].cluster == 2
    assert isinstance(found[0], BadRecord) or head.startswith(b"0000")


@pytest.mark.parametrize(
    ("number", "body", "attributes", "text"),
    [
        (0, "Job submitted from host: h ", {"SubmitHost": "h "}, None),
        (
            0,
            "Job submitted from host: h\n    WARNING: w",
            {"Warnings": "WARNING: w"},
            "Job submitted from host: h\n    WARNING: Committed job submission into the queue "
            "with the following warning(s): WARNING: w\n",
        ),
        (1, "Job executing on host:  h ", {"ExecuteHost": " h "}, None),
        (1, "Job executing on host: h\n\tA = 1 2\n\tB = 3", {"ExecuteProps": {"B": 3}}, None),
        (
            7,
            "Shadow exception!\n\t10  -  Run Bytes Sent By Job\n\t20  -  Run Bytes Received By Job",
            {"Message": "10  -  Run Bytes Sent By Job", "SentBytes": 20.0, "ReceivedBytes": 0.0},
            None,
        ),
        (12, "Job was held.\n\tr\n    Code 1 Subcode 2", {"HoldReasonCode": 1, "HoldReasonSubCode": 2}, None),
        (
            28,
            "Job ad information event triggered.\nA = 1\nB = A + 1",
            {"A": 1, "B": 2},
            "Job ad information event triggered.\nA = 1\nB = A + 1\n",
        ),
        (33, "Changing job attribute A", {"Attribute": "A", "Value": ""}, "Setting job attribute A to \n"),
        (33, "Something", {"Attribute": "", "Value": ""}, "Setting job attribute  to \n"),
        (60, "head\nA = 1\nB = A + 1", {"EventHead": "head", "A": 1, "B": 2}, None),
    ],
)
def test_what_the_bindings_read(number, body, attributes, text):
    """As recorded from the bindings 24.0.24."""
    header = b"%03d (017.003.000) 2024-03-05 14:07:09 " % number
    [event] = decoded(header + body.encode() + b"\n...\n")
    assert {name: event[name] for name in attributes} == attributes
    if text is not None:
        assert str(event).partition("09 ")[2] == text


def test_a_table_whose_cells_do_not_fit_their_columns():
    usage = "".join(f"\t\tUsr 0 00:00:0{i}, Sys 0 00:00:00  -  x\n" for i in range(4))
    title = "\tResources :    Usage  Request Allocated\n"
    rows = f"{title}\t   Cpus :     0.5    1   1\n\t   Disk :     0.5        2         3\n"
    body = f"Job terminated.\n\t(1) Normal termination (return value 0)\n{usage}{rows}"
    [event] = decoded(b"005 (017.003.000) 2024-03-05 14:07:09 " + body.encode() + b"...\n")
    assert "CpusUsage" in event and "RequestCpus" not in event
    assert (event["DiskUsage"], event["RequestDisk"], event["Disk"]) == (0.5, 2, 3)


def test_ads_without_the_attributes_of_their_kind():
    def only(number, ids='"Cluster":17,"Proc":-1'):
        [event] = decoded(b'{"EventTypeNumber":%d,"EventTime":"2024-03-05T14:07:09",%s}\n' % (number, ids.encode()))
        return event

    assert only(10)["NumberOfPIDs"] == -1 and only(14)["Node"] == -1
    assert dict(only(43)).items() >= {"Size": 0, "Checksum": "", "ChecksumType": "", "UUID": ""}.items()
    assert "Size" not in only(6) and only(6)["ResidentSetSize"] == 0
    event = only(11)
    assert "Proc" not in event and event.proc == -1 and event["Cluster"] == 17
