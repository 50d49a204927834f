"""A disk that is nearly full, for one folder of a real pool."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .pools import Pool

_SHRINK = """
set -e
mount -t tmpfs -o "size=$2k,mode=755" tmpfs /mnt
cp -a "$1/." /mnt
chown --reference="$1" /mnt
mount --move /mnt "$1"
"""


@contextmanager
def small_disk(pool: Pool, folder: Path, kib: int = 256) -> Iterator[None]:
    """Let a folder of the pool be a file system of a few KiB; only the pool's own processes see it."""
    inside = ["nsenter", "--target", str(pool.init), "--mount"]
    seen = f"{pool.root}{folder}"  # /tmp was mounted there: what is mounted below the one is not below the other
    subprocess.run([*inside, "sh", "-c", _SHRINK, "sh", seen, str(kib)], check=True)
    try:
        yield
    finally:
        subprocess.run([*inside, "umount", "--lazy", seen], check=True)
