"""Call one function as users.AsUser asks on standard input; the answer goes to standard output, prints to the other."""

from __future__ import annotations

import importlib.util
import os
import pickle
import sys
import traceback


def main() -> None:
    """Read the call, make it, answer (True, result) or (False, exception)."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    path, file, name, pickled = pickle.load(sys.stdin.buffer)
    sys.path[:] = path
    spec = importlib.util.spec_from_file_location("called_as_user", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["called_as_user"] = module
    try:
        spec.loader.exec_module(module)
        reply = pickle.dumps((True, getattr(module, name)(*pickle.loads(pickled))))
    except Exception as error:
        traceback.print_exc()
        reply = pickle.dumps((False, error))
    answer.write(reply)
    answer.close()


if __name__ == "__main__":
    main()
