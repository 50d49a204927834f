"""Opening a command with a session that exists already, and asking whether a command would be allowed."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import attrs

from htcondor_async._cedar.effects import Receive
from htcondor_async._security.ads import HandshakeAd, Literal, read_ad
from htcondor_async._security.effects import Effect
from htcondor_async._security.negotiation import Event, Machine, Role
from htcondor_async._security.request import (
    HandshakeRequest,
    agreed,
    max_ad,
    nonce,
    opening_message,
    session_meets,
    start_crypto,
    strings_are_counted,
)
from htcondor_async._security.sessions import Session
from htcondor_async.errors import (
    AuthorizationError,
    ConnectionClosedError,
    HTCondorException,
    Phase,
    ProtocolError,
    SecurityError,
    SessionInvalidError,
)

__all__ = ["client_resume", "receive_query_result"]


def client_resume(request: HandshakeRequest, session: Session) -> Generator[Effect, Any, Session]:
    """Open a command with a session that exists.

    Raises
    ------
    SessionInvalidError
        The server does not know the session any more: drop it, that one alone, and negotiate.
    SecurityError
        The session gives less than the request's policy requires; nothing was sent.
    """
    try:
        return (yield from _resume(request, session))
    except HTCondorException as error:
        error.add_context(address=request.address, command=request.command_text, phase=Phase.NEGOTIATE)
        raise


def receive_query_result(request: HandshakeRequest, session: Session) -> Generator[Effect, Any, HandshakeAd]:
    """Receive the answer to command 60040, after a handshake or a resumption.

    Raises
    ------
    AuthorizationError
        The server hung up instead, which is how it says no to a session that was resumed.
    """
    try:
        message = yield Receive(max_ad(request.limits))
    except ConnectionClosedError as error:
        raise AuthorizationError(
            "the daemon does not allow the command", address=request.address, command=request.command_text
        ) from error
    counted = strings_are_counted(session.method, encryption=agreed(HandshakeAd(session.attributes), "Encryption"))
    return read_ad(message, crypto=counted, limits=request.limits, tolerant=True)


def _resume(request: HandshakeRequest, session: Session) -> Generator[Effect, Any, Session]:
    if not session_meets(session, request.policy):
        raise SecurityError("the security session gives less than this client requires")
    machine = Machine(Role.CLIENT)
    values: dict[str, Literal] = {
        "UseSession": "YES",
        "Sid": session.sid,
        "Command": request.command,
        "Nonce": nonce(request.entropy),
        "ResumeResponse": True,
        "RemoteVersion": request.version,
        "ConnectSinful": request.address,
    }
    optional = {
        "AuthCommand": request.auth_command,
        "CryptoMethods": session.method,
        "ServerCommandSock": request.command_socket,
    }
    values.update((name, value) for name, value in optional.items() if value is not None)
    yield opening_message(values)
    machine.step(Event.RESUME)
    message = yield Receive(max_ad(request.limits))
    reply = read_ad(message, crypto=False, limits=request.limits, tolerant=True)
    code = (reply.text("ReturnCode") or "AUTHORIZED").upper()
    if code == "SID_NOT_FOUND":
        machine.step(Event.SESSION_UNKNOWN)
        raise SessionInvalidError(
            "the daemon does not know the security session", hint="it was probably restarted; negotiate again"
        )
    if code != "AUTHORIZED":
        raise ProtocolError(f"the daemon answered {code!r} to the resumption of a session")
    machine.step(Event.SESSION_KNOWN)
    if session.key is not None and session.method is not None:
        ad = HandshakeAd(session.attributes)
        yield start_crypto(
            session.method, session.key, encryption=agreed(ad, "Encryption"), integrity=agreed(ad, "Integrity")
        )
    machine.step(Event.SECURE)
    version = reply.text("RemoteVersion")
    return session if version is None else attrs.evolve(session, peer_version=version)
