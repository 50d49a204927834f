"""Config and MutableConfig as mappings."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest

from htcondor_async.config import Config, MutableConfig, SourceError
from htcondor_async.errors import ConfigError, HTCondorTypeError


def test_values_are_typed_as_declared() -> None:
    config = Config({"MAX_JOBS_RUNNING": 5, "ENABLE_USERLOG_LOCKING": True, "PRIORITY_HALFLIFE": 2, "MINE": 7})
    assert config["MAX_JOBS_RUNNING"] == 5 and type(config["MAX_JOBS_RUNNING"]) is int
    assert config["ENABLE_USERLOG_LOCKING"] is True
    assert config["PRIORITY_HALFLIFE"] == 2.0 and type(config["PRIORITY_HALFLIFE"]) is float
    assert config["MINE"] == "7"


def test_names_ignore_case() -> None:
    config = Config({"Some_Name": "x"})
    assert config["SOME_NAME"] == config["some_name"] == "x"
    assert "some_NAME" in config
    assert config["query_timeout"] == 60
    assert "Some_Name" in list(config)


def test_defaults_and_missing() -> None:
    config = Config()
    assert config["SHARED_PORT_PORT"] == 9618
    assert config.get("NO_SUCH_NAME") is None
    assert config.get("NO_SUCH_NAME", 3) == 3
    with pytest.raises(KeyError):
        config["NO_SUCH_NAME"]
    assert "SCHEDD_NAME" not in config
    assert len(config) == len(list(config)) > 850


def test_every_default_has_a_value() -> None:
    config = Config({"HOSTNAME": "h", "FULL_HOSTNAME": "h.example.org"})
    random_ones = {name for name in config if "$RANDOM" in (config.raw(name) or "")}
    values = {name: config[name] for name in config if name not in random_ones and name != "PERIODIC_CHECKPOINT"}
    kinds = {type(value) for value in values.values()}
    assert kinds == {str, int, float, bool}
    assert len(values) > 850


def test_replace_leaves_the_original() -> None:
    config = Config({"A": "1"})
    other = config.replace({"SCHEDD.B": 2}, A="$(A) and more")
    assert (config["A"], other["A"], other["SCHEDD.B"]) == ("1", "1 and more", "2")
    assert config != other and config == Config({"a": "1"})
    assert Config({"A": "1"}) == Config({"A": "1"})


def test_prefixes() -> None:
    values = {"A": "plain", "SCHEDD.A": "schedd", "EAST.A": "east", "B": "$(A)", "SCHEDD.ONLY": "x"}
    assert Config(values)["B"] == "plain"
    assert Config(values, subsystem="SCHEDD")["B"] == "schedd"
    assert Config(values, subsystem="SCHEDD", local_name="EAST")["B"] == "east"
    config = Config(values, subsystem="SCHEDD")
    assert "ONLY" in config and config.get_str("ONLY") == "x"
    with pytest.raises(KeyError):
        config["ONLY"]
    assert config["SCHEDD.ONLY"] == "x"


def test_typed_access() -> None:
    config = Config({"N": "7", "F": "1.5", "T": "TRUE", "E": "", "BAD": "x y"})
    assert config.get_int("N") == 7
    assert config.get_float("F") == 1.5
    assert config.get_bool("T") is True
    assert config.get_str("N") == "7"
    assert config.get_int("E") is None and config.get_int("E", 9) == 9
    assert config.get_bool("NO_SUCH_NAME", False) is False
    assert config.get_int("QUERY_TIMEOUT") == 60
    for read in (config.get_int, config.get_float, config.get_bool):
        with pytest.raises(ConfigError, match="BAD"):
            read("BAD")
    with pytest.raises(SourceError, match="0 to 65535"):
        Config({"COLLECTOR_PORT": 70000}).get_int("COLLECTOR_PORT")
    with pytest.raises(SourceError, match="COLLECTOR_PORT"):
        Config({"COLLECTOR_PORT": 70000})["COLLECTOR_PORT"]


def test_where_and_raw() -> None:
    config = Config({"A": "$(B)"})
    assert config.raw("A") == "$(B)" and config.raw("COLLECTOR_HOST") == "$(CONDOR_HOST)" and config.raw("X_X") is None
    assert str(config.where("A")) == "<Override>" and str(config.where("COLLECTOR_HOST")) == "<Default>"
    assert config.where("X_X") is None


@pytest.mark.parametrize("value", [None, b"x", [], object()])
def test_wrong_types(value: Any) -> None:
    with pytest.raises(HTCondorTypeError):
        Config({"A": value})
    with pytest.raises(HTCondorTypeError):
        Config().replace(A=value)


def test_config_cannot_be_changed() -> None:
    config: Any = Config({"A": "1"})
    with pytest.raises(TypeError):
        config["A"] = "2"
    with pytest.raises(TypeError):
        hash(config)


def test_copies() -> None:
    config = Config({"A": "$(B)", "B": "2"}, subsystem="SCHEDD")
    for other in (copy.copy(config), copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert other == config and other["A"] == "2" and other.subsystem == "SCHEDD"


def test_mutable() -> None:
    config = Config({"A": "1"})
    mutable = config.mutable()
    mutable["A"] = "$(A) 2"
    mutable["QUERY_TIMEOUT"] = "10"
    assert (mutable["A"], mutable["QUERY_TIMEOUT"], config["A"]) == ("1 2", 10, "1")
    assert mutable.setdefault("A", "x") == "1 2" and mutable.setdefault("NEW", "y") == "y" and mutable["NEW"] == "y"
    assert mutable.setdefault("QUERY_TIMEOUT", "3") == "10"
    mutable.update({"B": "b"})
    mutable.update([("C", "c")])
    assert (mutable["B"], mutable["C"]) == ("b", "c")
    snapshot = mutable.snapshot()
    mutable["B"] = "changed"
    assert snapshot["B"] == "b"
    wrong: Any = 5
    for bad in (wrong, None, [("x",)], ["xy"]):
        with pytest.raises(HTCondorTypeError):
            mutable.update(bad)
    with pytest.raises(HTCondorTypeError):
        mutable["A"] = wrong
    assert isinstance(mutable, MutableConfig)


def test_nothing_but_package_data_is_read() -> None:
    program = (
        "import sys\n"
        "import htcondor_async.config as config\n"
        "seen = []\n"
        "sys.addaudithook(lambda name, args: seen.append(str(args[0])) if name == 'open' else None)\n"
        "assert config.Config({'A': '1'})['A'] == '1'\n"
        "assert all('htcondor_async' in path or path.endswith(('.py', '.pyc')) for path in seen), seen\n"
        "assert any(path.endswith('_defaults.txt') for path in seen), seen\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
