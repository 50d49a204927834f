"""SSL and SCITOKENS: the exchange, the checks of a client, and what ends it."""

from __future__ import annotations

import ssl
from functools import partial

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from htcondor_async._secret import Secret
from htcondor_async._security.certificates import (
    certificate_names,
    certificate_subject,
    matches_host,
)
from htcondor_async._security.credentials import Credentials
from htcondor_async._security.methods import METHODS
from htcondor_async._security.methods.base import Method, MethodContext, Steps
from htcondor_async._security.methods.tls import Status, TlsExchange
from htcondor_async._security.policy import Level, SecurityPolicy
from htcondor_async.errors import AuthenticationError, HTCondorException, HTCondorInternalError, ProtocolError
from tests.helpers.security_certificates import (
    Certificates,
    build_context,
    certificate,
    der,
    make_certificates,
)
from tests.helpers.security_world import File, Side, World, join, talk


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def make_world(certificates: Certificates, *methods: str, version: ssl.TLSVersion | None = None) -> World:
    methods = methods or ("SSL",)
    world = World(
        client_policy=SecurityPolicy(Level.REQUIRED, authentication_methods=methods),
        server_policy=SecurityPolicy(authentication_methods=(*METHODS,)),
        request_fields={"host_alias": "host.example.org"},
    )
    world.settings = attrs.evolve(
        world.settings, client_tls=certificates.client(), server_tls=certificates.server(), known_hosts="/known_hosts"
    )
    for machine in (world.client_machine, world.server_machine):
        machine.tls = partial(build_context, version=version)
    return world


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("user", [False, True], ids=["anonymous", "with certificate"])
@pytest.mark.parametrize("key", ["exchanged", "transported"])
def test_ssl(certificates: Certificates, version: ssl.TLSVersion, user: bool, key: str) -> None:
    world = make_world(certificates, version=version)
    world.settings = attrs.evolve(world.settings, client_tls=certificates.client(user=user))
    if key == "transported":
        world.client_policy = attrs.evolve(world.client_policy, crypto_methods=("3DES",))
        world.server_policy = attrs.evolve(world.server_policy, crypto_methods=("3DES",), encryption=Level.REQUIRED)
        # Without the binding of AES nobody notices that the key exchange is taken out; the key is still protected.
        client, server = world.run(tamper=lambda who, data: data.replace(b"ECDHPublicKey", b"XCDHPublicKey"))
    else:
        client, server = world.run()
    assert client.error is None and server.error is None, (client.error, server.error)
    assert client.result.user == server.result.user == ("ssl@unmapped" if user else "unauthenticated@unmapped")
    assert client.result.authenticated_by == "SSL"
    assert client.result.server_identity == "host.example.org"
    assert client.result.key == server.result.session.key
    talk(client, server)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"host_alias": "other.example.org"}, "certificate /O=Test/CN=host.example.org is not for other.example.org"),
        ({"host_alias": None}, "no host name to check"),
    ],
)
def test_the_host_is_checked(certificates: Certificates, changes: dict[str, str | None], reason: str) -> None:
    world = make_world(certificates)
    client, _ = world.run(**changes)
    assert isinstance(client.error, AuthenticationError)
    assert reason in str(client.error)


def test_the_host_check_can_be_turned_off(certificates: Certificates) -> None:
    world = make_world(certificates)
    world.settings = attrs.evolve(world.settings, skip_host_check=True)
    client, _ = world.run(host_alias=None)
    assert client.error is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_stranger_is_not_trusted_and_the_next_method_is_tried(
    certificates: Certificates, version: ssl.TLSVersion
) -> None:
    world = make_world(certificates, "SSL", "CLAIMTOBE", version=version)
    world.server_settings = attrs.evolve(world.settings, server_tls=certificates.server(name="stranger"))
    client, server = world.run()
    assert client.error is None and server.error is None
    assert client.result.authenticated_by == "CLAIMTOBE"
    assert "not trusted" in dict(client.result.authentication_attempts)["SSL"]
    told = [reason for name, reason in server.result.session.authentication_attempts if name == "SSL"]
    assert "gave up the TLS handshake" in told[0] and "does not accept the certificate" in told[1]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_can_be_required(certificates: Certificates, version: ssl.TLSVersion) -> None:
    world = make_world(certificates, version=version)
    world.server_settings = attrs.evolve(world.settings, server_tls=certificates.server(verify=True))
    client, server = world.run()
    assert isinstance(client.error, AuthenticationError) and isinstance(server.error, AuthenticationError)
    world.settings = attrs.evolve(world.settings, client_tls=certificates.client(user=True))
    client, server = world.run()
    assert client.error is None and server.error is None


def test_files_that_cannot_be_used(certificates: Certificates) -> None:
    world = make_world(certificates, "SSL", "CLAIMTOBE")
    world.settings = attrs.evolve(
        world.settings, client_tls=attrs.evolve(certificates.client(), ca_file="/does/not/exist")
    )
    client, _ = world.run()
    assert client.result.authenticated_by == "CLAIMTOBE"
    assert "TLS cannot be used here" in dict(client.result.authentication_attempts)["SSL"]


@pytest.mark.parametrize("where", ["explicit", "file", "variable", "named file", "runtime directory", "tmp"])
def test_bearer_tokens_are_found(certificates: Certificates, where: str) -> None:
    world = make_world(certificates, "SCITOKENS")
    machine, token = world.client_machine, "the.bearer.token"
    file = File(f"# comment\n\n{token}\n".encode())
    if where == "explicit":
        world.credentials = Credentials(bearer_token=Secret(token))
    elif where == "file":
        machine.files["/token"] = file
        world.settings = attrs.evolve(world.settings, scitokens_file="/token")
    elif where == "variable":
        machine.environ["BEARER_TOKEN"] = token
    elif where == "named file":
        machine.environ["BEARER_TOKEN_FILE"] = "/token"
        machine.files["/token"] = file
    elif where == "runtime directory":
        machine.environ["XDG_RUNTIME_DIR"] = "/run/user/1000"
        machine.files["/run/user/1000/bt_u1000"] = file
    else:
        machine.files["/tmp/bt_u1000"] = file
    context = attrs.evolve(world.request().context(), host_alias="host.example.org")
    for accept in (True, False):
        client = Side(METHODS["SCITOKENS"].client(context), machine)
        server = Side(serve_bearer(attrs.evolve(context), token, accept=accept), world.server_machine)
        join(client, server)
        assert server.error is None and server.result == token
        assert (client.error is None) is accept
        if not accept:
            assert "refused the bearer token" in str(client.error)


def serve_bearer(ctx: MethodContext, expected: str, *, accept: bool) -> Steps[str]:
    """The server's side of SCITOKENS with a check that needs no issuer."""
    assert ctx.settings.server_tls is not None
    exchange = TlsExchange(ctx, server=True)
    yield from exchange.begin(ctx.settings.server_tls)
    yield from exchange.handshake()
    yield from exchange.give_key()
    yield from exchange.receive()
    length = int.from_bytes(exchange.read(4), "big")
    got = exchange.read(length).decode()
    yield from exchange.send(Status.HOLDING if accept and got == expected else Status.QUITTING)
    return got


def test_a_bearer_token_of_somebody_else_is_not_used(certificates: Certificates) -> None:
    world = make_world(certificates, "SCITOKENS")
    world.client_machine.files["/tmp/bt_u1000"] = File(b"stolen", uid=1001)
    client, _ = world.run()
    assert isinstance(client.error, AuthenticationError)
    assert "/tmp/bt_u1000 belongs to user number 1001" in str(client.error)


def test_no_bearer_token(certificates: Certificates) -> None:
    client, _ = make_world(certificates, "SCITOKENS").run()
    assert "there is no bearer token" in str(client.error)


@pytest.mark.parametrize(
    ("host", "matches"),
    [
        ("host.example.org", True),
        ("HOST.example.ORG", True),
        ("host.example.com", False),
        ("example.org", False),
        ("a.host.example.org", False),
        ("node1.pool.org", True),
        ("a.node1.pool.org", False),
        ("pool.org", False),
        ("", False),
    ],
)
def test_names_of_a_certificate(certificates: Certificates, host: str, matches: bool) -> None:
    assert matches_host(der(certificates.host), host) is matches


@pytest.mark.parametrize(
    ("pattern", "host", "matches"),
    [("foo*.org", "foobar.org", True), ("f*o.org", "foo.org", False), ("*.*", "a.b", True), ("*", "a.b", False)],
)
def test_stars(pattern: str, host: str, matches: bool) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    assert matches_host(der(certificate("x", "x", key, key, names=(pattern,))), host) is matches


def test_a_common_name_counts_without_other_names() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    value = der(certificate("host", "x", key, key))
    assert certificate_names(value) == ([], "host")
    assert matches_host(value, "HOST") and not matches_host(value, "hos")
    assert certificate_subject(value) == "/O=Test/CN=host"


@given(st.binary(max_size=100))
def test_what_is_no_certificate(data: bytes) -> None:
    for function in (certificate_subject, certificate_names):
        with pytest.raises(ProtocolError):
            function(data)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    nth=st.integers(0, 8),
    victim=st.sampled_from(["client", "server"]),
    status=st.sampled_from([-1, 0, 1, 2, 3, 4, 5, 1 << 40]),
    length=st.sampled_from([None, -1, 0, 1, 1 << 21]),
    data=st.binary(max_size=80),
)
def test_hostile_messages(
    certificates: Certificates, nth: int, victim: str, status: int, length: int | None, data: bytes
) -> None:
    world = make_world(certificates)
    size = len(data) if length is None else length
    message = status.to_bytes(8, "big", signed=True) + size.to_bytes(8, "big", signed=True) + data
    seen = 0

    def replace(sender: str, chunk: bytes) -> bytes:
        nonlocal seen
        if sender == victim:
            return chunk
        seen += 1
        return b"\x01" + len(message).to_bytes(4, "big") + message if seen == nth + 1 else chunk

    client, server = world.run(tamper=replace, timeouts=True)
    for side in (client, server):
        assert side.error is None or isinstance(side.error, HTCondorException), repr(side.error)
        assert not isinstance(side.error, HTCondorInternalError)


def test_every_method_has_its_own_bit_and_name() -> None:
    assert len({method.bit for method in METHODS.values()}) == len(METHODS)
    for name, method in METHODS.items():
        assert isinstance(method, Method) and method.name == name
        assert method.bit.bit_count() == 1
