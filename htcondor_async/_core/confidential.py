"""Commands that carry secrets: over an encrypted connection or not at all."""

from __future__ import annotations

import attrs

from htcondor_async._cedar.commands import Command
from htcondor_async._core.channel import Channel
from htcondor_async._core.command import open_command
from htcondor_async._core.context import Context, Target
from htcondor_async._security.policy import Level
from htcondor_async.errors import SecurityError

__all__ = ["confidential", "open_confidential"]

_HINT = "secrets are sent over encrypted connections only; let SEC_CLIENT_ENCRYPTION be OPTIONAL or higher"


def confidential(context: Context, *, authenticated: bool = False) -> Context:
    """Return the context with a policy that requires encryption, and authentication if that is asked for.

    Raises
    ------
    SecurityError
        The client's configuration excludes it.
    """
    policy = context.policy
    if not policy.negotiates or policy.encryption is Level.NEVER:
        raise SecurityError("the configuration excludes the encryption that secrets need", hint=_HINT)
    policy = attrs.evolve(policy, encryption=Level.REQUIRED)
    if authenticated:
        if policy.authentication is Level.NEVER:
            raise SecurityError(
                "the configuration excludes the authentication that this command needs",
                hint="let SEC_CLIENT_AUTHENTICATION be OPTIONAL or higher",
            )
        policy = attrs.evolve(policy, authentication=Level.REQUIRED)
    return attrs.evolve(context, policy=policy)


async def open_confidential(
    context: Context, target: Target, command: Command, deadline: float, *, authenticated: bool = False
) -> Channel:
    """Open a command whose connection is encrypted for certain; see :func:`confidential`."""
    channel = await open_command(confidential(context, authenticated=authenticated), target, command, deadline)
    if not channel.cedar.crypto:  # the policy forbids it; never rely on that alone with a secret in hand
        channel.abort()
        raise SecurityError(
            "the connection is not encrypted", daemon=target.daemon, address=str(target.address), hint=_HINT
        )
    return channel
