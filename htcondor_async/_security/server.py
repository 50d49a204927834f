"""The server's side of a handshake, for the embedded pool.

A server has few words: most refusals are a closed connection. Here they are errors that say what the server knows;
whoever runs the generator closes the connection on any of them, and logs.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol

import attrs

from htcondor_async._cedar.effects import Receive, Send
from htcondor_async._cedar.limits import DEFAULT_LIMITS, Limits
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._secret import Secret
from htcondor_async._security.ads import HandshakeAd, Literal, decode_ad, encode_ad
from htcondor_async._security.credentials import Credentials
from htcondor_async._security.effects import Effect
from htcondor_async._security.keys import CRYPTO_PROTOCOLS, KEY_LENGTHS, KeyExchange, wrap_key
from htcondor_async._security.map_files import MapFile, load_map_file, split_user
from htcondor_async._security.methods import METHODS, Method, MethodFailed, MethodResult
from htcondor_async._security.methods.base import MethodContext, SocketAddress, receive_int, say
from htcondor_async._security.negotiation import Event, Machine, Role
from htcondor_async._security.policy import (
    Agreement,
    Level,
    SecurityPolicy,
    canonical_method,
    reconcile,
    unsupported_method,
)
from htcondor_async._security.request import (
    AUTHENTICATE,
    SECURITY_QUERY,
    UNAUTHENTICATED,
    agreed,
    max_ad,
    nonce,
    start_crypto,
    strings_are_counted,
)
from htcondor_async._security.sessions import Session, SessionTable
from htcondor_async._security.settings import SecuritySettings
from htcondor_async._security.versions import OWN_VERSION, parse_version
from htcondor_async.errors import (
    AuthenticationError,
    AuthorizationError,
    ConfigError,
    Phase,
    ProtocolError,
    SecurityError,
    SessionInvalidError,
)

__all__ = ["Accepted", "CommandRules", "ServerRequest", "server_handshake"]


class CommandRules(Protocol):
    """What a daemon knows of its commands."""

    def policy(self, command: int) -> SecurityPolicy | None:
        """Return the policy of a command's permission level, None for a command the daemon does not have."""
        ...

    def authorize(self, command: int, user: str, limits: Sequence[str]) -> bool:
        """Return whether a user may give a command.

        ``limits`` are the levels the credential is limited to, empty for no limit.
        """
        ...

    def valid_commands(self, command: int, user: str) -> Sequence[int]:
        """Return the commands that a session made for this one may be resumed for."""
        ...


@attrs.frozen(kw_only=True)
class ServerRequest:
    """What a server is, and what it knows of the connection.

    Parameters
    ----------
    commands
        Its commands.
    server_address
        IP and port of its end of the connection.
    client_address
        IP and port of the other end, None where the transport has none.
    settings, credentials
        Configuration and secrets of the methods.
    sessions
        Where sessions are kept; its slop should be SEC_SESSION_DURATION_SLOP.
    now
        Wall clock, seconds since 1970.
    new_sid
        Makes the name of a session, as ``host:pid:time:counter``.
    version
        What the server says of itself.
    legacy
        Behave as servers before 23.10: no key without authentication, only the old authentication level.
    limits
        Bounds on what is received.
    entropy
        Gives random bytes.
    key_exchange
        Makes the key pair of this connection; for tests.
    """

    commands: CommandRules
    server_address: SocketAddress
    settings: SecuritySettings
    credentials: Credentials
    sessions: SessionTable
    now: float
    new_sid: Callable[[], str] = attrs.field(repr=False)
    version: str = OWN_VERSION
    legacy: bool = False
    limits: Limits = DEFAULT_LIMITS
    entropy: Callable[[int], bytes] = attrs.field(default=secrets.token_bytes, repr=False)
    key_exchange: Callable[[], KeyExchange] | None = attrs.field(default=None, repr=False)
    client_address: SocketAddress | None = None


@attrs.frozen(kw_only=True)
class Accepted:
    """A command that may go on.

    Parameters
    ----------
    command
        Its number.
    user
        Who gave it; ``unauthenticated@unmapped`` for nobody in particular.
    session
        The session, None for a raw command.
    resumed
        Whether the session existed before.
    finished
        Nothing follows: the client wanted a session or an answer only.
    arguments
        What a raw command's message holds beside the number; the arguments of others come in their own messages.
    peer_version
        Version string of the client, None if it did not say.
    """

    command: int
    user: str = UNAUTHENTICATED
    session: Session | None = None
    resumed: bool = False
    finished: bool = False
    arguments: bytes | None = attrs.field(default=None, repr=False)
    peer_version: str | None = None


def server_handshake(request: ServerRequest) -> Generator[Effect, Any, Accepted]:
    """Take the first message of a connection and everything up to the command's arguments.

    Raises
    ------
    SecurityError
        The policies do not meet; with its kinds AuthenticationError, AuthorizationError, SessionInvalidError.
    ProtocolError
        The client broke the protocol, or wants a command that is not here.
    """
    message = yield Receive(request.limits.max_message)
    reader = Reader(message, False, request.limits)
    command = reader.int()
    if command != AUTHENTICATE:
        return _raw_command(request, command, reader.rest())
    if len(message) > max_ad(request.limits):
        raise ProtocolError("the first message of a handshake is too long")
    proposal = decode_ad(reader, tolerant=request.legacy)
    reader.expect_end()
    if agreed(proposal, "UseSession"):
        return (yield from _resume(request, proposal))
    return (yield from _Handshake(request, proposal).run())


def _policy(request: ServerRequest, command: int) -> SecurityPolicy:
    policy = request.commands.policy(command)
    if policy is None:
        raise ProtocolError(f"there is no command {command} here")
    return policy


def _raw_command(request: ServerRequest, command: int, arguments: bytes) -> Accepted:
    """Take a command that came without a handshake."""
    policy = _policy(request, command)
    if Level.REQUIRED in (policy.negotiation, policy.authentication):
        raise SecurityError(f"command {command} came without a negotiation, which is required here")
    if not request.commands.authorize(command, UNAUTHENTICATED, ()):
        raise AuthorizationError(f"command {command} is not allowed to a client without a negotiation")
    return Accepted(command=command, arguments=arguments)


def _commands(proposal: HandshakeAd) -> tuple[int, int]:
    """Return the wanted command and the one whose authorisation is meant."""
    command = proposal.integer("Command") or 0
    meant = proposal.integer("AuthCommand") if command in (AUTHENTICATE, SECURITY_QUERY) else None
    return command, command if meant is None else meant


def _query_result(session: Session, *, legacy: bool) -> Send:
    values: dict[str, Literal] = {"AuthorizationSucceeded": True}
    if not legacy:
        values.update((name, value) for name, value in session.attributes.items() if name.startswith("AuthToken"))
    counted = strings_are_counted(session.method, encryption=agreed(HandshakeAd(session.attributes), "Encryption"))
    writer = Writer(counted)
    encode_ad(writer, values)
    return Send(writer.getvalue())


def _resume(request: ServerRequest, proposal: HandshakeAd) -> Generator[Effect, Any, Accepted]:
    machine = Machine(Role.SERVER)
    machine.step(Event.RESUME)
    sid = proposal.text("Sid") or ""
    command, meant = _commands(proposal)
    session = request.sessions.get(sid, request.now)
    answered = proposal.truth("ResumeResponse") is True
    ciphers = proposal.names("CryptoMethods")
    if session is None:
        machine.step(Event.SESSION_UNKNOWN)
        if answered:
            yield _clear_ad({"ReturnCode": "SID_NOT_FOUND"})
        raise SessionInvalidError("the client resumes a session that is not here")
    if session.method is not None and ciphers and canonical_method(ciphers[0]) != session.method:
        raise SecurityError(f"the client resumes a session of {session.method} with {ciphers[0]!r}")
    machine.step(Event.SESSION_KNOWN)
    if answered:
        yield _clear_ad({"ReturnCode": "AUTHORIZED", "RemoteVersion": request.version, "Nonce": nonce(request.entropy)})
    if session.key is not None and session.method is not None:
        ad = HandshakeAd(session.attributes)
        yield start_crypto(
            session.method, session.key, encryption=agreed(ad, "Encryption"), integrity=agreed(ad, "Integrity")
        )
    machine.step(Event.SECURE)
    policy = _policy(request, meant)
    user = session.user or UNAUTHENTICATED
    if policy.authentication is Level.REQUIRED and session.authenticated_by is None:
        raise AuthorizationError(f"command {meant} needs authentication, and the resumed session has none")
    if not request.commands.authorize(meant, user, session.limits):
        raise AuthorizationError(f"command {meant} is not allowed to {user}")
    if command == SECURITY_QUERY:
        yield _query_result(session, legacy=request.legacy)
    return Accepted(
        command=command,
        user=user,
        session=session,
        resumed=True,
        finished=command in (AUTHENTICATE, SECURITY_QUERY),
        peer_version=proposal.text("RemoteVersion") or session.peer_version,
    )


def _clear_ad(values: dict[str, Literal]) -> Send:
    writer = Writer(False)
    encode_ad(writer, values)
    return Send(writer.getvalue())


def _level(proposal: HandshakeAd, name: str) -> Level:
    text = proposal.text(name)
    if text is None:
        return Level.NEVER
    try:
        return Level.parse(text, name)
    except ConfigError as error:
        raise ProtocolError(f"the client's policy cannot be read: {error.what}") from None


class _Handshake:
    """One full negotiation; the methods are its steps, in order."""

    def __init__(self, request: ServerRequest, proposal: HandshakeAd) -> None:
        self.request = request
        self.proposal = proposal
        self.machine = Machine(Role.SERVER)
        self.machine.step(Event.PROPOSE)
        self.command, self.meant = _commands(proposal)
        self.policy = _policy(request, self.meant)
        self.attempts: list[tuple[str, str]] = []
        self.issuer_keys: tuple[str, ...] = ()
        self.map_file: MapFile | None = None
        if (proposal.text("Enact") or "").upper() != "NO" or not agreed(proposal, "NewSession"):
            raise ProtocolError("the client does not ask for a decision and a new session")

    def run(self) -> Generator[Effect, Any, Accepted]:
        agreement = yield from self._decide()
        public = self.proposal.text("ECDHPublicKey")
        if agreement.crypto is None and (public is not None or agreement.authentication):
            raise SecurityError("there is no common cipher for the key that this connection needs")
        exchange: KeyExchange | None = None
        key: Secret[bytes] | None = None
        if public is not None and (agreement.authentication or not self.request.legacy) and agreement.crypto:
            exchange = self.request.key_exchange() if self.request.key_exchange else KeyExchange(self.request.entropy)
            key = exchange.derive(public, agreement.crypto)
        yield self._decision(agreement, exchange)
        method: Method | None = None
        result: MethodResult | None = None
        if agreement.authentication:
            self.machine.step(Event.DECIDE_AUTHENTICATION)
            authenticated = yield from self._authenticate(agreement)
            if authenticated is not None:
                method, result = authenticated
                key = yield from self._send_key(agreement, result, key)
            elif self.request.legacy and agreement.crypto == "AES":
                key = None
        else:
            self.machine.step(Event.DECIDE_WITHOUT)
        if key is None and (agreement.encryption or agreement.integrity):
            raise SecurityError("encryption or integrity was decided on, and there is no key")
        if key is not None and agreement.crypto is not None:
            yield start_crypto(agreement.crypto, key, encryption=agreement.encryption, integrity=agreement.integrity)
        self.machine.step(Event.SECURE)
        return (yield from self._verdict(agreement, key, method, result))

    def _context(self) -> MethodContext:
        request = self.request
        return MethodContext(
            server_address=request.server_address,
            client_address=request.client_address,
            settings=request.settings,
            credentials=request.credentials,
            entropy=request.entropy,
            now=request.now,
            peer_version=parse_version(self.proposal.text("RemoteVersion")),
            trust_domain=request.settings.trust_domain,
            issuer_keys=self.issuer_keys,
            limits=request.limits,
            map_file=self.map_file,
        )

    def _decide(self) -> Generator[Effect, Any, Agreement]:
        proposal, policy = self.proposal, self.policy
        settings = self.request.settings
        if settings.map_file is not None:
            self.map_file = yield from load_map_file(settings.map_file, literal_names=settings.map_file_literal)
        self.issuer_keys = yield from self.request.credentials.signing_keys.names()
        methods: list[str] = []
        for name in policy.authentication_methods:
            reason = unsupported_method(name)
            if reason is None:
                reason = yield from METHODS[name].offered(self._context())
            if reason is None:
                methods.append(name)
            else:
                self.attempts.append((name, reason))
        legacy = self.request.legacy or "AuthenticationNew" not in proposal
        return reconcile(
            attrs.evolve(policy, authentication_methods=tuple(methods)),
            authentication=_level(proposal, "Authentication" if legacy else "AuthenticationNew"),
            encryption=_level(proposal, "Encryption"),
            integrity=_level(proposal, "Integrity"),
            legacy=legacy,
            methods=proposal.names("AuthMethods") or (),
            crypto_methods=proposal.names("CryptoMethods") or (),
            session_duration=max(0, proposal.integer("SessionDuration") or 0),
            session_lease=proposal.integer("SessionLease"),
        )

    def _decision(self, agreement: Agreement, exchange: KeyExchange | None) -> Send:
        values: dict[str, Literal] = {
            "Authentication": "YES" if agreement.authentication else "NO",
            "Encryption": "YES" if agreement.encryption else "NO",
            "Integrity": "YES" if agreement.integrity else "NO",
            "Enact": "YES",
            "NegotiatedSession": True,
            "SessionDuration": str(agreement.session_duration),
            "RemoteVersion": self.request.version,
        }
        if agreement.authentication and not agreement.authentication_required:
            values["AuthRequired"] = False
        if "AuthMethods" in self.proposal:
            values["AuthMethodsList"] = ",".join(agreement.methods)
            if agreement.methods:
                values["AuthMethods"] = agreement.methods[0]
        if agreement.crypto_methods:
            values["CryptoMethodsList"] = ",".join(agreement.crypto_methods)
        if agreement.crypto is not None and (exchange is not None or agreement.authentication):
            values["CryptoMethods"] = agreement.crypto
        if exchange is not None:
            values["ECDHPublicKey"] = exchange.public
        if self.proposal.integer("SessionLease") is not None:
            values["SessionLease"] = agreement.session_lease
        if self.request.settings.trust_domain is not None:
            values["TrustDomain"] = self.request.settings.trust_domain
        if self.issuer_keys:
            values["IssuerKeys"] = ", ".join(self.issuer_keys)
        return _clear_ad(values)

    def _authenticate(self, agreement: Agreement) -> Generator[Effect, Any, tuple[Method, MethodResult] | None]:
        context = self._context()
        common = [METHODS[name] for name in dict.fromkeys(map(canonical_method, agreement.methods))]
        # Each failed method takes its bit away; those over TLS may come three times, for a first contact.
        for _ in range(len(METHODS) + 6):
            mask = yield from receive_int(context)
            self.machine.step(Event.OFFER)
            method = next((candidate for candidate in common if candidate.bit & mask), None)
            yield from say(0 if method is None else method.bit)
            if method is None:
                self.machine.step(Event.CHOOSE_NONE)
                break
            self.machine.step(Event.CHOOSE)
            try:
                result = yield from method.server(context)
            except MethodFailed as error:
                self.attempts.append((method.name, str(error)))
                self.machine.step(Event.METHOD_FAILED)
                continue
            self.machine.step(Event.METHOD_SUCCEEDED)
            return method, self._mapped(method, result)
        else:
            raise ProtocolError("the client offers the same authentication methods again and again")
        if agreement.authentication_required:
            raise AuthenticationError(
                "the client did not authenticate", phase=Phase.AUTHENTICATE, attempts=self.attempts
            )
        self.machine.step(Event.GO_ON)
        return None

    def _mapped(self, method: Method, result: MethodResult) -> MethodResult:
        """Return the result with the user that the map file makes of the authenticated name, if it has it."""
        if self.map_file is None or result.authenticated_name is None:
            return result
        user = self.map_file.find(method.name, result.authenticated_name)
        if user is None:
            return result
        return attrs.evolve(result, identity=split_user(user, self.request.settings.uid_domain))

    def _send_key(
        self, agreement: Agreement, result: MethodResult, key: Secret[bytes] | None
    ) -> Generator[Effect, Any, Secret[bytes] | None]:
        """Send the message after a success; with a key in it if none was agreed."""
        self.machine.step(Event.KEY)
        if key is not None or agreement.crypto is None:
            yield from say(0)
            return key
        length = KEY_LENGTHS[agreement.crypto]
        made = Secret(self.request.entropy(length))
        wrapped = wrap_key(made, result.wrapping)
        yield from say(1)
        yield from say(length, CRYPTO_PROTOCOLS[agreement.crypto], 0, len(wrapped), wrapped)
        return made

    def _verdict(
        self, agreement: Agreement, key: Secret[bytes] | None, method: Method | None, result: MethodResult | None
    ) -> Generator[Effect, Any, Accepted]:
        request = self.request
        user = (result.identity if result is not None else None) or UNAUTHENTICATED
        limits = result.limits if result is not None else ()
        allowed = request.commands.authorize(self.meant, user, limits)
        commands = sorted(set(request.commands.valid_commands(self.meant, user)) | {self.meant})
        session = Session(
            sid=request.new_sid(),
            key=key,
            method=None if key is None else agreement.crypto,
            user=user,
            authenticated_by=None if method is None else method.name,
            authentication_attempts=tuple(self.attempts),
            valid_commands=frozenset(commands),
            limits=tuple(limits),
            made=request.now,
            expires=request.now + agreement.session_duration,
            lease=float(agreement.session_lease),
            peer_version=self.proposal.text("RemoteVersion"),
            attributes={
                "Encryption": "YES" if agreement.encryption else "NO",
                "Integrity": "YES" if agreement.integrity else "NO",
                **(result.attributes if result is not None else {}),
            },
        )
        values: dict[str, Literal] = {
            "Sid": session.sid,
            "User": user,
            "ReturnCode": "AUTHORIZED" if allowed else "DENIED",
            "ValidCommands": ",".join(str(int(number)) for number in commands),
        }
        if agreement.authentication:
            values["TriedAuthentication"] = True
        writer = Writer(strings_are_counted(session.method, encryption=agreement.encryption))
        encode_ad(writer, values)
        yield Send(writer.getvalue())
        self.machine.step(Event.AUTHORIZE if allowed else Event.DENY)
        if not allowed:
            raise AuthorizationError(f"command {self.meant} is not allowed to {user}")
        request.sessions.add(session, now=request.now)
        if self.command == SECURITY_QUERY:
            yield _query_result(session, legacy=request.legacy)
        return Accepted(
            command=self.command,
            user=user,
            session=session,
            finished=self.command in (AUTHENTICATE, SECURITY_QUERY),
            peer_version=session.peer_version,
        )
