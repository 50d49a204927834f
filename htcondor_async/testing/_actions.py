"""``ACT_ON_JOBS`` (478) of the embedded pool's schedd: hold, release, remove ... jobs.

The rules of which state allows what are those of ``condor_schedd.V6/schedd.cpp`` (actOnJobs, abort_job_myself).
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from htcondor_async.classad import ClassAd, ExprTree
from htcondor_async.enums import JobAction, JobStatus
from htcondor_async.testing._ads import matches
from htcondor_async.testing._job_queue import JobId
from htcondor_async.testing._server import Connection
from htcondor_async.testing._spool import SPOOLING
from htcondor_async.testing._transactions import Owner

if TYPE_CHECKING:
    from htcondor_async.testing._schedd import ScheddDaemon

__all__ = ["act_on_jobs"]

_SUCCESS, _NOT_FOUND, _BAD_STATUS, _ALREADY_DONE, _DENIED = 1, 2, 3, 4, 5
_LONG = 1
_USER_REQUEST = 1
_ID = re.compile(r"(\d+)(?:\.(\d+))?\Z")
_ENDED = (JobStatus.REMOVED, JobStatus.COMPLETED)
_REASONS = {
    JobAction.Hold: "HoldReason",
    JobAction.Release: "ReleaseReason",
    JobAction.Remove: "RemoveReason",
    JobAction.RemoveX: "RemoveReason",
}


@attrs.frozen
class _Request:
    action: JobAction
    ids: list[str] | None
    constraint: ExprTree | None
    reason: str | None
    subcode: int | None
    long: bool


async def act_on_jobs(daemon: ScheddDaemon, connection: Connection) -> None:
    """Serve one action: the result first, the changes once the client has confirmed."""
    runtime = connection.runtime
    reader = await connection.request(runtime.clock() + 20)
    given = reader.ad()
    reader.expect_end()
    request = _read(given)
    async with daemon.turn:
        if request is None:
            await connection.reply(connection.writer().int(0))
            return
        owner = Owner(connection.user, daemon.is_superuser(connection.user))
        codes, changes = _judge(daemon, request, owner, int(runtime.now()))
        await connection.reply(connection.writer().ad(_result(daemon, request, owner, codes)))
        if not changes:
            return
        if connection.reader(await connection.receive(runtime.clock() + 20)).int() != 1:
            return
        for change in reversed(changes):  # a factory stops before its jobs make room
            change()
        await connection.reply(connection.writer().int(1))


def _read(ad: ClassAd) -> _Request | None:
    number = ad.get("JobAction")
    if type(number) is not int or number not in list(JobAction):
        return None
    ids = ad.get("ActionIds")
    constraint = ad.lookup("ActionConstraint") if "ActionConstraint" in ad else None
    if isinstance(ids, str) and constraint is not None:
        return None
    action = JobAction(number)
    reason = ad.get(_REASONS.get(action, ""))
    subcode = ad.get("HoldReasonSubCode")
    listed = ids.split(",") if isinstance(ids, str) else []
    return _Request(
        action,
        listed if constraint is None else None,
        constraint,
        reason if isinstance(reason, str) else None,
        subcode if type(subcode) is int else None,
        ad.get("ActionResultType") == _LONG,
    )


def _judge(
    daemon: ScheddDaemon, request: _Request, owner: Owner, now: int
) -> tuple[dict[str, int], list[Callable[[], None]]]:
    """Return a code for each job, and what is to be done."""
    queue = daemon.queue
    codes: dict[str, int] = {}
    changes: list[Callable[[], None]] = []
    if request.constraint is not None:
        chosen = [
            (int(ad["ClusterId"]), int(ad["ProcId"]))
            for ad in queue.jobs()
            if matches(ad, request.constraint) and _code(ad, request.action) == _SUCCESS
        ]
    else:
        chosen = []
        for text in request.ids or ():
            found = _ID.match(text.strip())
            if found is not None and found[2] is not None:
                chosen.append((int(found[1]), int(found[2])))
    for job in chosen:
        ad = queue.job(*job)
        name = f"job_{job[0]}_{job[1]}"
        if ad is None:
            codes[name] = _NOT_FOUND
        elif not owner.owns(ad):
            codes[name] = _DENIED
        else:
            codes[name] = _code(ad, request.action)
            if codes[name] == _SUCCESS:
                changes.append(_change(daemon, job, ad, request, owner, now))
    for cluster in _factories(daemon, request):
        permitted = owner.owns(queue.clusters[cluster])
        codes[f"cluster_{cluster}"] = _SUCCESS if permitted else _DENIED
        if permitted:
            changes.append(functools.partial(_change_factory, daemon, cluster, request, owner))
    return codes, changes


def _factories(daemon: ScheddDaemon, request: _Request) -> list[int]:
    """Return the clusters with a factory that an action is about: a bare cluster number means the factory alone."""
    if request.action not in _REASONS:
        return []
    queue = daemon.queue
    if request.constraint is not None:
        return [cluster for cluster in queue.factories if matches(queue.clusters[cluster], request.constraint)]
    return [int(text) for text in request.ids or () if text.strip().isdigit() and int(text) in queue.factories]


def _change_factory(daemon: ScheddDaemon, cluster: int, request: _Request, owner: Owner) -> None:
    """Pause, resume or end the making of jobs."""
    factory, ad = daemon.queue.factories.get(cluster), daemon.queue.clusters.get(cluster)
    if factory is None or ad is None:
        return  # gone with its last job
    if request.action is JobAction.Hold:
        ad["JobMaterializePaused"] = 1
        ad["JobMaterializePauseReason"] = f"{request.reason or ''} (by user {owner.name})"
    elif request.action is JobAction.Release:
        ad["JobMaterializePaused"] = 0
        ad.pop("JobMaterializePauseReason", None)
    else:
        factory.stop()
    daemon.materialize(cluster)


def _code(ad: ClassAd, action: JobAction) -> int:
    """Return what comes of an action on a job in its present state."""
    status, hold_code = ad.get("JobStatus"), ad.get("HoldReasonCode")
    held = status == JobStatus.HELD
    if action is JobAction.Hold:
        if status in _ENDED:
            return _DENIED
        return _ALREADY_DONE if held and hold_code in (_USER_REQUEST, SPOOLING) else _SUCCESS
    if action is JobAction.Release:
        return _SUCCESS if held and hold_code != SPOOLING else _BAD_STATUS
    if action is JobAction.Remove:
        return _ALREADY_DONE if status == JobStatus.REMOVED else _SUCCESS
    if action is JobAction.RemoveX:
        gone = status == JobStatus.REMOVED or (held and ad.get("JobStatusOnRelease") == JobStatus.REMOVED)
        return _SUCCESS if gone else _BAD_STATUS
    running = status in (JobStatus.RUNNING, JobStatus.TRANSFERRING_OUTPUT)
    if action is JobAction.Suspend:
        return _SUCCESS if running and ad.get("JobUniverse") not in (7, 12) else _BAD_STATUS
    if action is JobAction.Continue:
        return _SUCCESS if status == JobStatus.SUSPENDED else _BAD_STATUS
    return _SUCCESS if running else _BAD_STATUS


def _change(
    daemon: ScheddDaemon, job: JobId, ad: ClassAd, request: _Request, owner: Owner, now: int
) -> Callable[[], None]:
    action = request.action
    status = ad.get("JobStatus")
    changes: dict[str, object] = {"LastJobStatus": status, "EnteredCurrentStatus": now}
    if request.reason is not None and action in _REASONS:
        changes[_REASONS[action]] = f"{request.reason} (by user {owner.name})"
    if action is JobAction.Hold:
        held_before = ad.get("NumHolds", 0)
        changes |= {"JobStatus": 5, "HoldReasonCode": _USER_REQUEST, "HoldReasonSubCode": request.subcode or 0}
        changes["NumHolds"] = (held_before if type(held_before) is int else 0) + 1
    elif action is JobAction.Release:
        changes["JobStatus"] = ad.get("JobStatusOnRelease") or 1
        changes |= {"LastHoldReason": ad.get("HoldReason", ""), "LastHoldReasonCode": ad.get("HoldReasonCode", 0)}
        changes |= dict.fromkeys(("HoldReason", "HoldReasonCode", "HoldReasonSubCode"), ExprTree("undefined"))
    elif action in (JobAction.Remove, JobAction.RemoveX):
        changes["JobStatus"] = 3
    else:
        changes["JobStatus"] = {JobAction.Suspend: 7, JobAction.Continue: 2}.get(action, 1)

    def carry_out() -> None:
        if job not in daemon.queue.procs:
            return
        daemon.queue.change(job, changes)
        if changes["JobStatus"] == JobStatus.REMOVED and job in daemon.queue.procs:
            daemon.ended(job, forced=action is JobAction.RemoveX)

    return carry_out


def _result(daemon: ScheddDaemon, request: _Request, owner: Owner, codes: dict[str, int]) -> ClassAd:
    result: dict[str, object] = {
        "JobAction": int(request.action),
        "ActionResult": 1 if _SUCCESS in codes.values() else 0,
        "ActionResultType": 1 if request.long else 2,
        "TotalJobAds": len(daemon.queue.procs),
        "IsQueueSuperUser": owner.superuser,
    }
    if request.long:
        return ClassAd(result | codes)
    counts = Counter(codes.values())
    return ClassAd(result | {f"result_total_{code}": counts[code] for code in range(7)})
