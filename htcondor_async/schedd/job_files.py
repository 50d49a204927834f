"""Which files a job needs, and where those go that it has made: what its ad says about them.

Input files are those that ``condor_utils/file_transfer.cpp`` (_SimpleInit) collects for a spool.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from htcondor_async._core.sandbox import JobFiles
from htcondor_async._runtime.sandbox import Entry, SandboxWriter, inputs
from htcondor_async.classad import ClassAd
from htcondor_async.errors import HTCondorIOError, HTCondorValueError

__all__ = ["input_files", "job_id_of", "output_writer"]

_NULL = ("/dev/null", "")


def job_id_of(ad: Mapping[str, Any]) -> tuple[int, int]:
    """Return the id of a job.

    Raises
    ------
    HTCondorValueError
        The ad has none.
    """
    cluster, proc = ad.get("ClusterId"), ad.get("ProcId")
    if type(cluster) is not int or type(proc) is not int:
        raise HTCondorValueError("a job ad without ClusterId or ProcId")
    return cluster, proc


def input_files(ad: ClassAd, *, delegate: bool) -> JobFiles:
    """Return the files of a job that are sent when it is spooled; reads directories, so it may block.

    Parameters
    ----------
    ad
        The job as it was submitted, its paths those of this machine.
    delegate
        Whether an X.509 proxy is delegated rather than copied.

    Raises
    ------
    HTCondorValueError
        The job has no Iwd, or names something that is not sent.
    HTCondorIOError
        A file is missing or a directory cannot be read; nothing has been sent.
    """
    job = job_id_of(ad)
    where = f"job {job[0]}.{job[1]}"
    directory = _text(ad, "Iwd")
    if not directory:
        raise HTCondorValueError(f"{where} has no Iwd: its files cannot be found")
    proxy = _text(ad, "x509userproxy")
    names = [proxy] if proxy not in _NULL else []
    for attribute in ("TransferInput", "PublicInputFiles"):
        names += [name.strip() for name in _text(ad, attribute).split(",") if name.strip()]
    names += [_text(ad, "In"), _text(ad, "DataReuseManifestSHA256")]
    if "TransferExecutable" not in ad or ad.eval("TransferExecutable") is not False:
        names += [_text(ad, "OrigCmd"), _text(ad, "Cmd")]
    wanted = list(dict.fromkeys(name for name in names if name not in _NULL and "://" not in name))
    preserve = "PreserveRelativePaths" in ad and ad.eval("PreserveRelativePaths") is True
    try:
        entries: list[Entry] = inputs(directory, wanted, preserve=preserve)
    except OSError as error:
        raise HTCondorIOError(
            f"{where} cannot be spooled: {error.filename}: {error.strerror}", hint="nothing has been sent"
        ) from error
    delegated = proxy.rpartition("/")[2] if delegate and proxy not in _NULL else ""
    return JobFiles(job, entries, delegated)


def output_writer(ad: ClassAd, destination: str | None) -> SandboxWriter:
    """Return who writes the files that a job has made; may block.

    Parameters
    ----------
    ad
        The job as it was submitted.
    destination
        A directory: the files go into a folder of it named after the job. None: where the job was submitted, with its
        ``TransferOutputRemaps``.

    Raises
    ------
    HTCondorIOError
        There is no such directory.
    """
    cluster, proc = job_id_of(ad)
    remaps = _remaps(ad)
    if destination is not None:
        folder = Path(destination) / f"{cluster}.{proc}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HTCondorIOError(f"{folder} cannot be made: {error.strerror}") from error
        short = {name: path.rpartition("/")[2] for name, path in remaps.items()}
        return SandboxWriter(str(folder), {name: last for name, last in short.items() if last not in ("", ".", "..")})
    directory = _text(ad, "Iwd")
    log = _text(ad, "UserLog")
    if "/" in log:
        remaps.setdefault(log.rpartition("/")[2], log)
    if not directory or not Path(directory).is_dir():
        raise HTCondorIOError(
            f"job {cluster}.{proc} was submitted from {directory or 'nowhere'}, which is no directory here",
            hint="give a destination for its files",
        )
    return SandboxWriter(directory, remaps)


def _remaps(ad: ClassAd) -> dict[str, str]:
    """Read ``name=path;name2=path2``; a backslash stands before ``;``, ``=`` and itself."""
    found: dict[str, str] = {}
    words: list[str] = [""]
    text = _text(ad, "TransferOutputRemaps")
    escaped = False
    for c in [*text, ";"]:
        if escaped:
            words[-1] += c
            escaped = False
        elif c == "\\":
            escaped = True
        elif c == "=" and len(words) == 1:
            words.append("")
        elif c == ";":
            name, path = words[0].strip(), words[-1].strip()
            if len(words) == 2 and name and path and "://" not in path:
                found[name] = path
            words = [""]
        else:
            words[-1] += c
    return found


def _text(ad: ClassAd, name: str) -> str:
    value = ad.eval(name) if name in ad else ""
    return value if isinstance(value, str) else ""
