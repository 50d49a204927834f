"""What happens when this client gives a command to a daemon: phase by phase, and what to do where it ends."""

from __future__ import annotations

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._core.context import Context, Target
from htcondor_async._core.security_query import SecurityReport, query_security
from htcondor_async._core.tokens import all_tokens
from htcondor_async._security.policy import Level
from htcondor_async._security.tokens import describe_time
from htcondor_async.client import Client, default_client
from htcondor_async.daemons import Location, _target
from htcondor_async.errors import (
    AuthenticationError,
    AuthorizationError,
    HTCondorException,
    Phase,
)
from htcondor_async.secman import authorization_command

__all__ = ["Explanation", "Step", "explain_permission"]

_MAX_SHOWN = 300


@attrs.frozen
class Step:
    """One phase: its name, whether it succeeded (None: nothing could fail), and what is known of it."""

    name: str
    ok: bool | None
    lines: tuple[str, ...]


@attrs.frozen
class Explanation:
    """All phases up to the end or the failure. It contains no secret.

    Parameters
    ----------
    daemon
        Who was asked.
    command
        The command it was about.
    steps
        The phases in order.
    allowed
        Whether the daemon would let this client give the command.
    error
        What ended it, None if nothing did.
    advice
        What to do about it.
    """

    daemon: str
    command: str
    steps: tuple[Step, ...]
    allowed: bool
    error: HTCondorException | None = None
    advice: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.command} at {self.daemon}"]
        for step in self.steps:
            mark = {True: "ok", False: "FAILED", None: "--"}[step.ok]
            lines.append(f"{step.name}: {mark}")
            lines += [f"    {_shown(line)}" for line in step.lines]
        lines.append("allowed" if self.allowed else "NOT allowed")
        lines += [f"-> {_shown(line)}" for line in self.advice]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """Return it for programs, as JSON can carry it."""
        return {
            "daemon": self.daemon,
            "command": self.command,
            "allowed": self.allowed,
            "steps": [{"name": step.name, "ok": step.ok, "lines": list(step.lines)} for step in self.steps],
            "error": None if self.error is None else str(self.error),
            "advice": list(self.advice),
        }


def _shown(text: str) -> str:
    """Return text of the daemon's for a terminal."""
    text = text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."
    return text if text.isprintable() else ascii(text)


async def explain_permission(
    location: Location, command: str | int = "READ", *, client: Client | None = None, timeout: float | None = None
) -> Explanation:
    """Ask a daemon whether it would let this client give a command, and tell how it came to the answer.

    Parameters
    ----------
    location
        The daemon's ad or its address.
    command
        A command's name or number, or a level as ``"WRITE"``.
    client
        Who asks; by default the client of the current context.
    timeout
        Seconds for all of it.

    Raises
    ------
    HTCondorEnumError
        There is no such command. Failures on the way to the daemon's answer are told, not raised.
    """
    wanted = authorization_command(command)
    context = (client if client is not None else default_client())._context()
    target = _target(location)
    steps = [_address(context, target), await _offer(context)]
    try:
        report = await query_security(context, target, wanted, context.deadline(timeout))
    except HTCondorException as error:
        failed = _failure(context, error)
        return Explanation(str(target), wanted.name, (*steps, *failed), False, error, _advice(error))
    steps += _agreement(report)
    advice = () if report.allowed else ("the daemon's ALLOW_* lists decide; its log says more",)
    return Explanation(str(target), wanted.name, tuple(steps), report.allowed, None, advice)


def _address(context: Context, target: Target) -> Step:
    address = target.address.for_network(context.own_network())
    lines = []
    try:
        lines.append("to try: " + ", ".join(f"{host} port {port}" for host, port in address.candidates()))
    except HTCondorException as error:
        lines.append(error.what)
    if address != target.address:
        lines.append(f"in the same private network ({context.own_network()}): addressed directly")
    if address.ccb:
        brokers = ", ".join(f"{contact.broker.host}:{contact.broker.port}" for contact in address.ccb)
        lines.append(f"reached through a CCB broker: {brokers}")
    if address.sock is not None:
        lines.append(f"behind a shared port, as {address.sock}")
    return Step("address", None, tuple(lines))


async def _offer(context: Context) -> Step:
    policy = context.policy
    lines = [
        f"authentication {policy.authentication.name}, encryption {policy.encryption.name}, "
        f"integrity {policy.integrity.name}, negotiation {policy.negotiation.name}",
        f"methods: {', '.join(policy.authentication_methods) or 'none'}",
        f"ciphers: {', '.join(policy.crypto_methods) or 'none'}",
        *(f"{name}: {reason}" for name, reason in policy.unsupported),
    ]
    if "TOKEN" in policy.authentication_methods and policy.authentication is not Level.NEVER:
        tokens, passed_over = await all_tokens(context)
        for token in tokens:
            ends = "without end" if token.expires is None else f"until {describe_time(token.expires)}"
            if token.expired(context.runtime.now()):
                ends = f"EXPIRED at {describe_time(token.expires or 0)}"
            lines.append(f"token of {token.subject} for {token.issuer}, key {token.key_id}, {ends}: {token.origin}")
        lines += [f"no token from {origin}: {reason}" for origin, reason in passed_over]
    return Step("offered", None, tuple(lines))


def _agreement(report: SecurityReport) -> list[Step]:
    session = report.session
    attributes = session.attributes
    yes = [name.lower() for name in ("Authentication", "Encryption", "Integrity") if attributes.get(name) == "YES"]
    if session.method == "AES":
        yes = [*dict.fromkeys([*yes, "encryption", "integrity"])]
    chosen = [f"{', '.join(yes) or 'no protection'}; cipher {session.method or 'none'}"]
    if session.peer_version is not None:
        chosen.append(f"the daemon is {session.peer_version.strip('$ ')}")
    for name, label in (("TrustDomain", "trust domain"), ("IssuerKeys", "signing keys")):
        if attributes.get(name):
            chosen.append(f"its {label}: {attributes[name]}")
    methods = [f"{method} failed: {reason}" for method, reason in session.authentication_attempts]
    if session.authenticated_by is not None:
        methods.append(f"{session.authenticated_by} succeeded")
    else:
        methods.append("nobody was authenticated")
    methods.append(f"known to the daemon as {session.user}")
    granted = [f"{report.command.name} is {'allowed' if report.allowed else 'not allowed'}"]
    names = [level for level in _LEVELS if int(Command[f"DC_NOP_{level}"]) in session.valid_commands]
    if names:
        granted.append(f"the session holds for the levels {', '.join(names)}")
    if session.limits:
        granted.append(f"the credential is limited to {', '.join(session.limits)}")
    return [
        Step("connected", True, (f"{report.peer}, {report.elapsed:.2f} s for all",)),
        Step("chosen", True, tuple(chosen)),
        Step("authenticated", True if session.authenticated_by else None, tuple(methods)),
        Step("authorized", report.allowed, tuple(granted)),
    ]


_LEVELS = ("READ", "WRITE", "NEGOTIATOR", "ADMINISTRATOR", "CONFIG", "DAEMON")
_PHASES = {
    Phase.RESOLVE: "resolved",
    Phase.CONNECT: "connected",
    Phase.NEGOTIATE: "chosen",
    Phase.AUTHENTICATE: "authenticated",
    Phase.SEND: "asked",
    Phase.RECEIVE: "answered",
}


def _failure(context: Context, error: HTCondorException) -> list[Step]:
    phase = error.phase or Phase.NEGOTIATE
    lines = [error.what, *error.error_stack]
    if isinstance(error, AuthenticationError):
        return [
            Step("connected", True, ()),
            Step("authenticated", False, (*lines, *(f"{method}: {reason}" for method, reason in error.attempts))),
        ]
    if isinstance(error, AuthorizationError):
        return [Step("connected", True, ()), Step("authorized", False, tuple(lines))]
    before = [] if phase in (Phase.RESOLVE, Phase.CONNECT) else [Step("connected", True, ())]
    return [*before, Step(_PHASES[phase], False, tuple(lines))]


def _advice(error: HTCondorException) -> tuple[str, ...]:
    advice = [error.hint] if error.hint else []
    if isinstance(error, AuthenticationError) and not advice:
        advice.append("give this client a credential for one of the daemon's methods, as a token")
    if error.phase in (Phase.RESOLVE, Phase.CONNECT) and not advice:
        advice.append("is the daemon running, and is the address right? Firewalls show as timeouts")
    return tuple(advice)
