"""Run code as an ordinary user, which FS authentication and file permissions are about.

The user's process has a view of the file system of its own: the interpreter, its packages and the project
are readable even if they lie in the superuser's home, and the pool's accounts have names.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from . import roots

T = TypeVar("T")

PROJECT = Path(__file__).resolve().parents[2]

_OWN_MOUNTS = ["unshare", "--mount", "--propagation", "private"]
_VIEW = """
set -e
passwd=$1; shift
for name in passwd group; do mount --bind "$passwd/$name" "/etc/$name"; done
mount -t tmpfs tmpfs /mnt
n=0
for path in $SHOWN; do n=$((n + 1)); mkdir "/mnt/$n"; mount --bind "$path" "/mnt/$n"; done
for path in $HIDING; do mount -t tmpfs -o mode=755 tmpfs "$path"; done
n=0
for path in $SHOWN; do n=$((n + 1)); mkdir -p "$path"; mount --bind "/mnt/$n" "$path"; done
unset SHOWN HIDING
exec "$@"
"""


def _hiding(path: Path) -> Path | None:
    """The topmost folder above `path` that others may not pass."""
    for folder in reversed(path.parents):
        if not folder.stat().st_mode & 0o001:
            return folder
    return None


class AsUser:
    """Runs functions and scripts as ordinary users of a pool's root.

    Args:
        folder: where users' home folders are made.
        passwd: the `etc` folder of a root that has the accounts.
    """

    def __init__(self, folder: Path, passwd: Path) -> None:
        self._folder, self._passwd = folder, passwd

    def command(
        self,
        command: Sequence[str],
        *,
        user: str = "alice",
        env: Mapping[str, str] | None = None,
        show: Sequence[Path] = (),
        stdin: bytes = b"",
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command as `user`.

        Args:
            env: added to the user's small environment (PATH, HOME, USER, LANG).
            show: further folders to make readable.
            timeout: seconds, after which it is killed and `subprocess.TimeoutExpired` raised.
        """
        uid = roots.USERS[user]
        home = self._folder / f"home-{user}"
        home.mkdir(mode=0o700, exist_ok=True)
        os.chown(home, uid, uid)
        wanted = {Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), PROJECT, *(p.resolve() for p in show)}
        shown = {path: hiding for path in wanted if (hiding := _hiding(path)) is not None}
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "USER": user, "LOGNAME": user, "LANG": "C.UTF-8"}
        private = {
            "SHOWN": " ".join(str(path) for path in sorted(shown)),
            "HIDING": " ".join(sorted({str(path) for path in shown.values()})),
        }
        become = [
            "setpriv",
            f"--reuid={uid}",
            f"--regid={uid}",
            "--clear-groups",
            "--inh-caps=-all",
            "--pdeathsig",
            "KILL",
        ]
        return subprocess.run(
            [*_OWN_MOUNTS, "bash", "-c", _VIEW, "view", str(self._passwd), *become, *command],
            input=stdin,
            capture_output=True,
            timeout=timeout,
            cwd="/",
            env={**environment, **(env or {}), **private},
        )

    def __call__(
        self,
        target: Callable[..., T],
        *args: Any,
        user: str = "alice",
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> T:
        """Call a function of a module's top level as `user`, in a new process, and return its result.

        The function's file is loaded there by path; arguments and result travel pickled. What it raises
        is raised here; what it prints is shown when it fails.
        """
        code = target.__code__  # type: ignore[attr-defined]  # functions only: that is what the check below says
        if target.__qualname__ != target.__name__:
            raise TypeError(f"{target.__qualname__} is not at the top level of its module")
        call = pickle.dumps(([*sys.path], code.co_filename, target.__name__, pickle.dumps(args)))
        runner = Path(__file__).with_name("call.py")
        done = self.command([sys.executable, str(runner)], user=user, env=env, stdin=call, timeout=timeout)
        if done.returncode or not done.stdout:
            raise AssertionError(f"as {user}: status {done.returncode}\n{done.stderr.decode(errors='replace')}")
        good, value = pickle.loads(done.stdout)
        if not good:
            print(f"as {user}:", done.stderr.decode(errors="replace"), sep="\n")
            raise value
        result: T = value
        return result

    def script(
        self, source: str, *args: str, user: str = "alice", env: Mapping[str, str] | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[bytes]:
        """Run Python source as `user` with the interpreter of the tests, the project importable."""
        environment = {"PYTHONPATH": str(PROJECT), **(env or {})}
        return self.command([sys.executable, "-c", source, *args], user=user, env=environment, timeout=timeout)
