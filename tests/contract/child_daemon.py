"""A daemon in Python, for a master to run: it says that it is ready and alive, and advertises itself.

Run as `child_daemon.py FOLDER`: it writes what it does to FOLDER/said, and stops saying that it is alive while there is
a file FOLDER/silent.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from htcondor_async import ClassAd, Collector, default_client, send_alive, set_ready_state

PROMISE = 3
"""Seconds within which the next sign of life comes."""


async def main(folder: Path) -> None:
    """Live until the master ends it."""
    said = folder / "said"
    await set_ready_state(name="PYTHON_CHILD")
    await send_alive(timeout=PROMISE)
    # what the master gave this process is all that was used with it: nothing was negotiated
    (folder / "sessions").write_text(str(len(default_client()._sessions)))
    ad = ClassAd({"MyType": "PythonChild", "Name": "child@testpool", "ChildPid": os.getpid()})
    beats = 0
    while True:
        if not (folder / "silent").exists():
            await send_alive(timeout=PROMISE)
            beats += 1
        ad["Beats"] = beats
        await Collector().advertise([ad], "UPDATE_AD_GENERIC")
        with said.open("a") as file:
            file.write(f"{os.getpid()} {beats}\n")
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
