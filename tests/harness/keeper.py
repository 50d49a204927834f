"""Keep one pool, or another daemon, running for exactly as long as the test run lives, however that ends.

Run as a program: `keeper.py ALIVE_FILE ROOT RUN USER COMMAND...`. The daemons live in a process namespace whose first
process dies with this one, and with it every process in the namespace. This one waits for a lock on
ALIVE_FILE that the test run holds: the kernel releases it when the run ends, also if it was killed.
A record lock, since those are not inherited by forked children.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1

_NAMESPACE = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
_INIT = """
run=$0 root=$1 user=$2; shift 2
export XDG_CACHE_HOME=$run/cache
mount -t proc proc "$root/proc"; mount --bind /dev "$root/dev"; mount --bind /tmp "$root/tmp"
if [ -f "$run/ssl/authorities.crt" ]; then
    mount --bind "$run/ssl/authorities.crt" "$root/etc/ssl/certs/ca-certificates.crt"
fi
chroot --userspec="$user:$user" "$root" "$@" &
wait "$!"
"""
# The shell stays the first process and the superuser's: a process that changes its user is no longer
# told of its parent's death. It also reaps.


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _only_child(pid: int) -> int:
    """Process id, seen from here, of the first process in the namespace that `pid` has made."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while not (text := children.read_text().split()):
        time.sleep(0.005)
    return int(text[0])


def main(alive: Path, root: Path, run: Path, user: str, command: list[str]) -> None:
    """Start the daemon, say so in `run`/keeper.json, wait for the end of the test run, clean up."""
    if os.fork():
        os._exit(0)  # whoever started the pool does not have to wait for its end
    os.chdir("/")
    with (run / "master.out").open("wb") as output:
        pool = subprocess.Popen(
            [*_NAMESPACE, "bash", "-c", _INIT, str(run), str(root), user, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=_die_with_parent,
        )
    init = _only_child(pool.pid)
    partial = run / "keeper.json.new"
    partial.write_text(json.dumps({"init": init}))
    partial.rename(run / "keeper.json")
    with alive.open("r+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)  # granted at the end of the test run
    pool.kill()
    pool.wait()
    while Path(f"/proc/{init}").exists():  # the rest of the namespace goes before its first process does
        time.sleep(0.01)
    shutil.rmtree(run, ignore_errors=True)
    if not any(alive.parent.glob("*/keeper.json")):  # the last one; the test run may have been killed
        shutil.rmtree(alive.parent, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], sys.argv[5:])
