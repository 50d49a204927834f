"""Carrying out what a handshake asks of the world beside its connection."""

from __future__ import annotations

import inspect
import logging
import math
import warnings
from typing import Any

from htcondor_async._runtime.base import FileInfo as RuntimeFileInfo
from htcondor_async._runtime.base import Runtime
from htcondor_async._secret import Secret
from htcondor_async._security import effects
from htcondor_async.errors import HTCondorInternalError, HTCondorIOError

__all__ = ["carry_out"]

_log = logging.getLogger("htcondor_async.security")


async def carry_out(effect: object, runtime: Runtime, deadline: float = math.inf) -> Any:
    """Do what ``effect`` asks; return its result. What fails raises ``OSError``."""
    match effect:
        case effects.MakeDirectory(path=path, mode=mode):
            return await runtime.make_directory(path, mode)
        case effects.RemoveDirectory(path=path):
            return await runtime.remove_directory(path)
        case effects.ReadFile(path=path, max_size=size):
            return Secret(await runtime.read_file(path, size))
        case effects.ListDirectory(path=path):
            return await runtime.list_directory(path)
        case effects.StatFile(path=path, follow=follow):
            info = await runtime.stat(path, follow=follow)
            return None if info is None else _file_info(info)
        case effects.CurrentUser():
            user = runtime.user()
            return effects.UserIdentity(user.name, user.uid, user.home, switches_ids=user.uid == 0)
        case effects.UserNameOf(uid=uid):
            return runtime.user_name_of(uid)
        case effects.EnvironmentVariable(name=name):
            value = runtime.environ().get(name)
            return None if value is None else Secret(value)
        case effects.AppendLine(path=path, line=line, mode=mode):
            return await runtime.append_line(path, line, mode=mode)
        case effects.CallProvider(provider=provider):
            given = provider()
            return await given if inspect.isawaitable(given) else given
        case effects.AskTrust(decide=decide, certificate=certificate):
            decision = decide(certificate)
            return await decision if inspect.isawaitable(decision) else decision
        case effects.RunCommand(arguments=arguments, stdin=stdin, timeout=timeout, max_size=size):
            result = await runtime.run_command(
                arguments, runtime.clock() + timeout, input=stdin.reveal(), max_output=size
            )
            if result.status != 0:
                raise HTCondorIOError(
                    f"{arguments[0]} ended with status {result.status}: {result.stderr[:500].decode(errors='replace')}"
                )
            return Secret(result.stdout)
        case effects.WarnOfExpiry(message=message):
            _log.warning("%s", message)
            warnings.warn(message, effects.TokenExpiryWarning, stacklevel=2)
            return None
        case effects.BuildTlsContext(settings=settings):
            return await runtime.tls_context(settings)
        case effects.KerberosStep(timeout=timeout, run=run, local=local):
            return await runtime.kerberos(run, min(deadline, runtime.clock() + timeout), local=local)
    raise HTCondorInternalError(f"nobody carries out {type(effect).__name__}")


def _file_info(info: RuntimeFileInfo) -> effects.FileInfo:
    kind = (
        effects.FileKind.DIRECTORY
        if info.is_directory
        else effects.FileKind.LINK
        if info.is_link
        else effects.FileKind.FILE
    )
    return effects.FileInfo(
        kind, info.mode, info.uid, links=info.links, size=info.size, mtime_ns=info.mtime_ns, inode=info.inode
    )
