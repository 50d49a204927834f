"""The old names: install(), ``python -m htcondor_sync``, what an import costs, submodules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.sizes import FULL

ROOT = Path(__file__).parents[2]
MANIFEST = json.loads((ROOT / "tests/data/api/htcondor_v1.json").read_text())["submodules"]


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "CONDOR_CONFIG": "/dev/null", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env={**env, **environ}, timeout=60, cwd="/"
    )


def output(*arguments: str, **environ: str) -> str:
    done = python(*arguments, **environ)
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    return done.stdout


def test_an_import_loads_no_event_loop_and_no_cryptography() -> None:
    code = """
import sys, htcondor_sync
heavy = ("anyio", "asyncio", "trio", "ssl", "cryptography", "subprocess", "multiprocessing", "logging")
print([name for name in heavy if name in sys.modules])
htcondor_sync.Collector("127.0.0.1"); htcondor_sync.Submit({"executable": "/bin/true"})
htcondor_sync.param["QUERY_TIMEOUT"]
print([name for name in ("anyio", "asyncio", "trio", "ssl", "cryptography") if name in sys.modules])
"""
    first, second = output("-c", code).splitlines()
    assert set(json.loads(first.replace("'", '"'))) <= {"logging", "subprocess"}
    assert second == "[]"


def test_a_call_loads_no_event_loop() -> None:
    code = """
import sys, htcondor_sync
try:
    htcondor_sync.Collector("127.0.0.1:1").query()
except htcondor_sync.HTCondorIOError as error:
    print([name for name in ("anyio", "asyncio", "trio") if name in sys.modules])
"""
    assert output("-c", code) == "[]\n"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The address of an embedded pool with 2000 jobs, in another process."""
    code = """
import sys
from htcondor_async.testing import embedded_pool
with embedded_pool(jobs=[{"Owner": "alice", "Text": "x" * 200}] * 2000) as running:
    print(running.address, flush=True)
    sys.stdin.read()
"""
    env = {"PATH": os.environ["PATH"], "CONDOR_CONFIG": "/dev/null", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd="/"
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


OPEN = """
import htcondor_sync, os, sys, threading, time, warnings
warnings.filterwarnings("ignore", category=FutureWarning)
htcondor_sync.param["COLLECTOR_HOST"] = os.environ["WHERE"]
def schedd():
    return htcondor_sync.Schedd(htcondor_sync.Collector().locateAll(htcondor_sync.DaemonTypes.Schedd)[0])
def read_for_ever():
    while True:
        for ad in schedd().xquery():
            ad["Owner"]
def stop_in_the_middle():
    iterators.append(schedd().xquery())
    next(iterators[-1])["Owner"], iterators[-1].watch()
def refused():
    try:
        htcondor_sync.Collector("127.0.0.1:1").query()
    except htcondor_sync.HTCondorIOError:
        pass
iterators = []
"""
ENDS = {
    "stream": "stop_in_the_middle()",
    "transaction": "txn = schedd().transaction(); htcondor_sync.Submit({'executable': '/bin/true'}).queue(txn)",
    "history": "it = schedd().history('true', [])",
    "stream of a thread": "threading.Thread(target=stop_in_the_middle, daemon=True).start(); time.sleep(DELAY)",
    "thread at work": "threading.Thread(target=read_for_ever, daemon=True).start(); time.sleep(DELAY)",
    "both": "threading.Thread(target=read_for_ever, daemon=True).start(); stop_in_the_middle(); time.sleep(DELAY)",
    "refused": "threading.Thread(target=refused, daemon=True).start(); time.sleep(DELAY / 2); htcondor_sync.Schedd",
    "SystemExit": "stop_in_the_middle(); sys.exit()",
}
DELAYS = [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5] if FULL else [0, 0.1, 0.3]


@pytest.mark.parametrize("way", ENDS)
def test_the_end_of_a_program_is_silent(way: str, elsewhere: str) -> None:
    """Whatever is open, in whichever thread, and wherever that thread is; -X dev shows what is not closed."""
    for delay in DELAYS if "DELAY" in ENDS[way] else DELAYS[:1]:
        code = OPEN + ENDS[way].replace("DELAY", str(delay))
        assert output("-X", "dev", "-c", code, WHERE=elsewhere) == ""


WORKS = """
import atexit, sys, threading, time
BEFORE
from htcondor_async._runtime.blocking import BlockingRuntime, drive
runtime = BlockingRuntime()
begun, ended = threading.Event(), threading.Event()
async def work():
    begun.set()
    until = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < until:
        pass
    print("worked", flush=True)
    await runtime.sleep(float(sys.argv[2]))
    print("slept", flush=True)
    ended.set()
threading.Thread(target=lambda: drive(work()), daemon=True).start()
begun.wait()
"""


def test_the_end_of_a_program_waits_for_a_thread_at_work_only() -> None:
    """A thread is ended where it waits, not where code in Rust may be on its stack."""
    began = time.monotonic()
    assert output("-c", WORKS.replace("BEFORE", ""), "0.3", "1000") == "worked\n"
    assert time.monotonic() - began < 20
    # one that the program itself waits for at its end goes on
    waits = WORKS.replace("BEFORE", "atexit.register(lambda: ended.wait(20))")
    assert output("-c", waits, "0.1", "0.1") == "worked\nslept\n"


def test_install_gives_the_old_names() -> None:
    code = """
import htcondor_sync
htcondor_sync.install()
htcondor_sync.install()
import htcondor, classad, htcondor.dags
from htcondor import Schedd, JobAction
from htcondor.dags import DAG
from classad import ClassAd
print(htcondor is htcondor_sync, Schedd is htcondor_sync.Schedd, DAG.__module__, ClassAd is classad.ClassAd)
print(htcondor.dags.DAG is DAG, htcondor_sync.__spec__.name, type(htcondor.param).__name__)
"""
    assert output("-c", code) == ("True True htcondor_sync.dags.dag True\nTrue htcondor_sync _Param\n")


def test_install_refuses_where_others_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "htcondor.py").write_text("")
    code = """
import htcondor, htcondor_sync
try:
    htcondor_sync.install()
except ImportError as error:
    print(error.name)
"""
    assert output("-c", code, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}") == "htcondor\n"


def test_without_install_the_old_names_are_nobodys() -> None:
    done = python("-c", "import htcondor_sync, htcondor")
    assert done.returncode == 1 and "ModuleNotFoundError" in done.stderr


def test_running_a_script(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("NAME = 'helper'\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, classad, htcondor, helper\n"
        "print(__name__, sys.argv[1:], helper.NAME, htcondor.__version__, sys.argv[0] == __file__)\n"
        "sys.exit(3)\n"
    )
    done = python("-m", "htcondor_sync", str(script), "a", "--b")
    assert (done.returncode, done.stdout) == (3, "__main__ ['a', '--b'] helper 24.0.24 True\n"), done.stderr
    assert output("-m", "htcondor_sync", "-c", "import htcondor, sys; print(sys.argv)", "x") == "['-c', 'x']\n"
    assert python("-m", "htcondor_sync").returncode == 2


def test_a_traceback_is_that_of_the_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import htcondor\nraise htcondor.HTCondorIOError('no')\n")
    done = python("-m", "htcondor_sync", str(script))
    assert done.returncode == 1 and done.stderr.rstrip().endswith("HTCondorIOError: no")


def test_inside_a_running_event_loop() -> None:
    code = """
import asyncio, htcondor_sync
async def cell():
    try:
        return htcondor_sync.Collector("127.0.0.1:1").query()
    except htcondor_sync.HTCondorIOError as error:
        return type(error).__name__
print(asyncio.run(cell()))
"""
    assert output("-c", code) == "ConnectError\n"


def test_a_notebook(elsewhere: str) -> None:
    """A cell runs in a task of a running loop: queries, iterators, poll and changes work there, as do threads of it."""
    code = (
        OPEN
        + """
import asyncio
async def cell():
    s = schedd()
    print(len(s.query("true", ["ProcId"])), sum(1 for ad in s.xquery("true", ["ProcId"], limit=70)))
    print(sum(len(query.nextAdsNonBlocking()) for query in htcondor_sync.poll([s.xquery("ProcId < 5"), s.xquery()])))
    result = s.submit(htcondor_sync.Submit({"executable": "/bin/true", "hold": "true"}), count=2)
    print(result.num_procs(), s.act(htcondor_sync.JobAction.Remove, f"ClusterId == {result.cluster()}")["TotalSuccess"])
    return await asyncio.to_thread(lambda: len(s.query("ProcId < 0")))
print(asyncio.run(cell()))
"""
    )
    first, polled, *rest = output("-W", "error::ResourceWarning", "-c", code, WHERE=elsewhere).splitlines()
    assert (first, rest) == ("2000 70", ["2 2", "0"]) and int(polled) >= 2000


def test_chirp_and_personal_pools_say_what_they_need() -> None:
    done = python("-m", "htcondor_sync", "-c", "import htcondor.htchirp")
    assert "pip install htchirp" in done.stderr or done.returncode == 0
    code = """
import tempfile, pathlib
from htcondor.personal import PersonalPool, PersonalPoolState
pool = PersonalPool(pathlib.Path(tempfile.mkdtemp()), {"FOO": "bar"})
print(pool.state, pool.initialize().state, "FOO = bar" in pool.config_file.read_text())
try:
    pool.start()
except OSError as error:
    print(type(error).__name__)
"""
    done = python("-m", "htcondor_sync", "-c", code, PATH="/nonexistent")
    assert done.stdout.splitlines()[-1] == "HTCondorLocateError", done.stderr


@pytest.mark.parametrize("name", ["dags", "personal"])
def test_submodules_have_the_names_of_v1(name: str) -> None:
    import importlib

    module = importlib.import_module(f"htcondor_sync.{name}")
    for member, entry in MANIFEST[name].items():
        ours = getattr(module, member)
        for method in entry.get("members", {}):
            assert hasattr(ours, method), f"{member}.{method}"


@pytest.mark.parametrize(
    "imports", ["import htcondor, classad", "import classad, htcondor", "import htcondor.dags, classad, htcondor"]
)
def test_the_distribution_of_the_top_level_names(imports: str) -> None:
    """As if installed: its folder is on the path."""
    code = f"""
{imports}
import htcondor_sync
print(htcondor is htcondor_sync, classad is htcondor_sync.classad, classad.ClassAd({{'a': 1}})['a'])
from htcondor.dags import DAG
print(DAG.__module__)
"""
    path = os.pathsep.join([str(ROOT / "tools/compat/src"), str(ROOT)])
    assert output("-c", code, PYTHONPATH=path) == "True True 1\nhtcondor_sync.dags.dag\n"


def test_param_as_in_the_bindings(tmp_path: Path) -> None:
    """As recorded from the bindings 24.0.24."""
    (tmp_path / "config").write_text(
        "A = 1\nSCHEDD.A = 3\nREF = $(NOPE)\nBAD = $INT(x)\nENABLE_CLASSAD_CACHING = true\n"
    )
    code = """
import htcondor_sync as htcondor
param = htcondor.param
print("REF" in param, param["REF"], param.get("REF", "d"), param.get("NOPE", "d"), param["ENABLE_CLASSAD_CACHING"])
for ask in (param.get, param.__contains__, param.__getitem__):
    try:
        ask("BAD")
    except htcondor.HTCondorValueError as error:
        print("line 4" in str(error))
param["NEW"] = "x"
htcondor.set_subsystem("SCHEDD")
print(param["A"], param["NEW"], param["SUBSYSTEM"])
htcondor.reload_config()
print(param["A"], param.get("NEW"), param["SUBSYSTEM"], param["ENABLE_CLASSAD_CACHING"])
"""
    told = output("-c", code, CONDOR_CONFIG=str(tmp_path / "config")).splitlines()
    assert told[0] == "False $(NOPE) $(NOPE) d False"
    assert told[1:4] == ["True"] * 3
    assert told[4:] == ["3 x TOOL", "3 None SCHEDD True"]


@pytest.mark.parametrize("named", ["/nonexistent/condor_config", "/"])
def test_a_configuration_that_is_not_there_costs_a_message(named: str) -> None:
    """Reloading is different: there the bindings end the process."""
    code = """
import htcondor_sync as htcondor
print(htcondor.param["QUERY_TIMEOUT"], htcondor.param.get("A"))
try:
    htcondor.reload_config()
except htcondor.HTCondorException as error:
    print("refused")
"""
    done = python("-c", code, CONDOR_CONFIG=named, _CONDOR_A="1")
    assert done.stdout == "60 None\nrefused\n"
    assert done.stderr.startswith(f"the configuration {named!r} of CONDOR_CONFIG ") and "defaults" in done.stderr


def test_event_logs_as_in_the_bindings(tmp_path: Path) -> None:
    """Whole seconds only; ``read_events`` takes a file or its name."""
    log = tmp_path / "job.log"
    log.write_text("013 (017.003.000) 2024-03-05 14:07:09 Job was released.\n...\n")
    code = """
import sys, warnings
import htcondor_sync as htcondor
warnings.simplefilter("ignore")
name = sys.argv[1]
for seconds in (0.0, 1.5, "x"):
    try:
        htcondor.JobEventLog(name).events(seconds)
    except htcondor.HTCondorTypeError:
        print("refused")
print([event.cluster for event in htcondor.JobEventLog(name).events(True)])
print([ad["Cluster"] for ad in htcondor.read_events(name)], [ad["Cluster"] for ad in htcondor.read_events(open(name))])
"""
    assert output("-c", code, str(log)).splitlines() == ["refused"] * 3 + ["[17]", "[17] [17]"]
