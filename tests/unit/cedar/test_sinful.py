"""Addresses: every form, round trips, rewriting, choice."""

from __future__ import annotations

import pickle

import pytest
from helpers.sizes import FULL
from hypothesis import example, given, settings
from hypothesis import strategies as st

from htcondor_async._cedar.sinful import CcbContact, Sinful, desirability, format_addrs
from htcondor_async.errors import HTCondorValueError

PLAIN = "<127.0.0.1:9618?addrs=127.0.0.1-9618&alias=vm&noUDP&sock=schedd_20257_3210>"
BEHIND_CCB = (
    "<127.0.0.1:29618?CCBID=127.0.0.1:19618%3faddrs%3d127.0.0.1-19618%26alias%3dvm%26noUDP%26sock%3dcollector#2"
    "&PrivNet=vm&addrs=127.0.0.1-29618&alias=vm&noUDP&sock=schedd_25424_53ea>"
)
BROKER = "<127.0.0.1:19618?addrs=127.0.0.1-19618&alias=vm&noUDP&sock=collector>"

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
IPV4 = st.ip_addresses(v=4).map(str)
IPV6 = st.ip_addresses(v=6).map(str)
HOST = st.one_of(st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True), IPV4, IPV6)
PORT = st.integers(0, 65535)
KEY = TEXT.filter(bool).filter(lambda key: key != "addrs")


@st.composite
def sinfuls(draw: st.DrawFn) -> Sinful:
    params = draw(st.dictionaries(KEY, TEXT, max_size=5))
    addrs = draw(st.lists(st.tuples(IPV4 | IPV6, PORT), max_size=3))
    if addrs:
        params["addrs"] = format_addrs(addrs)
    return Sinful(draw(HOST), draw(st.none() | PORT), tuple(params.items()))


@settings(max_examples=1000 if FULL else 300)
@given(sinfuls())
def test_round_trip(address: Sinful) -> None:
    text = str(address)
    assert Sinful.parse(text) == address
    assert str(Sinful.parse(text)) == text
    assert hash(Sinful.parse(text)) == hash(address)
    assert pickle.loads(pickle.dumps(address)) == address
    body = text[1:-1]
    if not body.startswith("{"):
        assert Sinful.parse(body) == address


@given(sinfuls(), st.text("0123456789", min_size=1, max_size=5))
def test_a_broker_inside_an_address(broker: Sinful, ccbid: str) -> None:
    contact = CcbContact(broker.with_param("CCBID", None), (ccbid,))
    if "#" in str(broker):
        return
    outer = Sinful("10.1.2.3", 9618, (("CCBID", f"{contact} {contact}"),))
    assert Sinful.parse(str(outer)).ccb == (contact, contact)


@settings(max_examples=2000 if FULL else 500)
@given(st.one_of(TEXT, st.text('<>[]{}:?&;=%-+#0123456789abcdef ."', max_size=60)))
@example("<")
@example("<>")
@example("{}")
@example("{[ ]}")
@example("<[>")
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = Sinful.parse(text)
    except HTCondorValueError:
        return
    assert Sinful.parse(str(address)) == address
    for look in (lambda: address.ccb, lambda: address.sock, lambda: address.private_address, address.candidates):
        try:
            look()
        except HTCondorValueError:
            continue


def test_seen_on_the_wire() -> None:
    plain = Sinful.parse(PLAIN)
    assert str(plain) == PLAIN
    assert (plain.host, plain.port, plain.alias, plain.sock) == ("127.0.0.1", 9618, "vm", "schedd_20257_3210")
    assert plain.addrs == (("127.0.0.1", 9618),)
    assert plain.ccb == () and not plain.udp
    behind = Sinful.parse(BEHIND_CCB)
    assert str(behind) == BEHIND_CCB
    (contact,) = behind.ccb
    assert str(contact.broker) == BROKER and contact.ids == ("2",)
    assert behind.private_network == "vm" and behind.private_address is None
    assert Sinful.parse("<127.0.0.1:29618?addrs=127.0.0.1-29618&alias=vm>").udp


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("host:9618", "<host:9618>"),
        ("host", "<host>"),
        ("1.2.3.4:5?sock=a", "<1.2.3.4:5?sock=a>"),
        ("[::1]:9618", "<[::1]:9618>"),
        ("<[2001:db8::1]:9618?noUDP>", "<[2001:db8::1]:9618?noUDP>"),
        ("2001:db8::1", "<[2001:db8::1]>"),
        ("h:1?x=a:b:c", "<h:1?x=a:b:c>"),
        ("<h:1?b=2&a=1;c>", "<h:1?a=1&b=2&c>"),
        ("<h:1?a=1&a=2>", "<h:1?a=2>"),
        ("<h:1?&&a=1&>", "<h:1?a=1>"),
        ("<h:1?a=>", "<h:1?a>"),
        ("<h:1?>", "<h:1>"),
        ("<h:1?B=1&a=2&A=3>", "<h:1?A=3&B=1&a=2>"),
        ("<h:1?k=%3C%3c%20/>", "<h:1?k=%3c%3c%20%2f>"),
        ("<h:0?sock=x>", "<h:0?sock=x>"),
        ("<h:007>", "<h:7>"),
    ],
)
def test_canonical_form(text: str, canonical: str) -> None:
    assert str(Sinful.parse(text)) == canonical
    assert str(Sinful.parse(canonical)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<",
        ">",
        "<>",
        "<h:1",
        "<h:1>x",
        "<h:1>>",
        "<h:>",
        "<h:x>",
        "<h:65536>",
        "<h:99999999999>",
        "<h:١>",
        "<[::1:5>",
        "<[h]:5>",
        "<[::1]x:5>",
        "<:5>",
        "<h h:5>",
        "<h:5?=v>",
        "<h:5?k=%>",
        "<h:5?k=%4>",
        "<h:5?k=%zz>",
        "<h:5?addrs=1.2.3.4>",
        "<h:5?addrs=name-5>",
        "<h:5?addrs=1.2.3.4-99999>",
        "<h:5?addrs=1.2.3.4-x>",
        "<h:5?k=" + "v" * 70000 + ">",
        "{}",
        "{[ ]}",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(HTCondorValueError) as caught:
        Sinful.parse(text)
    assert len(str(caught.value)) < 1000


def test_values_are_checked_too() -> None:
    for host, port in (("h h", 1), ("", 1), ("h", -1), ("h", 65536)):
        with pytest.raises(HTCondorValueError):
            Sinful(host, port)
    with pytest.raises(HTCondorValueError, match="shared-port id"):
        _ = Sinful.parse("<h:1?sock=a/b>").sock
    for contact in ("h:1", "h:1#", "h:1#x", "h:1#-1", "#1", "{}#1", "h:1" + "#1" * 9):
        with pytest.raises(HTCondorValueError):
            _ = Sinful("h", 1, (("CCBID", contact),)).ccb
    assert str(Sinful("h", 1, (("CCBID", "b:2#3#4"),)).ccb[0]) == "b:2#3#4"


def test_parameters() -> None:
    address = Sinful.parse("<h:1?b=2>")
    assert str(address.with_param("a", "x y")) == "<h:1?a=x%20y&b=2>"
    assert str(address.with_param("b", None)) == "<h:1>"
    assert str(address.with_param("b", "3")) == "<h:1?b=3>"
    assert address.param("B") is None
    assert str(address.at("10.0.0.1", 5)) == "<10.0.0.1:5?b=2>"
    assert str(address.at("::1", 5)) == "<[::1]:5?b=2>"


def test_private_networks() -> None:
    behind = Sinful.parse(BEHIND_CCB)
    assert behind.for_network(None) is behind and behind.for_network("other") is behind
    direct = behind.for_network("vm")
    assert direct.ccb == () and direct.addrs == behind.addrs and direct.sock == behind.sock
    for private in ("%3c10.0.0.7:5%3fsock%3dx%3e", "10.0.0.7:5%3fsock%3dx"):
        address = Sinful.parse(f"<1.2.3.4:9618?PrivAddr={private}&PrivNet=lab&alias=n.example.org&sock=y>")
        assert str(address.for_network("lab")) == "<10.0.0.7:5?alias=n.example.org&sock=x>"
    assert str(Sinful.parse("<1.2.3.4:1?PrivAddr=10.0.0.7:5&PrivNet=lab>").for_network("lab")) == "<10.0.0.7:5>"


def test_desirability() -> None:
    order = ["fe80::1", "127.0.0.1", "169.254.1.1", "192.168.1.1", "8.8.8.8"]
    assert [desirability(host) for host in order] == [1, 2, 3, 4, 5]
    assert desirability("::1") == 2 and desirability("fd00::1") == 4 and desirability("2001:db8::1") == 5
    assert [desirability(host) for host in ("10.0.0.1", "172.31.0.1", "172.32.0.1", "100.64.0.1")] == [4, 4, 5, 5]


def test_candidates() -> None:
    def of(*addrs: tuple[str, int], **options: bool) -> list[str]:
        address = Sinful("h", 1, (("addrs", format_addrs(addrs)),))
        return [host for host, _ in address.candidates(**options)]

    public6, public4, private, loop = ("2001:db8::1", 1), ("8.8.8.8", 2), ("10.0.0.1", 3), ("127.0.0.1", 4)
    everything = (loop, private, public6, public4)
    assert of(*everything) == ["8.8.8.8", "2001:db8::1", "10.0.0.1", "127.0.0.1"]
    assert of(*everything, prefer_ipv4=False) == ["2001:db8::1", "8.8.8.8", "10.0.0.1", "127.0.0.1"]
    assert of(*everything, protocol_first=False) == ["2001:db8::1", "8.8.8.8", "10.0.0.1", "127.0.0.1"]
    assert of(*everything, ipv6=False) == ["8.8.8.8", "10.0.0.1", "127.0.0.1"]
    assert of(*everything, ipv4=False) == ["2001:db8::1"]
    with pytest.raises(HTCondorValueError, match="protocol"):
        of(public6, ipv6=False)
    assert of(("8.8.4.4", 0), private) == ["10.0.0.1"]
    assert Sinful.parse("h:5").candidates(ipv4=False) == [("h", 5)]
    with pytest.raises(HTCondorValueError, match="not up yet"):
        Sinful.parse("<h:0?sock=x>").candidates()
    with pytest.raises(HTCondorValueError, match="no port"):
        Sinful.parse("<h>").candidates()


def route(protocol: str, host: str, port: int, network: str = "Internet", more: str = "") -> str:
    return f'[ p="{protocol}"; a="{host}"; port={port}; n="{network}";{more} ]'


def test_source_routes() -> None:
    more = ' alias="vm"; spid="schedd_25424_53ea"; noUDP=true;'
    broker = ' alias="vm"; spid="schedd_25424_53ea"; ccbid="2"; ccbspid="collector"; noUDP=true; brokerIndex=0;'
    text = (
        "{"
        + ", ".join(
            (
                route("primary", "127.0.0.1", 29618, more=more),
                route("IPv4", "127.0.0.1", 29618, "vm", more),
                route("primary", "127.0.0.1", 19618, more=broker),
                route("IPv4", "127.0.0.1", 19618, more=broker),
                route("IPv4", "127.0.0.1", 29618, more=more),
            )
        )
        + "}"
    )
    assert str(Sinful.parse(text)) == BEHIND_CCB
    routes = (
        route("primary", "1.2.3.4", 5),
        route("IPv4", "10.0.0.1", 6, "lab"),
        route("IPv4", "1.2.3.4", 5),
        route("IPv6", "2001:db8::1", 5),
    )
    assert str(Sinful.parse("{" + ", ".join(routes) + "}")) == (
        "<1.2.3.4:5?PrivAddr=%3c10.0.0.1:6%3e&PrivNet=lab&addrs=1.2.3.4-5+[2001-db8--1]-5>"
    )


@pytest.mark.parametrize(
    "text",
    [
        "{" + route("IPv4", "1.2.3.4", 5) + "}",
        "{" + route("IPv6", "1.2.3.4", 5) + "}",
        "{" + route("primary", "1.2.3.4", 5),
        "{" + route("primary", "1.2.3.4", 5) + "}x",
        "{" + route("primary", "1.2.3.4", 5) + "," + route("IPv4", "1.2.3.4", 5) + "}",
        "{" + route("primary", "1.2.3.4", 99999) + "}",
        "{" + route("primary", "1.2.3.4", 5, more=" noUDP=false;") + "}",
        "{" + route("primary", "1.2.3.4", 5, more=" brokerIndex=x;") + "}",
        "{" + route("primary", "1.2.3.4", 5, more=' spid="a";') + ", " + route("IPv4", "1.2.3.4", 5) + "}",
        "{"
        + route("primary", "1.2.3.4", 5, more=' alias="a";')
        + ", "
        + route("IPv4", "1.2.3.4", 5, more=' alias="b";')
        + "}",
        "{" + route("primary", "1.2.3.4", 5, "a") + ", " + route("IPv4", "1.2.3.4", 5, "b") + "}",
        "{" + ", ".join(route("IPv4", f"10.0.0.{n}", 5, "a") for n in range(3)) + "}",
        "{"
        + ", ".join([route("primary", "1.2.3.4", 5), *(route("IPv4", f"10.0.0.{n}", 5, "a") for n in range(3))])
        + "}",
        "{" + ", ".join([route("primary", "1.2.3.4", 5)] * 300) + "}",
        "{"
        + route("primary", "1.2.3.4", 5)
        + ", "
        + route("primary", "1.2.3.4", 6, more=' ccbid="x"; brokerIndex=0;')
        + "}",
    ],
)
def test_contradicting_source_routes(text: str) -> None:
    with pytest.raises(HTCondorValueError):
        Sinful.parse(text)
