"""Debian roots that carry real HTCondor, made on demand and cached outside the repository.

A root is a folder with a minimal Debian and its `condor` package. Two are used: the one of Debian's
stable release and the one of its development suite, whatever HTCondor versions those carry.
Making one needs the superuser, `debootstrap` and `unshare`; it takes about a minute and 560 MB.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USERS = {"pooltester": 2002, "alice": 2003, "bob": 2004}
"""Accounts inside every root: the daemons' own user first, then the users that tests act as."""

DAEMON_USER = "pooltester"

_PACKAGES = {"trixie": {"krb5-admin-server": "usr/sbin/kadmin.local"}}
"""What a root of a suite has beside `condor`: the package and a file of it. One Kerberos realm serves all pools."""

_IN_ROOT = """
root=$1 user=$2; shift 2
mount -t proc proc "$root/proc"; mount --bind /dev "$root/dev"; mount --bind /tmp "$root/tmp"
exec chroot ${user:+--userspec="$user:$user"} "$root" "$@"
"""


_APT = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q")
_INSTALL = (*_APT, "install", "-y", "--no-install-recommends")


class PoolUnavailableError(RuntimeError):
    """This machine cannot have a real pool of some version.

    Attributes:
        excused: the reason lies with the archive of Debian's development suite, which is broken at
            times; a run under `CI=true` may then go on without that pool.
    """

    def __init__(self, reason: str, *, excused: bool = False) -> None:
        super().__init__(reason)
        self.excused = excused


def cache() -> Path:
    """The folder of everything that is made once and kept: `$HTCONDOR_ASYNC_CACHE`."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "htcondor-async"
    return Path(os.environ.get("HTCONDOR_ASYNC_CACHE") or default)


def pools() -> Path:
    """The folder of the roots: `$HTCONDOR_ASYNC_POOLS`."""
    return Path(os.environ.get("HTCONDOR_ASYNC_POOLS") or cache() / "pools")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path` (made if missing) against other processes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ensure_root(suite: str) -> Path:
    """Return the root of Debian's `suite`, made first if it is not there.

    Raises:
        PoolUnavailableError: it is missing and cannot be made; the text says why.
    """
    root = pools() / suite
    if os.geteuid() != 0:
        raise PoolUnavailableError("real pools need the superuser (chroot, mount and process namespaces)")
    missing = [tool for tool in ("unshare", "nsenter", "chroot") if shutil.which(tool) is None]
    if missing:
        raise PoolUnavailableError(f"real pools need {', '.join(missing)} (package util-linux, coreutils)")
    with locked(pools() / f".{suite}.lock"):
        if not (root / ".ready").exists():
            _make_root(suite, root)
        _add_packages(suite, root)
        _add_users(root)
    return root


def inside(root: Path, user: str = "") -> list[str]:
    """Return what to put before a command that shall run inside a root, as the superuser or another user."""
    return ["unshare", "--mount", "--propagation", "private", "bash", "-c", _IN_ROOT, "in_root", str(root), user]


def _run(what: str, *command: str, excused: bool = False) -> None:
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if result.returncode:
        tail = re.sub(r"\w+://\S+", "(an archive)", "\n".join(result.stdout.splitlines()[-15:]))
        raise PoolUnavailableError(f"{what} failed with status {result.returncode}:\n{tail}", excused=excused)


def _mirror() -> list[str]:
    """The mirror that this machine's own Debian packages come from; none: debootstrap's default."""
    if mirror := os.environ.get("DEBIAN_MIRROR"):
        return [mirror]
    sources = Path("/etc/apt")
    for file in [*sorted(sources.glob("sources.list.d/debian*.sources")), sources / "sources.list"]:
        text = file.read_text() if file.exists() else ""
        for match in re.finditer(r"^(?:URIs:|deb (?:\[[^]]*\] )?)\s*(\S+)", text, re.MULTILINE):
            if "ubuntu" not in match[1]:
                return [match[1]]
    return []


def _make_root(suite: str, root: Path) -> None:
    if shutil.which("debootstrap") is None:
        raise PoolUnavailableError("real pools need debootstrap (apt-get install debootstrap)")
    partial = root.with_name(f".{suite}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)
    excused = suite == "sid"
    # A closed apt of its own: no daemon is started by the packages' scripts.
    _run("debootstrap", "debootstrap", "--variant=minbase", suite, str(partial), *_mirror(), excused=excused)
    policy = partial / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", partial / "etc" / name)
    for file in Path("/etc/apt/apt.conf.d").glob("99*"):  # proxies and certificates of this machine
        shutil.copy(file, partial / "etc/apt/apt.conf.d")
    _run("apt-get update", *inside(partial), *_APT, "update", excused=excused)
    packages = ["condor", *_PACKAGES.get(suite, {})]
    _run("installing condor", *inside(partial), *_INSTALL, *packages, excused=excused)
    (partial / ".ready").touch()
    partial.rename(root)


def _add_packages(suite: str, root: Path) -> None:
    """Add what roots that were made earlier do not have yet."""
    missing = [name for name, file in _PACKAGES.get(suite, {}).items() if not (root / file).exists()]
    if missing:
        _run("apt-get update", *inside(root), *_APT, "update")
        _run(f"installing {', '.join(missing)}", *inside(root), *_INSTALL, *missing)


def _add_users(root: Path) -> None:
    known = {line.split(":")[0] for line in (root / "etc/passwd").read_text().splitlines()}
    for name, uid in USERS.items():
        if name not in known:
            _run("useradd", "chroot", str(root), "useradd", "--uid", str(uid), "--create-home", name)
