"""This machine as an environment, and its way into expressions and the default client."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

import pytest

from htcondor_async._environment import Environment
from htcondor_async._system import LocalZone, SystemEnvironment
from htcondor_async.classad.functions.users import Configured


@pytest.fixture
def zone(monkeypatch):
    def set_zone(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()
        return LocalZone()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


def test_it_is_an_environment():
    assert isinstance(SystemEnvironment(), Environment)
    assert isinstance(SystemEnvironment(), Configured)


def test_clock_and_names():
    world = SystemEnvironment()
    assert abs(world.now() - time.time()) < 60
    assert world.cwd() == os.getcwd()
    assert world.hostname()
    me = world.current_user()
    assert me is not None and me.uid == os.geteuid()
    assert world.user("root").home
    assert world.user("nobody of this name") is None


def test_files(tmp_path):
    world = SystemEnvironment()
    for name in ("b.txt", "a.txt", ".hidden"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "a.txt").chmod(0o640)
    folder = str(tmp_path)
    assert world.read_file(f"{folder}/a.txt") == b"a.txt"
    assert world.list_directory(folder) == [".hidden", "a.txt", "b.txt"]
    assert world.glob(f"{folder}/*.txt") == [f"{folder}/a.txt", f"{folder}/b.txt"]
    found = world.stat(f"{folder}/a.txt")
    assert (found.is_directory, found.size, found.mode) == (False, 5, 0o640)
    assert world.stat(folder).is_directory
    assert world.stat(f"{folder}/none") is None
    assert world.access(folder, 4) and not world.access(f"{folder}/none", 4)
    with pytest.raises(FileNotFoundError):
        world.read_file(f"{folder}/none")


def test_commands():
    world = SystemEnvironment({"PATH": os.environ["PATH"], "GIVEN": "value"})
    done = world.run_command('echo "$GIVEN"; echo bad >&2; exit 3', timeout=30)
    assert (done.status, done.stdout, done.stderr) == (3, b"value\n", b"bad\n")
    assert world.run_command(["echo", "$GIVEN"], timeout=30).stdout == b"$GIVEN\n"
    with pytest.raises(OSError, match="did not end"):
        world.run_command(["sleep", "30"], timeout=0.05)
    with pytest.raises(OSError):
        world.run_command(["/no/such/program"], timeout=5)


def test_zone_with_daylight_saving(zone):
    berlin = zone("Europe/Berlin")
    world = SystemEnvironment()
    summer, winter = (datetime(2026, month, 1, 12, tzinfo=timezone.utc) for month in (7, 1))
    assert world.utc_offset(summer) == timedelta(hours=2)
    assert world.utc_offset(winter) == timedelta(hours=1)
    assert summer.astimezone(berlin).dst() == timedelta(hours=1)
    assert summer.astimezone(berlin).tzname() == "CEST"
    assert winter.astimezone(berlin).tzname() == "CET"


def test_zone_where_the_clock_is_put_back_and_forth(zone):
    berlin = zone("Europe/Berlin")
    start = datetime(2026, 10, 24, 22, tzinfo=timezone.utc)
    for minutes in range(0, 360, 15):  # 03:00 CEST is followed by 02:00 CET
        when = start + timedelta(minutes=minutes)
        assert when.astimezone(berlin).astimezone(timezone.utc) == when
    skipped = datetime(2026, 3, 29, 2, 30, tzinfo=berlin)
    assert skipped.utcoffset() in (timedelta(hours=1), timedelta(hours=2))


def test_it_pickles():
    world = SystemEnvironment({"A": "1"}, param=lambda name: name)
    again = pickle.loads(pickle.dumps(world))
    assert again.environ == {"A": "1"}
    assert again.param("X") is None


def _python(code, tmp_path, **environ):
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": os.getcwd(), **environ}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    return done.stdout.strip(), done.stderr


def test_expressions_reach_this_machine_without_being_told(tmp_path):
    code = "from htcondor_async import ExprTree; print(ExprTree('time() > 1000000000').eval())"
    assert _python(code, tmp_path) == ("True", "")


def test_the_import_makes_no_environment(tmp_path):
    code = (
        "import sys, htcondor_async; print([n for n in sys.modules if n.endswith(('_system', 'subprocess', 'attr'))])"
    )
    assert _python(code, tmp_path) == ("[]", "")


def test_user_maps_come_from_the_configuration(tmp_path):
    config = tmp_path / "condor_config"
    config.write_text(
        "LOCAL_CONFIG_DIR =\nTOOL_CLASSAD_USER_MAP_NAMES = groups\nCLASSAD_USER_MAPDATA_groups @=end\n"
        "* alice physics,chemistry\n@end\n"
    )
    code = 'from htcondor_async import ExprTree; print(ExprTree(\'userMap("groups", "alice")\').eval())'
    assert _python(code, tmp_path, CONDOR_CONFIG=str(config)) == ("physics,chemistry", "")


def test_the_default_client_reads_the_configuration_at_first_use(tmp_path):
    config = tmp_path / "condor_config"
    config.write_text("LOCAL_CONFIG_DIR =\nCOLLECTOR_HOST = cm.example.org:1234\nX = $(ARCH)-$ENV(GIVEN)\n")
    code = (
        "import htcondor_async as h; c = h.default_client().config;"
        "print(c['COLLECTOR_HOST'], c['X'], h.default_client() is h.default_client())"
    )
    out, err = _python(code, tmp_path, CONDOR_CONFIG=str(config), GIVEN="yes")
    assert out.startswith("cm.example.org:1234 ") and out.endswith("-yes True") and not err


def test_a_machine_without_configuration_gives_a_warning(tmp_path):
    code = "import htcondor_async as h; print(h.default_client().config.get_str('COLLECTOR_HOST'))"
    out, err = _python(
        f"import htcondor_async._system as s, htcondor_async.config.loader as l\nl._PLACES = ()\n{code}", tmp_path
    )
    assert "ConfigurationWarning: no configuration: CONDOR_CONFIG is not set" in err
    assert out == "None"


def test_a_wrong_configuration_is_an_error(tmp_path):
    code = "import htcondor_async as h; h.default_client()"
    _, err = _python(code, tmp_path, CONDOR_CONFIG=str(tmp_path / "missing"))
    assert "does not exist" in err
