"""The first contact with a host that no authority answers for, and the file that remembers it."""

from __future__ import annotations

import ssl
from functools import partial

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async._security.handshake import client_handshake
from htcondor_async._security.known_hosts import (
    KnownHost,
    ServerCertificate,
    encoded,
    find_host,
    fingerprint,
    host_line,
)
from htcondor_async._security.methods import METHODS
from htcondor_async._security.policy import Level, SecurityPolicy
from htcondor_async.errors import AuthenticationError
from tests.helpers.security_certificates import Certificates, build_context, der, make_certificates
from tests.helpers.security_world import File, Side, World, join, talk

HOST = "host.example.org"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


class Meeting:
    """A client that knows the authority ca.pem, and a daemon whose certificate may be of another one."""

    def __init__(self, certificates: Certificates, server: str, version: ssl.TLSVersion | None = None) -> None:
        self.certificates = certificates
        self.world = World(
            client_policy=SecurityPolicy(Level.REQUIRED, authentication_methods=("SSL",)),
            server_policy=SecurityPolicy(authentication_methods=(*METHODS,)),
            request_fields={"host_alias": HOST},
        )
        self.world.settings = attrs.evolve(
            self.world.settings, client_tls=certificates.client(), known_hosts="/known_hosts"
        )
        for machine in (self.world.client_machine, self.world.server_machine):
            machine.tls = partial(build_context, version=version)
        self.serve(server)

    def serve(self, name: str) -> None:
        self.world.server_settings = attrs.evolve(self.world.settings, server_tls=self.certificates.server(name=name))

    def settings(self, **changes: object) -> None:
        self.world.settings = attrs.evolve(self.world.settings, **changes)  # type: ignore[arg-type]  # by name

    @property
    def file(self) -> str:
        file = self.world.client_machine.files.get("/known_hosts")
        return "" if file is None else file.content.decode()

    @file.setter
    def file(self, text: str) -> None:
        self.world.client_machine.files["/known_hosts"] = File(text.encode())

    def der(self, name: str) -> bytes:
        return ssl.PEM_cert_to_DER_cert((self.certificates.folder / f"{name}.pem").read_text())

    def run(self) -> Side:
        client, server = self.world.run()
        if client.error is None:
            assert server.error is None
            talk(client, server)
        else:
            assert isinstance(client.error, AuthenticationError)
            assert isinstance(server.error, AuthenticationError)
        return client


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
SHAPES = [("own", "own"), ("stranger", "stranger"), ("chain", "other-ca")]
"""What the daemon sends: its own signature, a lone certificate, one with its authority; and what must be trusted."""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("shown", "trusted"), SHAPES)
def test_first_contact_second_contact_and_a_change(
    certificates: Certificates, version: ssl.TLSVersion, shown: str, trusted: str
) -> None:
    meeting = Meeting(certificates, shown, version)
    meeting.settings(bootstrap_trust=True)
    assert meeting.run().result.authenticated_by == "SSL"
    line = f"{HOST} SSL {encoded(meeting.der(trusted))}\n"
    assert meeting.file == line
    meeting.settings(bootstrap_trust=False)
    assert meeting.run().error is None
    assert meeting.file == line
    other = "stranger" if shown == "own" else "own"
    meeting.serve(other)
    meeting.settings(bootstrap_trust=True)
    error = str(meeting.run().error)
    assert "shows another certificate than /known_hosts has" in error
    assert fingerprint(meeting.der(trusted)) in error and fingerprint(meeting.der(other)) in error
    assert meeting.file == f"{line}!{HOST} SSL {encoded(meeting.der(other))}\n"
    meeting.run()
    assert meeting.file.count("\n") == 2  # one record of what was seen is enough


@pytest.mark.parametrize(("shown", "trusted"), SHAPES)
def test_a_stranger_is_refused_and_recorded(certificates: Certificates, shown: str, trusted: str) -> None:
    meeting = Meeting(certificates, shown)
    error = str(meeting.run().error)
    assert "no authority answers for it" in error and fingerprint(meeting.der(trusted)) in error
    assert meeting.file == f"!{HOST} SSL {encoded(meeting.der(trusted))}\n"
    meeting.settings(bootstrap_trust=True)
    assert "/known_hosts refuses the host" in str(meeting.run().error)


@pytest.mark.parametrize(("shown", "trusted"), SHAPES)
@pytest.mark.parametrize("answer", [True, False, None, "yes"])
def test_the_application_decides(certificates: Certificates, shown: str, trusted: str, answer: object) -> None:
    meeting = Meeting(certificates, shown)
    asked: list[ServerCertificate] = []

    def decide(certificate: ServerCertificate) -> object:
        asked.append(certificate)
        return answer

    meeting.settings(trust_server=decide)
    client = meeting.run()
    assert (client.error is None) is (answer is True)
    value = meeting.der(trusted)
    subject = "/O=Test/CN=other-ca" if shown == "chain" else f"/O=Test/CN={HOST}"
    assert asked == [ServerCertificate(HOST, value, subject, fingerprint(value), authority=shown == "chain")]
    meeting.run()
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("entry", "server", "works", "reason"),
    [
        ("host.example.org SSL {stranger}", "stranger", True, ""),
        ("host.example.org SSL {other-ca}", "chain", True, ""),
        ("host.example.org SSL {other-ca}", "stranger", True, ""),
        ("host.example.org SSL {stranger}", "chain", True, ""),
        ("host.example.org SSL {own}", "host", True, ""),
        ("!host.example.org SSL {host}", "host", True, ""),
        ("host.example.org FS x", "host", True, ""),
        ("# x\nhost.example.org FS x\nhost.example.org SSL {stranger}", "stranger", False, "by FS, not by SSL"),
        ("host.example.org SSL {own}", "stranger", False, "another certificate"),
        ("!host.example.org SSL {stranger}", "stranger", False, "refuses the host"),
        ("host.example.org SSL @trusted", "stranger", False, "an authority answered for the host before"),
        ("host.example.org SSL AAAA", "stranger", False, "TLS cannot be used here"),
    ],
)
def test_what_the_file_says(certificates: Certificates, entry: str, server: str, works: bool, reason: str) -> None:
    meeting = Meeting(certificates, server)
    meeting.settings(bootstrap_trust=True)
    for name in ("own", "stranger", "other-ca", "host"):
        entry = entry.replace(f"{{{name}}}", encoded(meeting.der(name)))
    meeting.file = entry + "\n"
    client = meeting.run()
    assert (client.error is None) is works
    assert reason in str(client.error)


def test_an_authority_that_answered_is_remembered(certificates: Certificates) -> None:
    meeting = Meeting(certificates, "host")
    assert meeting.run().error is None
    assert meeting.file == f"{HOST} SSL @trusted\n"
    meeting.run()
    assert meeting.file == f"{HOST} SSL @trusted\n"


@pytest.mark.parametrize(("server", "works"), [("host", True), ("own", False)])
def test_a_file_that_cannot_be_written(certificates: Certificates, server: str, works: bool) -> None:
    """Trust that cannot be recorded is not given; a host with an authority needs none."""
    meeting = Meeting(certificates, server)
    meeting.settings(bootstrap_trust=True)
    meeting.world.client_machine.read_only = True
    client = meeting.run()
    assert (client.error is None) is works
    if not works:
        assert "cannot record it: Read-only file system" in str(client.error)


def test_the_certificate_of_another_host_is_not_asked_about(certificates: Certificates) -> None:
    meeting = Meeting(certificates, "own")
    meeting.world.request_fields = {"host_alias": "other.example.org"}
    meeting.settings(bootstrap_trust=True)
    assert "is not for other.example.org" in str(meeting.run().error)
    assert meeting.file == ""


@pytest.mark.parametrize(("uid", "path"), [(1000, "/home/alice/.condor/known_hosts"), (0, "/etc/condor/known_hosts")])
def test_whose_file_it_is(certificates: Certificates, uid: int, path: str) -> None:
    meeting = Meeting(certificates, "own")
    meeting.settings(bootstrap_trust=True, known_hosts=None)
    world = meeting.world
    client = Side(client_handshake(world.request()), world.client_machine, uid)
    join(client, world.server_side())
    assert client.error is None
    assert world.client_machine.files[path].mode == 0o644


@given(st.text(max_size=300), st.text(max_size=30))
def test_any_file_is_read(content: str, host: str) -> None:
    found = find_host(content + f"\n{HOST} SSL !!\n", HOST)
    assert found is not None
    assert found.certificate is None or isinstance(found.certificate, bytes)
    find_host(content, host)


@given(st.text(max_size=60), st.booleans(), st.binary(max_size=40))
def test_what_is_written_is_found(host: str, permitted: bool, der_bytes: bytes) -> None:
    line = host_line("", host, encoded(der_bytes) or "x", permitted=permitted)
    if line is None:
        return
    assert line.count("\n") == 1
    found = find_host(line, host)
    assert found == KnownHost(host, permitted, "SSL", encoded(der_bytes) or "x")
    assert host_line(line, host, encoded(der_bytes) or "x", permitted=permitted) is None
    if permitted and der_bytes:
        assert found.certificate == der_bytes


@pytest.mark.parametrize("host", ["a b", "a\nb SSL x", "#x", "!x", "", "x" * 300, "ü"])
def test_hosts_that_cannot_stand_in_a_file(host: str) -> None:
    assert host_line("", host, "x", permitted=True) is None


def test_fingerprints(certificates: Certificates) -> None:
    value = fingerprint(der(certificates.host))
    assert len(value) == 95 and value == value.lower() and value.count(":") == 31
