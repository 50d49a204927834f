"""Attributes of the ad itself: those every job has, ``+Attr``, job sets, and common mistakes."""

from __future__ import annotations

from collections.abc import Iterator

from htcondor_async.submit import expressions
from htcondor_async.submit.job import JobBuilder, Step, Universe
from htcondor_async.submit.values import INT_MAX
from htcondor_async.submit.words import strip_quotes

from .policy import deferring_attribute

__all__ = [
    "base_attributes",
    "forced_steps",
    "report_mistakes",
    "set_automatic",
    "set_forced_by_configuration",
    "set_jobset",
]

_RECONNECTING = frozenset({Universe.VANILLA, Universe.JAVA, Universe.PARALLEL, Universe.VM})
_REALS = ("RemoteWallClockTime", "RemoteUserCpu", "RemoteSysCpu", "CumulativeRemoteUserCpu", "CumulativeRemoteSysCpu")
_INTEGERS = (
    "ExitStatus",
    "NumCkpts",
    "NumJobStarts",
    "NumJobCompletions",
    "NumRestarts",
    "NumSystemHolds",
    "CommittedTime",
    "CommittedSlotTime",
    "CumulativeSlotTime",
    "TotalSuspensions",
    "LastSuspensionTime",
    "CumulativeSuspensionTime",
    "CommittedSuspensionTime",
)


def base_attributes(job: JobBuilder) -> None:
    """Write what every job starts with."""
    job.set("MyType", "Job")
    job.set("TargetType", "Machine")
    job.set("QDate", job.qdate)
    if job.identity.method >= 0:
        job.set("JobSubmitMethod", job.identity.method)
    owner: str | None = None
    if job.settings.flag("SUBMIT_SHOULD_SET_LOCAL_OWNER", False) and not job.target.spool:
        user = job.environment.current_user()
        owner = job.owner or (user.name if user is not None else None)
    job.set("Owner", owner if owner is not None else expressions.UNDEFINED)
    for name in _REALS:
        job.set(name, 0.0)
    for name in _INTEGERS:
        job.set(name, 0)
    job.set("ExitBySignal", False)
    for name in job.settings.names("SUBMIT_ATTRS", "SUBMIT_EXPRS", "SYSTEM_SUBMIT_ATTRS"):
        text = None if _forced_name(name) is not None else job.settings.get(name)
        if text is not None and expressions.is_valid(text):
            job.set_expression(name, text)
    job.set("CondorVersion", job.identity.version)
    job.set("CondorPlatform", job.identity.platform)
    if job.target.version.major >= 25:
        job.set("SubmitVersion", job.identity.version)


def _forced_name(name: str) -> str | None:
    """Return the attribute that a configured name forces (``+X`` or ``MY.X``), or None."""
    if name.startswith("+"):
        return name[1:]
    return name[3:] if name.lower().startswith("my.") else None


def set_forced_by_configuration(job: JobBuilder) -> None:
    """Write the attributes that the configuration forces on every job."""
    for name in job.settings.names("SUBMIT_ATTRS", "SUBMIT_EXPRS", "SYSTEM_SUBMIT_ATTRS"):
        attribute = _forced_name(name)
        text = job.settings.get(attribute) if attribute else None
        if attribute and text is not None:
            job.set_expression(attribute, text)


def set_automatic(job: JobBuilder) -> None:
    """Write what follows from other attributes."""
    if not job.has("MaxHosts") and job.universe != Universe.MPI:
        job.set("MinHosts", 1)
        job.set("MaxHosts", 1)
    if not job.has("CurrentHosts"):
        job.set("CurrentHosts", 0)
    if job.has("SuccessCheckpointExitCode"):
        job.set("WantFTOnCheckpoint", True)
    if job.target.interactive and not job.has("JobDescription"):
        job.set("JobDescription", "interactive job")
    if not job.has("MaxJobRetirementTime") and job.flag("NiceUser"):
        job.set("MaxJobRetirementTime", 0)
    if job.universe in _RECONNECTING and not job.has("JobLeaseDuration"):
        lease = job.settings.get("JOB_DEFAULT_LEASE_DURATION")
        if lease is not None:
            job.set_expression("JobLeaseDuration", lease, "job_lease_duration")
    if not job.has("JobPrio"):
        job.set("JobPrio", 0)
    if job.has("JobStarterLog") and not job.has("JobStarterDebug"):
        job.set("JobStarterDebug", True)


def report_mistakes(job: JobBuilder) -> None:
    """Look for values that are valid and probably not meant."""
    who = job.string("NotifyUser")
    if who is not None and who.lower() in ("never", "false"):
        domain = job.settings.get("UID_DOMAIN") or ""
        job.warn(
            f"notify_user={who} sends mail to the user {who}@{domain}; to have no mail, say notification = never",
            "notify_user",
        )
    length = job.get("JobMachineAttrsHistoryLength")
    if type(length) is int and not 0 <= length <= INT_MAX:
        key = "job_machine_attrs_history_length"
        raise job.error(f"{key}={length} is out of bounds 0 to {INT_MAX}", key, str(length))
    lease = job.get("JobLeaseDuration")
    is_literal, seconds = expressions.literal(lease)
    short = is_literal and type(seconds) in (bool, int, float) and 1 <= seconds < 20
    # The real one mends only the first such job of a cluster.
    if short and job.warn("job_lease_duration less than 20 seconds is not allowed, using 20 instead", "lease"):
        job.set("JobLeaseDuration", 20)
    if job.universe == Universe.SCHEDULER and job.has("DeferralTime"):
        attribute = deferring_attribute(job) or "DeferralTime"
        raise job.error(
            f"{attribute} does not work for scheduler universe jobs", "universe", "scheduler", "universe = local"
        )
    if job.target.version.major >= 25 and job.has("OutputDestination") and job.has("OutputDirectory"):
        raise job.error(
            "both output_destination and output_directory are given", "output_directory", None, "one of them"
        )


def forced_steps(job: JobBuilder) -> Iterator[Step]:
    """Yield a step for each attribute written ``+Attr`` or ``MY.Attr``."""
    for key in job.macros:
        if key.startswith("+"):
            yield _forced(key, key[1:])
        elif key.lower().startswith("my."):
            yield _forced(key, key[3:])


def _forced(key: str, attribute: str) -> Step:
    def apply(job: JobBuilder) -> None:
        raw = job.macros.exact(key)
        text = job.macros.expand(raw) if raw else ""
        job.set_expression(attribute, text or "undefined", key)

    return apply


def set_jobset(job: JobBuilder) -> None:
    """Write JobSetName, and collect the attributes of the job set."""
    if job.proc > 0:
        name = job.string("JobSetName")
        first = expressions.shown((job.cluster or {}).get("jobsetname"))
        if name != first:
            raise job.error(
                f"job {job.cluster_id}.0 is in the job set {first} and job {job.cluster_id}.{job.proc} in {name}",
                "jobset",
                None,
                "one job set for all jobs of a submission",
            )
        return
    jobset: dict[str, object] = {}
    for key in job.macros:
        if not key.lower().startswith("jobset."):
            continue
        text = job.param(key)
        attribute = key[len("jobset.") :]
        if text is None:
            continue
        if attribute.lower() == "name":
            jobset["JobSetName"] = strip_quotes(text)
        else:
            try:
                jobset[attribute] = expressions.parse(text)
            except expressions.ExpressionError as error:
                raise job.error(f"{key} = {text} is no expression: {error}", key, text) from error
    name = job.string("JobSetName")
    if name is not None:
        jobset["JobSetName"] = name
    elif jobset:
        jobset.setdefault("JobSetName", str(job.cluster_id))
        job.set("JobSetName", jobset["JobSetName"])
    job.jobset = jobset
