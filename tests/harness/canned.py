"""A schedd in a thread that answers one query with a very long stream, made once: nothing but the client costs time."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from htcondor_async import Client
from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._cedar.values import Writer
from htcondor_async.classad import ClassAd

_PER_PIECE = 500
_NEVER = {f"SEC_CLIENT_{what}": "NEVER" for what in ("NEGOTIATION", "AUTHENTICATION", "ENCRYPTION", "INTEGRITY")}


class CannedSchedd:
    """The thread; `sent` is how many ads it has got rid of, `ended` how the connection ended.

    It answers without a negotiation: use `client()`.
    """

    def __init__(self, count: int, size: int) -> None:
        self.count = count
        self.sent = 0
        self.ended: str | None = None
        self.done = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        cedar = CedarConnection()
        ad = ClassAd({"Owner": "alice", "Number": 1, "Filling": "x" * max(1, size - 60)})
        self.ad_size = len(Writer(False).ad(ad).getvalue())
        self._piece = cedar.send_message(Writer(False).ad(ad).getvalue()) * _PER_PIECE
        self._last = cedar.send_message(Writer(False).ad(ClassAd({"Owner": 0, "ErrorCode": 0})).getvalue())
        self._thread = threading.Thread(target=self._serve, name="canned schedd")

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"<127.0.0.1:{self._listener.getsockname()[1]}>"

    @staticmethod
    def client() -> Client:
        """Return a client that does not negotiate."""
        return Client(_NEVER)

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(60)  # a client that neither reads nor leaves has failed its test
            connection.recv(65536)
            try:
                for _ in range(self.count // _PER_PIECE):
                    connection.sendall(self._piece)
                    self.sent += _PER_PIECE
                connection.sendall(self._last)
                connection.shutdown(socket.SHUT_WR)
                self.ended = "eof" if connection.recv(1) == b"" else "data"
            except OSError as error:
                self.ended = type(error).__name__
        self.done.set()


@contextlib.contextmanager
def canned_schedd(count: int, *, size: int = 1000) -> Iterator[CannedSchedd]:
    """Run one for `count` ads (a multiple of 500) of about `size` bytes each."""
    server = CannedSchedd(count, size)
    server._thread.start()
    try:
        yield server
    finally:
        server._listener.shutdown(socket.SHUT_RDWR)
        server._listener.close()
        server._thread.join()
