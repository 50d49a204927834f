"""Real HTCondor pools on loopback, one of each version for a whole test run.

The first test that needs a pool starts it, under a file lock; other processes of the same run find it.
A keeper process (see keeper.py) ends it together with the run.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from . import afresh, certificates, pool_config, roots, tokens

SUITES = {"real-23.9": "trixie", "real-25": "sid"}
"""Name of a pool in test ids to the Debian suite that its HTCondor comes from."""

RUN_VARIABLE = "HTCONDOR_ASYNC_TEST_RUN"
_START_LIMIT = 90.0
_ROUTINE = re.compile(r"Calling Handle|Return from Handle|QueryWorker|QueryReaper|reaper for pid")


class TestRun:
    """The folder and the lifetime of one test run. The controlling process owns it, its workers join it."""

    __test__ = False

    def __init__(self) -> None:
        self._alive: IO[str] | None = None
        if found := os.environ.get(RUN_VARIABLE):
            self.folder = Path(found)
            return
        self.folder = Path(tempfile.mkdtemp(prefix="htcondor-async-", dir="/tmp"))
        self.folder.chmod(0o755)
        os.environ[RUN_VARIABLE] = str(self.folder)
        # Opened once: closing any descriptor of the file would give the record lock away.
        self._alive = (self.folder / "alive").open("w")
        fcntl.lockf(self._alive, fcntl.LOCK_EX)

    def end(self) -> None:
        """Stop what was started and remove the folder; a joined run does nothing."""
        if self._alive is None:
            return
        kept = [file.parent for file in self.folder.glob("*/keeper.json")]
        self._alive.close()
        os.environ.pop(RUN_VARIABLE, None)
        deadline = time.monotonic() + 15
        while any(folder.exists() for folder in kept) and time.monotonic() < deadline:
            time.sleep(0.02)
        shutil.rmtree(self.folder, ignore_errors=True)


class Pool:
    """A running pool.

    Attributes:
        id: its name in test ids, a key of `SUITES`.
        port: the one TCP port of all daemons, on 127.0.0.1.
        run: its folder.
        collector: address of the main collector, for COLLECTOR_HOST.
        collectors: local name of each further collector to its address.
        init: process id of the first process in its namespace.
        schedds: short name of each schedd ("open", "integrity", ...) to its full name.
    """

    def __init__(self, name: str, root: Path, run: Path, port: int, init: int) -> None:
        self.id, self.root, self.run, self.port = name, root, run, port
        self.init = init
        self.collector = pool_config.collector_address(port)
        self.collectors = {key: pool_config.collector_address(port, key) for key in pool_config.COLLECTOR_POLICIES}
        names = ["open", *pool_config.SCHEDD_POLICIES, "ccb"]
        self.schedds = {key: f"{key}@{pool_config.TRUST_DOMAIN}" for key in names}
        self.ca = run / "ssl/ca.pem"

    def __repr__(self) -> str:
        return f"<Pool {self.id} on port {self.port}>"

    @functools.cached_property
    def version(self) -> str:
        """Version of the daemons, as they say themselves: "23.9.6"."""
        text = self.tool("condor_status", "-collector", "-af", "CondorVersion").stdout
        found = re.search(r"CondorVersion: (\S+)", text)
        if found is None:
            raise RuntimeError(f"no version in {text!r}")
        return found[1]

    @functools.cached_property
    def signing_key(self) -> bytes:
        """What tokens of key "POOL" are signed with."""
        return tokens.signing_key((self.run / "passwords.d/POOL").read_bytes(), "POOL")

    # Identities

    def token(
        self,
        identity: str = "alice@testpool",
        scopes: Sequence[str] = (),
        lifetime: float | None = None,
        *,
        key: str | bytes = "POOL",
        issuer: str = pool_config.TRUST_DOMAIN,
    ) -> str:
        """Mint a token.

        Args:
            identity: its subject.
            scopes: authorizations it is limited to ("READ", "WRITE" ...).
            lifetime: seconds; negative: one that has expired already.
            key: name of one of the pool's signing keys, "POOL" or "OTHER", or a wrong key, as bytes, that
                claims to be "POOL".
            issuer: the trust domain it claims.
        """
        name, secret = ("POOL", key) if isinstance(key, bytes) else (key, self._key(key))
        return tokens.mint(secret, name=name, identity=identity, scopes=scopes, lifetime=lifetime, issuer=issuer)

    def _key(self, name: str) -> bytes:
        return tokens.signing_key((self.run / "passwords.d" / name).read_bytes(), name)

    def settings(
        self,
        identity: str | None = "alice@testpool",
        *,
        methods: str = "IDTOKENS",
        owner: str = "root",
        password: bool = False,
        token: str | None = None,
        **extra: str,
    ) -> dict[str, str]:
        """Make a folder for a client and return its whole configuration.

        Args:
            identity: whom the client has a token of; None: of nobody.
            methods: SEC_CLIENT_AUTHENTICATION_METHODS.
            owner: the user that the folder and the token belong to, a key of `roots.USERS` or "root".
            password: also give it the pool's password, for the PASSWORD method.
            token: this one in place of one minted for `identity`.
            extra: further parameters.
        """
        folder = Path(tempfile.mkdtemp(prefix="client-", dir=self.run / "clients"))
        secret_files: dict[str, bytes] = {}
        if token is not None or identity is not None:
            text = token if token is not None else self.token(identity or "")
            secret_files["tokens.d/token"] = text.encode() + b"\n"
        if password:
            secret_files["passwords.d/POOL"] = (self.run / "passwords.d/POOL").read_bytes()
        for sub in ("tokens.d", "passwords.d", "work"):
            (folder / sub).mkdir(mode=0o755 if sub == "work" else 0o700)
        for name in ("client.pem", "client.key"):
            secret_files[name] = (self.run / "ssl" / name).read_bytes()
        for name, data in secret_files.items():
            (folder / name).touch(mode=0o600)
            (folder / name).write_bytes(data)
        settings = {**pool_config.client_settings(self.port, folder, self.ca), **extra}
        settings.setdefault("SEC_CLIENT_AUTHENTICATION_METHODS", methods)
        lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
        (folder / "condor_config").write_text(lines)
        uid = roots.USERS.get(owner, 0)
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, uid, uid)
        folder.chmod(0o755)
        return settings

    def client(self, identity: str | None = "alice@testpool", **options: Any) -> Path:
        """Like `settings`, but return the configuration file that holds them, for CONDOR_CONFIG."""
        return Path(self.settings(identity, **options)["SEC_TOKEN_DIRECTORY"]).with_name("condor_config")

    # Tools

    def tool(
        self,
        *command: str,
        user: str | None = None,
        config: Path | None = None,
        check: bool = True,
        stdin: str = "",
        timeout: float = 120,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the pool's root, inside it.

        Args:
            user: a user with a token of its own ("alice", "bob"); none: the pool's own user, who can
                read its signing key and so may do anything.
            config: a configuration made by `client(owner=user)`, in place of the user's usual one.
            env: further variables of its environment.

        Raises:
            AssertionError: it failed, and `check` is true; the text holds what it wrote.
        """
        if config is None:
            config = self._config_of(user) if user else self.run / "condor_config"
        account = user or roots.DAEMON_USER
        inside = ["nsenter", "--target", str(self.init), "--mount", "--pid"]
        result = subprocess.run(
            [*inside, "chroot", f"--userspec={account}:{account}", str(self.root), *command],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd="/",
            env={
                "PATH": os.environ["PATH"],
                "CONDOR_CONFIG": str(config),
                "HOME": f"/home/{account}",
                "USER": account,
                **(env or {}),
            },
        )
        if check and result.returncode:
            raise AssertionError(f"{' '.join(command)}: status {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def _config_of(self, user: str) -> Path:
        path = self.run / "clients" / user
        with roots.locked(self.run / "clients/.lock"):
            if not path.exists():
                config = self.client(f"{user}@{pool_config.TRUST_DOMAIN}", owner=user)
                path.symlink_to(config.parent)
        return path / "condor_config"

    def submit(
        self,
        count: int = 1,
        *,
        user: str = "alice",
        schedd: str = "open",
        hold: bool = True,
        text: str = "",
        **commands: object,
    ) -> int:
        """Submit jobs with the pool's own condor_submit and return their cluster.

        Args:
            count: how many procs.
            user: whose; authenticated by a token, so `schedd` must take one.
            schedd: short name.
            hold: keep them from running.
            text: further lines before `queue`.
            commands: submit commands that add to or replace `executable=/bin/sleep`, `arguments=300`.
        """
        config = self._config_of(user)
        every: dict[str, object] = {
            "executable": "/bin/sleep",
            "arguments": 300,
            "initialdir": config.parent / "work",
            "transfer_executable": "false",
            "should_transfer_files": "no",
            "hold": str(hold).lower(),
            **commands,
        }
        lines = [f"{key} = {value}" for key, value in every.items()]
        description = "\n".join([*lines, text, f"queue {count}", ""])
        afresh.forget_refusals(self, schedd)
        command = ["condor_submit", "-terse", "-pool", self.collector, "-name", self.schedds[schedd]]
        out = self.tool(*command, user=user, stdin=description, timeout=600).stdout
        found = re.search(r"^(\d+)\.0 - \1\.(\d+)$", out, re.MULTILINE)
        if found is None or int(found[2]) != count - 1:
            raise AssertionError(f"condor_submit of {count} jobs said {out!r}")
        return int(found[1])

    def remove_idle_jobs(self) -> None:
        """Remove what other tests left idle in the open schedd.

        While thousands of jobs that match nothing wait there, its negotiation for their owner ends with their first
        rejection, and no other job of that owner is matched.
        """
        command = ["condor_rm", "-pool", self.collector, "-name", self.schedds["open"], "-constraint", "JobStatus == 1"]
        said = self.tool(*command, check=False)
        if said.returncode and "Couldn't find" not in (text := said.stdout + said.stderr):
            raise AssertionError(f"condor_rm said {text!r}")

    # Daemons

    def pid(self, daemon: str) -> int:
        """Process id of a daemon, as seen from outside: "collector", "schedd" (open), "schedd_fs" ..."""
        found = self._find(daemon)
        if found is None:
            raise AssertionError(f"no {daemon} runs in {self}")
        return found

    def _find(self, daemon: str) -> int | None:
        program, local = _split(daemon)
        namespace = os.readlink(f"/proc/{self.init}/ns/pid")
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                inside = os.readlink(entry / "ns/pid") == namespace
            except OSError:
                continue  # it has ended meanwhile
            if not inside or os.path.basename(words[0]) != f"condor_{program}".encode():
                continue
            named = words[words.index(b"-local-name") + 1].decode() if b"-local-name" in words else ""
            if named == (daemon if local else ""):
                return int(entry.name)
        return None

    def address(self, daemon: str) -> str:
        """The daemon's own address, as in its address file."""
        program, local = _split(daemon)
        file = self.run / "log" / (f".{program}_address" + (f".{local}" if local else ""))
        return file.read_text().splitlines()[0]

    def kill(self, daemon: str) -> int:
        """Kill a daemon without warning; the master starts it again after about a second. Returns its old pid."""
        pid = self.pid(daemon)
        os.kill(pid, signal.SIGKILL)
        return pid

    def restart(self, daemon: str, timeout: float = 60) -> None:
        """Kill a daemon and wait until its successor answers on the same address."""
        address = self.address(daemon)
        old = self.kill(daemon)
        self.wait_for(lambda: self._find(daemon) not in (None, old), f"a new {daemon}", timeout)
        self.wait_for(lambda: self.answers(daemon, address), f"the new {daemon} to answer on {address}", timeout)
        if self.address(daemon) != address:
            raise AssertionError(f"{daemon} moved from {address} to {self.address(daemon)}")
        if daemon == "collector":
            self.wait_for(self.is_up, "all daemons to report to the new collector", timeout)

    def answers(self, daemon: str, address: str | None = None) -> bool:
        """Whether the daemon takes commands."""
        command = ["condor_ping", "-addr", address or self.address(daemon), "-type", "MASTER", "-quiet", "DC_NOP"]
        return self.tool(*command, check=False, timeout=20).returncode == 0

    def is_up(self) -> bool:
        """Whether the main collector knows the negotiator, all schedds and a slot."""
        wanted = {"Negotiator": 1, "Scheduler": len(self.schedds), "Machine": 1}
        out = self.tool("condor_status", "-any", "-af", "MyType", check=False, timeout=30).stdout.split()
        return all(out.count(kind) >= count for kind, count in wanted.items())

    def wait_for(self, condition: Callable[[], object], what: str, timeout: float = 60) -> None:
        """Wait until `condition()` is true, and fail with the logs' ends if it never is."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {timeout} s in vain for {what}\n{self.log_tails()}")
            time.sleep(0.1)

    def log(self, daemon: str) -> Path:
        """The log file of a daemon."""
        program, local = _split(daemon)
        names = {"schedd": "SchedLog", "startd": "StartLog", "shared_port": "SharedPortLog"}
        name = names.get(program, f"{program.capitalize()}Log")
        return self.run / "log" / (f"{name}.{local}" if local else name)

    def logs(self, daemon: str) -> str:
        """All that a daemon has logged."""
        return self.log(daemon).read_text(errors="replace")

    def log_tails(self, since: float = 0.0, lines: int = 8) -> str:
        """The last lines of each log written to since a time (seconds since 1970)."""
        parts = []
        for file in [self.run / "master.out", *sorted((self.run / "log").glob("*Log*"))]:
            if file.name.startswith(("ProcLog", "SharedPortLog", "StarterLog.testing")):
                continue
            if file.exists() and file.stat().st_size and file.stat().st_mtime >= since:
                with file.open("rb") as opened:
                    opened.seek(max(0, file.stat().st_size - 400 * lines))
                    text = opened.read().decode(errors="replace").splitlines()
                tail = [line for line in text if not _ROUTINE.search(line)][-lines:]
                parts.append("\n".join([f"--- {self.id} {file.name}", *tail]))
        return "\n".join(parts)


def _split(daemon: str) -> tuple[str, str]:
    """Program and local name: "schedd_fs" -> ("schedd", "fs")."""
    if daemon == "shared_port":
        return daemon, ""
    program, _, local = daemon.partition("_")
    return program, "" if local == "open" else local


def find_pool(run: TestRun, name: str) -> Pool | None:
    """The pool `name` if this test run has started it."""
    record = run.folder / f"{name}.json"
    if not record.exists():
        return None
    found = json.loads(record.read_text())
    if "port" not in found:
        return None
    return Pool(name, Path(found["root"]), Path(found["run"]), found["port"], found["init"])


def unavailable(run: TestRun) -> dict[str, str]:
    """Pools that tests asked for and that could not be had, with the reasons."""
    records = {name: run.folder / f"{name}.json" for name in SUITES}
    found = {name: json.loads(file.read_text()) for name, file in records.items() if file.exists()}
    return {name: text["unavailable"] for name, text in found.items() if "unavailable" in text}


def get_pool(run: TestRun, name: str) -> Pool:
    """Return the pool `name` of this test run, started if it is not there.

    Raises:
        roots.PoolUnavailableError: this machine cannot have it.
    """
    record = run.folder / f"{name}.json"
    with roots.locked(run.folder / f".{name}.lock"):
        if pool := find_pool(run, name):
            return pool
        if record.exists():
            found = json.loads(record.read_text())
            if "broken" in found:
                raise RuntimeError(found["broken"])
            raise roots.PoolUnavailableError(found["unavailable"], excused=found["excused"])
        try:
            root = roots.ensure_root(SUITES[name])
        except roots.PoolUnavailableError as error:
            record.write_text(json.dumps({"unavailable": str(error), "excused": error.excused}))
            raise
        try:
            pool = _start(run, name, root)
        except Exception as error:  # the next test shall not wait as long to learn the same
            record.write_text(json.dumps({"broken": f"{name} did not start: {error}"}))
            raise
        record.write_text(json.dumps({"root": str(root), "run": str(pool.run), "port": pool.port, "init": pool.init}))
        return pool


def _start(run: TestRun, name: str, root: Path, extra: str = "") -> Pool:
    folder = run.folder / name
    for sub in (
        "log",
        "spool",
        "execute",
        "tokens.d",
        "passwords.d",
        "clients",
        "ssl",
        "oauth",
        "krb",
        "spool.ccb",
        "cache",
    ):
        (folder / sub).mkdir(parents=True)
    for local in pool_config.SCHEDD_POLICIES:
        (folder / f"spool.{local}").mkdir()
    for key in ("POOL", "OTHER"):
        # As random bytes sometimes are: with a NUL once descrambled, and one as they stand. As a password both end it.
        # The first byte is none of these, or there would be no password, once in 128 runs.
        scrambled = b"k" + secrets.token_bytes(31) + bytes.fromhex("deadbeef") + secrets.token_bytes(8) + bytes(4)
        (folder / "passwords.d" / key).write_bytes(scrambled + secrets.token_bytes(16))
        (folder / "passwords.d" / key).chmod(0o600)
    certificates.make(folder / "ssl")
    (folder / "realms").write_text(pool_config.REALM_MAP)
    # for libcurl in the pool's namespace: issuers of bearer tokens may show a certificate of the pool's authority
    known = (root / "etc/ssl/certs/ca-certificates.crt").read_bytes()
    (folder / "ssl/authorities.crt").write_bytes(known + (folder / "ssl/ca.pem").read_bytes())
    (folder / "mapfile").write_text(pool_config.MAP_FILE)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "condor_config").write_text(pool_config.pool_config(folder, port, extra))
    uid = roots.USERS[roots.DAEMON_USER]
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, uid, uid)
    for sub in ("tokens.d", "passwords.d"):
        (folder / sub).chmod(0o700)
    master = ["env", f"CONDOR_CONFIG={folder / 'condor_config'}", "/usr/sbin/condor_master", "-f"]
    init = keep(run, name, root, master)
    pool = Pool(name, root, folder, port, init)
    _wait(pool.is_up, f"{pool} to come up; see {folder}/log", _START_LIMIT, pause=0.2)
    return pool


def keep(run: TestRun, name: str, root: Path, command: Sequence[str]) -> int:
    """Run a daemon inside a root to the end of the test run.

    Args:
        name: of its folder in the run's, which is removed at the end.
        command: the daemon, which must stay in the foreground; it runs as `roots.DAEMON_USER`.

    Returns:
        Process id of the first process in its namespace.
    """
    folder = run.folder / name
    keeper = Path(__file__).with_name("keeper.py")
    arguments = [str(run.folder / "alive"), str(root), str(folder), roots.DAEMON_USER, *command]
    with (run.folder / f"{name}.keeper.err").open("wb") as errors:
        subprocess.run(
            [sys.executable, "-I", str(keeper), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            check=True,
        )
    ready = folder / "keeper.json"
    _wait(ready.exists, f"the keeper of {name}", 20)
    return int(json.loads(ready.read_text())["init"])


def _wait(condition: Callable[[], object], what: str, limit: float, pause: float = 0.02) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {limit} s in vain for {what}")
        time.sleep(pause)
