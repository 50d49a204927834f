"""When a job may run, is kept, held, released, retried and killed, and who is told."""

from __future__ import annotations

import re
from collections.abc import Iterator

from htcondor_async.submit import expressions
from htcondor_async.submit.job import JobBuilder, Step, Universe
from htcondor_async.submit.values import INT_MAX, INT_MIN, leading_int
from htcondor_async.submit.words import split_list

__all__ = [
    "periodic_steps",
    "set_accounting",
    "set_concurrency_limits",
    "set_deferral",
    "set_kill_signals",
    "set_leave_in_queue",
    "set_notification",
    "set_rank",
    "set_retries",
    "set_status",
]

_NOTIFICATIONS = {"never": 0, "always": 1, "complete": 2, "error": 3}
_SIGNALS = {
    "SIGHUP": 1,
    "SIGINT": 2,
    "SIGQUIT": 3,
    "SIGILL": 4,
    "SIGTRAP": 5,
    "SIGABRT": 6,
    "SIGBUS": 7,
    "SIGFPE": 8,
    "SIGKILL": 9,
    "SIGUSR1": 10,
    "SIGSEGV": 11,
    "SIGUSR2": 12,
    "SIGPIPE": 13,
    "SIGALRM": 14,
    "SIGTERM": 15,
    "SIGCHLD": 17,
    "SIGCONT": 18,
    "SIGSTOP": 19,
    "SIGTSTP": 20,
    "SIGTTIN": 21,
    "SIGTTOU": 22,
    "SIGURG": 23,
    "SIGXCPU": 24,
    "SIGXFSZ": 25,
    "SIGPROF": 27,
    "SIGWINCH": 28,
    "SIGIO": 29,
    "SIGSYS": 31,
}
_SIGNAL_NAMES = {number: name for name, number in _SIGNALS.items()}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PERIODIC = (
    ("periodic_hold", "PeriodicHold", True),
    ("periodic_hold_reason", "PeriodicHoldReason", False),
    ("periodic_hold_subcode", "PeriodicHoldSubCode", False),
    ("periodic_release", "PeriodicRelease", True),
    ("periodic_remove", "PeriodicRemove", True),
    ("periodic_vacate", "PeriodicVacate", True),
    ("on_exit_hold_reason", "OnExitHoldReason", False),
    ("on_exit_hold_subcode", "OnExitHoldSubCode", False),
)
_SPOOLED_LEAVE = (
    "JobStatus == 4 && (CompletionDate =?= UNDEFINED || CompletionDate == 0 || ((time() - CompletionDate) < 864000))"
)


def set_status(job: JobBuilder) -> None:
    """Write JobStatus, and why a job is held from the beginning."""
    hold = job.bool_param("hold")
    if hold and job.target.spool:
        raise job.error("hold = true does not go with spooling input files", "hold", "true")
    if hold:
        job.set("JobStatus", 5)
        job.set("HoldReasonCode", 15)
        job.set("HoldReason", "submitted on hold at user's request")
    elif job.target.spool:
        job.set("JobStatus", 5)
        job.set("HoldReasonCode", 16)
        job.set("HoldReason", "Spooling input data files")
    else:
        job.set("JobStatus", 1)
    job.set("EnteredCurrentStatus", job.qdate)


def set_notification(job: JobBuilder) -> None:
    """Write JobNotification."""
    text = job.param("notification", "JobNotification") or job.settings.get("JOB_DEFAULT_NOTIFICATION")
    number = _NOTIFICATIONS.get(text.lower()) if text is not None else 0
    if number is None:
        raise job.error(
            f"'{text}' is not a kind of notification", "notification", text, "Never, Always, Complete, or Error"
        )
    job.set("JobNotification", number)


def set_rank(job: JobBuilder) -> None:
    """Write Rank."""
    rank = job.param("rank", "preferences")
    append = None
    if job.universe == Universe.VANILLA:
        rank = rank or job.settings.get("DEFAULT_RANK_VANILLA")
        append = job.settings.get("APPEND_RANK_VANILLA")
    rank = rank or job.settings.get("DEFAULT_RANK")
    append = append or job.settings.get("APPEND_RANK")
    if append is not None:
        rank = f"({rank}) + ({append})" if rank is not None else append
    if rank is not None:
        job.set_expression("Rank", rank, "rank")
    else:
        job.set("Rank", 0.0)


def periodic_steps(job: JobBuilder) -> Iterator[Step]:
    """Yield steps for the periodic expressions and the reasons of holds on exit."""
    defaults = job.settings.flag("SUBMIT_INSERT_DEFAULT_POLICY_EXPRS", False)
    for key, attribute, has_default in _PERIODIC:
        if job.macros.has(key) or job.macros.has(attribute) or (defaults and has_default):
            yield _periodic(key, attribute, defaults and has_default)


def _periodic(key: str, attribute: str, default: bool) -> Step:
    def apply(job: JobBuilder) -> None:
        if job.copy_expression(attribute, key, attribute) is None and default and not job.has(attribute):
            job.set(attribute, False)

    return apply


def set_leave_in_queue(job: JobBuilder) -> None:
    """Write LeaveJobInQueue."""
    if job.copy_expression("LeaveJobInQueue", "leave_in_queue", "LeaveJobInQueue") is not None:
        return
    if not job.has("LeaveJobInQueue"):
        if job.target.spool:
            job.set_expression("LeaveJobInQueue", _SPOOLED_LEAVE)
        else:
            job.set("LeaveJobInQueue", False)


def set_retries(job: JobBuilder) -> None:
    """Write OnExitRemove and OnExitHold, and what retries need."""
    remove = job.param("on_exit_remove", "OnExitRemove")
    hold = job.param("on_exit_hold", "OnExitHold")
    retries = job.int_param("max_retries", "JobMaxRetries")
    success = job.int_param("success_exit_code", "JobSuccessExitCode", narrow=True)
    until = job.param("retry_until")
    if retries is None and success is None and until is None:
        _plain_exit(job, remove, hold)
        return
    if until is not None:
        until = _retry_until(job, until)
    if retries is None and not job.has("JobMaxRetries"):
        retries = job.settings.integer("DEFAULT_JOB_MAX_RETRIES", 2)
    if retries is not None:
        job.set("JobMaxRetries", retries)
    if hold is not None:
        job.set_expression("OnExitHold", hold, "on_exit_hold")
    elif not job.has("OnExitHold"):
        job.set("OnExitHold", False)
    if job.has("OnExitRemove") and success is None and until is None:
        return
    code = "0"
    if success is not None:
        job.set("JobSuccessExitCode", success)
        code = "JobSuccessExitCode"
    parts = ["NumJobCompletions > JobMaxRetries", f"ExitCode =?= {code}"]
    if until is not None:
        parts.append(until)
    if remove is not None:
        try:
            parts.append(expressions.wrapped_for_or(remove))
        except expressions.ExpressionError as error:
            raise job.error(
                f"on_exit_remove={remove} is invalid: {error}", "on_exit_remove", remove, "a boolean expression"
            ) from error
    job.set_expression("OnExitRemove", " || ".join(parts), "on_exit_remove")


def _plain_exit(job: JobBuilder, remove: str | None, hold: str | None) -> None:
    defaults = job.cluster is None and job.settings.flag("SUBMIT_INSERT_DEFAULT_POLICY_EXPRS", False)
    if remove is not None:
        job.set_expression("OnExitRemove", remove, "on_exit_remove")
    elif defaults and not job.has("OnExitRemove"):
        job.set("OnExitRemove", True)
    if hold is not None:
        job.set_expression("OnExitHold", hold, "on_exit_hold")
    elif defaults and not job.has("OnExitHold"):
        job.set("OnExitHold", False)


def _retry_until(job: JobBuilder, text: str) -> str:
    expected = "an integer or a boolean expression"
    try:
        number = expressions.constant_int(text)
        if number is None:
            return expressions.wrapped_for_or(text)
    except expressions.ExpressionError as error:
        raise job.error(f"retry_until={text} is invalid: {error}", "retry_until", text, expected) from error
    if not INT_MIN <= number <= INT_MAX:
        raise job.error(f"retry_until={text} is invalid: it is no exit code", "retry_until", text, expected)
    return f"ExitCode =?= {number}"


def _signal(job: JobBuilder, key: str, attribute: str) -> str | None:
    text = job.param(key, attribute)
    if text is None:
        return None
    number = leading_int(text)
    name = _SIGNAL_NAMES.get(number) if number else text.upper()
    if name is None or name not in _SIGNALS:
        raise job.error(f"invalid signal {text}", key, text, "a number, or a name like SIGTERM")
    return name


def set_kill_signals(job: JobBuilder) -> None:
    """Write the signals that end, remove and hold a job."""
    name = _signal(job, "kill_sig", "KillSig")
    if name is None and job.universe != Universe.VANILLA:
        name = "SIGTERM"
    if name is not None:
        job.set("KillSig", name)
    for key, attribute in (("remove_kill_sig", "RemoveKillSig"), ("hold_kill_sig", "HoldKillSig")):
        name = _signal(job, key, attribute)
        if name is not None:
            job.set(attribute, name)
    timeout = job.param("kill_sig_timeout", "KillSigTimeout")
    if timeout is not None:
        job.set("KillSigTimeout", leading_int(timeout))


def _is_limit(text: str) -> bool:
    name = text.partition(":")[0]
    head, dot, tail = name.partition(".")
    return _NAME.fullmatch(head) is not None and (not dot or _NAME.fullmatch(tail) is not None)


def set_concurrency_limits(job: JobBuilder) -> None:
    """Write ConcurrencyLimits."""
    limits = job.param("concurrency_limits")
    expression = job.param("concurrency_limits_expr")
    if limits is not None:
        if expression is not None:
            raise job.error(
                "concurrency_limits and concurrency_limits_expr can't be used together", "concurrency_limits_expr"
            )
        names = split_list(limits.lower())
        for name in names:
            if not _is_limit(name):
                raise job.error(
                    f"Invalid concurrency limit '{name}'", "concurrency_limits", limits, "name or name:number"
                )
        if names:
            job.set("ConcurrencyLimits", ",".join(sorted(names)))
    elif expression is not None:
        job.set_expression("ConcurrencyLimits", expression, "concurrency_limits_expr")


def set_accounting(job: JobBuilder) -> None:
    """Write the accounting group and its user."""
    group = job.param("accounting_group", "AccountingGroup")
    if job.bool_param("nice_user", "NiceUser"):
        nice = job.settings.get("NICE_USER_ACCOUNTING_GROUP_NAME")
        if group is None:
            group = nice
        elif group != nice:
            job.warn("nice_user conflicts with accounting_group and is ignored")
        job.set("MaxJobRetirementTime", 0)
    user = job.param("accounting_group_user", "AcctGroupUser")
    if group is None and user is None:
        return
    if user is None:
        user = job.owner
        if not user:
            record = job.environment.current_user()
            user = record.name if record is not None else ""
    for key, name in (("accounting_group", group), ("accounting_group_user", user)):
        if name is not None and re.search(r"\s", name):
            raise job.error(f"Invalid {key}: {name}", key, name, "a name without blanks")
    job.set("AcctGroupUser", user)
    if group is not None:
        job.set("AcctGroup", group)
        job.set("AccountingGroup", f"{group}.{user}")
    else:
        job.set("AccountingGroup", user)


_DEFERRING = ("CronMinute", "CronHour", "CronDayOfMonth", "CronMonth", "CronDayOfWeek", "DeferralTime")


def deferring_attribute(job: JobBuilder) -> str | None:
    """Return the attribute that makes a job wait for a time of its own, or None."""
    for attribute in _DEFERRING:
        if job.has(attribute):
            return attribute
    return None


def _seconds(job: JobBuilder, attribute: str, text: str, key: str) -> None:
    expected = "a non-negative integer"
    try:
        value = expressions.parse(text)
    except expressions.ExpressionError as error:
        raise job.error(f"{key} = {text} is invalid: {error}", key, text, expected) from error
    is_literal, number = expressions.literal(value)
    if is_literal and (type(number) is not int or number < 0):
        raise job.error(f"{key} = {text} is invalid", key, text, expected)
    job.set(attribute, value)


def set_deferral(job: JobBuilder) -> None:
    """Write DeferralTime, DeferralWindow and DeferralPrepTime."""
    text = job.param("deferral_time", "DeferralTime")
    if text is not None:
        _seconds(job, "DeferralTime", text, "deferral_time")
    if deferring_attribute(job) is None:
        return
    for cron, cron_alias, key, attribute, default in (
        ("cron_window", "CronWindow", "deferral_window", "DeferralWindow", 0),
        ("cron_prep_time", "CronPrepTime", "deferral_prep_time", "DeferralPrepTime", 300),
    ):
        text = job.param(cron, cron_alias)
        if text is None:
            text = job.param(key, attribute)
        if text is not None:
            _seconds(job, attribute, text, key)
        else:
            job.set(attribute, default)
