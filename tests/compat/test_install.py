"""The old names: install(), ``python -m htcondor_sync``, what an import costs, submodules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_the_end_of_a_program_is_silent() -> None:
    code = """
import htcondor_sync, threading
query = None
def call():
    try:
        htcondor_sync.Collector("127.0.0.1:1").query()
    except htcondor_sync.HTCondorIOError:
        pass
threading.Thread(target=call, daemon=True).start()
schedd = htcondor_sync.Schedd.__new__(htcondor_sync.Schedd)
"""
    assert output("-c", code) == ""


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
