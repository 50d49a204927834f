"""The golden table of failures: what goes wrong, and the sentence that a user reads. docs/failures.md is the table.

Each row is provoked; the message, with what varies made neutral, must be the one on the page.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.failures import golden
from harness.flavours import Run

from htcondor_async import AdTypes, Client, Collector, DaemonTypes, Schedd, Timeouts


@contextmanager
def peer(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on a loopback port that does ``answer`` to each client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    client, _ = listener.accept()
                except TimeoutError:
                    continue
                with client:
                    client.settimeout(5)
                    try:
                        answer(client)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def says(data: bytes, *, wait: float = 0.0) -> Callable[[socket.socket], None]:
    """Read a request and answer ``data``."""

    def answer(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(data)
        if wait:
            client.settimeout(wait)
            client.recv(1)

    return answer


def frame(payload: bytes, *, length: int | None = None) -> bytes:
    """One frame in clear."""
    return struct.pack(">BI", 1, len(payload) if length is None else length) + payload


def lone(run: Run, **options: object) -> Client:
    """A client without credentials, for peers that are no pool."""
    config = {"SEC_CLIENT_AUTHENTICATION_METHODS": "CLAIMTOBE", "SEC_TOKEN_DIRECTORY": "/nonexistent/tokens.d"}
    return Client(config, runtime=run.runtime, **options)  # type: ignore[arg-type]


async def ask(client: Client, where: str, timeout: float | None = 5) -> None:
    """Query one address."""
    await Collector(where, client=client).query(AdTypes.Schedd, timeout=timeout)


def test_wrong_host(run, provoke):
    provoke("a host name that does not exist", ask, lone(run), "no-such-host.invalid:9618")


def test_closed_port(run, provoke, closed_port):
    provoke("a port on which nothing listens", ask, lone(run), f"127.0.0.1:{closed_port}")


def test_http(run, provoke):
    with peer(says(b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n")) as port:
        provoke("a port that speaks HTTP", ask, lone(run), f"127.0.0.1:{port}")


def test_silent_close(run, provoke):
    with peer(says(b"")) as port:
        provoke("a peer that closes at once", ask, lone(run), f"127.0.0.1:{port}")


def test_stops_in_the_middle_of_a_frame(run, provoke):
    with peer(says(frame(b"\0" * 20, length=4000))) as port:
        provoke("a daemon that stops in the middle of a frame", ask, lone(run), f"127.0.0.1:{port}")


def test_absurd_frame(run, provoke):
    with peer(says(frame(b"", length=0xFFFFFFF0))) as port:
        error = provoke("a frame of absurd length", ask, lone(run), f"127.0.0.1:{port}")
    assert error.limit == "max_frame"


def test_absurd_count(run, provoke):
    with peer(says(frame(struct.pack(">q", 1 << 31) + b"A = 1\0" * 3))) as port:
        provoke("an ad of absurdly many attributes", ask, lone(run), f"127.0.0.1:{port}")


def test_deadline_while_negotiating(run, provoke):
    with peer(says(b"", wait=5)) as port:
        provoke("a deadline while negotiating", ask, lone(run), f"127.0.0.1:{port}", 0.4)


def test_deadline_while_receiving(run, provoke):
    never = {f"SEC_CLIENT_{name}": "NEVER" for name in ("NEGOTIATION", "AUTHENTICATION", "ENCRYPTION", "INTEGRITY")}
    with peer(says(b"", wait=5)) as port:
        provoke("a deadline while receiving", ask, Client(never, runtime=run.runtime), f"127.0.0.1:{port}", 0.4)


def test_deadline_while_connecting(run, provoke):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        try:
            for _ in range(4):  # fill the queue of connections that nobody accepts
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(full.getsockname())
                waiting.append(one)
            client = lone(run, timeouts=Timeouts(connect=0.5))
            provoke("a deadline while connecting", ask, client, f"127.0.0.1:{full.getsockname()[1]}", None)
        finally:
            for one in waiting:
                one.close()


# -- against pools


async def ask_schedd(pool, client: Client, name: str, **options: object) -> None:
    """Locate a schedd and read its queue."""
    location = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds[name], timeout=30)
    async with Schedd(location, client=client).xquery(timeout=30, **options) as stream:
        async for _ in stream:
            pass


def test_unknown_schedd(pool, client, provoke):
    async def body() -> None:
        await Collector(client=client).locate(DaemonTypes.Schedd, "nosuch@testpool")

    provoke("a schedd that the collector does not know", body)


def test_bad_constraint(pool, client, provoke):
    async def body() -> None:
        await ask_schedd(pool, client, "open", constraint='Owner == "alice')

    provoke("a constraint that does not parse", body)


def test_expired_token(pool, make_client, provoke):
    client = make_client(token=pool.token(lifetime=-3 * 86400))
    provoke("a token that has expired", ask_schedd, pool, client, "tokens")


def test_foreign_token(pool, make_client, provoke):
    client = make_client(token=pool.token(issuer="elsewhere"))
    provoke("a token of another pool", ask_schedd, pool, client, "tokens")


def test_wrong_key(pool, make_client, provoke):
    client = make_client(token=pool.token(key=b"not the key" * 4))
    provoke("a token signed with a wrong key", ask_schedd, pool, client, "tokens")


def test_no_common_method(pool, make_client, provoke):
    client = make_client(None, methods="CLAIMTOBE", SEC_CLIENT_AUTHENTICATION="REQUIRED")
    provoke("no common authentication method", ask_schedd, pool, client, "tokens")


def test_not_authorized(pool, make_client, provoke):
    async def body() -> None:
        client = make_client(token=pool.token(scopes=["READ"]), SEC_CLIENT_AUTHENTICATION="REQUIRED")
        location = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"])
        await Schedd(location, client=client).act(1, ["1.0"])

    provoke("an action that the identity may not do", body)


def test_every_row_is_provoked():
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("test_failures*.py"))
    missing = [name for name in golden() if f'"{name}"' not in source]
    assert not missing
    assert len(golden()) >= 30
