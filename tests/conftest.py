"""Fixtures of all tests. What they are made of is in tests/harness."""

from __future__ import annotations

import asyncio.constants
import itertools
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster
from harness import bindings as real_bindings
from harness import pools, roots
from harness import realm as kerberos_realm
from harness.leaks import Clean
from harness.users import AsUser
from helpers.sizes import FULL

_RUN = pytest.StashKey[pools.TestRun]()
_BEGAN = pytest.StashKey[float]()


def _backends() -> list[Any]:
    """asyncio in debug mode and trio; in a full run also eager tasks and uvloop."""
    found = [pytest.param(("asyncio", {"debug": True}), id="asyncio"), pytest.param(("trio", {}), id="trio")]
    if FULL and sys.version_info >= (3, 12):
        found.append(pytest.param(("asyncio", {"loop_factory": _eager_loop}), id="asyncio-eager"))
    if FULL:
        found.append(pytest.param(("asyncio", {"use_uvloop": True}), id="asyncio-uvloop"))
    return found


def _eager_loop() -> Any:
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]  # since Python 3.12
    return loop


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so starts what a shell puts into the background
        signal.signal(signal.SIGINT, signal.default_int_handler)  # programs that tests start and interrupt inherit it
    config.addinivalue_line("markers", "allow_blocking: calls that block the event loop are wanted in this test")
    config.stash[_RUN] = pools.TestRun()
    asyncio.constants.DEBUG_STACK_DEPTH = 2  # frames kept of whoever schedules a callback; ten are a fifth of the time
    os.environ["CONDOR_CONFIG"] = "/dev/null"  # tests depend on no configuration of the machine


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_RUN].end()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for full runs; mark what runs against a real pool."""
    if not FULL:
        left_out = [item for item in items if item.get_closest_marker("full")]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if not item.get_closest_marker("full")]
    for item in items:
        if _pool_of(item.nodeid):
            item.add_marker(pytest.mark.realpool)


def _pool_of(nodeid: str) -> str | None:
    """Name of the real pool that a test runs against: it is among the test's parameters."""
    parameters = nodeid.partition("[")[2].rstrip("]").split("-")
    pairs = {f"{first}-{second}" for first, second in itertools.pairwise(parameters)}
    return next((name for name in pools.SUITES if name in pairs), None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep all tests of one real pool on one worker: they run one after the other, never beside each other."""
    from xdist.scheduler import LoadScopeScheduling

    class PoolScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _pool_of(nodeid) or nodeid

    return PoolScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    item.stash[_BEGAN] = time.time()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show with a failure what the pool's daemons logged since the test began."""
    report: Any = yield
    if report.failed and (name := _pool_of(item.nodeid)) and (pool := pools.find_pool(item.config.stash[_RUN], name)):
        report.sections.append((f"logs of {name}", pool.log_tails(since=item.stash[_BEGAN])))
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Name, before the last line, what was not run or failed outside pytest."""
    lines = [line for line in os.environ.get("HTCONDOR_ASYNC_NOTES", "").splitlines() if line]
    for name, reason in pools.unavailable(config.stash[_RUN]).items():
        lines.append(f"not run: tests against {name}: {reason.splitlines()[0]}")
    if lines:
        terminalreporter.section("notes")
        for line in dict.fromkeys(lines):
            terminalreporter.line(line)


@pytest.fixture(scope="module", params=_backends())
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """The event loop that async tests run on."""
    return request.param


@pytest.fixture(scope="session")
def _blockbuster() -> Iterator[BlockBuster]:
    """Any call of the client that blocks a running asyncio loop is an error (`blockbuster.BlockingError`)."""
    blockbuster = BlockBuster(["htcondor_async"])
    blockbuster.activate()
    yield blockbuster
    blockbuster.deactivate()


@pytest.fixture(autouse=True)
def _no_blocking_calls(request: pytest.FixtureRequest, _blockbuster: BlockBuster) -> Iterator[None]:
    if request.node.get_closest_marker("allow_blocking") is None:
        yield
        return
    _blockbuster.deactivate()
    yield
    _blockbuster.activate()


@pytest.fixture
async def _running_loop() -> AsyncIterator[None]:
    yield


@pytest.fixture
def clean(request: pytest.FixtureRequest) -> Iterator[Clean]:
    """Fail the test if it leaves descriptors, threads or tasks behind; `clean.check()` checks at once."""
    if "anyio_backend" in request.fixturenames:
        request.getfixturevalue("_running_loop")  # so that the loop's own descriptors are there before
    before = Clean()
    yield before
    before.check()


@pytest.fixture(scope="session")
def get_real_pool(request: pytest.FixtureRequest) -> Callable[[str], pools.Pool]:
    """`get_real_pool("real-23.9")` or `("real-25")`: the pool, started at the first call in the test run."""

    def get(name: str) -> pools.Pool:
        try:
            return pools.get_pool(request.config.stash[_RUN], name)
        except roots.PoolUnavailableError as error:
            if os.environ.get("CI") == "true" and not error.excused:
                pytest.fail(f"CI needs {name}: {error}", pytrace=False)
            pytest.skip(f"{name}: {error}")

    return get


@pytest.fixture
def realm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> kerberos_realm.Realm:
    """The run's Kerberos realm, started at the first call; this process finds it, and has no ticket yet."""
    try:
        found = kerberos_realm.get_realm(request.config.stash[_RUN])
    except roots.PoolUnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs a Kerberos realm: {error}", pytrace=False)
        pytest.skip(f"Kerberos: {error}")
    for name, value in {**found.environ, "KRB5CCNAME": f"FILE:{found.folder}/no-cache"}.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture(params=list(pools.SUITES))
def real_pool(request: pytest.FixtureRequest, get_real_pool: Callable[[str], pools.Pool]) -> pools.Pool:
    """Each real pool in turn."""
    return get_real_pool(request.param)


@pytest.fixture(params=["real-23.9"])
def trixie_pool(request: pytest.FixtureRequest, get_real_pool: Callable[[str], pools.Pool]) -> pools.Pool:
    """The real pool of HTCondor 23.9."""
    return get_real_pool(request.param)


@pytest.fixture(params=["real-25"])
def sid_pool(request: pytest.FixtureRequest, get_real_pool: Callable[[str], pools.Pool]) -> pools.Pool:
    """The real pool of HTCondor 25."""
    return get_real_pool(request.param)


@pytest.fixture
def as_user(request: pytest.FixtureRequest, get_real_pool: Callable[[str], pools.Pool]) -> AsUser:
    """Run functions (`as_user(function, *args, user="alice")`) or scripts as an ordinary user of the pools."""
    name = _pool_of(request.node.nodeid) or "real-23.9"
    pool = get_real_pool(name)
    return AsUser(request.config.stash[_RUN].folder, pool.root / "etc")


@pytest.fixture
def run_bindings() -> Callable[..., list[Any]]:
    """`run_bindings(version, script, *args, config=path)`, see harness.bindings."""

    def run(version: str, script: str, *args: str, config: Path, **options: Any) -> list[Any]:
        try:
            return real_bindings.run_bindings(version, script, *args, config=config, **options)
        except real_bindings.BindingsUnavailableError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(str(error), pytrace=False)
            pytest.skip(str(error))

    return run
