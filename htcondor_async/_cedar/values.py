"""The values inside a message: integers, reals, strings, raw bytes, ads.

Every integer type but a byte travels as 8 bytes, big endian. A string ends with NUL, and has its length in front
(8 bytes, NUL included) exactly where the stream is encrypted: the same values have two encodings (``stream.cpp``).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from htcondor_async._cedar.ad_walk import SECRET_MARKER, check_count, walk_ad
from htcondor_async._cedar.legacy import CfbStream
from htcondor_async._cedar.limits import DEFAULT_LIMITS, Limits, check_string_length, exceeded
from htcondor_async._secret import Secret
from htcondor_async.classad import ClassAd
from htcondor_async.errors import HTCondorInternalError, HTCondorValueError, ProtocolError

__all__ = ["PRIVATE_ATTRIBUTES", "SECRET_MARKER", "Reader", "Writer", "is_private"]

_Bool: TypeAlias = bool
_Int: TypeAlias = int
_Str: TypeAlias = str

_I64 = struct.Struct(">q")
_MIN, _MAX = -(1 << 63), (1 << 63) - 1
#: Mantissas of reals are scaled by this before they travel as an integer.
_FRACTION = 0x7FFFFFFF
_NULL = b"\xad"
#: Attributes that a daemon treats as private (compared without case), beside all that begin with ``_condor_priv``.
PRIVATE_ATTRIBUTES = frozenset({"capability", "childclaimids", "claimid", "claimidlist", "claimids", "transferkey"})

Attributes: TypeAlias = "ClassAd | Mapping[str, str] | Iterable[tuple[str, str]]"


def is_private(name: str) -> bool:
    """Return whether HTCondor counts the attribute among the private ones (claim ids and the like)."""
    folded = name.lower()
    return folded in PRIVATE_ATTRIBUTES or folded.startswith("_condor_priv")


class Writer:
    """Builds the plaintext of a message; each method returns the writer.

    Parameters
    ----------
    crypto
        Whether the stream is encrypted when the message is sent.
    secrets
        The cipher for single secrets, where an old cipher leaves the rest in clear.
    """

    __slots__ = ("_crypto", "_parts", "_secrets")

    def __init__(self, crypto: _Bool, *, secrets: CfbStream | None = None) -> None:
        self._crypto = crypto
        self._secrets = secrets
        self._parts: list[bytes] = []

    def int(self, value: _Int) -> Writer:
        """Append an integer of any of CEDAR's integer types (64 bits, signed)."""
        try:
            self._parts.append(_I64.pack(value))
        except struct.error:
            raise HTCondorValueError(f"{value!r} is not an integer of 64 bits") from None
        return self

    def bool(self, value: _Bool) -> Writer:
        """Append a truth value, as an integer."""
        return self.int(1 if value else 0)

    def byte(self, value: _Int) -> Writer:
        """Append one byte, 0 to 255."""
        if not 0 <= value <= 255:
            raise HTCondorValueError(f"{value!r} is not a byte")
        self._parts.append(bytes((value,)))
        return self

    def double(self, value: float) -> Writer:
        """Append a real; about 31 bits of its mantissa arrive."""
        if not math.isfinite(value):
            raise HTCondorValueError(f"{value!r} cannot be sent as a real")
        mantissa, exponent = math.frexp(value)
        return self.int(int(mantissa * _FRACTION)).int(exponent)

    def str(self, value: _Str | bytes) -> Writer:
        """Append a string (text is sent as UTF-8); it must not contain NUL."""
        data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)
        if b"\0" in data:
            raise HTCondorValueError("a string with a NUL cannot be sent")
        if self._crypto:
            self._parts.append(_I64.pack(len(data) + 1))
        elif data[:1] == _NULL:
            raise HTCondorValueError("a string that begins with byte 0xAD would arrive as NULL")
        self._parts.append(data)
        self._parts.append(b"\0")
        return self

    def null_str(self) -> Writer:
        """Append the string NULL, which only a few old commands know."""
        self._parts.append(_I64.pack(1) + _NULL if self._crypto else _NULL)
        return self

    def secret(self, value: Secret[_Str] | Secret[bytes]) -> Writer:
        """Append a string that is encrypted even where the stream is not, if there is a key."""
        if self._secrets is None:
            return self.str(value.reveal())
        inner = Writer(True).str(value.reveal()).getvalue()
        self._parts.append(self._secrets.encrypt(inner))
        return self

    def raw(self, data: bytes) -> Writer:
        """Append bytes as they are."""
        self._parts.append(bytes(data))
        return self

    def proc_id(self, cluster: _Int, proc: _Int) -> Writer:
        """Append a job id."""
        return self.int(cluster).int(proc)

    def ad(self, ad: Attributes, *, secret: Collection[_Str] = (), types: _Bool = True) -> Writer:
        """Append an ad.

        Parameters
        ----------
        ad
            A ClassAd, or names with their expressions in old ClassAd syntax.
        secret
            Names (case ignored) to send with the marker of private attributes. Where an old cipher encrypts secrets
            alone, all private attributes are.
        types
            Whether the two empty type strings follow; a few old calls do without.
        """
        lines = _lines(ad)
        marked = frozenset(name.lower() for name in secret)
        self.int(len(lines))
        for line in lines:
            if (marked or self._secrets is not None) and self._is_secret(line, marked):
                self.str(SECRET_MARKER).secret(Secret(line))
            else:
                self.str(line)
        if types:
            self.str(b"").str(b"")
        return self

    def _is_secret(self, line: bytes, marked: Collection[_Str]) -> _Bool:
        name = line.partition(b"=")[0].strip().decode("utf-8", "surrogateescape").lower()
        return name in marked or (self._secrets is not None and is_private(name))

    def getvalue(self) -> bytes:
        """Return the message so far."""
        return b"".join(self._parts)

    def __len__(self) -> _Int:
        return sum(map(len, self._parts))


def _lines(ad: Attributes) -> list[bytes]:
    if isinstance(ad, ClassAd):
        return ad.wire_items()
    pairs = ad.items() if isinstance(ad, Mapping) else ad
    lines = []
    for name, expression in pairs:
        if not name or not expression:
            raise HTCondorInternalError("an attribute needs a name and an expression")
        lines.append(f"{name} = {expression}".encode("utf-8", "surrogateescape"))
    return lines


class Reader:
    """Takes the values out of one message. What does not fit raises :class:`~htcondor_async.errors.ProtocolError`.

    Parameters
    ----------
    data
        The whole message in plaintext.
    crypto
        Whether the stream was encrypted when it came.
    limits
        Bounds on strings and ads.
    secrets
        The cipher for single secrets, where an old cipher leaves the rest in clear.
    """

    __slots__ = ("_crypto", "_data", "_limits", "_position", "_secrets")

    def __init__(
        self,
        data: bytes,
        crypto: _Bool,
        limits: Limits = DEFAULT_LIMITS,
        *,
        secrets: CfbStream | None = None,
    ) -> None:
        self._data = data
        self._crypto = crypto
        self._limits = limits
        self._secrets = secrets
        self._position = 0

    @property
    def at_end(self) -> _Bool:
        """Whether everything has been taken."""
        return self._position >= len(self._data)

    @property
    def remaining(self) -> _Int:
        """Bytes that are left."""
        return len(self._data) - self._position

    def expect_end(self) -> None:
        """Refuse anything that is left."""
        if not self.at_end:
            raise ProtocolError(f"{self.remaining} bytes are left over at the end of a message")

    def int(self) -> _Int:
        """Take an integer (64 bits, signed)."""
        return _I64.unpack(self._take(8, "an integer"))[0]  # type: ignore[no-any-return]

    def bool(self) -> _Bool:
        """Take a truth value: any integer but 0 is true."""
        return self.int() != 0

    def byte(self) -> _Int:
        """Take one byte."""
        return self._take(1, "a byte")[0]

    def double(self) -> float:
        """Take a real."""
        fraction, exponent = self.int(), self.int()
        try:
            return math.ldexp(fraction / _FRACTION, exponent)
        except OverflowError:
            raise ProtocolError("a real is out of range") from None

    def str(self) -> _Str:
        """Take a string; bytes that are not UTF-8 become surrogates."""
        return self.bytes_().decode("utf-8", "surrogateescape")

    def str_or_none(self) -> _Str | None:
        """Take a string, or None where NULL was sent."""
        data = self._string()
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def bytes_(self) -> bytes:
        """Take a string as bytes, without the NUL at its end."""
        data = self._string()
        if data is None:
            raise ProtocolError("the string NULL came where a string was due")
        return data

    def secret(self) -> Secret[_Str]:
        """Take a string that was sent as a secret."""
        return Secret(self._secret_bytes().decode("utf-8", "surrogateescape"))

    def raw(self, size: _Int) -> bytes:
        """Take ``size`` bytes as they are."""
        if size < 0:
            raise ProtocolError(f"a length of {size} was announced")
        return self._take(size, "raw bytes")

    def rest(self) -> bytes:
        """Take all that is left."""
        return self._take(self.remaining, "")

    def proc_id(self) -> tuple[_Int, _Int]:
        """Take a job id: cluster and proc."""
        return self.int(), self.int()

    def ad(self, *, types: _Bool = True) -> ClassAd:
        """Take an ad; its values are parsed when they are looked at.

        Parameters
        ----------
        types
            Whether the two type strings follow it.
        """
        if self._secrets is not None:
            return self._ad_with_secrets(types)
        count, begin, end, self._position = walk_ad(self._data, self._position, self._crypto, self._limits, types)
        return ClassAd._from_wire(self._data[begin:end], count, self._crypto)

    def _ad_with_secrets(self, types: _Bool) -> ClassAd:
        """Take an ad whose private attributes are encrypted one by one."""
        count = check_count(self.int(), self._limits)
        lines = []
        size = 0
        for _ in range(count):
            line = self.bytes_()
            if line == SECRET_MARKER:
                line = self._secret_bytes()
            if b"\0" in line:
                raise ProtocolError("a secret in an ad has a NUL inside")
            size += len(line) + 1
            if size > self._limits.max_ad_size:
                exceeded("max_ad_size", "an ad", size, self._limits.max_ad_size)
            lines.append(line + b"\0")
        if types:
            self.bytes_()
            self.bytes_()
        return ClassAd._from_wire(b"".join(lines), count, False)

    def _secret_bytes(self) -> bytes:
        if self._secrets is None:
            return self.bytes_()
        size = _I64.unpack(self._secrets.decrypt(self._take(8, "the length of a secret")))[0]
        check_string_length(size, self._limits)
        data = self._secrets.decrypt(self._take(size, "a secret"))
        if data[-1:] != b"\0":
            raise ProtocolError("a secret does not end with NUL")
        return data[:-1]

    def _string(self) -> bytes | None:
        if not self._crypto:
            data, position = self._data, self._position
            if data[position : position + 1] == _NULL:
                self._position = position + 1
                return None
            end = data.find(b"\0", position)
            if end < 0:
                raise ProtocolError("a message ends inside a string")
            if end - position >= self._limits.max_string:
                exceeded("max_string", "a string", end - position + 1, self._limits.max_string)
            self._position = end + 1
            return data[position:end]
        size = self.int()
        check_string_length(size, self._limits)
        data = self._take(size, "a string")
        if size == 1 and data == _NULL:
            return None
        if data[-1] != 0:
            raise ProtocolError("a string does not end with NUL")
        # HTCondor, too, reads such a string to its first NUL.
        return data[: data.index(b"\0")]

    def _take(self, size: _Int, what: _Str) -> bytes:
        position = self._position
        if size > len(self._data) - position:
            raise ProtocolError(f"a message ends inside {what}")
        self._position = position + size
        return self._data[position : position + size]
