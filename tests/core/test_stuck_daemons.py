"""A daemon that is stuck: a call without a timeout of its own ends all the same."""

from __future__ import annotations

import socket
import threading

import pytest

from htcondor_async import Client, DaemonTimeoutError, JobAction, Schedd, Timeouts
from htcondor_async._runtime.blocking import BlockingRuntime, drive

_NEVER = {f"SEC_CLIENT_{name}": "NEVER" for name in ("NEGOTIATION", "AUTHENTICATION", "ENCRYPTION", "INTEGRITY")}


@pytest.fixture
def silent():
    """The address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        held = []

        def serve():
            try:
                held.append(listener.accept()[0])
            except TimeoutError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        yield "<{}:{}>".format(*listener.getsockname())
        thread.join()
        for one in held:
            one.close()


@pytest.mark.parametrize(
    "call",
    [
        lambda schedd: schedd.act(JobAction.Hold, ["1.0"]),
        lambda schedd: schedd.edit(["1.0"], "JobPrio", 1),
        lambda schedd: schedd.query(),
    ],
    ids=["act", "edit", "query"],
)
def test_the_wait_for_an_answer_ends(silent, call):
    timeouts = Timeouts(answer=0.2, idle=0.2)
    schedd = Schedd(silent, client=Client(_NEVER, timeouts=timeouts, runtime=BlockingRuntime()))
    with pytest.raises(DaemonTimeoutError):
        drive(call(schedd))
