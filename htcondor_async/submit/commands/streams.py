"""Arguments, environment, and the standard streams of a job and of its tool daemon."""

from __future__ import annotations

from collections.abc import Iterator

from htcondor_async.submit.commands.program import shell_text
from htcondor_async.submit.expressions import shown
from htcondor_async.submit.job import JobBuilder, Step, Universe
from htcondor_async.submit.quoting import EnvironmentFilter, EnvironmentTable, QuotingError, join_v2, parse_arguments
from htcondor_async.submit.values import parse_bool

__all__ = [
    "set_arguments",
    "set_environment",
    "set_java_arguments",
    "set_tool_daemon",
    "stream_steps",
]

_NULL = "/dev/null"


def _choose(job: JobBuilder, first: str | None, second: str | None, names: tuple[str, str]) -> tuple[str, bool] | None:
    """Return the arguments text that counts and whether it must be V2: of (V1 or V2 command, V2-only command)."""
    both_allowed = job.bool_param("allow_arguments_v1")
    if second is not None and first is not None and not both_allowed:
        raise job.error(
            f"both {names[0]} and {names[1]} are given", names[1], second, "one of them, or allow_arguments_v1 = true"
        )
    if second is not None:
        return second, True
    return None if first is None else (first, False)


def _parse(job: JobBuilder, text: str, v2_only: bool, key: str) -> tuple[bool, list[str]]:
    try:
        return parse_arguments(text, v2_only=v2_only)
    except QuotingError as error:
        raise job.error(f"{error}. The full arguments you specified were: {text}", key, text) from error


def set_arguments(job: JobBuilder) -> None:
    """Write Arguments, or Args for the older form."""
    shell = shell_text(job)
    if shell is not None:
        job.set("Arguments", join_v2(["-c", shell]))
        return
    chosen = _choose(job, job.param("arguments", "Args"), job.param("arguments2"), ("arguments", "arguments2"))
    if chosen is None:
        if job.has("Args") or job.has("Arguments"):
            return
        v1 = False
        arguments: list[str] = []
    else:
        v1, arguments = _parse(job, *chosen, "arguments2" if chosen[1] else "arguments")
    if v1:
        job.set("Args", " ".join(arguments))
    else:
        job.set("Arguments", join_v2(arguments))
    if job.universe == Universe.JAVA and not arguments:
        raise job.error(
            "In Java universe, you must specify the class name to run", "arguments", None, "arguments = ClassName"
        )
    if job.target.interactive:
        _interactive_arguments(job, v1)


def _interactive_arguments(job: JobBuilder, v1: bool) -> None:
    text = job.param("interactive_args")
    if text is None:
        return
    try:
        interactive_v1, arguments = parse_arguments(text)
    except QuotingError as error:
        job.warn(f"interactive_args is ignored: {error}")
        return
    attribute = "Args" if v1 and interactive_v1 else "Arguments"
    old = job.string(attribute)
    if old is not None and not job.has("Orig" + attribute):
        job.set("Orig" + attribute, old)
    job.set(attribute, " ".join(arguments) if attribute == "Args" else join_v2(arguments))


def set_java_arguments(job: JobBuilder) -> None:
    """Write JavaVMArgs or JavaVMArguments."""
    old = job.param("java_vm_args")
    first = job.param("java_vm_arguments", "JavaVMArgs")
    if old is not None and first is not None:
        raise job.error("both java_vm_args and java_vm_arguments are given", "java_vm_args", old, "one of them")
    names = ("java_vm_arguments", "java_vm_arguments2")
    chosen = _choose(job, first if first is not None else old, job.param("java_vm_arguments2"), names)
    if chosen is None:
        return
    v1, arguments = _parse(job, *chosen, names[chosen[1]])
    text = " ".join(arguments) if v1 else join_v2(arguments)
    if text:
        job.set("JavaVMArgs" if v1 else "JavaVMArguments", text)


def set_environment(job: JobBuilder) -> None:
    """Write Environment, or Env for the older form under the older key."""
    first = job.param("environment", "env")
    second = job.param("environment2")
    prefer_v1 = False
    if first is not None and second is None:
        old = job.param("env")
        prefer_v1 = old is not None and not old.lstrip().startswith('"')
    both_allowed = job.bool_param("allow_environment_v1")
    if first is not None and second is not None and not both_allowed:
        raise job.error(
            "both environment and environment2 are given",
            "environment2",
            second,
            "one of them, or allow_environment_v1 = true",
        )
    table = EnvironmentTable()
    text = second if second is not None else first
    if job.cluster is not None:
        # The environment of a later job adds to that of the first.
        if text is None:
            return
        _merge_cluster(job, table)
    try:
        if text is not None:
            table.merge(text, v2_only=second is not None)
    except QuotingError as error:
        key = "environment2" if second is not None else "environment"
        raise job.error(f"{error}. The environment you specified was: '{text}'", key, text) from error
    _import(job, table, first is not None and second is None)
    _insert(job, table, prefer_v1, first is not None or second is not None)


def _merge_cluster(job: JobBuilder, table: EnvironmentTable) -> None:
    """Take the variables of the cluster ad."""
    cluster = job.cluster or {}
    new, old = (shown(cluster.get(name)) for name in ("environment", "env"))
    if isinstance(new, str):
        table.merge_raw_v2(new)
    elif isinstance(old, str):
        delimiter = shown(cluster.get("envdelim"))
        table.merge_v1(old, delimiter if isinstance(delimiter, str) else "")


def _import(job: JobBuilder, table: EnvironmentTable, v1: bool) -> None:
    names = job.param("getenv", "get_env")
    if names is None:
        return
    everything = parse_bool(names)
    if everything is None:
        table.import_from(job.environment.environ, EnvironmentFilter.parse(names, v1))
    elif everything:
        if not job.settings.flag("SUBMIT_ALLOW_GETENV", True):
            raise job.error(
                "getenv = true is forbidden by the configuration (SUBMIT_ALLOW_GETENV)",
                "getenv",
                names,
                "the names of the variables that the job needs",
            )
        table.import_from(job.environment.environ, EnvironmentFilter(v1=v1))


def _insert(job: JobBuilder, table: EnvironmentTable, prefer_v1: bool, given: bool) -> None:
    has_v1, has_v2 = job.has("Env"), job.has("Environment")
    use_v1, use_v2 = prefer_v1, not prefer_v1
    if not given and not len(table) and (has_v1 or has_v2):
        return
    use_v2 = use_v2 or (use_v1 and has_v2)
    use_v1 = use_v1 or (use_v2 and has_v1)
    if use_v1:
        try:
            job.set("Env", table.raw_v1())
        except QuotingError as error:
            raise job.error(str(error), "env") from error
        job.set("EnvDelim", ";")
    if use_v2:
        job.set("Environment", table.raw_v2())


_STREAMS = (("input", "stdin", "In"), ("output", "stdout", "Out"), ("error", "stderr", "Err"))


def stream_steps(job: JobBuilder) -> Iterator[Step]:
    """Yield the steps that write In, Out and Err, and whether they are transferred and streamed.

    The name is apart from the rest, for it is the name that changes from job to job.
    """
    for key, alias, attribute in _STREAMS:
        yield _stream_name(key, alias, attribute)
        yield _stream_flags(key, attribute)


def _stream_name(key: str, alias: str, attribute: str) -> Step:
    note = f"#{attribute}"

    def apply(job: JobBuilder) -> None:
        name = job.param(key, alias)
        if name is None and job.has(attribute):
            job.set(note, "kept")
        elif name is None or name == _NULL:
            job.set(note, "null")
            job.set(attribute, _NULL)
        elif job.universe == Universe.VM:
            raise job.error("input, output and error cannot be used in vm universe", key, name, "no such command")
        else:
            job.set(note, "file")
            job.set(attribute, name)

    return apply


def _stream_flags(key: str, attribute: str) -> Step:
    transfer_attribute, stream_attribute, note = f"Transfer{attribute}", f"Stream{attribute}", f"#{attribute}"

    def apply(job: JobBuilder) -> None:
        transfer = job.flag(transfer_attribute, True)
        asked = job.bool_param(f"transfer_{key}", transfer_attribute)
        must_set = asked is not None and asked != transfer
        if asked is not None:
            transfer = asked
        stream = job.flag(stream_attribute, False)
        asked = job.bool_param(f"stream_{key}", stream_attribute)
        if asked is not None:
            stream = asked
        if job.get(note) == "null":
            transfer = stream = False
        if transfer:
            job.set(stream_attribute, stream)
            if must_set:
                job.set(transfer_attribute, True)
        else:
            job.set(transfer_attribute, False)

    return apply


def set_tool_daemon(job: JobBuilder) -> None:
    """Write the attributes of a tool daemon, if there is one."""
    if job.copy_string("ToolDaemonCmd", "tool_daemon_cmd", "ToolDaemonCmd") is None:
        return
    job.copy_string("ToolDaemonInput", "tool_daemon_input", "ToolDaemonInput")
    job.copy_string("ToolDaemonOutput", "tool_daemon_output", "ToolDaemonOutput")
    job.copy_string("ToolDaemonError", "tool_daemon_error", "ToolDaemonError")
    suspend = job.bool_param("suspend_job_at_exec", "SuspendJobAtExec")
    if suspend is not None:
        job.set("SuspendJobAtExec", suspend)
    old = job.param("tool_daemon_args")
    first = job.param("tool_daemon_arguments", "ToolDaemonArgs")
    if old is not None and first is not None:
        raise job.error("both tool_daemon_args and tool_daemon_arguments are given", "tool_daemon_args", old)
    names = ("tool_daemon_arguments", "tool_daemon_arguments2")
    chosen = _choose(job, first if first is not None else old, job.param("tool_daemon_arguments2"), names)
    if chosen is None:
        return
    v1, arguments = _parse(job, *chosen, names[chosen[1]])
    text = " ".join(arguments) if v1 else join_v2(arguments)
    if text:
        job.set("ToolDaemonArgs" if v1 else "ToolDaemonArguments", text)
