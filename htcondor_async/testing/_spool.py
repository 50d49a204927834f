"""Jobs that were submitted to be spooled: what a schedd makes of them at the commit.

Their files come later, into a folder of the schedd's; the ad is changed to point there, and keeps what it said before
under ``SUBMIT_`` names (``condor_schedd.V6/qmgmt.cpp``, rewriteSpooledJobAd).
"""

from __future__ import annotations

from pathlib import Path

from htcondor_async.classad import ClassAd, ExprTree
from htcondor_async.testing._job_queue import JobId
from htcondor_async.testing._transactions import JobTransaction

__all__ = ["SPOOLING", "prepare_spooling", "spool_folder_of", "submit_side"]

SPOOLING = 16
_PREFIX = "SUBMIT_"
_PATHS = ("Cmd", "In", "UserLog", "x509userproxy")


def spool_folder_of(folder: Path, job: JobId) -> Path:
    """Return where a job's files are kept."""
    cluster, proc = job
    return folder / str(cluster % 10000) / str(proc % 10000) / f"cluster{cluster}.proc{proc}.subproc0"


def prepare_spooling(transaction: JobTransaction, folder: Path) -> None:
    """Change the ads of the new jobs that wait for their files."""
    for job, ad in transaction.new_jobs():
        if ad.get("HoldReasonCode") != SPOOLING or ad.get("JobStatus") != 5:
            continue
        changes: dict[str, object] = {"Iwd": str(spool_folder_of(folder, job))}
        for name in _PATHS:
            path = ad.get(name)
            if name == "Cmd" and ad.get("TransferExecutable") is False:
                continue
            if isinstance(path, str) and "/" in path and path != "/dev/null":
                changes[name] = path.rpartition("/")[2]
        inputs = ad.get("TransferInput")
        if isinstance(inputs, str):
            short = ",".join(_short(entry.strip()) for entry in inputs.split(",") if entry.strip())
            if short != inputs:
                changes["TransferInput"] = short
        if "TransferOutputRemaps" in ad:
            changes["TransferOutputRemaps"] = ExprTree("undefined")
        for name, value in changes.items():
            if name in ad:
                transaction.put(job, f"{_PREFIX}{name}", ad.lookup(name))
            transaction.put(job, name, value)


def _short(entry: str) -> str:
    return entry if "://" in entry else entry.rstrip("/").rpartition("/")[2]


def submit_side(ad: ClassAd) -> ClassAd:
    """Return a job as it was submitted: each attribute as its ``SUBMIT_`` form says, where there is one."""
    whole = ad.copy()
    for name in ad:
        if name.upper().startswith(_PREFIX):
            whole[name[len(_PREFIX) :]] = ad.lookup(name)
    return whole
