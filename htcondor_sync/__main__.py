"""Run a program written for the v1 bindings: ``python -m htcondor_sync [--v2] SCRIPT [ARGUMENTS]``, or ``-c CODE``."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from htcondor_sync._install import install

_USAGE = "usage: python -m htcondor_sync [--v2] SCRIPT [ARGUMENTS] | -m MODULE [ARGUMENTS] | -c CODE [ARGUMENTS]"


def main(arguments: list[str]) -> int:
    """Run what the arguments name, under the old names of the modules; return 2 for a call that names nothing."""
    v2 = arguments[:1] == ["--v2"]
    rest = arguments[1:] if v2 else arguments
    if not rest or (rest[0] in ("-c", "-m") and len(rest) < 2):
        print(_USAGE, file=sys.stderr)
        return 2
    install(v2=v2)
    if rest[0] == "-c":
        sys.argv = ["-c", *rest[2:]]
        sys.path[0] = ""
        exec(compile(rest[1], "<string>", "exec"), {"__name__": "__main__"})
    elif rest[0] == "-m":
        sys.argv = rest[1:]
        runpy.run_module(rest[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = rest
        sys.path[0] = str(Path(rest[0]).resolve().parent)
        runpy.run_path(rest[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
