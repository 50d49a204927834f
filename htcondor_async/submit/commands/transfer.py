"""Files that go to the job and come back, and how much room they need."""

from __future__ import annotations

import re

from htcondor_async.submit.job import JobBuilder, Step, Universe
from htcondor_async.submit.values import parse_size
from htcondor_async.submit.versions import Version
from htcondor_async.submit.words import basename, is_url, split_commas, split_list, strip_quotes, url_scheme

from .container import check_docker_credentials, collect_container
from .program import is_cloud
from .sizes import size_kb

__all__ = ["TRANSFER_STEPS", "WHEN", "fix_input_files", "note_schemes", "set_image_size", "transfer_schemes"]

_SHOULD = {
    "yes": "YES",
    "true": "YES",
    "always": "YES",
    "no": "NO",
    "false": "NO",
    "never": "NO",
    "if_needed": "IF_NEEDED",
    "auto": "IF_NEEDED",
}
# HTCondor also takes the words of should_transfer_files here, where they mean what stands at their place in its list.
WHEN = {
    "on_exit": "ON_EXIT",
    "onexit": "ON_EXIT",
    "on_exit_or_evict": "ON_EXIT_OR_EVICT",
    "always": "ON_EXIT_OR_EVICT",
    "on_success": "ON_SUCCESS",
    "onsuccess": "ON_SUCCESS",
    "none": "NONE",
    "null": "NONE",
    "yes": "ON_EXIT_OR_EVICT",
    "true": "ON_EXIT_OR_EVICT",
    "no": "ON_EXIT",
    "false": "ON_EXIT",
    "never": "ON_EXIT",
    "if_needed": "ON_SUCCESS",
    "auto": "ON_SUCCESS",
}
_ALLOW_EMPTY = '""'
_COMMON_INPUT = Version(25, 14)


def set_image_size(job: JobBuilder) -> None:
    """Write ExecutableSize and ImageSize."""
    if job.universe != Universe.VM and job.proc < 1:
        command = job.string("Cmd") or ""
        job.set("ExecutableSize", 0 if not command or is_cloud(job) else size_kb(job, command))
    text = job.param("image_size", "ImageSize")
    if text is not None:
        job.set("ImageSize", _kilobytes(job, "image_size", text))
    elif not job.has("ImageSize"):
        job.set("ImageSize", job.integer("ExecutableSize"))


def _kilobytes(job: JobBuilder, key: str, text: str) -> int:
    size = parse_size(text, 1024)
    if size is None or size.amount < 1:
        raise job.error(f"'{text}' is not valid for {key}", key, text, "a size of at least 1 KB")
    return size.amount


def _file_list(job: JobBuilder, text: str) -> list[str]:
    if text == _ALLOW_EMPTY:
        return []
    if job.target.version.major >= 25:
        text = strip_quotes(text)
    return split_commas(text)


def collect_inputs(job: JobBuilder) -> None:
    """Note the input files that the user lists, and their size."""
    text = job.param("transfer_input_files", "TransferInputFiles")
    names = _file_list(job, text) if text is not None else []
    job.set("#inputs", ",".join(names))
    job.set("#inputs_kb", sum(size_kb(job, name) for name in names))
    job.set("#has_inputs", bool(names))
    if job.target.version >= _COMMON_INPUT:
        common = job.param("transfer_common_input", "CommonInputFiles")
        if common is not None:
            job.set("CommonInputFiles", ",".join(split_commas(strip_quotes(common))))


def measure_stdin(job: JobBuilder) -> None:
    """Note the size of standard input."""
    name = job.string("In")
    job.set("#stdin_kb", size_kb(job, name) if name and job.flag("TransferIn", True) else 0)


def collect_outputs(job: JobBuilder) -> None:
    """Note the output files that the user lists."""
    text = job.param("transfer_output_files", "TransferOutputFiles")
    names = _file_list(job, text) if text is not None else []
    job.set("#outputs", ",".join(names))
    job.set("#has_outputs", bool(names) or text == _ALLOW_EMPTY)


def _should_and_when(job: JobBuilder, files_in: bool, files_out: bool) -> tuple[str, str]:
    """Return the values of ShouldTransferFiles and WhenToTransferOutput; the latter "" for none."""
    text = job.param("ShouldTransferFiles", "should_transfer_files") or job.string("ShouldTransferFiles")
    by_default = False
    if text is None:
        text = job.settings.get("SUBMIT_DEFAULT_SHOULD_TRANSFER_FILES")
        by_default = True
        if text is None or text.lower() not in _SHOULD:
            text = "IF_NEEDED"
    should = _SHOULD.get(text.lower())
    if should is None:
        raise job.error(
            f"invalid value {text} for should_transfer_files", "should_transfer_files", text, "YES, NO, or IF_NEEDED"
        )
    if should == "NO" and (files_in or files_out):
        key = "transfer_input_files" if files_in else "transfer_output_files"
        raise job.error(f"{key} is given, but should_transfer_files is NO", "should_transfer_files", text)
    asked = job.param("WhenToTransferOutput", "when_to_transfer_output") or job.string("WhenToTransferOutput")
    if asked is None:
        if should == "NO":
            if not by_default:
                return should, ""
            raise job.error(
                "files are not transferred by the configuration, and when_to_transfer_output has its default",
                "should_transfer_files",
                text,
                "should_transfer_files",
            )
        return should, "ON_EXIT"
    when = WHEN.get(asked.lower())
    if when is None:
        raise job.error(
            f"invalid value {asked} for when_to_transfer_output",
            "when_to_transfer_output",
            asked,
            "ON_EXIT, ON_EXIT_OR_EVICT, or ON_SUCCESS",
        )
    if (should == "NO") != (when == "NONE"):
        raise job.error(
            f"when_to_transfer_output = {asked} contradicts should_transfer_files = {text}",
            "when_to_transfer_output",
            asked,
            "one of the two",
        )
    if should == "NO":
        return should, ""
    if when == "ON_EXIT_OR_EVICT" and should == "IF_NEEDED":
        if not by_default:
            raise job.error(
                "when_to_transfer_output = ON_EXIT_OR_EVICT and should_transfer_files = IF_NEEDED do not go together",
                "when_to_transfer_output",
                asked,
                "should_transfer_files = YES, or when_to_transfer_output = ON_EXIT",
            )
        should = "YES"
    return should, when


def decide_transfer(job: JobBuilder) -> None:
    """Write whether and when files are transferred."""
    files_in = bool(job.get("#has_inputs") or job.get("#has_container"))
    should, when = _should_and_when(job, files_in, bool(job.get("#has_outputs")))
    job.set("#should", should)
    job.set("ShouldTransferFiles", should)
    if when:
        job.set("WhenToTransferOutput", when)
    if should != "YES" and not job.has("FileSystemDomain"):
        domain = job.settings.get("FILESYSTEM_DOMAIN")
        if domain is not None:
            job.set("FileSystemDomain", domain)


def collect_programs(job: JobBuilder) -> None:
    """Note the tool daemon, and the program and archives of java jobs, which are input files too."""
    names: list[str] = []
    if job.get("#should") != "NO":
        for attribute in ("ToolDaemonCmd", "ToolDaemonInput"):
            name = job.string(attribute)
            if name is None:
                break
            names.append(name)
        if job.universe == Universe.JAVA:
            command = job.string("Cmd")
            if command is not None and command != "java":
                names.append(command)
            job.set("#archives", ",".join(split_commas(job.string("JarFiles") or "")))
            job.set("Cmd", "java")
            job.set("TransferExecutable", False)
    job.set("#programs", ",".join(names))


def set_inputs(job: JobBuilder) -> None:
    """Write TransferInput, and how much room the job needs."""
    text = job.get("#inputs")
    kilobytes = job.get("#inputs_kb") + job.get("#container_kb") + job.get("#stdin_kb")
    container, programs, archives = job.get("#container"), job.get("#programs"), job.get("#archives")
    if container or programs or archives:
        names = split_commas(text) + ([container] if container else [])
        for name in split_commas(programs):
            if name not in names:
                names.append(name)
                kilobytes += size_kb(job, name)
        for name in split_commas(archives or ""):
            names.append(name)
            kilobytes += size_kb(job, name)
        text = ",".join(names)
    if job.get("#should") != "NO" and (job.get("#has_container") or job.get("#has_inputs")):
        job.set("TransferInput", text)
    _set_disk_usage(job, kilobytes)


def _set_disk_usage(job: JobBuilder, kilobytes: int) -> None:
    text = job.param("disk_usage", "DiskUsage")
    if text is not None:
        job.set("DiskUsage", _kilobytes(job, "disk_usage", text))
        return
    total = job.integer("ExecutableSize") + kilobytes
    rounding = 1023 if job.target.version.major >= 25 else 0
    job.set("TransferInputSizeMB", (total + rounding) // 1024)
    job.set("DiskUsage", total)


def set_outputs(job: JobBuilder) -> None:
    """Write TransferOutput, TransferOutputRemaps and PublicInputFiles."""
    remaps = _spooled_streams(job) if job.target.spool else []
    if job.get("#should") != "NO":
        public = job.param("public_input_files", "PublicInputFiles")
        if public is not None and split_commas(public):
            job.set("PublicInputFiles", ",".join(split_commas(public)))
        if job.get("#has_outputs"):
            job.set("TransferOutput", job.get("#outputs"))
    elif job.universe not in (Universe.GRID, Universe.JAVA, Universe.VM) and job.bool_param(
        "transfer_executable", "TransferExecutable"
    ):
        what = "transfer_executable is true, but should_transfer_files is NO"
        raise job.error(what, "transfer_executable", None, "one of them")
    _set_remaps(job, remaps)


TRANSFER_STEPS: tuple[Step, ...] = (
    collect_inputs,
    collect_container,
    check_docker_credentials,
    measure_stdin,
    collect_outputs,
    decide_transfer,
    collect_programs,
    set_inputs,
    set_outputs,
)


def _escape(text: str) -> str:
    return re.sub(r"([;=\\])", r"\\\1", text)


def _spooled_streams(job: JobBuilder) -> list[str]:
    """Give stdout and stderr plain names in the spool directory; returns the remaps that undo it."""
    remaps = []
    output, error = job.string("Out") or "", job.string("Err") or ""
    for attribute, name, stream, working in (
        ("Out", output, "StreamOut", "_condor_stdout"),
        ("Err", error, "StreamErr", "_condor_stdout" if error == output else "_condor_stderr"),
    ):
        if name and name != basename(name) and name != "/dev/null" and not job.flag(stream):
            job.set(attribute, working)
            remaps.append(f"{working}={_escape(name)}")
    return remaps


def _set_remaps(job: JobBuilder, remaps: list[str]) -> None:
    text = job.param("transfer_output_remaps", "TransferOutputRemaps")
    if text is not None:
        if len(text) > 1 and text[0] == '"' and text[-1] == '"':
            remaps.append(text[1:-1])
        elif job.target.version.major >= 25:
            remaps.append(text)
        else:
            raise job.error(
                f"transfer_output_remaps must be a quoted string, not: {text}",
                "transfer_output_remaps",
                text,
                'double quotes, as in "a = b; c = d"',
            )
    joined = ";".join(remaps)
    if joined:
        job.set("TransferOutputRemaps", joined)


def note_schemes(job: JobBuilder) -> None:
    """Note the URL schemes of what is transferred: Requirements depend on them, not on the files themselves."""
    job.set("#schemes", transfer_schemes(job))


def transfer_schemes(job: JobBuilder) -> str:
    """Return the URL schemes that the job needs plugins for, sorted, joined by commas."""
    supplied: set[str] = set()
    for plugin in (job.string("TransferPlugins") or "").split(";"):
        methods, equals, _ = plugin.partition("=")
        if equals:
            supplied.update(name.lower() for name in split_list(methods))
    urls = split_commas(job.string("TransferInput") or "")
    destination = job.string("OutputDestination")
    if destination is not None:
        urls.append(destination)
    for remap in (job.string("TransferOutputRemaps") or "").split(";"):
        _, equals, target = remap.partition("=")
        if equals:
            urls.append(target.strip())
    found: dict[str, str] = {}
    for url in urls:
        scheme = url_scheme(url)
        if scheme and scheme.lower() not in supplied:
            found.setdefault(scheme.lower(), scheme)
    return ",".join(found[lower] for lower in sorted(found))


def fix_input_files(job: JobBuilder) -> None:
    """Move protected URLs into lists of their own, and expand directories for spooling."""
    names = job.string("TransferInput")
    if names is None:
        return
    rules = _protected_rules(job)
    if rules:
        _split_protected(job, split_commas(names), rules)
    if job.target.spool:
        expanded = ",".join(_expand_directories(job, job.string("TransferInput") or ""))
        job.set("TransferInput", expanded)


def _protected_rules(job: JobBuilder) -> list[tuple[str, str, str]]:
    name = job.settings.get("PROTECTED_URL_TRANSFER_MAPFILE")
    if name is None:
        return []
    try:
        text = job.environment.read_file(name).decode("utf-8", "surrogateescape")
    except OSError:
        # The real one goes on without a map that it cannot read.
        return []
    rules = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3 and not words[0].startswith("#"):
            rules.append((words[0].lower(), words[1], words[2]))
    return rules


def _queue_of(url: str, rules: list[tuple[str, str, str]]) -> str | None:
    """Return the queue of a protected URL, or None: the scheme is the method of a rule, the longest prefix counts."""
    scheme = url_scheme(url).lower()
    rest = url.partition("://")[2]
    found = [(len(prefix), queue) for method, prefix, queue in rules if method == scheme and rest.startswith(prefix)]
    if not scheme or not found:
        return None
    queue = max(found)[1]
    return "LOCAL" if queue == "*" else queue.upper()


def _split_protected(job: JobBuilder, names: list[str], rules: list[tuple[str, str, str]]) -> None:
    rest: list[str] = []
    queues: dict[str, list[str]] = {}
    for name in names:
        queue = _queue_of(name, rules)
        if queue is None:
            rest.append(name)
        else:
            queues.setdefault(queue, []).append(name)
    if not queues:
        return
    job.set("TransferInput", ",".join(rest))
    attributes = []
    for queue in sorted(queues):
        attribute = f"TransferInputFrom_{queue}"
        job.set(attribute, ",".join(queues[queue]))
        attributes.append(attribute)
    job.set_expression("TransferQueueInputList", "{ " + ",".join(attributes) + " }")


def _expand_directories(job: JobBuilder, names: str) -> list[str]:
    found = []
    for name in split_commas(names):
        if not name.endswith("/") or is_url(name):
            found.append(name)
            continue
        try:
            entries = job.environment.list_directory(job.full_path(name))
        except OSError as error:
            raise job.error(
                f"cannot expand the directory {name}: {error.strerror or error}", "transfer_input_files", name
            ) from error
        found.extend(name + entry for entry in entries)
    return found
