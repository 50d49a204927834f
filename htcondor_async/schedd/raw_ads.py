"""Job ads given as they are, without a submit description: what they lack, as the v1 bindings add it.

The defaults and the additions to ``Requirements`` are those of v1's ``submit`` and ``submitMany``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from htcondor_async.classad import ClassAd, ClassAdException, ExprTree
from htcondor_async.errors import HTCondorTypeError, HTCondorValueError

__all__ = ["cluster_defaults", "job_ad", "mark_spooled", "with_requirements"]

_HELD = 5
_SPOOLING = 16
_KEPT_SECONDS = 60 * 60 * 24 * 10  # how long a finished job waits for its files to be fetched
_LEAVE = (
    "JobStatus == 4 && ( CompletionDate =?= undefined || CompletionDate == 0 || "
    f"((time() - CompletionDate) < {_KEPT_SECONDS}))"
)
_MEMORY = "ifthenelse(MemoryUsage =!= undefined,MemoryUsage,( ImageSize + 1023 ) / 1024)"
_COMPARED = (("RequestDisk", "Disk"), ("RequestMemory", "Memory"), ("RequestCpus", "Cpus"), ("RequestGPUs", "Gpus"))
_DEFAULTS: Mapping[str, Any] = {
    "MyType": "Job",
    "TargetType": "Machine",
    "Cmd": "/bin/echo",
    "Args": "",
    "In": "/dev/null",
    "Out": "/dev/null",
    "Err": "/dev/null",
    "JobUniverse": 5,
    "JobStatus": 1,
    "JobPrio": 0,
    "JobNotification": 0,
    "MaxHosts": 1,
    "MinHosts": 1,
    "CurrentHosts": 0,
    "NumCkpts": 0,
    "NumRestarts": 0,
    "NumJobStarts": 0,
    "NumJobCompletions": 0,
    "NumSystemHolds": 0,
    "DiskUsage": 1,
    "ImageSize": 100,
    "StreamErr": False,
    "StreamOut": False,
    "BufferSize": 524288,
    "BufferBlockSize": 32768,
    "ExitStatus": 0,
    "ExitBySignal": False,
    "RemoteSysCpu": 0.0,
    "RemoteUserCpu": 0.0,
    "RemoteWallClockTime": 0.0,
    "CommittedTime": 0,
    "CommittedSlotTime": 0,
    "CommittedSuspensionTime": 0,
    "CumulativeSlotTime": 0,
    "CumulativeSuspensionTime": 0,
    "TotalSuspensions": 0,
    "LastSuspensionTime": 0,
    "LeaveJobInQueue": False,
    "RequestCpus": 1,
    "RequestDisk": ExprTree("DiskUsage"),
    "RequestMemory": ExprTree(_MEMORY),
    "Requirements": True,
    "ShouldTransferFiles": "YES",
    "WhenToTransferOutput": "ON_EXIT",
}


def cluster_defaults(*, now: int, directory: str, version: str, platform: str) -> ClassAd:
    """Return what every job has unless its ad says otherwise.

    Parameters
    ----------
    now
        Seconds since 1970.
    directory
        The working directory.
    version, platform
        Of this client.
    """
    ad = ClassAd(_DEFAULTS)
    ad.update(
        {
            "Owner": ExprTree("undefined"),  # the schedd fills in who is authenticated
            "QDate": now,
            "EnteredCurrentStatus": now,
            "Iwd": directory,
            "CondorVersion": version,
            "CondorPlatform": platform,
        }
    )
    return ad


def job_ad(given: Mapping[str, Any]) -> ClassAd:
    """Return a copy of an ad that was given as one, or as a mapping.

    Raises
    ------
    HTCondorTypeError
        It is neither, or a value cannot be one of an attribute.
    """
    if not isinstance(given, Mapping):
        raise HTCondorTypeError(f"a job is a ClassAd or a mapping, not {type(given).__name__}")
    ad = ClassAd()
    try:
        ad.update(given)
    except (ClassAdException, TypeError) as error:
        raise HTCondorTypeError(f"the job ad is none: {error}") from error
    return ad


def with_requirements(ad: ClassAd, opsys: str, arch: str) -> None:
    """Add to ``Requirements`` what a machine must have for this job, unless they speak of it already.

    ``opsys`` and ``arch`` are HTCondor's names for the platform that the job is for.
    """
    expression = ad.lookup("Requirements") if "Requirements" in ad else ExprTree("true")
    said = str(expression).lower()
    clauses = []
    for name, value in (("OPSYS", opsys), ("ARCH", arch)):
        if name.lower() not in said:
            clauses.append(f'TARGET.{name} == "{value}"')
    transfer = ad.eval("ShouldTransferFiles") if "ShouldTransferFiles" in ad else None
    same_files = "TARGET.FileSystemDomain == MY.FileSystemDomain"
    if transfer == "NO":
        if "filesystemdomain" not in said:
            clauses.append(same_files)
    elif "hasfiletransfer" not in said:
        clauses.append("TARGET.HasFileTransfer" if transfer == "YES" else f"(TARGET.HasFileTransfer || ({same_files}))")
    for wanted, offered in _COMPARED:
        if wanted in ad and wanted.lower() not in said:
            clauses.append(f"TARGET.{offered} >= {wanted}")
    if not clauses:
        return
    text = str(expression)
    # an operator that binds less would swallow what follows it
    ad["Requirements"] = ExprTree(" && ".join([text if _is_simple(text) else f"({text})", *clauses]))


def _is_simple(text: str) -> bool:
    return not any(mark in text for mark in ("||", "?", "&&", "=", "<", ">", "|", "^", "&"))


def mark_spooled(ad: ClassAd) -> None:
    """Make a job wait for its input files, and keep it until its output has been fetched."""
    ad.update(
        {
            "JobStatus": _HELD,
            "HoldReason": "Spooling input data files",
            "HoldReasonCode": _SPOOLING,
            "LeaveJobInQueue": ExprTree(_LEAVE),
        }
    )
    for attribute, stream, name in (("Out", "StreamOut", "_condor_stdout"), ("Err", "StreamErr", "_condor_stderr")):
        path = ad.eval(attribute) if attribute in ad else None
        streamed = stream in ad and ad.eval(stream) is True
        if not isinstance(path, str) or streamed or path == "/dev/null" or "/" not in path:
            continue
        if any(c in path for c in ";=\\"):
            raise HTCondorValueError(f"{attribute} = {path!r} cannot be the target of a transfer: it has one of ; = \\")
        remaps = ad.eval("TransferOutputRemaps") if "TransferOutputRemaps" in ad else None
        others = remaps.split(";") if isinstance(remaps, str) and remaps else []
        ad[attribute] = name
        ad["TransferOutputRemaps"] = ";".join(
            [*(entry for entry in others if entry.partition("=")[0] != name), f"{name}={path}"]
        )
