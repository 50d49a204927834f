"""From the files of a machine to a table of parameters.

Order: main file, local directories, local files, local directories again if that setting changed, user file,
``_CONDOR_`` environment variables, detected values, automatic metaknobs; later assignments win
[src/condor_utils/condor_config.cpp, real_config].
"""

from __future__ import annotations

import errno
import posixpath
import re
from collections.abc import Iterator, Mapping

from htcondor_async._environment import Environment

from ._defaults import find_metaknob
from .functions import split_list
from .numbers import to_boolean
from .reader import ConfigReader
from .stream import BLANKS, NO_CONFIGURATION, Source, SourceError
from .table import DETECTED, ENVIRONMENT, ParameterTable

__all__ = ["load_table"]

_PREFIX = "_condor_"
_PLACES = ("/etc/condor/condor_config", "/usr/local/etc/condor_config")
_AUTO_USE = re.compile(r"AUTO_USE_([A-Za-z]+)_(.+)", re.IGNORECASE | re.DOTALL)
_FINAL = frozenset({"PID", "PPID", "IP_ADDRESS", "IP_ADDRESS_IS_IPV6", "IPV4_ADDRESS", "IPV6_ADDRESS", "DETECTED_CPUS"})
_READ = 4
_MAX_PATTERN = 4096
_MAX_VALUE = 1024 * 1024


def load_table(
    environment: Environment,
    path: str | None,
    subsystem: str,
    local_name: str | None,
    allow_commands: bool,
    detected: Mapping[str, str],
) -> tuple[ParameterTable, list[str]]:
    """Read everything; see :meth:`htcondor_async.config.Config.load`. Returns the table and the warnings."""
    table = ParameterTable(subsystem, local_name)
    loading = _Loading(ConfigReader(environment, table, allow_commands=allow_commands), detected)
    loading.run(path)
    return table, loading.reader.warnings


class _Loading:
    def __init__(self, reader: ConfigReader, detected: Mapping[str, str]) -> None:
        self.reader = reader
        self.environment = reader.environment
        self.table = reader.table
        self.detected = detected

    def value(self, name: str) -> str:
        raw = self.table.lookup(name)
        return self.reader.expander.expand(raw) if raw else ""

    def insert(self, name: str, value: str) -> None:
        self.table.insert(name, value, DETECTED, self.reader.expander)

    def run(self, path: str | None) -> None:
        self.insert_first()
        main, only_environment = self.find_main(path)
        if main is not None:
            self.insert("CONFIG_ROOT", posixpath.dirname(main) or ".")
            self.read_source(main, required=True)
        self.insert_host()
        directories = "" if only_environment else self.value("LOCAL_CONFIG_DIR")
        self.read_directories(directories)
        self.read_local_files()
        changed = "" if only_environment else self.value("LOCAL_CONFIG_DIR")
        if changed != directories:
            self.read_directories(changed)
        if not only_environment and (user_file := self.find_user_file()):
            self.read_source(user_file, required=False)
        self.insert_environment()
        self.insert_last()
        for name in ("FILESYSTEM_DOMAIN", "UID_DOMAIN"):
            if not self.value(name):
                self.insert(name, self.full_hostname())
        self.auto_use()

    def insert_first(self) -> None:
        """Set what the files may use and override."""
        for name, value in self.detected.items():
            self.insert(name, value)
        # A library never changes its user, so it is no administrator in HTCondor's sense even if root loads it.
        self.insert("CondorIsAdmin", "false")
        self.insert_names()

    def insert_names(self) -> None:
        condor = self.environment.user("condor")
        if condor is not None:
            self.insert("TILDE", condor.home)
        self.insert("SUBSYSTEM", self.table.subsystem)
        self.insert("LOCALNAME", self.table.local_name or self.table.subsystem)

    def full_hostname(self) -> str:
        full = self.value("NETWORK_HOSTNAME") or self.environment.hostname()
        domain = "" if "." in full else self.value("DEFAULT_DOMAIN_NAME").lstrip(".")
        return f"{full}.{domain}" if domain else full

    def insert_host(self) -> None:
        """Set the names of the host, which only local files may use: the main file may give the domain."""
        full = self.full_hostname()
        self.insert("FULL_HOSTNAME", full)
        self.insert("HOSTNAME", full.partition(".")[0])

    def insert_last(self) -> None:
        """Set what no file may override."""
        for name, value in self.detected.items():
            if name.upper() in _FINAL:
                self.insert(name, value)
        self.insert_names()
        self.insert_host()
        user = self.environment.current_user()
        if user is not None:
            self.insert("USERNAME", user.name)
            self.insert("REAL_UID", str(user.uid))
            self.insert("REAL_GID", str(user.gid))

    def find_main(self, path: str | None) -> tuple[str | None, bool]:
        """Return the main file, None for none, and whether no other file is to be read either."""
        named = path if path is not None else self.environment.environ.get("CONDOR_CONFIG")
        if named is not None:
            if named.upper() == "ONLY_ENV":
                return None, True
            if named in ("", "/dev/null"):
                return None, False
            status = self.environment.stat(named)
            if status is not None and status.is_directory:
                raise SourceError(f"the configuration {named!r} is a directory, not a file")
            if status is None and not named.endswith("|"):
                raise SourceError(f"the configuration file {named!r} does not exist")
            return named, False
        condor = self.environment.user("condor")
        places = (*_PLACES, f"{condor.home}/condor_config") if condor is not None else _PLACES
        for place in places:
            if self.environment.access(place, _READ):
                return place, False
        self.reader.warnings.append(
            f"{NO_CONFIGURATION}: CONDOR_CONFIG is not set, and none of "
            + ", ".join(places)
            + " can be read; defaults are used"
        )
        return None, False

    def read_source(self, name: str, *, required: bool) -> None:
        """Read a file, or the output of a command that ends in ``|``."""
        if "|" in name:
            source = Source(name)
            try:
                text, status = self.reader.run(name, source=source)
            except OSError as error:
                raise SourceError(f"cannot run the command: {error.strerror or error}", source=name) from error
            self.reader.read(text, source)
            if status:
                raise SourceError(f"the command ended with status {status}", source=name)
            return
        try:
            if not self.environment.access(name, _READ):
                raise FileNotFoundError(errno.ENOENT, "it does not exist or may not be read")
            text = self.reader.read_file(name)
        except OSError as error:
            if required:
                raise SourceError(f"cannot read the configuration: {error.strerror or error}", source=name) from error
            return
        self.reader.read(text, Source(name))

    def local_required(self) -> bool:
        text = self.value("REQUIRE_LOCAL_CONFIG_FILE")
        if text[:1] in ("t", "T", "f", "F"):
            return text[0] in "tT"
        truth = to_boolean(text, self.environment) if text else True
        if truth is None:
            raise SourceError(f"REQUIRE_LOCAL_CONFIG_FILE must be true or false, not {text[:200]!r}")
        return truth

    def read_directories(self, directories: str) -> None:
        required = self.local_required()
        for directory in split_list(directories):
            for path in self.directory_files(directory):
                self.read_source(path, required=required)

    def directory_files(self, directory: str) -> Iterator[str]:
        pattern_text = self.value("LOCAL_CONFIG_DIR_EXCLUDE_REGEXP")
        if len(pattern_text) > _MAX_PATTERN:
            raise SourceError(f"LOCAL_CONFIG_DIR_EXCLUDE_REGEXP has more than {_MAX_PATTERN} characters")
        try:
            pattern = re.compile(pattern_text) if pattern_text else None
        except re.error as error:
            raise SourceError(f"LOCAL_CONFIG_DIR_EXCLUDE_REGEXP is not a regular expression: {error}") from error
        try:
            names = self.environment.list_directory(directory)
        except OSError:
            # A directory that is not there has no files: packages create it later.
            return
        base = directory if directory.endswith("/") else f"{directory}/"
        for name in sorted(names, key=lambda name: name.encode("utf-8", "surrogateescape")):
            status = self.environment.stat(base + name)
            if (status is None or not status.is_directory) and not (pattern and pattern.search(name)):
                yield base + name

    def read_local_files(self) -> None:
        required = self.local_required()
        value = self.value("LOCAL_CONFIG_FILE")
        pending = _source_list(value)
        done: list[str] = []
        while pending:
            name = pending.pop(0)
            self.read_source(name, required=required)
            done.append(name)
            changed = self.value("LOCAL_CONFIG_FILE")
            if changed and changed != value:
                value = changed
                pending = [name for name in _source_list(value) if name not in done]

    def find_user_file(self) -> str | None:
        name = self.value("USER_CONFIG_FILE")
        user = self.environment.current_user()
        if not name or (user is None and not name.startswith("/")):
            return None
        path = name if user is None or name.startswith("/") else f"{user.home}/.condor/{name}"
        return path if self.environment.access(path, _READ) else None

    def insert_environment(self) -> None:
        for variable, value in self.environment.environ.items():
            if variable[: len(_PREFIX)].lower() != _PREFIX:
                continue
            name = variable[len(_PREFIX) :].rstrip(BLANKS)
            if len(value) > _MAX_VALUE:
                raise SourceError(f"the environment variable {variable[:80]} has more than {_MAX_VALUE} characters")
            if name:
                self.table.insert(name, value.lstrip(BLANKS), ENVIRONMENT, self.reader.expander)

    def auto_use(self) -> None:
        for name in list(self.table.names()):
            match = _AUTO_USE.fullmatch(name)
            trigger = self.value(name) if match else ""
            if match is None or not trigger:
                continue
            try:
                applies = self.reader.conditions.decide(trigger)
            except SourceError as error:
                self.reader.warnings.append(f"{name}: {error}")
                continue
            if not applies:
                continue
            found = find_metaknob(match[1], match[2])
            if found is None:
                self.reader.warnings.append(f"{name}: there is no metaknob {match[1]}:{match[2]}")
                continue
            self.reader.apply_metaknob(*found, Source(name))


def _source_list(value: str) -> list[str]:
    return [value] if "|" in value else split_list(value)
