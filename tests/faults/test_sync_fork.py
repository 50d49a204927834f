"""fork(), and the start methods of multiprocessing, with the v1 API in use (test 20)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness.embedded import EmbeddedContractPool, open_embedded

ROOT = Path(__file__).parents[2]

HEAD = """
import json, os, sys, warnings
warnings.simplefilter("ignore")
from htcondor_async._cedar import cipher
import htcondor_sync as htcondor
from htcondor_async.errors import ConcurrencyError
nonces = []
original = cipher.AesGcmSealer.__init__
def recording(self, key, transcript, *, iv=None, record=None):
    original(self, key, transcript, iv=iv, record=lambda *nonce: nonces.append([nonce[0], nonce[1].hex(), nonce[2]]))
cipher.AesGcmSealer.__init__ = recording
def connected():
    ad = htcondor.Collector().locate(htcondor.DaemonTypes.Schedd, os.environ["SCHEDD"])
    return htcondor.Schedd(ad)
def child(function):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            answer = function()
        except BaseException as error:
            answer = "raised " + type(error).__name__
        os.write(writer, json.dumps([answer, nonces]).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer, theirs = json.loads(pipe.read())
    assert os.waitpid(pid, 0)[1] == 0
    nonces_of_children.append(theirs)
    return answer
nonces_of_children = []
def finish(**found):
    print(json.dumps({**found, "nonces": nonces, "children": nonces_of_children}))
"""


@pytest.fixture(scope="module")
def pool() -> object:
    with open_embedded() as opened:
        opened.submit(2000, schedd="encryption")
        yield opened


def run(pool: EmbeddedContractPool, program: str) -> dict[str, object]:
    settings = pool.settings("alice@testpool")
    env = {f"_CONDOR_{name}": value for name, value in settings.items()}
    env |= {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "CONDOR_CONFIG": "ONLY_ENV", "PYTHONPATH": str(ROOT)}
    env["SCHEDD"] = pool.schedds["encryption"]
    script = pool.folder / "program.py"
    script.write_text(HEAD + program)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=env, timeout=60, cwd="/")
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def no_nonce_twice(found: dict[str, object]) -> None:
    """A child begins with what its parent had used: only what it added itself counts."""
    own = found["nonces"]
    used = [tuple(nonce) for nonce in own]  # type: ignore[attr-defined]  # lists
    for theirs in found["children"]:  # type: ignore[attr-defined]  # lists
        used += [tuple(nonce) for nonce in theirs if nonce not in own]
    assert len(used) == len(set(used)) and used, "a key, IV and counter were used twice"


def test_an_idle_client(pool: EmbeddedContractPool) -> None:
    found = run(
        pool,
        """
schedd = connected()
before = len(schedd.query("true", ["ProcId"]))
there = child(lambda: len(schedd.query("true", ["ProcId"])))
after = len(schedd.query("true", ["ProcId"]))
finish(counts=[before, there, after])
""",
    )
    assert found["counts"] == [2000, 2000, 2000]
    no_nonce_twice(found)


def test_an_open_stream_belongs_to_its_process(pool: EmbeddedContractPool) -> None:
    found = run(
        pool,
        """
schedd = connected()
stream = schedd.xquery("true", ["ProcId"])
first = next(stream)["ProcId"]
use = child(lambda: next(stream))
watch = child(lambda: stream.watch())
other = child(lambda: len(list(schedd.xquery("true", ["ProcId"]))))
rest = [ad["ProcId"] for ad in stream]
finish(found=sorted([first, *rest]) == list(range(2000)), use=use, watch=watch, other=other)
""",
    )
    assert found["found"] and found["other"] == 2000
    assert found["use"] == found["watch"] == "raised ConcurrencyError"
    no_nonce_twice(found)


def test_an_open_transaction_belongs_to_its_process(pool: EmbeddedContractPool) -> None:
    found = run(
        pool,
        """
schedd = connected()
d = htcondor.Submit({"executable": "/bin/true", "hold": "true", "My.Forked": "true"})
with schedd.transaction() as txn:
    d.queue(txn, 1)
    queued = child(lambda: d.queue(txn, 1))
    edited = child(lambda: int(schedd.edit("Forked", "Foo", "1")))
    left = child(lambda: txn.__exit__(None, None, None))
    d.queue(txn, 1)
count = len(schedd.query("Forked", ["ProcId"]))
again = child(lambda: schedd.submit(d).num_procs())
schedd.act(htcondor.JobAction.Remove, "Forked")
finish(queued=queued, edited=edited, left=left, count=count, again=again)
""",
    )
    assert found["queued"] == found["edited"] == found["left"] == "raised ConcurrencyError"
    assert found["count"] == 2 and found["again"] == 1
    no_nonce_twice(found)


def test_a_thread_that_is_in_a_call_while_another_forks(pool: EmbeddedContractPool) -> None:
    found = run(
        pool,
        """
import threading
schedd = connected()
stop = threading.Event()
def busy():
    while not stop.is_set():
        schedd.query("false")
threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads:
    thread.start()
counts = [child(lambda: len(schedd.query("true", ["ProcId"], limit=3))) for _ in range(5)]
stop.set()
for thread in threads:
    thread.join()
finish(counts=counts)
""",
    )
    assert found["counts"] == [3] * 5


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_multiprocessing_and_executors(pool: EmbeddedContractPool, method: str) -> None:
    found = run(
        pool,
        f"""
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
def count(limit):
    return len(connected().query("true", ["ProcId"], limit=limit))
if __name__ == "__main__":
    before = count(7)
    context = multiprocessing.get_context({method!r})
    with context.Pool(2) as workers:
        pooled = workers.map(count, [1, 2, 3])
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        executed = list(executor.map(count, [4, 5]))
    finish(before=before, pooled=pooled, executed=executed)
""",
    )
    assert (found["before"], found["pooled"], found["executed"]) == (7, [1, 2, 3], [4, 5])
