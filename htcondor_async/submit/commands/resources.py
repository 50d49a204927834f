"""What a job asks of a machine: memory, disk, CPUs, GPUs and custom resources."""

from __future__ import annotations

import re
from collections.abc import Iterator

from htcondor_async.submit import expressions
from htcondor_async.submit.commands.evict import DISK, MEMORY, RequestKind, set_retries_of_request
from htcondor_async.submit.job import JobBuilder, Step
from htcondor_async.submit.problems import SubmitError
from htcondor_async.submit.spelling import nearest_request
from htcondor_async.submit.values import parse_size

__all__ = ["complete_gpu_requirements", "request_steps"]

_MEBI = 1024 * 1024
_RUNTIME = re.compile(r"\s*([+-]?\d{1,9})(?:\.(?:(-?)(\d{1,9}))?)?\s*")
_GPU_CLAUSES = (
    ("GPUsMinCapability", "Capability", ">="),
    ("GPUsMaxCapability", "Capability", "<="),
    ("GPUsMinMemory", "GlobalMemoryMb", ">="),
    ("GPUsMinRuntime", "MaxSupportedVersion", ">="),
)


def _set_size(job: JobBuilder, attribute: str, text: str, key: str, base: int, unit: str) -> None:
    size = parse_size(text, base)
    if size is None:
        if text.lower() != "undefined" or attribute == "GPUsMinMemory":
            job.set_expression(attribute, text, key)
        return
    missing = job.settings.get("SUBMIT_REQUEST_MISSING_UNITS")
    if missing is not None and not size.has_unit:
        if missing.lower() == "error":
            raise job.error(
                f"{key}={text} has no unit, and the configuration wants one", key, text, "a unit: K, M, G or T"
            )
        job.warn(f"{key}={text} means {unit}; it should have a unit (K, M, G or T)")
    job.set(attribute, size.amount)


def _set_size_and_retries(job: JobBuilder, text: str, kind: RequestKind) -> None:
    """Write a size; from version 25 on, a list of sizes is what to ask for at first, and after each eviction."""
    if job.target.version.major < 25:
        _set_size(job, kind.attribute, text, kind.key, kind.base, kind.unit)
        return
    first, comma, more = text.partition(",")
    first = first.rstrip()
    if parse_size(first, kind.base) is None:
        _set_size(job, kind.attribute, text, kind.key, kind.base, kind.unit)
        return
    _set_size(job, kind.attribute, first, kind.key, kind.base, kind.unit)
    set_retries_of_request(job, kind, more if comma else "")


def _set_memory(job: JobBuilder) -> None:
    text = job.param("request_memory", "RequestMemory")
    if text is None and not job.has("RequestMemory") and job.cluster is None:
        if job.has("JobVMMemory"):
            job.warn("request_memory is not given; RequestMemory = MY.JobVMMemory is used")
            job.set_expression("RequestMemory", "MY.JobVMMemory")
        elif job.use_default_resources:
            text = job.settings.get("JOB_DEFAULT_REQUESTMEMORY")
    if text is not None:
        _set_size_and_retries(job, text, MEMORY)


def _set_disk(job: JobBuilder) -> None:
    text = job.param("request_disk", "RequestDisk")
    if text is None and not job.has("RequestDisk") and job.cluster is None and job.use_default_resources:
        text = job.settings.get("JOB_DEFAULT_REQUESTDISK")
    if text is not None:
        _set_size_and_retries(job, text, DISK)


def _set_count(job: JobBuilder, key: str, attribute: str) -> None:
    text = job.param(key, attribute)
    if text is None and not job.has(attribute) and job.cluster is None and job.use_default_resources:
        text = job.settings.get(f"JOB_DEFAULT_{attribute.upper()}")
    if text is not None and text.lower() != "undefined":
        job.set_expression(attribute, text, key)


def _set_cpus(job: JobBuilder) -> None:
    _set_count(job, "request_cpus", "RequestCpus")


def _set_gpus(job: JobBuilder) -> None:
    _set_count(job, "request_gpus", "RequestGPUs")
    if not job.has("RequestGPUs"):
        return
    job.copy_expression("RequireGPUs", "require_gpus", "RequireGPUs")
    job.copy_expression("GPUsMinCapability", "gpus_minimum_capability", "GPUsMinCapability")
    job.copy_expression("GPUsMaxCapability", "gpus_maximum_capability", "GPUsMaxCapability")
    memory = job.param("gpus_minimum_memory", "GPUsMinMemory")
    if memory is not None:
        _set_size(job, "GPUsMinMemory", memory, "gpus_minimum_memory", _MEBI, "megabytes")
    elif job.param("request_gpu_memory", "request_gpus_memory") is not None:
        job.warn("request_gpu_memory is not a submit command, did you mean gpus_minimum_memory?")
    runtime = job.param("gpus_minimum_runtime", "GPUsMinRuntime")
    if runtime is not None:
        version = _runtime(runtime)
        if version is not None:
            job.set("GPUsMinRuntime", version)
        else:
            job.set_expression("GPUsMinRuntime", runtime, "gpus_minimum_runtime")


def _runtime(text: str) -> int | None:
    """Return a CUDA version ``x`` or ``x.y`` as one number, or None."""
    match = _RUNTIME.fullmatch(text)
    if match is None or text != text.strip():
        return None
    major = int(match[1])
    minor = -1 if match[3] is None else int(match[3]) * (-1 if match[2] else 1)
    if major < 0 or not -1 <= minor < 100:
        return None
    if minor == -1 and major > 1000:
        return major
    return major * 1000 + (minor * 10 if minor > 0 else 0)


def _misspelled(key: str, right: str) -> Step:
    def apply(job: JobBuilder) -> None:
        job.warn(f"{key} is not a valid submit keyword, did you mean {right}?")

    return apply


def _custom(key: str) -> Step:
    attribute = "Request" + key[len("request_") :]

    def apply(job: JobBuilder) -> None:
        text = job.param(key)
        if text is None:
            raise job.error(f"{key} has no value", key, "", "a number or an expression")
        try:
            job.set_expression(attribute, text, key)
        except SubmitError as error:
            close = nearest_request(key)
            if close is not None:
                error.hint = f"did you mean {close}?"
            raise

    return apply


_BUILT_IN: dict[str, Step] = {
    "request_cpus": _set_cpus,
    "request_gpus": _set_gpus,
    "request_disk": _set_disk,
    "request_memory": _set_memory,
}
_MISSPELLED = {"request_cpu": "request_cpus", "request_gpu": "request_gpus"}
_IGNORED = frozenset({"request_gpu_memory", "request_gpus_memory"})


def request_steps(job: JobBuilder) -> Iterator[Step]:
    """Yield a step for each resource that the description asks for, then for the others of the four usual ones."""
    seen = set()
    for key in job.macros:
        lower = key.lower()
        if not lower.startswith("request_"):
            continue
        if lower in _BUILT_IN:
            seen.add(lower)
            yield _BUILT_IN[lower]
        elif lower in _MISSPELLED:
            yield _misspelled(key, _MISSPELLED[lower])
        elif len(lower) >= len("request_") + 2 and lower[len("request_")] != "_" and lower not in _IGNORED:
            yield _custom(key)
    for lower, step in _BUILT_IN.items():
        if lower not in seen:
            yield step


def complete_gpu_requirements(job: JobBuilder) -> None:
    """Add to RequireGPUs what the ``gpus_minimum_...`` commands ask for and the user did not mention."""
    if not job.has("RequestGPUs"):
        return
    own = job.get("RequireGPUs")
    mentioned = expressions.internal_references(
        own, {"capability", "globalmemorymb", "driverversion", "maxsupportedversion"}
    )
    clauses = [
        f"{name} {operator} {attribute}"
        for attribute, name, operator in _GPU_CLAUSES
        if job.has(attribute) and name.lower() not in mentioned
    ]
    if clauses:
        if own is not None:
            clauses.insert(0, expressions.wrapped_for_and(expressions.unparse(own)))
        job.set_expression("RequireGPUs", " && ".join(clauses), "require_gpus")
