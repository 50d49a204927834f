"""Hostile bytes into both roles at every step: a documented error or a value, never anything else, never for ever."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htcondor_async._cedar.limits import DEFAULT_LIMITS
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._secret import Secret
from htcondor_async._security.ads import HandshakeAd, decode_ad, decode_literal, encode_ad, read_ad
from htcondor_async._security.handshake import client_handshake, client_resume
from htcondor_async._security.policy import Level, SecurityPolicy
from htcondor_async.errors import HTCondorException, HTCondorInternalError, LimitExceededError, ProtocolError
from tests.harness.fake_kerberos import FakeKerberos
from tests.helpers.security_world import PASSWORD_FILE, File, Side, World, descramble, give_pool_key, give_token

METHODS = ("FS", "TOKEN", "PASSWORD", "MUNGE", "KERBEROS", "CLAIMTOBE", "ANONYMOUS")

words = st.sampled_from(
    [
        b"Authentication", b"AuthenticationNew", b"Encryption", b"Integrity", b"AuthMethods", b"AuthMethodsList",
        b"CryptoMethods", b"CryptoMethodsList", b"ECDHPublicKey", b"Enact", b"NewSession", b"Command", b"AuthCommand",
        b"UseSession", b"Sid", b"ResumeResponse", b"SessionDuration", b"SessionLease", b"ReturnCode", b"User",
        b"ValidCommands", b"RemoteVersion", b"TrustDomain", b"IssuerKeys", b"AuthRequired",
    ]
)  # fmt: skip
values = st.sampled_from(
    [
        b'"YES"', b'"NO"', b'"FAIL"', b'"REQUIRED"', b'"OPTIONAL"', b'"NEVER"', b'""', b"true", b"false", b"undefined",
        b"48", b"60010", b"60040", b"-1", b"99999999999999999999", b'"TOKEN,FS"', b'"AES"', b'"3DES,AES"',
        b'"SID_NOT_FOUND"', b'"DENIED"', b'"1,2,x"', b'"\xff\xfe"', b"1.5", b"1+1", b"{1,2}", b'"a\\"b"',
        b'"BAIX5hfwtkQ5KCePlpmeaaI6TywVK99tbN9m5bgCgtTtGUp968uXcS0t2jyoWqh2Wlb0X8dYWZZS8ol8ZTBuV5Q="', b'"AUTHORIZED"',
        b'"$CondorVersion: 9"',
    ]
)  # fmt: skip
lines = st.builds(lambda name, value: name + b" = " + value + b"\0", words, values) | st.binary(max_size=20)
integers = st.sampled_from([0, 1, -1, 2, 3, 4, 14, 20, 64, 256, 512, 2048, 60010, 1 << 40, -(1 << 63)]) | st.integers(
    -(1 << 63), (1 << 63) - 1
)
number = integers.map(lambda n: n.to_bytes(8, "big", signed=True))
ads = st.builds(
    lambda items, off: (len(items) + off).to_bytes(8, "big", signed=True) + b"".join(items) + b"\0\0",
    st.lists(lines, max_size=30),
    st.sampled_from([0, 0, 0, 0, 1, -1, 1000]),
)
valid_ads = st.builds(
    lambda items: len(items).to_bytes(8, "big") + b"".join(b"%s = %s\0" % item for item in items.items()) + b"\0\0",
    st.dictionaries(words, values, max_size=25),
)
texts = st.sampled_from(
    [
        b"/tmp/FS_127.0.0.1_9618_XXX1_\0",
        b"/tmp/FS_XXX1\0",
        b"/etc/FS_x_\0",
        b"/tmp/../FS_\0",
        b"\0",
        b"\xad",
        b"alice\0",
    ]
)
messages = st.one_of(
    st.binary(max_size=60),
    number,
    valid_ads,
    ads,
    st.builds(bytes.__add__, number, valid_ads),
    st.lists(st.one_of(number, texts, st.binary(max_size=300)), max_size=8).map(b"".join),
)


def feed_all(side: Side, incoming: list[bytes]) -> None:
    """Give a side these messages, then the end of the connection; it must end, with a documented error or none."""
    side.step()
    for message in incoming:
        if side.done:
            break
        if message:
            side.connection.feed(_frame(message))
        side.step()
    if not side.done:
        side.connection.feed_eof()
        side.step()
    assert side.done
    if side.error is not None:
        assert isinstance(side.error, HTCondorException), repr(side.error)
        assert not isinstance(side.error, HTCondorInternalError)
        str(side.error).encode("utf-8", "surrogateescape")


def _frame(message: bytes) -> bytes:
    return b"\x01" + len(message).to_bytes(4, "big") + message


def make_world(**fields: object) -> World:
    world = World(
        client_policy=SecurityPolicy(Level.PREFERRED, authentication_methods=METHODS),
        server_policy=SecurityPolicy(Level.PREFERRED, authentication_methods=METHODS),
        **fields,  # type: ignore[arg-type]
    )
    give_token(world.client_machine)
    give_pool_key(world.server_machine)
    world.client_machine.munge = world.server_machine.munge = "cluster"
    world.client_machine.kerberos, world.server_machine.kerberos = FakeKerberos(), FakeKerberos()
    for machine, uid in ((world.client_machine, 1000), (world.server_machine, 0)):
        machine.files[PASSWORD_FILE] = File(descramble(Secret(b"sesame")).reveal(), uid=uid)
    return world


@settings(max_examples=150, deadline=None)
@given(st.lists(messages, max_size=8))
def test_client_on_arbitrary_messages(incoming: list[bytes]) -> None:
    world = make_world()
    side = Side(client_handshake(world.request()), world.client_machine)
    feed_all(side, incoming)
    assert not world.client_machine.directories


@settings(max_examples=150, deadline=None)
@given(st.lists(messages, max_size=8), st.booleans(), st.booleans())
def test_server_on_arbitrary_messages(incoming: list[bytes], legacy: bool, handshake: bool) -> None:
    world = make_world(legacy=legacy)
    if handshake and incoming:
        incoming[0] = (60010).to_bytes(8, "big") + incoming[0]
    feed_all(world.server_side(), incoming)


@settings(max_examples=100, deadline=None)
@given(st.lists(messages, max_size=3))
def test_resuming_client_on_arbitrary_messages(incoming: list[bytes]) -> None:
    world = make_world()
    session = world.run()[0].result
    feed_all(Side(client_resume(world.request(), session), world.client_machine), incoming)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_one_message_of_an_honest_handshake_is_replaced(data: st.DataObject) -> None:
    """Deep states: everything before the hostile message is honest, so that each step of each method meets one."""
    method = data.draw(st.sampled_from(METHODS))
    victim = data.draw(st.sampled_from(["client", "server"]))
    world = make_world()
    world.share_machine()
    world.client_policy = SecurityPolicy(Level.REQUIRED, authentication_methods=(method,))
    nth = data.draw(st.integers(0, 5))
    hostile = data.draw(messages.filter(bool))
    seen = 0

    def replace(sender: str, chunk: bytes) -> bytes:
        nonlocal seen
        if sender == victim:
            return chunk
        seen += 1
        return _frame(hostile) if seen == nth + 1 else chunk

    client, server = world.run(tamper=replace, timeouts=True)
    for side in (client, server):
        assert side.error is None or isinstance(side.error, HTCondorException), repr(side.error)
        assert not isinstance(side.error, HTCondorInternalError)
    assert not world.client_machine.directories


@given(st.binary(max_size=200), st.booleans(), st.booleans())
def test_ads_from_arbitrary_bytes(data: bytes, crypto: bool, tolerant: bool) -> None:
    try:
        ad = read_ad(data, crypto=crypto, limits=DEFAULT_LIMITS, tolerant=tolerant)
    except ProtocolError:
        return
    for name in ad:
        for getter in (ad.text, ad.integer, ad.truth, ad.names):
            try:
                getter(name)
            except ProtocolError:
                pass


literals = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.integers(-10_000, 10_000).map(lambda n: n / 8)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30).filter(
        lambda text: not text.endswith("\\")
    )
)


@given(st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True), literals, max_size=20), st.booleans())
def test_ads_come_back(values: dict[str, object], crypto: bool) -> None:
    writer = Writer(crypto)
    encode_ad(writer, values)  # type: ignore[arg-type]
    reader = Reader(writer.getvalue(), crypto)
    ad = decode_ad(reader, tolerant=False)
    reader.expect_end()
    assert ad == values


@pytest.mark.parametrize(
    "text",
    [
        "1 + 1",
        "foo",
        '"a" "b"',
        '"a',
        "{}",
        "[]",
        "0x10",
        "1.2.3",
        "TIME()",
        "",
        '"a"b"',
        "99999999999999999999",
        "'a'",
    ],
)
def test_what_is_not_a_literal(text: str) -> None:
    known, _ = decode_literal(text)
    assert not known


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("TRUE", True),
        ("Undefined", None),
        ("error", None),
        ("-5", -5),
        ("1.5E3", 1500.0),
        (r'"a\"b"', 'a"b'),
        (r'"x\y"', r"x\y"),
        ('"dir\\"', "dir\\"),
        ('""', ""),
    ],
)
def test_literals(text: str, value: object) -> None:
    assert decode_literal(text) == (True, value)


def test_an_expression_is_skipped_by_the_tolerant_only() -> None:
    message = Writer(False).int(2).str("A = 1 + 1").str('B = "b"').str("").str("").getvalue()
    assert dict(read_ad(message, crypto=False, limits=DEFAULT_LIMITS, tolerant=True)) == {"B": "b"}
    with pytest.raises(ProtocolError, match="literal"):
        read_ad(message, crypto=False, limits=DEFAULT_LIMITS, tolerant=False)


@pytest.mark.parametrize("count", [101, 1 << 62])
def test_too_many_attributes(count: int) -> None:
    with pytest.raises(LimitExceededError) as caught:
        decode_ad(Reader(Writer(False).int(count).getvalue(), False), tolerant=True)
    assert caught.value.limit == "handshake_attributes"


def test_names_are_found_in_any_case() -> None:
    ad = HandshakeAd({"Sid": "x", "N": "5"})
    assert ad["sid"] == "x" and "SID" in ad and ad.integer("n") == 5
    with pytest.raises(ProtocolError):
        ad.integer("sid")
    with pytest.raises(ProtocolError):
        ad.truth("sid")
