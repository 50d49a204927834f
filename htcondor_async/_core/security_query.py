"""Asking a daemon whether it would allow a command: DC_SEC_QUERY, always over a new negotiation."""

from __future__ import annotations

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._core.command import negotiate_for
from htcondor_async._core.context import Context, Target
from htcondor_async._security.ads import HandshakeAd
from htcondor_async._security.sessions import Session
from htcondor_async.classad import ClassAd
from htcondor_async.errors import Phase, SecurityError

__all__ = ["SecurityReport", "query_security"]


@attrs.frozen
class SecurityReport:
    """What came of a question for a permission.

    Parameters
    ----------
    session
        The session that was agreed on.
    answer
        The daemon's answer.
    command
        The command that was asked about.
    target
        The daemon.
    peer
        The numeric address that was connected to.
    elapsed
        Seconds it took.
    """

    session: Session
    answer: HandshakeAd
    command: Command
    target: Target
    peer: str
    elapsed: float

    @property
    def allowed(self) -> bool:
        """Whether the daemon would let this client give the command."""
        return self.answer.truth("AuthorizationSucceeded") is True

    def ad(self) -> ClassAd:
        """Return all of it as an ad, without the session's key."""
        ad = ClassAd()
        ad.update({name: value for name, value in self.session.attributes.items() if value is not None})
        ad.update({name: value for name, value in self.answer.items() if value is not None})
        ad.update(
            {
                "AuthorizationSucceeded": self.allowed,
                "Command": int(Command.DC_SEC_QUERY),
                "AuthCommand": int(self.command),
                "ConnectSinful": str(self.target.address),
                "NegotiatedSession": True,
                "OutgoingNegotiation": True,
            }
        )
        if self.session.user is not None:
            ad["MyRemoteUserName"] = self.session.user
        if self.session.method is not None:
            ad["CryptoMethods"] = self.session.method
        return ad


async def query_security(context: Context, target: Target, command: Command, deadline: float) -> SecurityReport:
    """Negotiate a new session for the question and return the answer.

    Raises
    ------
    SecurityError
        This client does not negotiate at all.
    """
    if not context.policy.negotiates:
        raise SecurityError(
            "this client never negotiates, so that there is nothing to ask about",
            hint="let SEC_CLIENT_NEGOTIATION be PREFERRED",
        )
    started = context.runtime.clock()
    channel, request = await negotiate_for(context, target, Command.DC_SEC_QUERY, command, started, deadline)
    try:
        from htcondor_async._security.resumption import receive_query_result

        session = channel.session
        if session is None:
            raise SecurityError("the negotiation gave no session")
        answer = await channel.perform(receive_query_result(request, session), Phase.RECEIVE, deadline)
        return SecurityReport(
            session,
            answer,
            command,
            target,
            f"{channel.stream.peer.host}:{channel.stream.peer.port}",
            context.runtime.clock() - started,
        )
    finally:
        channel.abort()
