"""One suite against the embedded pool and each real one, awaited on asyncio and trio, and called.

A test takes `pool`, `run` and perhaps `client`, and hands `run` a coroutine over the public API alone:

    def test_locate(pool, client, run):
        async def body():
            return await Collector(client=client).locate(DaemonType.SCHEDD, pool.schedds["open"])

        assert run(body)["Name"] == pool.schedds["open"]
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness import embedded, pools
from harness.failures import golden, neutral
from harness.flavours import FLAVOURS, Run
from harness.v1 import configured

from htcondor_async.client import Client
from htcondor_async.errors import HTCondorException


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    """How the client runs: "asyncio", "trio" or "blocking"."""
    return str(request.param)


@pytest.fixture
def run(flavour: str) -> Run:
    """`run(body, *args)` executes a coroutine function in the flavour; `run.runtime` is for making clients."""
    return Run(flavour)


@pytest.fixture(params=[*embedded.OPENERS, *pools.SUITES])
def pool(request: pytest.FixtureRequest, get_real_pool: Callable[[str], pools.Pool]) -> Iterator[embedded.ContractPool]:
    """A pool of each kind. The embedded one is made per test, the real ones are shared: tests use jobs of their own."""
    if opener := embedded.OPENERS.get(request.param):
        with opener() as opened:
            yield opened
    else:
        yield get_real_pool(request.param)


@pytest.fixture
def make_client(pool: embedded.ContractPool, run: Run) -> Callable[..., Client]:
    """`make_client("alice@testpool", methods="IDTOKENS", ...)`: a client of the flavour; see `pool.settings`."""

    def make(identity: str | None = "alice@testpool", **options: Any) -> Client:
        return Client(pool.settings(identity, **options), runtime=run.runtime)

    return make


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    """A client with a token of alice."""
    return make_client()


@pytest.fixture
def v1(pool: embedded.ContractPool) -> Iterator[Any]:
    """`htcondor_sync`, its `param` set for the pool: alice, who proves who she is."""
    import htcondor_sync

    with configured(pool.settings("alice@testpool", SEC_CLIENT_AUTHENTICATION="REQUIRED")):
        yield htcondor_sync


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of the loopback addresses on which nothing listens while the test runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound but not listening: a connection is refused, and nobody else gets it
        yield held.getsockname()[1]


@pytest.fixture
def provoke(run: Run):
    """`provoke(name, body, *arguments)`: run it, and compare the error with the page."""

    def check(name: str, body: Callable[..., object], *arguments: object) -> HTCondorException:
        with pytest.raises(HTCondorException) as caught:
            run(body, *arguments)
        error = caught.value
        assert (type(error).__name__, neutral(str(error))) == golden()[name]
        return error

    return check
