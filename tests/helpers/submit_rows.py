"""Running the recorded rows of tests/data/submit against the v1 façade over the submit language."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from htcondor_async.classad._ad import ClassAd
from htcondor_async.classad._expr import ExprTree
from htcondor_async.classad._unparse import unparse_node
from htcondor_async.classad._values import Undefined
from htcondor_async.submit import Identity, JobOptions, SubmitContext, Version
from htcondor_sync._submit import Submit
from tests.helpers import submit_vectors as vectors
from tests.helpers.submit_world import BASE_CONFIG, BASE_ENVIRON, NOW, SubmitWorld

DATA = Path(__file__).resolve().parent.parent / "data" / "submit"
VERSION, PLATFORM = "$CondorVersion: 24.0.24 2026-05-05 test $", "$CondorPlatform: X86_64-Test $"
OS_USER = "osuser"
CLUSTER, SPOOL = "7", "/spool"
BINDINGS = Version(24, 0, 24)
MAX_ADS = 40
BASE_AD = vectors.base_ad(DATA)


def names(tree: str) -> dict[str, str]:
    """Return what the placeholders of a row stand for."""
    return {
        "CWD": tree,
        "VERSION": VERSION,
        "PLATFORM": PLATFORM,
        "CONDOR_CONFIG": f"{tree}/condor_config",
        "OSUSER": OS_USER,
        "CLUSTER": CLUSTER,
        "NOW": str(NOW),
        "SPOOL": SPOOL,
    }


def context(row: dict[str, Any], tree: str, schedd_version: Version = BINDINGS) -> SubmitContext:
    """Return the context in which a row was recorded."""
    config = {**BASE_CONFIG, **row.get("config", {})}
    environ = {**BASE_ENVIRON, "CONDOR_CONFIG": f"{tree}/condor_config", **row.get("env", {})}
    return SubmitContext(
        SubmitWorld(tree, environ, OS_USER),
        _param(config),
        Identity(VERSION, PLATFORM, 2),
        Version(24, 0, 24),
        schedd_version,
    )


def _param(config: dict[str, str]) -> Callable[[str], str | None]:
    upper = {name.upper(): value for name, value in config.items()}
    return lambda name: upper.get(name.upper())


def value(recorded: Any) -> Any:
    """Return an input value as it was given to the bindings."""
    if isinstance(recorded, dict):
        if "$expr" in recorded:
            return ExprTree(recorded["$expr"])
        if "$classad" in recorded:
            return ClassAd(recorded["$classad"])
        if "$undefined" in recorded:
            return Undefined
    return recorded


def construct(row: dict[str, Any], tree: str, schedd_version: Version = BINDINGS) -> Submit:
    """Return the object that a row is about."""
    given = row["input"]
    arguments: list[Any] = []
    if "text" in given:
        arguments.append(given["text"])
    elif "dict" in given:
        arguments.append({key: value(entry) for key, entry in given["dict"]})
    keywords = {key: value(entry) for key, entry in given.get("kwargs", [])}
    return Submit._in_context(context(row, tree, schedd_version), *arguments, **keywords)


def encode(ad: ClassAd) -> dict[str, str]:
    """Return an ad as attribute -> text."""
    return {name: unparse_node(node) for name, node in ad._pairs()}


def _call(row: dict[str, Any]) -> dict[str, Any]:
    call = dict(row.get("call", {}))
    noniter = call.pop("itemdata_noniter", False) or row.get("itemdata_noniter", False)
    if "itemdata" in call:
        call["itemdata"] = call["itemdata"] if noniter else iter(call["itemdata"])
    return call


def _collect(make: Callable[[], Any]) -> tuple[list[dict[str, str]], dict[str, Any] | None]:
    ads: list[dict[str, str]] = []
    at = "jobs"
    try:
        iterator = make()
        at = "next"
        for ad in iterator:
            ads.append(encode(ad))
            if len(ads) == MAX_ADS:
                break
    except Exception as error:
        return ads, {"error": error, "at": at, "after": len(ads)}
    return ads, None


def type_matches(expected: str, error: BaseException) -> bool:
    """Return whether an error is of the recorded type, by the names of its classes."""
    found = {cls.__name__ for cls in type(error).__mro__}
    return expected in found or (expected == "ArgumentError" and "TypeError" in found)


def _compare_error(expected: dict[str, Any] | None, got: dict[str, Any] | None, what: str) -> list[str]:
    if expected is None:
        return [] if got is None else [f"{what}: unexpected {type(got['error']).__name__}: {got['error']}"]
    if got is None:
        return [f"{what}: no error, expected {expected}"]
    problems = []
    if not type_matches(expected["type"], got["error"]):
        problems.append(f"{what}: {type(got['error']).__name__}: {got['error']}, expected {expected}")
    if "at" in expected and expected["at"] != got["at"]:
        problems.append(f"{what}: error at {got['at']}, expected at {expected['at']}: {got['error']}")
    if "after" in expected and got["at"] == "next" and expected["after"] != got["after"]:
        problems.append(f"{what}: error after {got['after']}, expected after {expected['after']}: {got['error']}")
    if not str(got["error"]):
        problems.append(f"{what}: the error has no message")
    return problems


def _compare_ads(expected: list[dict[str, str]], got: list[dict[str, str]], what: str) -> list[str]:
    problems = []
    if len(expected) != len(got):
        problems.append(f"{what}: {len(got)} ads, expected {len(expected)}")
    for number, (wanted, found) in enumerate(zip(expected, got, strict=False)):
        problems.extend(f"{what} {number}: {difference}" for difference in vectors.compare(wanted, found))
    return problems


def check_ads(row: dict[str, Any], tree: str) -> list[str]:
    """Return what differs between a recorded row of job ads and what is made of it."""
    result = row["result"]
    try:
        submit = construct(row, tree)
    except Exception as error:
        got = {"error": error, "at": "construct", "after": 0}
        if "crash" in result:
            return []
        return _compare_error(result.get("error"), got, "construct")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        jobs, error = _collect(lambda: submit.jobs(**_call(row)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        procs, procs_error = _collect(lambda: submit.procs(**_call(row)))
    if "crash" in result:
        return [] if error is not None else ["expected an error"]
    wanted_jobs, wanted_procs = vectors.decode(row, vectors.bind(BASE_AD, names(tree)))
    problems = _compare_error(result.get("error"), error, "jobs")
    problems += _compare_error(result.get("procs_error", result.get("error")), procs_error, "procs")
    problems += _compare_ads(wanted_jobs, jobs, "job")
    problems += _compare_ads(wanted_procs, procs, "proc")
    if len(caught) != len(result.get("warnings", [])):
        problems.append(f"warnings {[str(entry.message) for entry in caught]}, expected {result.get('warnings')}")
    problems += [
        f"warning of category {entry.category}" for entry in caught if not issubclass(entry.category, UserWarning)
    ]
    return problems


def check_expand(row: dict[str, Any], tree: str) -> list[str]:
    """Return what differs in the results of expand()."""
    problems = []
    result = row["result"]
    try:
        submit = construct(row, tree)
    except Exception as error:
        if "crash" in result:
            return []
        return _compare_error(result.get("error"), {"error": error, "at": "construct", "after": 0}, "construct")
    if "crash" in result:
        for key in row["keys"]:
            try:
                submit.expand(key)
            except Exception:
                return []
        return ["expected an error"]
    for key, expected in result["expand"]:
        try:
            found: Any = submit.expand(key)
        except Exception as error:
            if "error" not in expected or not type_matches(expected["error"]["type"], error):
                problems.append(f"expand({key}): {type(error).__name__}: {error}, expected {expected}")
            continue
        if found != expected.get("value", expected):
            problems.append(f"expand({key}): {found!r}, expected {expected}")
    return problems


def check_itemdata(row: dict[str, Any], tree: str) -> list[str]:
    """Return what differs in the results of itemdata()."""
    result = row["result"]
    try:
        submit = construct(row, tree)
        arguments = [row["qargs"]] if "qargs" in row else []
        found = list(submit.itemdata(*arguments))
    except Exception as error:
        if "crash" in result:
            return []
        expected = result.get("error")
        if expected is None or not type_matches(expected["type"], error):
            return [f"{type(error).__name__}: {error}, expected {result}"]
        return []
    if "crash" in result:
        return ["expected an error"]
    return [] if found == result.get("items") else [f"{found}, expected {result}"]


def _operate(submit: Submit, name: str, arguments: list[Any]) -> Any:
    made = {"clusterid": 10, "qdate": NOW, "owner": "alice"}
    simple: dict[str, Callable[[], Any]] = {
        "get[]": lambda: submit[arguments[0]],
        "set[]": lambda: submit.__setitem__(arguments[0], arguments[1]),
        "del[]": lambda: submit.__delitem__(arguments[0]),
        "in": lambda: arguments[0] in submit,
        "len": lambda: len(submit),
        "str": lambda: str(submit),
        "repr": lambda: repr(submit),
        "list": lambda: list(submit),
        "dict": lambda: dict(submit.items()),
        "bool": lambda: bool(submit),
        "itemdata": lambda: list(submit.itemdata(*arguments)),
        "oauth": lambda: [{"$ad": encode(ad)} for ad in submit.oauth_services],
        "jobs_count": lambda: len(list(submit.jobs(**made))),
        "jobs_attr": lambda: [encode(ad).get(arguments[0]) for ad in submit.jobs(**made)],
    }
    if name == "job0":
        ad = encode(next(submit.jobs(**made)))
        return {attribute: ad.get(attribute) for attribute in arguments}
    if name in simple:
        return simple[name]()
    return getattr(submit, name)(*arguments)


def check_ops(row: dict[str, Any], tree: str) -> list[str]:
    """Return what differs in the results of a sequence of operations."""
    result = row["result"]
    problems: list[str] = []
    try:
        submit = construct(row, tree)
    except Exception as error:
        if "crash" in result:
            return []
        return _compare_error(result.get("error"), {"error": error, "at": "construct", "after": 0}, "construct")
    if "crash" in result:
        return crash_ops(row, submit)
    if "error" in result and "ops" not in result:
        return [f"no error, expected {result['error']}"]
    for operation, expected in result["ops"]:
        name, *arguments = operation
        try:
            found = _operate(submit, name, [value(argument) for argument in arguments])
        except Exception as error:
            if "error" not in expected or not type_matches(expected["error"]["type"], error):
                problems.append(f"{operation}: {type(error).__name__}: {error}, expected {expected}")
            continue
        if name == "items":
            found = [list(pair) for pair in found]
        if "error" in expected or found != expected["value"]:
            problems.append(f"{operation}: {found!r}, expected {expected}")
    return problems


def check_schedd(row: dict[str, Any], tree: str) -> list[str]:
    """Return what differs in what is sent to a schedd: the cluster ad, the digest, the rows."""
    expected = row["result"]
    core = construct(row, tree)._core
    call = dict(row["call"])
    items = call.get("itemdata")
    if items == "submit.itemdata()":
        items = core.item_data()
    options = JobOptions(int(CLUSTER), qdate=NOW, owner="alice", spool=call.get("spool", False), own_queue=False)
    if row["kind"] == "factory":
        factory = core.factory(call.get("count", 0), items, options)
        if factory is None:
            return ["no factory"]
        rows = b"".join(factory.rows()).decode() if factory.has_items else None
        stored = f"{SPOOL}/{CLUSTER}/condor_submit.{CLUSTER}.items"
        limit = expected["cluster_in_queue"].get("JobMaterializeLimit")
        found = [
            ("digest", factory.digest(stored), expected["digest"]),
            ("items", rows, expected.get("items")),
            ("jobs", factory.job_count, expected["num_procs"]),
            ("limit", str(factory.limit), limit),
        ]
        ad = factory.cluster_ad
    else:
        builder = core.cluster_builder(call.get("count", 0), items, options)
        found = [("jobs", len(list(builder)), expected["num_procs"])]
        ad = builder.cluster_ad()
    problems = [f"{what}: {got!r}, expected {wanted!r}" for what, got, wanted in found if got != wanted]
    change = expected["clusterad"]
    wanted_ad = vectors.bind(vectors._apply(BASE_AD, change), names(tree))
    return problems + [f"cluster ad: {difference}" for difference in vectors.compare(wanted_ad, encode(ad))]


def crash_ops(row: dict[str, Any], submit: Submit) -> list[str]:
    """Run operations the real bindings do not survive; here each works or raises."""
    for operation in row["ops"]:
        name, *arguments = operation
        try:
            _operate(submit, name, [value(argument) for argument in arguments])
        except Exception as error:
            return [] if str(error) else [f"{operation}: {type(error).__name__} without a message"]
    return []


CHECKS = {
    "factory": check_schedd,
    "submit": check_schedd,
    "ads": check_ads,
    "expand": check_expand,
    "itemdata": check_itemdata,
    "ops": check_ops,
}


def check(row: dict[str, Any], tree: str) -> list[str]:
    """Return what differs between a recorded row and this package."""
    return CHECKS[row["kind"]](vectors.bind(row, names(tree)), tree)
