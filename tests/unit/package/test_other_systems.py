"""Where Python runs and Unix does not: nothing that only Unix has is needed to import this package and to use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_without_what_only_unix_has():
    environ = {**os.environ, "USERNAME": "alice", "CONDOR_CONFIG": os.devnull, "PYTHONPATH": str(ROOT)}
    program = ROOT / "tests/helpers/no_unix.py"
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=100, env=environ)
    assert (done.returncode, done.stderr) == (0, "")
    count, _, what = done.stdout.strip().partition(" ")
    assert what == "modules" and int(count) > 300
