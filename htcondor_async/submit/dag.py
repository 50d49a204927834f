"""Submit files of DAGs: what ``condor_submit_dag`` does before it submits.

The DAG itself is not parsed; only the commands CONFIG, SET_JOB_ATTR and ENV matter here
[src/condor_utils/dagman_utils.cpp].

Options (keys ignore case; values are strings, integers or booleans):

=========================================== =======================================================================
dagman                                      path of condor_dagman; by default it is looked up in PATH
force                                       remove what a previous run left behind
maxidle, maxjobs, maxpre, maxpost           limits; negative for none
config, schedd-address-file, outfile_dir    files and directories for DAGMan
batch-name, priority, debug                 of the DAGMan job
autorescue, dorescuefrom, load_save         where to begin
alwaysrunpost, usedagdir, do_recurse,       booleans that are passed on
dorecov, dumprescue, import_env,
allowversionmismatch, suppress_notification,
update_submit, valgrind
include_env, insert_env                     environment of the DAGMan job
=========================================== =======================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Protocol, runtime_checkable

import attrs

from htcondor_async._environment import Environment
from htcondor_async.config.stream import LineReader, Source
from htcondor_async.errors import HTCondorIOError, HTCondorTypeError, HTCondorValueError

from .context import SubmitContext
from .quoting import EnvironmentTable, QuotingError, join_v2, quote_v2
from .values import INT_MAX, INT_MIN, leading_int
from .words import basename

__all__ = ["DagFiles", "DagOptions", "write_submit_file"]

_GETENV = (
    "CONDOR_CONFIG,_CONDOR_*,PATH,PYTHONPATH,PERL*,PEGASUS_*,TZ,HOME,USER,LANG,LC_ALL,BEARER_TOKEN,BEARER_TOKEN_FILE,"
    "XDG_RUNTIME_DIR"
)
_ON_EXIT_REMOVE = "(ExitSignal =?= 11 || (ExitCode =!= UNDEFINED && ExitCode >=0 && ExitCode <= 2))"
_MAX_RESCUE = 100
_MAX_NOTE = 999

_STRINGS = (
    "dagman",
    "schedd-address-file",
    "outfile_dir",
    "config",
    "batch-name",
    "load_save",
    "include_env",
    "insert_env",
)
_INTEGERS = ("maxidle", "maxjobs", "maxpre", "maxpost", "debug", "autorescue", "dorescuefrom", "priority")
_BOOLEANS = (
    "force",
    "alwaysrunpost",
    "usedagdir",
    "allowversionmismatch",
    "do_recurse",
    "update_submit",
    "import_env",
    "dumprescue",
    "valgrind",
    "dorecov",
    "suppress_notification",
)
# v1 knows it, but under another name than that by which it can be set.
_MISSPELLED = "schedd-daemon-ad-file"
_KNOWN = frozenset((*_STRINGS, *_INTEGERS, *_BOOLEANS))


@runtime_checkable
class DagFiles(Environment, Protocol):
    """An environment that also changes files, which writing a submit file needs."""

    def write_file(self, path: str, data: bytes) -> None:
        """Write a file, replacing what is there; raises ``OSError``."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Rename a file, replacing what is there; raises ``OSError``."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; raises ``OSError``."""
        ...


@attrs.define
class DagOptions:
    """Options by their key in lower case; see the module."""

    strings: dict[str, str] = attrs.field(factory=dict)
    integers: dict[str, int] = attrs.field(factory=dict)
    booleans: dict[str, bool] = attrs.field(factory=dict)
    unknown: list[str] = attrs.field(factory=list)

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> DagOptions:
        """Return options given as a mapping; of two spellings of a key the last counts.

        Raises
        ------
        HTCondorValueError
            A value is empty, or neither a string, an integer nor a boolean.
        HTCondorTypeError
            A value is of the wrong kind.
        """
        found = cls()
        for key, value in options.items():
            if not isinstance(key, str):
                raise HTCondorTypeError(f"a DAGMan option is named by a string, not by {key!r}")
            if key.lower() not in _KNOWN and key.lower() != _MISSPELLED:
                found.unknown.append(key)
                continue
            if not isinstance(value, (str, int)) or (value == "" and isinstance(value, str)):
                raise HTCondorValueError(f"the DAGMan option {key} has no value")
            found._take(key, str(value).lower() if isinstance(value, bool) else value)
        return found

    def _take(self, key: str, value: str | int) -> None:
        lower = key.lower()
        if lower in _STRINGS:
            self.strings[lower] = str(value)
        elif lower in _INTEGERS:
            number = _leading_number(str(value))
            if number is None:
                raise HTCondorTypeError(f"the DAGMan option {key} needs an integer of 32 bits, not {value!r}")
            self.integers[lower] = number
        elif lower in _BOOLEANS:
            self.booleans[lower] = self._boolean(key, value)
        else:
            self.unknown.append(key)

    @staticmethod
    def _boolean(key: str, value: str | int) -> bool:
        text = str(value).strip().lower()
        if text in ("true", "false"):
            return text == "true"
        number = _leading_number(text)
        if number is None:
            raise HTCondorTypeError(f"the DAGMan option {key} needs a boolean, not {value!r}")
        return number > 0

    def flag(self, key: str) -> bool:
        """Return a boolean option, false if it is not given."""
        return self.booleans.get(key, False)

    def text(self, key: str) -> str:
        """Return a string option, "" if it is not given."""
        return self.strings.get(key, "")


def _leading_number(text: str) -> int | None:
    """Return the number that a text begins with, whatever follows; None without one, or beyond 32 bits."""
    match = re.match(r"\s*([+-]?[0-9]{1,18})", text)
    number = int(match[1]) if match else None
    return number if number is not None and INT_MIN <= number <= INT_MAX else None


@attrs.define
class _Commands:
    """What the DAG file itself says."""

    configs: set[str] = attrs.field(factory=set)
    attributes: list[str] = attrs.field(factory=list)
    include: list[str] = attrs.field(factory=list)
    insert: list[str] = attrs.field(factory=list)
    problems: list[str] = attrs.field(factory=list)


def _scan(text: str, directory: str) -> _Commands:
    found = _Commands()
    for line in LineReader(text, Source("")):
        word, _, rest = line.replace("\t", " ").partition(" ")
        rest = line[len(word) :].strip()
        word = word.upper()
        if word == "CONFIG":
            if rest:
                found.configs.add(rest if rest.startswith("/") else f"{directory}/{rest}")
            else:
                found.problems.append("Improperly-formatted file: value missing after keyword CONFIG")
        elif word == "SET_JOB_ATTR":
            if rest:
                found.attributes.append(rest)
            else:
                found.problems.append("Improperly-formatted file: value missing after keyword SET_JOB_ATTR")
        elif word == "ENV":
            _scan_environment(rest, found)
    return found


def _scan_environment(text: str, found: _Commands) -> None:
    kind = text.split(None, 1)[0].upper() if text else ""
    rest = text[len(kind) :].strip()
    if kind not in ("GET", "SET"):
        found.problems.append("Improperly-formatted file: sub-command (SET or GET) missing after keyword ENV")
    elif not rest:
        found.problems.append(f"Improperly-formatted file: environment variables missing after ENV {kind}")
    elif kind == "GET":
        found.include.append(",".join(re.findall(r"[^,\s]+", rest)))
    else:
        found.insert.append(rest)


class _Dag:
    """One DAG on its way to a submit file."""

    def __init__(self, name: str, options: DagOptions, context: SubmitContext) -> None:
        self.name = name
        self.options = options
        self.context = context
        self.world = context.world()
        self.include: list[str] = []
        self.insert: list[str] = []
        self.config = options.text("config")
        self.attributes: list[str] = []
        if options.text("include_env"):
            self.include.append(options.text("include_env"))
        if options.text("insert_env"):
            self.insert.append(options.text("insert_env").strip())
        directory = options.text("outfile_dir")
        self.debug_log = f"{directory}/{basename(name)}.dagman.out" if directory else f"{name}.dagman.out"

    def path(self, name: str) -> str:
        return name if name.startswith("/") else f"{self.world.cwd()}/{name}"

    def exists(self, name: str) -> bool:
        return self.world.stat(self.path(name)) is not None

    def which(self, program: str) -> str:
        """Return the path of a program found in PATH, or ""."""
        for directory in self.world.environ.get("PATH", "").split(":"):
            path = f"{directory or '.'}/{program}"
            status = self.world.stat(self.path(path))
            if status is not None and not status.is_directory and self.world.access(self.path(path), 1):
                return path
        return ""

    def read(self) -> None:
        """Read the DAG file."""
        try:
            text = self.world.read_file(self.path(self.name)).decode("utf-8", "surrogateescape")
        except OSError as error:
            raise HTCondorIOError(f"cannot read the DAG file {self.name}: {error.strerror or error}") from error
        directory = self.world.cwd()
        if self.options.flag("usedagdir") and "/" in self.name:
            directory = self.path(self.name).rpartition("/")[0]
        found = _scan(text, directory)
        if len(found.configs) > 1:
            found.problems.append(f"Multiple ({len(found.configs)}) configuration files provided.")
        for config in found.configs:
            if self.config and self.config != config:
                found.problems.append(f"Conflicting DAGMan config files specified: {self.config} and {config}")
            self.config = config
        if found.problems:
            raise HTCondorIOError("; ".join(found.problems), hint=f"look at {self.name}")
        self.attributes = found.attributes
        self.include += found.include
        self.insert += found.insert

    # -- existing files

    def rescue_name(self, number: int) -> str:
        return f"{self.name}.rescue{number:03}"

    def last_rescue(self) -> int:
        """Return the number of the newest rescue DAG, 0 for none."""
        limit = min(_MAX_NOTE, leading_int(self.context.setting("DAGMAN_MAX_RESCUE_NUM") or str(_MAX_RESCUE)))
        return max((number for number in range(1, limit + 1) if self.exists(self.rescue_name(number))), default=0)

    @property
    def auto_rescue(self) -> int:
        default = (self.context.setting("DAGMAN_AUTO_RESCUE") or "true").lower()
        return self.options.integers.get("autorescue", 1 if default in ("true", "1") else 0)

    def prepare(self, files: DagFiles) -> None:
        """Make way for the files that DAGMan will write."""
        asked = self.options.integers.get("dorescuefrom", 0)
        if asked > 0 and not self.exists(self.rescue_name(asked)):
            raise self._in_the_way([f"{self.rescue_name(asked)} does not exist, and dorescuefrom is {asked}"], False)
        outputs = [f"{self.name}{ending}" for ending in (".condor.sub", ".lib.out", ".lib.err", ".dagman.log")]
        self._remove(files, f"{self.name}.halt")
        if self.options.flag("force"):
            for output in outputs:
                self._remove(files, output)
            for number in range(1, self.last_rescue() + 1):
                old = self.rescue_name(number)
                if self.exists(old):
                    files.rename(self.path(old), self.path(old + ".old"))
        automatic = bool(self.auto_rescue) and self.last_rescue() > 0
        if automatic:
            self.world.log(f"Running rescue DAG {self.last_rescue()}")
        problems = []
        goes_on = automatic or asked >= 1 or self.options.flag("update_submit") or self.options.text("load_save")
        if not goes_on:
            problems = [f"{output} exists" for output in outputs if self.exists(output)]
        if not self.auto_rescue and asked < 1 and self.exists(f"{self.name}.rescue"):
            problems.append(f"{self.name}.rescue exists")
        if problems:
            raise self._in_the_way(problems, True)

    def _in_the_way(self, problems: list[str], can_force: bool) -> HTCondorIOError:
        hint = "rename the files, or set the option force" if can_force else None
        return HTCondorIOError("the output files of condor_dagman cannot be written: " + ", ".join(problems), hint=hint)

    def _remove(self, files: DagFiles, name: str) -> None:
        if self.exists(name):
            try:
                files.remove(self.path(name))
            except OSError as error:
                raise HTCondorIOError(f"cannot remove {name}: {error.strerror or error}") from error

    # -- the submit file

    def submit_file(self, dagman: str) -> str:
        """Return the text of the submit file."""
        name, options = self.name, self.options
        executable = dagman
        if options.flag("valgrind"):
            executable = self.which("valgrind")
            if not executable:
                raise HTCondorIOError("the option valgrind is set, and there is no valgrind in PATH")
        lines = [
            f"# Filename: {name}.condor.sub",
            f"# Generated by condor_submit_dag {name} ",
            "universe    = scheduler",
            f"executable  = {executable}",
            f"getenv      = {self._getenv()}",
            f"output      = {name}.lib.out",
            f"error       = {name}.lib.err",
            f"log         = {name}.dagman.log",
        ]
        if options.text("batch-name"):
            lines.append(f'My.JobBatchName = "{options.text("batch-name")}"')
        lines += [
            "remove_kill_sig = SIGUSR1",
            'My.OtherJobRemoveRequirements = "DAGManJobId =?= $(cluster)"',
            "# Note: default on_exit_remove expression:",
            f"# {_ON_EXIT_REMOVE}",
            "# attempts to ensure that DAGMan is automatically",
            "# requeued by the schedd if it exits abnormally or",
            "# is killed (e.g., during a reboot).",
            f"on_exit_remove = {self.context.setting('DAGMAN_ON_EXIT_REMOVE') or _ON_EXIT_REMOVE}",
            f"arguments = {quote_v2(join_v2(self._arguments(dagman)))}",
            f"environment = {quote_v2(self._environment())}",
            *self._inserted_lines(),
            *(f"My.{line}" for line in self.attributes),
            "queue",
        ]
        return "\n".join(lines) + "\n"

    def _getenv(self) -> str:
        extra = self.context.setting("DAGMAN_MANAGER_JOB_APPEND_GETENV") or ""
        if extra.lower() == "true":
            return "true"
        return ",".join([_GETENV, *self.include, *([extra] if extra else [])])

    def _arguments(self, dagman: str) -> list[str]:
        options, integers = self.options, self.options.integers
        found: list[str] = []
        if options.flag("valgrind"):
            found += ["--tool=memcheck", "--leak-check=yes", "--show-reachable=yes", dagman]
        found += ["-p", "0", "-f", "-l", "."]
        if integers.get("debug", -1) != -1:
            found += ["-Debug", str(integers["debug"])]
        found += ["-Lockfile", f"{self.name}.lock", "-Dag", self.name]
        for key, flag in (
            ("maxidle", "-MaxIdle"),
            ("maxjobs", "-MaxJobs"),
            ("maxpre", "-MaxPre"),
            ("maxpost", "-MaxPost"),
        ):
            if integers.get(key, -1) >= 0:
                found += [flag, str(integers[key])]
        if "alwaysrunpost" in options.booleans:
            found.append("-AlwaysRunPost" if options.flag("alwaysrunpost") else "-DontAlwaysRunPost")
        if options.flag("dorecov"):
            found.append("-DoRecov")
        found += ["-CsdVersion", self.context.identity.version]
        if options.flag("dumprescue"):
            found.append("-DumpRescue")
        if integers.get("priority", 0):
            found += ["-Priority", str(integers["priority"])]
        if options.text("load_save"):
            found += ["-load_save", options.text("load_save")]
        return found + self._deep_arguments(dagman)

    def _deep_arguments(self, dagman: str) -> list[str]:
        """Return the arguments that DAGMan passes on to the DAGs within this one."""
        options = self.options
        found = ["-dagman", dagman]
        if options.flag("usedagdir"):
            found.append("-UseDagDir")
        if options.text("outfile_dir"):
            found += ["-outfile_dir", options.text("outfile_dir")]
        found += ["-AutoRescue", str(self.auto_rescue), "-DoRescueFrom", str(options.integers.get("dorescuefrom", 0))]
        if options.flag("allowversionmismatch"):
            found.append("-AllowVersionMismatch")
        if options.flag("import_env"):
            found.append("-import_env")
        for names in self.include:
            found += ["-include_env", names]
        for pairs in self.insert:
            found += ["-insert_env", pairs]
        if options.flag("do_recurse"):
            found.append("-do_recurse")
        if "suppress_notification" in options.booleans:
            suppress = options.flag("suppress_notification")
            found.append("-suppress_notification" if suppress else "-dont_suppress_notification")
        if options.flag("force"):
            found.append("-force")
        if options.flag("update_submit"):
            found.append("-update_submit")
        return found

    def _environment(self) -> str:
        table = EnvironmentTable()
        if self.options.flag("import_env"):
            for name, value in self.world.environ.items():
                if ";" not in name and ";" not in value and "\n" not in value:
                    table.add_entry(f"{name}={value}")
        for pairs in self.insert:
            try:
                table.merge(pairs)
            except QuotingError as error:
                raise HTCondorIOError(f"insert_env {pairs!r} cannot be used: {error}") from error
        table.add_entry(f"_CONDOR_DAGMAN_LOG={self.debug_log}")
        table.add_entry("_CONDOR_MAX_DAGMAN_LOG=0")
        address = self.options.text("schedd-address-file")
        if address:
            table.add_entry(f"_CONDOR_SCHEDD_ADDRESS_FILE={address}")
        if self.config:
            if not self.exists(self.config):
                raise HTCondorIOError(f"the configuration file {self.config} of DAGMan does not exist")
            table.add_entry(f"_CONDOR_DAGMAN_CONFIG_FILE={self.config}")
        return table.raw_v2()

    def _inserted_lines(self) -> list[str]:
        name = self.context.setting("DAGMAN_INSERT_SUB_FILE")
        if not name:
            return []
        try:
            text = self.world.read_file(self.path(name)).decode("utf-8", "surrogateescape")
        except OSError as error:
            raise HTCondorIOError(f"cannot read DAGMAN_INSERT_SUB_FILE {name}: {error.strerror or error}") from error
        return list(LineReader(text, Source(name)))


def write_submit_file(filename: str, options: Mapping[str, Any], context: SubmitContext) -> str:
    """Write the submit file of a DAG and return its text.

    Nothing is written if the file cannot be written as a whole.

    Parameters
    ----------
    filename
        The DAG file. Names in the submit file begin with this one as it is given.
    options
        See the module.
    context
        What is known of the world; its environment must also be able to write files.

    Raises
    ------
    HTCondorIOError
        Files are missing, in the way, or cannot be written.
    HTCondorTypeError, HTCondorValueError
        An option has a wrong value.
    """
    world = context.world()
    if not isinstance(world, DagFiles):
        raise HTCondorTypeError("this environment cannot write files, which the submit file of a DAG needs")
    parsed = DagOptions.parse(options)
    dag = _Dag(filename, parsed, context)
    if not dag.exists(filename):
        raise HTCondorIOError(f"cannot read the DAG file {filename}: there is no such file")
    for key in parsed.unknown:
        close = get_close_matches(key.lower(), (*_STRINGS, *_INTEGERS, *_BOOLEANS), n=1, cutoff=0.7)
        hint = f", did you mean {close[0]!r}?" if close else ""
        context.notice(f"the DAGMan option {key!r} is not known and is ignored{hint}")
    dagman = parsed.text("dagman") or dag.which("condor_dagman")
    if not dagman:
        raise HTCondorIOError("there is no condor_dagman in PATH", hint="set the option dagman")
    dag.read()
    dag.prepare(world)
    text = dag.submit_file(dagman)
    try:
        world.write_file(dag.path(f"{filename}.condor.sub"), text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise HTCondorIOError(f"cannot write {filename}.condor.sub: {error.strerror or error}") from error
    return text
