"""TLS inside CEDAR messages: the exchange that SSL and SCITOKENS share.

Each message is a status and bytes of TLS. The two sides alternate strictly, whether they have something to say or
not, until both report that they hold; then the server sends 256 random bytes through TLS, from which a transported
session key is wrapped. TLS itself protects nothing afterwards (``condor_io/condor_auth_ssl.cpp``).
"""

from __future__ import annotations

import enum
import ssl
from typing import Any

from htcondor_async._cedar.effects import Receive, Send
from htcondor_async._cedar.values import Reader, Writer
from htcondor_async._secret import Secret
from htcondor_async._security.effects import BuildTlsContext, TlsSettings
from htcondor_async._security.methods.base import MethodContext, MethodFailed, Steps, receive_int, say
from htcondor_async.errors import HTCondorException, ProtocolError

__all__ = ["Status", "TlsExchange"]

MAX_BYTES = 1 << 20
MAX_ROUNDS = 256
KEY_SIZE = 256
_NO_AUTHORITY = frozenset({2, 18, 19, 20, 21})
"""OpenSSL's X509_V_ERR_* for a chain that is in order but for its end: issuer missing, self-signed, not verifiable."""


class Status(enum.IntEnum):
    """What a side says of itself with each message."""

    ERROR = -1
    READY = 0
    SENDING = 1
    RECEIVING = 2
    QUITTING = 3
    HOLDING = 4


class TlsExchange:
    """One side of the exchange.

    Parameters
    ----------
    ctx
        The method's context.
    server
        Which side.
    """

    def __init__(self, ctx: MethodContext, *, server: bool) -> None:
        self._ctx = ctx
        self._server = server
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        self.unknown_authority = False
        """Whether the handshake failed because no trusted authority answers for the other side's certificate."""

    def begin(self, settings: TlsSettings) -> Steps[None]:
        """Build the TLS context and tell each other whether that worked; raises MethodFailed."""
        failure = None
        try:
            context: ssl.SSLContext = yield BuildTlsContext(settings)
            self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=self._server)
        except (OSError, ValueError) as error:
            failure = error.what if isinstance(error, HTCondorException) else str(error)
        own = Status.ERROR if failure else Status.READY
        if self._server:
            yield from say(own)
            other = yield from receive_int(self._ctx)
        else:
            other = yield from receive_int(self._ctx)
            yield from say(own)
        if failure is not None:
            raise MethodFailed(f"TLS cannot be used here: {failure}")
        if other != Status.READY:
            raise MethodFailed("the other side cannot use TLS")

    @property
    def tls(self) -> ssl.SSLObject:
        """The TLS object, once there is one."""
        if self._tls is None:
            raise ProtocolError("TLS has not begun")
        return self._tls

    def peer_certificate(self) -> bytes | None:
        """Return the other side's certificate (DER), None if it showed none."""
        return self.tls.getpeercert(binary_form=True)

    def chain_end(self) -> bytes:
        """Return the last certificate (DER) of the other side's chain, as far as it could be built.

        Where no authority answers for the chain this is the one that would have to be trusted.
        """
        tls = self.tls
        chain: list[Any]
        if hasattr(tls, "get_verified_chain"):
            chain = tls.get_verified_chain()
        else:
            # Before Python 3.13 it is there, below the surface only.
            found = getattr(tls, "_sslobj").get_verified_chain()  # noqa: B009 - not an attribute that typeshed knows
            chain = [ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in found or ()]
        if not chain:
            raise ProtocolError("the other side's chain of certificates cannot be read")
        return bytes(chain[-1])

    def send(self, status: Status) -> Steps[None]:
        """Send a status and whatever TLS has to say."""
        data = self._outgoing.read() if self._outgoing.pending else b""
        yield Send(Writer(False).int(status).int(len(data)).raw(data).getvalue())

    def receive(self) -> Steps[Status]:
        """Receive the other side's status and bytes."""
        message = yield Receive(MAX_BYTES)
        reader = Reader(message, False, self._ctx.limits)
        number, length = reader.int(), reader.int()
        if not 0 <= length <= MAX_BYTES:
            raise ProtocolError(f"a TLS message is announced with {length} bytes")
        data = reader.raw(length)
        reader.expect_end()
        try:
            status = Status(number)
        except ValueError:
            raise ProtocolError(f"the TLS status {number} does not exist") from None
        if data:
            self._incoming.write(data)
        return Status.QUITTING if status is Status.ERROR else status

    def handshake(self) -> Steps[None]:
        """Go through the TLS handshake, the client first; raises MethodFailed with TLS's own reason."""
        own = other = Status.RECEIVING
        failure = ""
        sends_in = 0 if self._server else 1
        for number in range(1, MAX_ROUNDS + 1):
            if own is not Status.HOLDING:
                own, failure = self._step()
            if number % 2 == sends_in:
                yield from self.send(own)
            else:
                other = yield from self.receive()
            if own is other is Status.HOLDING:
                return
            if own is Status.QUITTING and number % 2 == sends_in:
                raise MethodFailed(f"the TLS handshake failed: {failure}")
            if other is Status.QUITTING:
                raise MethodFailed("the other side gave up the TLS handshake; it may not trust the certificate here")
        raise ProtocolError("the TLS handshake does not end")

    def _step(self) -> tuple[Status, str]:
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return Status.RECEIVING, ""
        except ssl.SSLCertVerificationError as error:
            self.unknown_authority = error.verify_code in _NO_AUTHORITY
            return Status.QUITTING, f"the certificate of the other side is not trusted ({error.verify_message})"
        except ssl.SSLError as error:
            return Status.QUITTING, error.reason or "TLS error"
        return Status.HOLDING, ""

    def give_key(self) -> Steps[Secret[bytes]]:
        """Send 256 random bytes, as the server."""
        key = Secret(self._ctx.entropy(KEY_SIZE))
        self._write(key)
        yield from self.send(Status.HOLDING)
        for _ in range(MAX_ROUNDS):
            other = yield from self.receive()
            if other is Status.HOLDING:
                return key
            if other is Status.QUITTING:
                raise MethodFailed("the client does not accept the certificate of this server")
            yield from self.send(Status.HOLDING)
        raise ProtocolError("the exchange of the TLS key does not end")

    def take_key(self) -> Steps[Secret[bytes]]:
        """Receive 256 random bytes, as the client."""
        key = Secret(b"")
        for _ in range(MAX_ROUNDS):
            other = yield from self.receive()
            if other is Status.QUITTING:
                raise MethodFailed("the daemon refused the client's certificate, or its absence")
            key = Secret(key.reveal() + self.read(KEY_SIZE - len(key.reveal())))
            done = len(key.reveal()) == KEY_SIZE
            yield from self.send(Status.HOLDING if done else Status.RECEIVING)
            if done and other is Status.HOLDING:
                return key
        raise ProtocolError("the exchange of the TLS key does not end")

    def refuse_key(self) -> Steps[None]:
        """Tell the server, as the client, that its certificate is not accepted."""
        other = yield from self.receive()
        if other is not Status.QUITTING:
            yield from self.send(Status.QUITTING)

    def read(self, size: int) -> bytes:
        """Return the plaintext that is there, at most ``size`` bytes."""
        try:
            return self.tls.read(size) if size else b""
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLError as error:
            raise MethodFailed(f"TLS failed: {error.reason or 'error'}") from None

    def take_text(self, max_size: int) -> Steps[Secret[bytes]]:
        """Receive a counted text, as the server; the client waits for :meth:`send` afterwards."""
        size, data = Secret(b""), Secret(b"")
        for _ in range(MAX_ROUNDS):
            other = yield from self.receive()
            if other is Status.QUITTING:
                raise MethodFailed("the client gave up")
            size = Secret(size.reveal() + self.read(4 - len(size.reveal())))
            if len(size.reveal()) == 4:
                length = int.from_bytes(size.reveal(), "big")
                if not 1 <= length <= max_size:
                    yield from self.send(Status.QUITTING)
                    raise MethodFailed(f"the client announces a token of {length} bytes")
                # a call of TLS's gives at most one record
                while more := self.read(length - len(data.reveal())):
                    data = Secret(data.reveal() + more)
                if len(data.reveal()) == length:
                    return data
            yield from self.send(Status.RECEIVING)
        raise ProtocolError("the exchange of the token does not end")

    def _write(self, data: Secret[bytes]) -> None:
        try:
            self.tls.write(data.reveal())
        except ssl.SSLError as error:
            raise ProtocolError(f"TLS failed: {error.reason or 'error'}") from None

    def write_and_ask(self, data: Secret[bytes]) -> Steps[bool]:
        """Send plaintext, as the client, and give whether the server accepted it."""
        self._write(data)
        yield from self.send(Status.HOLDING)
        for _ in range(MAX_ROUNDS):
            other = yield from self.receive()
            if other in (Status.HOLDING, Status.QUITTING):
                return other is Status.HOLDING
            yield from self.send(Status.HOLDING)
        raise ProtocolError("the exchange of the token does not end")
