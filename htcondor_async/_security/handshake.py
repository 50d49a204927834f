"""The client's side of a handshake.

Every message before the cipher is on can be read and changed on its way. What the client requires is therefore never
taken from the decision that arrives: it is compared with it, and less than required ends the connection.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import attrs

from htcondor_async._cedar.effects import Receive
from htcondor_async._cedar.values import Reader
from htcondor_async._secret import Secret
from htcondor_async._security.ads import HandshakeAd, Literal, read_ad
from htcondor_async._security.effects import Effect
from htcondor_async._security.keys import CRYPTO_PROTOCOLS, KEY_LENGTHS, KeyExchange, unwrap_key
from htcondor_async._security.methods import METHODS, Method, MethodFailed, MethodResult
from htcondor_async._security.methods.base import MethodContext, receive, receive_int, say
from htcondor_async._security.negotiation import Event, Machine, Role
from htcondor_async._security.policy import Agreement, Level, canonical_method, unsupported_method
from htcondor_async._security.request import (
    MAX_VALID_COMMANDS,
    HandshakeRequest,
    max_ad,
    opening_message,
    shown,
    start_crypto,
    strings_are_counted,
)
from htcondor_async._security.resumption import client_resume, receive_query_result
from htcondor_async._security.sessions import Session
from htcondor_async._security.versions import parse_version
from htcondor_async.errors import (
    AuthenticationError,
    AuthorizationError,
    ConnectionClosedError,
    DaemonTimeoutError,
    HTCondorException,
    Phase,
    ProtocolError,
    SecurityError,
)

__all__ = ["HandshakeRequest", "client_handshake", "client_resume", "receive_query_result"]

_SILENT_REFUSAL = (
    "the daemon does not know this command, or the security policies do not meet; "
    "compare SEC_CLIENT_* here with the daemon's SEC_*_AUTHENTICATION, _ENCRYPTION, _INTEGRITY, and its log"
)
_NO_KEY = (
    "daemons before 23.10 have no key without authentication; require authentication here and give a credential, "
    "or turn encryption and integrity off at both ends"
)


def client_handshake(request: HandshakeRequest) -> Generator[Effect, Any, Session]:
    """Open a command with a full negotiation.

    Afterwards the cipher is on, if there is one, and the client goes on with the command's arguments: the command
    itself is not sent again. With command 60010 the server closes the connection now, with 60040 it sends one more ad
    (:func:`receive_query_result`).

    Returns
    -------
    Session
        To be kept for its valid commands.

    Raises
    ------
    AuthenticationError
        No method worked; ``attempts`` says why, method by method.
    AuthorizationError
        The server knows the client and refuses the command.
    SecurityError
        The server decided on less than this client requires, or on more than it is willing to do.
    ConnectionClosedError
        The server hung up; the hint says what that means at this point.
    ProtocolError
        The server broke the protocol.
    """
    try:
        return (yield from _Handshake(request).run())
    except HTCondorException as error:
        error.add_context(address=request.address, command=request.command_text, phase=Phase.NEGOTIATE)
        raise


class _Handshake:
    """One full negotiation; the methods are its steps, in order."""

    def __init__(self, request: HandshakeRequest) -> None:
        self.request = request
        self.policy = request.policy
        self.machine = Machine(Role.CLIENT)
        self.context: MethodContext = request.context()
        self.attempts: list[tuple[str, str]] = []
        self.exchange = request.key_exchange() if request.key_exchange else KeyExchange(request.entropy)

    def run(self) -> Generator[Effect, Any, Session]:
        usable = yield from self._usable_methods()
        yield opening_message(self._proposal(usable))
        self.machine.step(Event.PROPOSE)
        decision = yield from self._receive_decision()
        agreement = self._accept(decision, usable)
        public = decision.text("ECDHPublicKey")
        key: Secret[bytes] | None = None
        if public is not None and agreement.crypto is not None:
            key = self.exchange.derive(public, agreement.crypto)
        method: Method | None = None
        result: MethodResult | None = None
        if agreement.authentication:
            self.machine.step(Event.DECIDE_AUTHENTICATION)
            self.context = attrs.evolve(
                self.context,
                peer_version=parse_version(decision.text("RemoteVersion")),
                trust_domain=decision.text("TrustDomain"),
                issuer_keys=decision.names("IssuerKeys") or (),
            )
            authenticated = yield from self._authenticate(agreement)
            if authenticated is not None:
                method, result = authenticated
                key = yield from self._key_message(agreement, method, result, key)
        else:
            self.machine.step(Event.DECIDE_WITHOUT)
        self._check_protection(agreement, key)
        if key is not None and agreement.crypto is not None:
            yield start_crypto(agreement.crypto, key, encryption=agreement.encryption, integrity=agreement.integrity)
        self.machine.step(Event.SECURE)
        verdict = yield from self._receive_verdict(agreement, key)
        return self._session(decision, verdict, agreement, key, method, result)

    def _usable_methods(self) -> Generator[Effect, Any, tuple[str, ...]]:
        """Give the configured methods that can be tried; says why not of the others."""
        usable: list[str] = []
        if self.policy.authentication is Level.NEVER and self.policy.legacy_authentication is Level.NEVER:
            return ()
        for name in self.policy.authentication_methods:
            reason = unsupported_method(name)
            if reason is None:
                reason = yield from METHODS[name].available(self.context)
            if reason is None:
                usable.append(name)
            else:
                self.attempts.append((name, reason))
        if not usable and self.policy.authentication is Level.REQUIRED:
            raise AuthenticationError(
                "authentication is required, but no configured method can be tried",
                phase=Phase.AUTHENTICATE,
                attempts=self.attempts,
            )
        return tuple(usable)

    def _proposal(self, usable: tuple[str, ...]) -> dict[str, Literal]:
        request, policy = self.request, self.policy
        level = policy.authentication if usable else Level.NEVER
        legacy = policy.legacy_authentication
        if not usable and legacy < Level.REQUIRED and max(policy.encryption, policy.integrity) < Level.PREFERRED:
            # Older servers need authentication for the rest, so only a client without other wishes can say so there.
            legacy = Level.NEVER
        values: dict[str, Literal] = {
            "Command": request.command,
            "Enact": "NO",
            "NewSession": "YES",
            "NegotiatedSession": True,
            "OutgoingNegotiation": policy.negotiation.name,
            "Authentication": legacy.name,
            "AuthenticationNew": level.name,
            "Encryption": policy.encryption.name,
            "Integrity": policy.integrity.name,
            "SessionDuration": str(policy.session_duration),
            "SessionLease": policy.session_lease,
            "RemoteVersion": request.version,
            "ConnectSinful": request.address,
            "Subsystem": request.subsystem,
            "ServerPid": request.pid,
        }
        optional: dict[str, Literal] = {
            "AuthCommand": request.auth_command,
            "AuthMethods": ",".join(usable) or None,
            "CryptoMethods": ",".join(policy.crypto_methods) or None,
            "ECDHPublicKey": self.exchange.public if policy.crypto_methods else None,
            "TrustDomain": request.settings.trust_domain,
            "ServerCommandSock": request.command_socket,
        }
        values.update((name, value) for name, value in optional.items() if value is not None)
        return values

    def _receive_decision(self) -> Generator[Effect, Any, HandshakeAd]:
        try:
            message = yield Receive(max_ad(self.request.limits))
        except ConnectionClosedError as error:
            error.add_context(hint=_SILENT_REFUSAL)
            raise
        return read_ad(message, crypto=False, limits=self.request.limits, tolerant=True)

    def _accept(self, decision: HandshakeAd, usable: tuple[str, ...]) -> Agreement:
        """Read the decision and compare it with what this client requires."""
        policy = self.policy
        yes: dict[str, bool] = {}
        for name in ("Authentication", "Encryption", "Integrity"):
            answer = (decision.text(name) or "").upper()[:1]
            if answer == "F":
                raise SecurityError(f"the security policies do not meet: {name.lower()}", hint=_SILENT_REFUSAL)
            if answer not in ("Y", "N"):
                raise ProtocolError(f"the daemon's decision does not say YES or NO to {name}")
            yes[name] = answer == "Y"
        if policy.authentication is Level.REQUIRED and not yes["Authentication"]:
            raise SecurityError("the daemon decided against authentication, which this client requires")
        if yes["Authentication"] and policy.legacy_authentication is Level.NEVER:
            raise SecurityError("the daemon decided on authentication, which this client never does")
        ciphers = decision.names("CryptoMethods") or ()
        crypto = canonical_method(ciphers[0]) if ciphers else None
        if crypto is not None and crypto not in policy.crypto_methods:
            raise SecurityError(
                f"the daemon chose the cipher {crypto!r}; this client offered {', '.join(policy.crypto_methods)}"
            )
        if crypto is not None and self._weaker(crypto):
            raise SecurityError(
                f"the daemon chose the cipher {crypto}, and this client requires encryption or integrity",
                hint=f"put {crypto} in front of AES in SEC_CLIENT_CRYPTO_METHODS to accept it",
            )
        listed = decision.names("AuthMethodsList") or decision.names("AuthMethods") or ()
        common = tuple(dict.fromkeys(name for name in map(canonical_method, listed) if name in usable))
        if yes["Authentication"] and not common:
            raise AuthenticationError(
                f"there is no common authentication method: this client offered {', '.join(usable) or 'none'}; "
                f"the daemon answered {shown(', '.join(listed)) or 'none'}",
                phase=Phase.AUTHENTICATE,
                attempts=self.attempts,
                hint="compare SEC_CLIENT_AUTHENTICATION_METHODS and the credentials here with the daemon's list",
            )
        required = decision.truth("AuthRequired")
        return Agreement(
            authentication=yes["Authentication"],
            authentication_required=required is not False or policy.authentication is Level.REQUIRED,
            encryption=yes["Encryption"],
            integrity=yes["Integrity"],
            methods=common,
            crypto=crypto,
            crypto_methods=tuple(decision.names("CryptoMethodsList") or ciphers),
            session_duration=max(0, decision.integer("SessionDuration") or 0),
            session_lease=max(0, decision.integer("SessionLease") or 0),
        )

    def _weaker(self, crypto: str) -> bool:
        """Return whether a cipher protects less than this client can ask for.

        Only AES binds what passed in clear: an attacker who takes it out of the proposal would go unnoticed.
        """
        policy = self.policy
        if crypto == "AES" or "AES" not in policy.crypto_methods:
            return False
        required = Level.REQUIRED in (policy.encryption, policy.integrity)
        return required and policy.crypto_methods.index("AES") < policy.crypto_methods.index(crypto)

    def _authenticate(self, agreement: Agreement) -> Generator[Effect, Any, tuple[Method, MethodResult] | None]:
        """Try the common methods until one succeeds; gives None if none did and none had to."""
        mask = 0
        for name in agreement.methods:
            reason = yield from METHODS[name].available(self.context)
            if reason is None:
                mask |= METHODS[name].bit
            else:
                self.attempts.append((name, reason))
        while mask or not agreement.authentication_required:
            yield from say(mask)
            self.machine.step(Event.OFFER)
            choice = yield from self._receive_choice()
            if choice == 0:
                self.machine.step(Event.CHOOSE_NONE)
                break
            method = next((m for m in METHODS.values() if m.bit == choice), None)
            if method is None or not choice & mask:
                raise ProtocolError(f"the daemon chose the authentication method {choice}; {mask} was offered")
            self.machine.step(Event.CHOOSE)
            try:
                result = yield from method.client(self.context)
            except MethodFailed as error:
                self.machine.step(Event.METHOD_FAILED)
                if not error.again:
                    self.attempts.append((method.name, str(error)))
                    mask &= ~method.bit
                continue
            except ConnectionClosedError as error:
                raise self._failed(f"the daemon hung up during {method.name}") from error
            except DaemonTimeoutError as error:
                error.add_context(phase=Phase.AUTHENTICATE)
                raise
            self.machine.step(Event.METHOD_SUCCEEDED)
            return method, result
        if agreement.authentication_required:
            if mask == 0:
                # The server is told that this is the end; its answer can only be the same.
                yield from say(0)
            raise self._failed("no authentication method succeeded")
        self.machine.step(Event.GO_ON)
        return None

    def _failed(self, what: str) -> AuthenticationError:
        return AuthenticationError(what, phase=Phase.AUTHENTICATE, attempts=self.attempts)

    def _receive_choice(self) -> Generator[Effect, Any, int]:
        try:
            choice = yield from receive_int(self.context)
        except ConnectionClosedError as error:
            raise self._failed("the daemon hung up instead of choosing an authentication method") from error
        return choice

    def _key_message(
        self, agreement: Agreement, method: Method, result: MethodResult, key: Secret[bytes] | None
    ) -> Generator[Effect, Any, Secret[bytes] | None]:
        """Receive what follows a success: a session key, or the word that there is none to send."""
        try:
            has_key = yield from receive_int(self.context)
        except (ConnectionClosedError, DaemonTimeoutError) as error:
            # A proof that came last may have been refused without a word.
            error.add_context(hint=f"the daemon may have refused the proof of {method.name}", phase=Phase.AUTHENTICATE)
            raise
        self.machine.step(Event.KEY)
        if has_key == 0:
            return key
        if has_key != 1:
            raise ProtocolError(f"the message after an authentication says {has_key} where 0 or 1 is due")
        if key is not None:
            raise ProtocolError("the daemon sends a session key although one was agreed already")
        reader = yield from receive(self.context, 4096)
        sent = self._transported_key(reader, agreement, result)
        needed = Level.REQUIRED in (self.policy.encryption, self.policy.integrity)
        if needed and not method.protects_key:
            raise SecurityError(
                f"the session key came in a form that {method.name} does not protect, and this client requires "
                "encryption or integrity",
                hint="the daemon took no part in the key exchange that this client offered",
            )
        return sent

    def _transported_key(self, reader: Reader, agreement: Agreement, result: MethodResult) -> Secret[bytes]:
        length, protocol, _duration, wrapped_length = (reader.int() for _ in range(4))
        if agreement.crypto is None or protocol != CRYPTO_PROTOCOLS[agreement.crypto]:
            raise ProtocolError(f"the session key is for cipher {protocol}; {agreement.crypto or 'none'} was decided")
        if length != KEY_LENGTHS[agreement.crypto] or not length <= wrapped_length <= 1024:
            raise ProtocolError(f"the session key is announced with {length} of {wrapped_length} bytes")
        wrapped = reader.raw(wrapped_length)
        reader.expect_end()
        return unwrap_key(wrapped, length, result.wrapping)

    def _check_protection(self, agreement: Agreement, key: Secret[bytes] | None) -> None:
        """End the connection if it would be less protected than this client requires, or than was decided."""
        sealed = key is not None and agreement.crypto == "AES"
        for name, decided, level in (
            ("encryption", agreement.encryption, self.policy.encryption),
            ("integrity", agreement.integrity, self.policy.integrity),
        ):
            on = sealed or (key is not None and decided)
            if level is Level.REQUIRED and not on:
                raise SecurityError(f"there would be no {name}, which this client requires", hint=_NO_KEY)
            if decided and key is None:
                raise SecurityError(f"the daemon decided on {name}, but there is no key", hint=_NO_KEY)

    def _receive_verdict(self, agreement: Agreement, key: Secret[bytes] | None) -> Generator[Effect, Any, HandshakeAd]:
        try:
            message = yield Receive(max_ad(self.request.limits))
        except ConnectionClosedError as error:
            hint = "the daemon refused to go on; its log says why"
            if agreement.authentication and self.attempts:
                hint = "authentication failed, and the daemon does not go on without; " + "; ".join(
                    f"{name}: {reason}" for name, reason in self.attempts
                )
            error.add_context(hint=hint)
            raise
        method = None if key is None else agreement.crypto
        counted = strings_are_counted(method, encryption=agreement.encryption)
        verdict = read_ad(message, crypto=counted, limits=self.request.limits, tolerant=True)
        code = (verdict.text("ReturnCode") or "AUTHORIZED").upper()
        user = verdict.text("User")
        if code == "DENIED":
            self.machine.step(Event.DENY)
            raise AuthorizationError(
                f"the daemon does not allow the command to {shown(user) if user else 'this client'}",
                hint=self._denied_hint(verdict, agreement),
            )
        if code == "CMD_NOT_FOUND":
            self.machine.step(Event.DENY)
            raise AuthorizationError("the daemon does not have the command any more")
        if code != "AUTHORIZED":
            raise ProtocolError(f"the daemon's verdict is {code!r}")
        self.machine.step(Event.AUTHORIZE)
        return verdict

    def _denied_hint(self, verdict: HandshakeAd, agreement: Agreement) -> str:
        if not agreement.authentication:
            return "nobody was authenticated; set SEC_CLIENT_AUTHENTICATION = REQUIRED to use a credential"
        if self.attempts:
            return "methods that failed: " + "; ".join(f"{name}: {reason}" for name, reason in self.attempts)
        return "the daemon's ALLOW_* lists, and the scope of the token if one was used, decide"

    def _session(
        self,
        decision: HandshakeAd,
        verdict: HandshakeAd,
        agreement: Agreement,
        key: Secret[bytes] | None,
        method: Method | None,
        result: MethodResult | None,
    ) -> Session:
        sid = verdict.text("Sid")
        words = verdict.names("ValidCommands") or ()
        if not sid or not words:
            raise ProtocolError("the daemon's verdict names no session or no commands that it is for")
        if len(words) > MAX_VALID_COMMANDS or not all(word.isascii() and word.isdigit() for word in words):
            raise ProtocolError("the daemon's verdict has a list of commands that cannot be read")
        attributes = {**decision, **verdict}
        attributes.pop("ECDHPublicKey", None)
        if method is not None:
            attributes["AuthMethods"] = method.name
        return Session(
            sid=sid,
            key=key,
            method=None if key is None else agreement.crypto,
            user=verdict.text("User"),
            authenticated_by=None if method is None else method.name,
            authentication_attempts=tuple(self.attempts),
            server_identity=None if result is None else result.identity,
            valid_commands=frozenset(int(word[:10]) for word in words),
            made=self.request.now,
            expires=self.request.now + agreement.session_duration,
            lease=float(agreement.session_lease),
            peer_version=decision.text("RemoteVersion"),
            attributes=attributes,
        )
