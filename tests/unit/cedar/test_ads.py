"""Ads out of messages and streams: every framing, every split, damage, limits, memory."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator

import pytest
from helpers.sizes import FULL
from hypothesis import given, settings
from hypothesis import strategies as st

from htcondor_async._cedar.ad_walk import AdWalk, decode_ad, walk_ad
from htcondor_async._cedar.ads import AdDecoder, Framing
from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._cedar.limits import DEFAULT_LIMITS, Limits
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._secret import Secret
from htcondor_async.classad import ClassAd, ClassAdParseError
from htcondor_async.errors import ConnectionClosedError, HTCondorInternalError, LimitExceededError, ProtocolError

KEY = Secret(bytes(range(32)))
NAME = st.from_regex(r"[A-Z][a-z0-9]{0,8}", fullmatch=True)
EXPRESSION = st.one_of(
    st.integers(0, 10**6).map(str),
    st.text("abc xyz=.-_", max_size=20).map(lambda text: f'"{text}"'),
    st.sampled_from([254, 255, 256, 257, 511, 512]).map(lambda size: f'"{"v" * size}"'),
)
AD = st.dictionaries(NAME, EXPRESSION, max_size=6)
FRAMINGS = [framing.value for framing in Framing]


def items(ad: ClassAd) -> list[bytes]:
    return sorted(ad.wire_items())


def expected(ad: dict[str, str]) -> list[bytes]:
    return sorted(f"{name} = {value}".encode() for name, value in ad.items())


def encode(ad: dict[str, str], crypto: bool, secret: bool = False) -> bytes:
    return Writer(crypto).ad(ad, secret=list(ad)[:2] if secret else ()).getvalue()


def framed(encoded: list[bytes], framing: str) -> list[bytes]:
    """Return the messages that a daemon would send."""
    if framing == "message":
        return encoded
    if framing == "sequence":
        return [b"".join(encoded)] if encoded else []
    return [b"".join(struct.pack(">q", 1) + ad for ad in encoded) + bytes(8)]


def cut(messages: list[bytes], sizes: list[int]) -> list[tuple[bytes, bool]]:
    """Split messages into frames of the given sizes, round and round."""
    frames = []
    turn = 0
    for message in messages:
        start = 0
        while start < len(message):
            stop = start + sizes[turn % len(sizes)]
            turn += 1
            frames.append((message[start:stop], stop >= len(message)))
            start = stop
    return frames


@settings(max_examples=2000 if FULL else 500, deadline=None)
@given(
    st.lists(AD, max_size=5),
    st.sampled_from(FRAMINGS),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(1, 40) | st.integers(41, 5000), min_size=1, max_size=5),
    st.lists(st.integers(0, 30), max_size=8),
)
def test_any_split_gives_the_same_ads(
    ads: list[dict[str, str]], framing: str, crypto: bool, secret: bool, sizes: list[int], groups: list[int]
) -> None:
    messages = framed([encode(ad, crypto, secret) for ad in ads], framing)
    frames = cut(messages, sizes)
    decoder = AdDecoder(crypto, DEFAULT_LIMITS, framing)
    got: list[ClassAd] = []
    start = 0
    for size in [*groups, len(frames)]:
        got += decoder.feed(frames[start : start + size])
        start += size
    assert [items(ad) for ad in got] == [expected(ad) for ad in ads]
    assert not decoder.mid_ad
    assert decoder.finished == (framing != "message" and bool(messages))


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("crypto", [False, True])
@pytest.mark.parametrize("size", [1, 2, 7, 100, 4091])
def test_frames_of_fixed_size(framing: str, crypto: bool, size: int) -> None:
    ads = [{"A": "1", "Bb": '"x"'}, {}, {"C": '"' + "y" * 70_000 + '"', "D": "3"}, {"A": "2"}]
    decoder = AdDecoder(crypto, framing=framing)
    got = [
        ad for frame in cut(framed([encode(ad, crypto) for ad in ads], framing), [size]) for ad in decoder.feed([frame])
    ]
    assert [items(ad) for ad in got] == [expected(ad) for ad in ads]


@pytest.mark.parametrize("crypto", [False, True])
def test_the_quick_way_and_the_walk_agree(crypto: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    ads = [{f"Attr{n}": f'"{"v" * (n * 37 % 300)}"' for n in range(1, count)} for count in (2, 3, 50, 300)]
    encoded = [encode(ad, crypto) for ad in ads]
    stream = cut(framed(encoded, "counted"), [4091])
    walked = []

    def never(walk: AdWalk, data: bytes) -> bool:
        walked.append(1)
        return False

    quick = AdDecoder(crypto, framing="counted").feed(stream)
    monkeypatch.setattr(AdWalk, "_at_once", never)
    slow = AdDecoder(crypto, framing="counted").feed(stream)
    assert walked
    assert [items(ad) for ad in quick] == [items(ad) for ad in slow] == [expected(ad) for ad in ads]
    for message in encoded:
        count, begin, end, rest = walk_ad(message, 0, crypto, DEFAULT_LIMITS)
        assert (begin, rest) == (8, len(message)) and end == len(message) - (18 if crypto else 2)
        assert count == struct.unpack_from(">q", message)[0]


def test_an_honest_ad_is_not_walked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise AssertionError("an honest ad was walked through string by string")

    for name in ("_sealed", "_clear"):
        monkeypatch.setattr(AdWalk, name, fail)
    for crypto in (False, True):
        # The lengths around multiples of 256 change the pattern of zeros.
        ad = {f"Attribute{n}": '"' + "v" * n + '"' for n in range(230, 530)}
        for framing in FRAMINGS:
            assert len(AdDecoder(crypto, framing=framing).feed(cut(framed([encode(ad, crypto)] * 3, framing), [10**6])))


def with_types(crypto: bool, first: str, second: str) -> bytes:
    return Writer(crypto).ad({"A": "1"}, types=False).str(first).str(second).getvalue()


@pytest.mark.parametrize("crypto", [False, True])
@pytest.mark.parametrize("types", [("Job", ""), ("", "Machine"), ("Job", "Machine"), ("J" * 300, "M" * 70000)])
@pytest.mark.parametrize("size", [1, 50, 10**6])
def test_old_types_are_skipped(crypto: bool, types: tuple[str, str], size: int) -> None:
    for framing in FRAMINGS:
        decoder = AdDecoder(crypto, framing=framing)
        got = [
            ad
            for frame in cut(framed([with_types(crypto, *types)] * 3, framing), [size])
            for ad in decoder.feed([frame])
        ]
        assert [items(ad) for ad in got] == [[b"A = 1"]] * 3


@pytest.mark.parametrize("crypto", [False, True])
def test_ads_without_types(crypto: bool) -> None:
    one = Writer(crypto).ad({"A": "1", "B": "2"}, types=False).getvalue()
    none = Writer(crypto).ad({}, types=False).getvalue()
    for size in (1, 3, 1000):
        decoder = AdDecoder(crypto, framing="sequence", types=False)
        got = [ad for frame in cut([one + none + one], [size]) for ad in decoder.feed([frame])]
        assert [items(ad) for ad in got] == [[b"A = 1", b"B = 2"], [], [b"A = 1", b"B = 2"]]
    reader = Reader(one + one, crypto)
    assert items(reader.ad(types=False)) == items(reader.ad(types=False))
    assert reader.at_end
    with pytest.raises(HTCondorInternalError):
        AdDecoder(crypto, types=False)


@pytest.mark.parametrize("crypto", [False, True])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_truncated_stream_never_ends_well(crypto: bool, framing: str) -> None:
    encoded = [encode({"A": "1", "B": '"two"'}, crypto), encode({"C": '"' + "x" * 300 + '"'}, crypto)]
    messages = framed(encoded, framing)
    whole = b"".join(messages) if framing != "message" else encoded[0]
    borders = {0, len(encoded[0]), len(whole)} if framing == "sequence" else {0, len(whole)}
    for size in range(1, len(whole)):
        if size in borders:
            continue
        # The message ends in the middle of an ad.
        with pytest.raises(ProtocolError):
            AdDecoder(crypto, framing=framing).feed([(whole[:size], True)])
        # The connection does.
        decoder = AdDecoder(crypto, framing=framing)
        decoder.feed([(whole[:size], False)])
        assert not decoder.finished
        with pytest.raises(ConnectionClosedError):
            decoder.feed_eof()
    if framing != "message":
        decoder = AdDecoder(crypto, framing=framing)
        decoder.feed([(whole, True)])
        assert decoder.finished
        decoder.feed_eof()
        with pytest.raises(ProtocolError, match="follows the end"):
            decoder.feed([(whole, True)])


def ad_of(crypto: bool, count: int, *strings: bytes) -> bytes:
    writer = Writer(crypto).int(count)
    for string in strings:
        writer.str(string)
    return writer.getvalue()


DAMAGED = {
    "too few": (3, b"A = 1", b"B = 2", b"", b""),
    "too many": (1, b"A = 1", b"B = 2", b"", b""),
    "negative": (-1, b"A = 1", b"", b""),
    "empty line": (2, b"A = 1", b"", b"", b""),
    "no types": (1, b"A = 1"),
    "one type": (1, b"A = 1", b""),
    "marker alone": (1, b"ZKM", b"", b""),
    "trailing": (1, b"A = 1", b"", b"", b"x"),
    "short": (1, b"A=", b"", b""),
}


def look(ads: list[ClassAd]) -> None:
    for ad in ads:
        dict(ad)


@pytest.mark.parametrize("crypto", [False, True])
@pytest.mark.parametrize("damage", sorted(DAMAGED))
def test_damaged_ads(crypto: bool, damage: str) -> None:
    message = ad_of(crypto, *DAMAGED[damage])
    # A line that is no attribute is found when somebody looks, everything else at once.
    error = ClassAdParseError if damage in ("empty line", "short") else ProtocolError
    errors = (ProtocolError, ClassAdParseError) if damage == "marker alone" else error
    with pytest.raises(errors):
        look([decode_ad(message, crypto)])
    with pytest.raises(errors):
        look(AdDecoder(crypto).feed([(message[:9], False), (message[9:], True)]))
    for framing in ("sequence", "counted"):
        for size in (1, 1000):
            with pytest.raises(errors):
                look(AdDecoder(crypto, framing=framing).feed(cut(framed([message], framing), [size])))
    if damage not in ("trailing", "too many"):
        with pytest.raises(errors):
            look([Reader(message, crypto).ad()])


def test_damaged_lengths() -> None:
    def sealed(*strings: tuple[int, bytes]) -> bytes:
        return struct.pack(">q", 2) + b"".join(struct.pack(">q", length) + text for length, text in strings)

    types = ((1, b"\0"), (1, b"\0"))
    good = sealed((6, b"A = 1\0"), (6, b"B = 2\0"), *types)
    assert items(decode_ad(good, True)) == [b"A = 1", b"B = 2"]
    for damaged in (
        sealed((-6, b"A = 1\0"), (6, b"B = 2\0"), *types),
        sealed((6, b"A = 1\0"), (-(1 << 63), b"B = 2\0"), *types),
        sealed((6, b"A = 1x"), (6, b"B = 2\0"), *types),
        sealed((6, b"A = 1\0"), (6, b"B = 2x"), *types),
        sealed((6, b"A = 1\0"), (6, b"B = 2\0"), (0, b""), (1, b"\0")),
        sealed((6, b"A = 1\0"), (6, b"B = 2\0"), (1, b"\0"), (-1, b"")),
        sealed((6, b"A = 1\0"), (6, b"B = 2\0"), (1, b"\0"), (2, b"xx")),
    ):
        with pytest.raises(ProtocolError):
            walk_ad(damaged, 0, True, DEFAULT_LIMITS)
        for decode in (
            lambda data: [decode_ad(data, True)],
            lambda data: AdDecoder(True, framing="sequence").feed([(data, True)]),
        ):
            with pytest.raises((ProtocolError, ClassAdParseError)):
                look(decode(damaged))


@pytest.mark.parametrize("attributes", [2, 30])
@settings(max_examples=200, deadline=None)
@given(which=st.integers(0, 29), lie=st.integers(-70_000, 70_000) | st.integers(-(1 << 63), (1 << 63) - 1))
def test_a_length_that_lies_is_never_believed(attributes: int, which: int, lie: int) -> None:
    """Borders in order, one length wrong: the ad is refused at the first look at its line, or at all of them."""
    lines = [b"A%02d = %d" % (number, number) for number in range(attributes)]
    which %= attributes
    true = len(lines[which]) + 1
    if lie == true:
        return
    parts = [struct.pack(">q", lie if n == which else len(line) + 1) + line + b"\0" for n, line in enumerate(lines)]
    message = struct.pack(">q", attributes) + b"".join(parts) + (struct.pack(">q", 1) + b"\0") * 2
    name = f"A{which:02d}"
    for first in (lambda ad: ad[name], lambda ad: ad.get(name), dict, len, str, lambda ad: ad.wire_items()):
        for decode in (
            lambda data: decode_ad(data, True),
            lambda data: AdDecoder(True, framing="sequence").feed([(data, True)])[0],
        ):
            with pytest.raises((ProtocolError, ClassAdParseError)):
                first(decode(message))


def test_a_line_behind_a_nul_inside_of_a_string_is_refused() -> None:
    """HTCondor skips what stands between a string's first NUL and its announced end; here it is no attribute."""
    hidden = b"A = 1\0" + struct.pack(">q", 6) + b"B = 2\0"
    message = struct.pack(">q", 2) + struct.pack(">q", len(hidden)) + hidden + (struct.pack(">q", 1) + b"\0") * 2
    with pytest.raises((ProtocolError, ClassAdParseError)):
        dict(decode_ad(message, True))


def test_lengths_that_lie_in_a_large_ad() -> None:
    """Above the limit of a string each length is looked at, and none of them leads astray."""
    limits = Limits(max_string=70_000)
    strings = [b"A%d = 1" % number for number in range(10_000)]
    good = ad_of(True, len(strings), *strings, b"", b"")
    assert len(good) > limits.max_string
    assert len(AdDecoder(True, limits, "sequence").feed([(good, True)])[0]) == len(strings)
    for length in (b"\x80" + bytes(7), b"\xff" * 6 + b"\xff\xf8", b"\x40" + bytes(7), bytes(6) + b"\xff\xff"):
        damaged = good.replace(bytes(7) + b"\x09A5000 = 1", length + b"A5000 = 1").replace(
            bytes(7) + b"\x0aA5000 = 1", length + b"A5000 = 1"
        )
        assert damaged != good
        with pytest.raises(ProtocolError):
            AdDecoder(True, limits, "sequence").feed([(damaged, True)])


def test_markers_of_the_collector() -> None:
    for crypto in (False, True):
        ad = encode({"A": "1"}, crypto)
        for marker in (2, -1, 1 << 40):
            with pytest.raises(ProtocolError, match="1 or 0"):
                AdDecoder(crypto, framing="counted").feed([(struct.pack(">q", marker) + ad, False)])
        with pytest.raises(ProtocolError, match="follows the end"):
            AdDecoder(crypto, framing="counted").feed([(bytes(8) + b"x", True)])
        decoder = AdDecoder(crypto, framing="counted")
        assert decoder.feed([(bytes(8), True)]) == [] and decoder.finished


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("crypto", [False, True])
def test_limits(framing: str, crypto: bool) -> None:
    ad = {"A": '"' + "x" * 100 + '"', "B": "1", "C": "2"}
    message = encode(ad, crypto)
    stream = framed([message] * 3, framing)
    roomy = Limits(max_ad_size=len(message), max_ad_attributes=3, max_string=107)
    assert len(AdDecoder(crypto, roomy, framing).feed(cut(stream, [10]))) == 3
    for name, limits in {
        "max_ad_attributes": Limits(max_ad_attributes=2),
        "max_string": Limits(max_string=106),
        "max_ad_size": Limits(max_ad_size=90),
    }.items():
        for size in (1, 60, 10**6):
            with pytest.raises(LimitExceededError) as caught:
                AdDecoder(crypto, limits, framing).feed(cut(stream, [size]))
            if not (framing == "message" and name == "max_string"):
                assert caught.value.limit == name
            assert name in str(caught.value)


@pytest.mark.parametrize("crypto", [False, True])
def test_announcements_are_refused_before_memory_is_set_aside(crypto: bool) -> None:
    tracemalloc.start()
    with pytest.raises(LimitExceededError) as caught:
        AdDecoder(crypto, framing="sequence").feed([(struct.pack(">q", 1 << 31) + bytes(100), False)])
    assert caught.value.limit == "max_ad_attributes"
    if crypto:
        for length in (10_000_001, 1 << 62):
            with pytest.raises(LimitExceededError) as caught:
                AdDecoder(True, framing="sequence").feed([(struct.pack(">qq", 1, length) + b"A = ", False)])
            assert caught.value.limit == "max_string"
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("crypto", [False, True])
def test_an_endless_string_is_bounded(framing: str, crypto: bool) -> None:
    def endless() -> Iterator[tuple[bytes, bool]]:
        start = struct.pack(">q", 1) if framing == "counted" else b""
        start += struct.pack(">q", 1000) + (struct.pack(">q", 9_999_999) if crypto else b"")
        yield start, False
        while True:
            yield b"x" * 4096, False

    decoder = AdDecoder(crypto, Limits(max_ad_size=4 << 20), framing)
    tracemalloc.start()
    with pytest.raises(LimitExceededError):
        for frame in endless():
            decoder.feed([frame])
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def collector_answer(crypto: bool, total: int) -> Iterator[bytes]:
    """Yield one endless message in pieces of about 128 KB, sealed as a collector would, ``total`` bytes in all."""
    sender = CedarConnection()
    if crypto:
        sender.start_crypto("AES", KEY)
    ad = {f"Attribute{n}": f'"{"v" * (n % 90)}"' for n in range(120)}
    one = struct.pack(">q", 1) + encode(ad, crypto)
    block = one * 20
    sent = 0
    seal = sender._frame
    rest = b""
    while sent < total:
        data = rest + block
        frames = [seal(data[start : start + 4091], False) for start in range(0, len(data) - 4090, 4091)]
        rest = data[len(frames) * 4091 :]
        sent += len(block)
        yield b"".join(frames)
    yield seal(rest + bytes(8), True)


def drain_collector(crypto: bool, total: int) -> tuple[int, int]:
    """Return the number of ads and the peak of memory."""
    receiver = CedarConnection()
    if crypto:
        receiver.start_crypto("AES", KEY)
    decoder = AdDecoder(crypto, framing="counted")
    count = 0
    tracemalloc.start()
    for piece in collector_answer(crypto, total):
        receiver.feed(piece)
        count += len(decoder.feed(receiver.drain()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert decoder.finished
    return count, peak


@pytest.mark.parametrize("crypto", [False, True])
def test_a_large_answer_in_constant_memory(crypto: bool) -> None:
    small, peak_small = drain_collector(crypto, 4 << 20)
    large, peak_large = drain_collector(crypto, 64 << 20)
    assert large > 10 * small
    assert peak_large < peak_small + (1 << 20) and peak_large < 4 << 20


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("crypto", [False, True])
def test_a_huge_answer_in_constant_memory(crypto: bool) -> None:
    count, peak = drain_collector(crypto, 1 << 30)
    assert count > 90_000
    assert peak < 4 << 20


@pytest.mark.parametrize("crypto", [True, False])
@pytest.mark.parametrize("second", ["A", "a"])
def test_a_name_that_comes_twice_has_its_first_spelling_and_its_last_value(second: str, crypto: bool) -> None:
    message = Writer(crypto).ad([("A", "1"), ("B", "2"), (second, "3")]).getvalue()
    ad = decode_ad(message, crypto, DEFAULT_LIMITS)
    assert list(ad.items()) == [("A", 3), ("B", 2)]
