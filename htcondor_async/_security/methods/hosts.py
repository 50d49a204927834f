"""The first contact with a daemon whose certificate no authority answers for, and what is remembered of it.

OpenSSL alone decides whether a chain is in order; it is told of one more certificate to trust, that of the file of
known hosts. Where it finds no authority, the client offers the same method again to look at the chain, without going
on; what would have to be trusted is recorded, trusted or refused. A host that is trusted now is then connected to in
a third attempt, exactly as one that was known before. A server chooses from its own list each time, so this costs
messages, no connection.
"""

from __future__ import annotations

import errno

import attrs

from htcondor_async._secret import Secret
from htcondor_async._security.certificates import certificate_subject, matches_host
from htcondor_async._security.effects import AppendLine, AskTrust, CurrentUser, ReadFile, TlsSettings
from htcondor_async._security.known_hosts import (
    TRUSTED,
    KnownHost,
    ServerCertificate,
    encoded,
    find_host,
    fingerprint,
    host_line,
)
from htcondor_async._security.methods.base import MethodContext, MethodFailed, Steps
from htcondor_async._security.methods.tls import TlsExchange

__all__ = ["ask_for_a_look", "first_contact", "known_host", "remember_authority", "wants_a_look", "wrong_host"]

MAX_KNOWN_HOSTS = 1 << 22
_STATE = "first contact"
_ASKED, _LOOKED = "asked", "looked"


def ask_for_a_look(ctx: MethodContext) -> bool:
    """Return whether a further attempt shall look at the chain: once a handshake, if it is known which host this is."""
    if ctx.host_alias is None or _STATE in ctx.memory:
        return False
    ctx.memory[_STATE] = _ASKED
    return True


def wants_a_look(ctx: MethodContext) -> bool:
    """Return whether this attempt is the one to look at the chain."""
    return ctx.memory.get(_STATE) == _ASKED


def wrong_host(ctx: MethodContext, certificate: bytes) -> str | None:
    """Return what is wrong with the name in a daemon's certificate, None if it is for the host."""
    if ctx.settings.skip_host_check:
        return None
    if ctx.host_alias is None:
        return "the daemon's address has no alias, so no host name to check its certificate for"
    if not matches_host(certificate, ctx.host_alias):
        return f"the daemon's certificate {certificate_subject(certificate)} is not for {ctx.host_alias}"
    return None


def _path(ctx: MethodContext) -> Steps[str]:
    if ctx.settings.known_hosts is not None:
        return ctx.settings.known_hosts
    user = yield CurrentUser()
    return ctx.settings.system_known_hosts if user.switches_ids else f"{user.home}/.condor/known_hosts"


def _content(path: str) -> Steps[str]:
    try:
        content: Secret[bytes] = yield ReadFile(path, MAX_KNOWN_HOSTS)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return ""
        raise MethodFailed(f"{path} cannot be read: {error.strerror or error}") from None
    return content.reveal().decode("utf-8", "replace")


def known_host(ctx: MethodContext) -> Steps[KnownHost | None]:
    """Give the line for the server in the file of known hosts; raises MethodFailed if the file cannot be read."""
    if ctx.host_alias is None:
        return None
    path = yield from _path(ctx)
    return find_host((yield from _content(path)), ctx.host_alias)


def _remember(ctx: MethodContext, info: str, *, permitted: bool) -> Steps[str | None]:
    """Add a line for the server unless it is there; gives why that is impossible, None if it is there now."""
    host = ctx.host_alias or ""
    path = yield from _path(ctx)
    content = yield from _content(path)
    line = host_line(content, host, info, permitted=permitted)
    if line is None:
        found = find_host(content, host)
        return None if found is not None else f"the host name {host!r} cannot stand in it"
    if len(content) + len(line) > MAX_KNOWN_HOSTS:
        return "it is full"
    try:
        yield AppendLine(path, line)
    except OSError as error:
        return error.strerror or str(error)
    return None


def remember_authority(ctx: MethodContext) -> Steps[None]:
    """Remember that an authority answered for this host: a certificate without one is not trusted from then on.

    A file that cannot be written keeps nobody from a host that has an authority.
    """
    if ctx.host_alias is not None:
        yield from _remember(ctx, TRUSTED, permitted=True)


def first_contact(ctx: MethodContext, settings: TlsSettings) -> Steps[None]:
    """Look at the server's chain, decide, record; always raises MethodFailed, with ``again`` if the host is trusted."""
    ctx.memory[_STATE] = _LOOKED
    exchange = TlsExchange(ctx, server=False)
    yield from exchange.begin(attrs.evolve(settings, verify=False, certificate_file=None, key_file=None))
    yield from exchange.handshake()
    leaf = exchange.peer_certificate()
    end = exchange.chain_end()
    yield from exchange.refuse_key()
    if leaf is None:
        raise MethodFailed("the daemon showed no certificate")
    if (problem := wrong_host(ctx, leaf)) is not None:
        raise MethodFailed(problem)
    path = yield from _path(ctx)
    known = yield from known_host(ctx)
    certificate = ServerCertificate(
        ctx.host_alias or "", end, certificate_subject(end), fingerprint(end), authority=end != leaf
    )
    if known is not None:
        raise MethodFailed((yield from _known_otherwise(ctx, known, certificate, path)))
    trusted = ctx.settings.bootstrap_trust
    if not trusted and ctx.settings.trust_server is not None:
        trusted = (yield AskTrust(ctx.settings.trust_server, certificate)) is True
    problem = yield from _remember(ctx, encoded(end), permitted=trusted)
    what = f"the certificate of {certificate.host} (SHA-256 {certificate.fingerprint})"
    if trusted and problem is None:
        raise MethodFailed(f"{what} is trusted from now on", again=True)
    if trusted:
        raise MethodFailed(f"{what} cannot be trusted, for {path} cannot record it: {problem}")
    noted = f"{path} has it now as refused" if problem is None else f"{path} cannot record that: {problem}"
    raise MethodFailed(f"{what} is not trusted: no authority answers for it; {noted}")


def _known_otherwise(ctx: MethodContext, known: KnownHost, certificate: ServerCertificate, path: str) -> Steps[str]:
    """Give why a certificate is refused for a host that the file has; a changed one is recorded."""
    host, shown = known.host, certificate.fingerprint
    if not known.permitted:
        return f"the certificate of {host} is not trusted: {path} refuses the host; it shows SHA-256 {shown}"
    if known.method != "SSL":
        return f"the certificate of {host} is not trusted: {path} knows the host by {known.method}, not by SSL"
    problem = yield from _remember(ctx, encoded(certificate.der), permitted=False)
    noted = "" if problem is None else f"; {path} cannot record that: {problem}"
    if known.certificate is None:
        return (
            f"the certificate of {host} is not trusted: an authority answered for the host before, and none does for "
            f"SHA-256 {shown}{noted}"
        )
    return (
        f"{host} shows another certificate than {path} has: SHA-256 {shown} instead of "
        f"{fingerprint(known.certificate)}; if it was replaced on purpose, remove the host's lines there{noted}"
    )
