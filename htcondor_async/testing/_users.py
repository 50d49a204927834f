"""Records of users (540 to 549), and jobs lent to another queue (526 to 528), of the embedded pool's schedd."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from htcondor_async._cedar.commands import Command
from htcondor_async.classad import ClassAd, ClassAdException, ExprTree
from htcondor_async.testing._ads import limited, matches, projected, projection_of, requirements_of, send_sequence
from htcondor_async.testing._job_queue import JobId
from htcondor_async.testing._server import Connection
from htcondor_async.testing._transactions import Owner

if TYPE_CHECKING:
    from htcondor_async.testing._schedd import ScheddDaemon

__all__ = ["change_users", "export_jobs", "import_results", "query_users", "unexport_jobs"]

_NOT_FOUND, _BAD_CONSTRAINT, _DENIED, _IN_USE = 2, 5, 13, 16
_MAX_ADS = 1_000_000
_LOG = "job_queue.log"
_SET = re.compile(r"103 (\d+)\.(-?\d+) (\w+) (.*)\Z")
_KEPT = frozenset({"clusterid", "procid", "owner", "user", "managed", "managedmanager"})


async def query_users(daemon: ScheddDaemon, connection: Connection) -> None:
    """Answer a query of user records."""
    reader = await connection.request(connection.runtime.clock() + 20)
    query = reader.ad()
    reader.expect_end()
    requirements, names = requirements_of(query), projection_of(query)
    found = limited((ad for ad in list(daemon.users.values()) if matches(ad, requirements)), query.get("LimitResults"))
    await send_sequence(
        connection,
        (projected(ad, names) for ad in found),
        lambda writer: writer,
        lambda writer, count: writer.ad(ClassAd({"MyType": "Summary", "TotalUserAds": count})),
    )


async def change_users(daemon: ScheddDaemon, connection: Connection) -> None:
    """Enable, add, disable, edit, reset or delete user records; all of a request or none."""
    reader = await connection.request(connection.runtime.clock() + 20)
    count = reader.int()
    if not 0 < count <= _MAX_ADS:
        return
    ads = [reader.ad() for _ in range(count)]
    reader.expect_end()
    command = connection.accepted.command
    if not daemon.is_superuser(connection.user):
        result = ClassAd({"NumAds": 0, "Result": _DENIED, "ErrorString": "Permission denied"})
    else:
        async with daemon.turn:
            result = _change(daemon, command, ads)
    await connection.reply(connection.writer().ad(result))


def _change(daemon: ScheddDaemon, command: int, ads: list[ClassAd]) -> ClassAd:
    after = {name: record.copy() for name, record in daemon.users.items()}
    done = 0
    for ad in ads:
        if "Requirements" in ad:
            try:
                names = [name for name, record in after.items() if matches(record, requirements_of(ad))]
            except ClassAdException:
                return _refusal(_BAD_CONSTRAINT, "the constraint does not parse")
        else:
            names = [str(ad.get("User"))]
        for name in names:
            create = ad.get("_userrec_opt_create") is True or ad.get("create") is True
            if name not in after and not (command == Command.ENABLE_USERREC and create):
                return _refusal(_NOT_FOUND, f"no record of user {name}")
            record = after.setdefault(name, ClassAd({"MyType": "Owner", "User": name, "Name": name.partition("@")[0]}))
            done += 1
            if command == Command.DELETE_USERREC:
                if any(job.get("User") == name for job in daemon.queue.jobs()):
                    return _refusal(_IN_USE, f"user {name} has jobs")
                del after[name]
            elif command == Command.EDIT_USERREC:
                record.update({key: ad.lookup(key) for key in ad if key not in ("User", "Requirements")})
            elif command in (Command.ENABLE_USERREC, Command.DISABLE_USERREC):
                record["Enabled"] = command == Command.ENABLE_USERREC
                reason = ad.get("DisableReason")
                if isinstance(reason, str) and command == Command.DISABLE_USERREC:
                    record["DisableReason"] = reason
                elif "DisableReason" in record:
                    del record["DisableReason"]
    daemon.users.clear()
    daemon.users.update(after)
    return ClassAd({"NumAds": done, "Result": 0})


def _refusal(code: int, text: str) -> ClassAd:
    return ClassAd({"NumAds": 0, "Result": code, "ErrorString": text})


# -- jobs lent to another queue


async def export_jobs(daemon: ScheddDaemon, connection: Connection) -> None:
    """Write jobs to a log in a directory, and mark them as managed elsewhere."""
    request = await _request(connection)
    folder = request.get("ExportDir")
    async with daemon.turn:
        jobs = _chosen(daemon, connection, request)
        if not isinstance(folder, str) or not folder:
            await _answer(connection, {"ErrorCode": 4006, "ErrorString": "Missing ExportDir"})
            return
        if not jobs:
            await _answer(connection, {"ErrorCode": 4007, "ErrorString": "No clusters to export"})
            return
        path = Path(folder) / _LOG
        text = "".join(_log_lines(job, daemon.queue.job(*job) or ClassAd()) for job in jobs)
        try:
            await connection.runtime.call(functools.partial(path.write_text, text))
        except OSError:
            await _answer(connection, {"ErrorCode": 4007, "ErrorString": "Failed to initialize export job log"})
            return
        for job in jobs:
            daemon.queue.change(job, {"Managed": "External", "ManagedManager": "Lumberjack"})
    totals = {"TotalJobAds": len(jobs), "TotalClusterAds": len({cluster for cluster, _ in jobs})}
    await _answer(connection, {"ActionResult": 1, "Log": str(path), "User": connection.user, **totals})


async def import_results(daemon: ScheddDaemon, connection: Connection) -> None:
    """Take over what a log says of jobs that are managed elsewhere."""
    request = await _request(connection)
    path = Path(str(request.get("ExportDir", ""))) / _LOG
    try:
        text = await connection.runtime.call(path.read_text)
    except OSError as error:
        await _answer(connection, {"ErrorCode": 1, "ErrorString": f"Failed to read {path}: {error.strerror}"})
        return
    owner = Owner(connection.user, daemon.is_superuser(connection.user))
    changes: dict[JobId, dict[str, object]] = {}
    for line in text.splitlines():
        found = _SET.match(line)
        if found and found[3].lower() not in _KEPT:
            changes.setdefault((int(found[1]), int(found[2])), {})[found[3]] = ExprTree(found[4])
    taken = 0
    async with daemon.turn:
        for job, attributes in changes.items():
            ad = daemon.queue.job(*job)
            if ad is None or not owner.owns(ad) or ad.get("Managed") != "External" or ad.get("JobStatus") in (3, 5):
                continue
            daemon.queue.change(job, attributes)
            taken += 1
            if daemon.queue.procs[job].get("JobStatus") in (3, 4):
                daemon.ended(job)
    await _answer(connection, {"ActionResult": 1, "TotalJobAds": taken})


async def unexport_jobs(daemon: ScheddDaemon, connection: Connection) -> None:
    """Manage jobs here again."""
    request = await _request(connection)
    async with daemon.turn:
        jobs = [
            job
            for job in _chosen(daemon, connection, request)
            if (daemon.queue.job(*job) or ClassAd()).get("Managed") == "External"
        ]
        for job in jobs:
            daemon.queue.change(job, dict.fromkeys(("Managed", "ManagedManager"), ExprTree("undefined")))
    if not jobs:
        await _answer(connection, {"ErrorCode": 1, "ErrorString": "No clusters to unexport"})
        return
    totals = {"TotalJobAds": len(jobs), "TotalClusterAds": len({cluster for cluster, _ in jobs})}
    await _answer(connection, {"ActionResult": 1, **totals})


async def _request(connection: Connection) -> ClassAd:
    reader = await connection.request(connection.runtime.clock() + 20)
    ad = reader.ad()
    reader.expect_end()
    return ad


async def _answer(connection: Connection, attributes: dict[str, object]) -> None:
    await connection.reply(connection.writer().ad(ClassAd({"ActionResult": 0} | attributes)))


def _chosen(daemon: ScheddDaemon, connection: Connection, request: ClassAd) -> list[JobId]:
    owner = Owner(connection.user, daemon.is_superuser(connection.user))
    ids = request.get("ActionIds")
    constraint = request.lookup("ActionConstraint") if "ActionConstraint" in request else None
    named: Iterable[str] = ids.split(",") if isinstance(ids, str) else ()
    clusters = {int(number) for text in named if (number := text.partition(".")[0].strip()).isdigit()}
    found = []
    for job in daemon.queue.procs:
        ad = daemon.queue.job(*job) or ClassAd()
        wanted = job[0] in clusters if constraint is None else matches(ad, constraint)
        if wanted and owner.owns(ad):
            found.append(job)
    return found


def _log_lines(job: JobId, ad: ClassAd) -> str:
    key = f"{job[0]}.{job[1]}"
    lines = [f"101 {key} Job Machine"]
    lines += [f"103 {key} {name} {ad.lookup(name).old()}" for name in ad]
    return "\n".join(lines) + "\n"
