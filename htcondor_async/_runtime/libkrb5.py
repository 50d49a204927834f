"""MIT Kerberos' libkrb5, declared for ctypes: the functions and structures that an AP exchange needs, nothing else.

The library is the system's own, of the name that MIT's has on Linux; no package of the Python index is needed. Layouts
and signatures are those of its public header ``krb5/krb5.h``, whose binary interface has not changed since version 1.3.
"""

from __future__ import annotations

import ctypes
import functools
from ctypes import POINTER, Structure, c_char_p, c_int, c_int32, c_uint, c_uint8, c_uint32, c_void_p
from typing import Any

from htcondor_async.errors import HTCondorIOError

__all__ = [
    "Address",
    "Context",
    "Creds",
    "Data",
    "EncData",
    "Keyblock",
    "KeytabEntry",
    "Ticket",
    "data_of",
    "missing",
]

LIBRARY = "libkrb5.so.3"


class Data(Structure):
    """``krb5_data``: counted bytes."""

    _fields_ = [("magic", c_int32), ("length", c_uint), ("data", c_void_p)]

    def value(self) -> bytes:
        """Return a copy of the bytes."""
        return ctypes.string_at(self.data, self.length) if self.data else b""


class Keyblock(Structure):
    """``krb5_keyblock``: a key."""

    _fields_ = [("magic", c_int32), ("enctype", c_int32), ("length", c_uint), ("contents", c_void_p)]


class Address(Structure):
    """``krb5_address``: an address of a host."""

    _fields_ = [("magic", c_int32), ("addrtype", c_int32), ("length", c_uint), ("contents", POINTER(c_uint8))]


class Times(Structure):
    """``krb5_ticket_times``: seconds since 1970, unsigned."""

    _fields_ = [("authtime", c_uint32), ("starttime", c_uint32), ("endtime", c_uint32), ("renew_till", c_uint32)]


class Creds(Structure):
    """``krb5_creds``: a ticket with its key, as a cache keeps it."""

    _fields_ = [
        ("magic", c_int32),
        ("client", c_void_p),
        ("server", c_void_p),
        ("keyblock", Keyblock),
        ("times", Times),
        ("is_skey", c_uint),
        ("ticket_flags", c_int32),
        ("addresses", c_void_p),
        ("ticket", Data),
        ("second_ticket", Data),
        ("authdata", c_void_p),
    ]


class KeytabEntry(Structure):
    """``krb5_keytab_entry``."""

    _fields_ = [
        ("magic", c_int32),
        ("principal", c_void_p),
        ("timestamp", c_uint32),
        ("vno", c_uint),
        ("key", Keyblock),
    ]


class EncData(Structure):
    """``krb5_enc_data``: encrypted bytes."""

    _fields_ = [("magic", c_int32), ("enctype", c_int32), ("kvno", c_uint), ("ciphertext", Data)]


class Transited(Structure):
    """``krb5_transited``."""

    _fields_ = [("magic", c_int32), ("tr_type", c_uint8), ("tr_contents", Data)]


class EncTicketPart(Structure):
    """``krb5_enc_tkt_part``: what a ticket says, deciphered."""

    _fields_ = [
        ("magic", c_int32),
        ("flags", c_int32),
        ("session", POINTER(Keyblock)),
        ("client", c_void_p),
        ("transited", Transited),
        ("times", Times),
        ("caddrs", POINTER(POINTER(Address))),
        ("authorization_data", c_void_p),
    ]


class Ticket(Structure):
    """``krb5_ticket``."""

    _fields_ = [
        ("magic", c_int32),
        ("server", c_void_p),
        ("enc_part", EncData),
        ("enc_part2", POINTER(EncTicketPart)),
    ]


_OUT = c_void_p  # any pointer to where a result goes; ctypes.byref makes one
_FALLIBLE: dict[str, tuple[Any, ...]] = {
    "krb5_auth_con_getkey": (c_void_p, _OUT),
    "krb5_auth_con_init": (_OUT,),
    "krb5_auth_con_setflags": (c_void_p, c_int32),
    "krb5_c_decrypt": (c_void_p, c_int32, c_void_p, _OUT, _OUT),
    "krb5_c_encrypt": (c_void_p, c_int32, c_void_p, _OUT, _OUT),
    "krb5_c_encrypt_length": (c_int32, ctypes.c_size_t, _OUT),
    "krb5_cc_default": (_OUT,),
    "krb5_cc_get_full_name": (c_void_p, _OUT),
    "krb5_cc_get_principal": (c_void_p, _OUT),
    "krb5_cc_next_cred": (c_void_p, _OUT, _OUT),
    "krb5_cc_start_seq_get": (c_void_p, _OUT),
    "krb5_get_credentials": (c_int32, c_void_p, _OUT, _OUT),
    "krb5_get_init_creds_keytab": (_OUT, c_void_p, c_void_p, c_int32, c_char_p, c_void_p),
    "krb5_kt_default": (_OUT,),
    "krb5_kt_next_entry": (c_void_p, _OUT, _OUT),
    "krb5_kt_resolve": (c_char_p, _OUT),
    "krb5_kt_start_seq_get": (c_void_p, _OUT),
    "krb5_parse_name": (c_char_p, _OUT),
    "krb5_mk_rep": (c_void_p, _OUT),
    "krb5_mk_req_extended": (_OUT, c_int32, c_void_p, c_void_p, _OUT),
    "krb5_rd_rep": (c_void_p, _OUT, _OUT),
    "krb5_rd_req": (_OUT, _OUT, c_void_p, c_void_p, _OUT, _OUT),
    "krb5_sname_to_principal": (c_char_p, c_char_p, c_int32, _OUT),
    "krb5_unparse_name": (c_void_p, _OUT),
}
"""Functions that return an error code, without their first argument, the context."""

_RELEASING = {
    "krb5_auth_con_free": (c_void_p,),
    "krb5_cc_close": (c_void_p,),
    "krb5_cc_end_seq_get": (c_void_p, _OUT),
    "krb5_free_ap_rep_enc_part": (c_void_p,),
    "krb5_free_cred_contents": (_OUT,),
    "krb5_free_creds": (c_void_p,),
    "krb5_free_data_contents": (_OUT,),
    "krb5_free_keyblock": (c_void_p,),
    "krb5_free_keytab_entry_contents": (_OUT,),
    "krb5_free_principal": (c_void_p,),
    "krb5_free_string": (c_void_p,),
    "krb5_free_ticket": (c_void_p,),
    "krb5_free_unparsed_name": (c_void_p,),
    "krb5_is_config_principal": (c_void_p,),
    "krb5_kt_close": (c_void_p,),
    "krb5_kt_end_seq_get": (c_void_p, _OUT),
}
"""Functions that have nothing to fail at, without the context."""


@functools.cache
def _load() -> ctypes.CDLL | str:
    """Load the library once; why it cannot be had, otherwise."""
    try:
        library = ctypes.CDLL(LIBRARY)
        for name, arguments in {**_FALLIBLE, **_RELEASING}.items():
            function = getattr(library, name)
            function.argtypes = (c_void_p, *arguments)
            function.restype = c_int32 if name in _FALLIBLE else c_int
        library.krb5_init_context.argtypes = (_OUT,)
        library.krb5_init_context.restype = c_int32
        library.krb5_free_context.argtypes = (c_void_p,)
        library.krb5_free_context.restype = None
        library.krb5_get_error_message.argtypes = (c_void_p, c_int32)
        library.krb5_get_error_message.restype = c_void_p
        library.krb5_free_error_message.argtypes = (c_void_p, c_void_p)
        library.krb5_free_error_message.restype = None
    except (OSError, AttributeError) as error:
        return f"MIT Kerberos' {LIBRARY} cannot be loaded: {error}"
    return library


def missing() -> str | None:
    """Return why the library cannot be used here, None if it can."""
    found = _load()
    return found if isinstance(found, str) else None


class Context:
    """A ``krb5_context``: one exchange's view of the configuration. One thread at a time may use it.

    Functions are called as :meth:`call`; what they allocate is handed to :meth:`keep` with the function that frees it,
    and freed in reverse order when the context is closed, or forgotten.

    Raises
    ------
    HTCondorIOError
        There is no library, or its configuration (``krb5.conf``) cannot be read.
    """

    def __init__(self) -> None:
        found = _load()
        self._kept: list[tuple[Any, Any]] = []
        self._context: c_void_p | None = None
        if isinstance(found, str):
            raise HTCondorIOError(found)
        self._library = found
        context = c_void_p()
        code = found.krb5_init_context(ctypes.byref(context))
        if code:
            raise HTCondorIOError(f"Kerberos cannot be set up: {self._message(None, code)}")
        self._context = context

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function that returns an error code; a code that is not 0 raises ``HTCondorIOError``."""
        code = getattr(self._library, name)(self._context, *arguments)
        if code:
            raise HTCondorIOError(self._message(self._context, code))

    def plain(self, name: str, *arguments: Any) -> int:
        """Call a function that cannot fail."""
        return int(getattr(self._library, name)(self._context, *arguments))

    def keep(self, free: str, what: Any) -> None:
        """Free ``what`` by the function ``free`` when the context is closed."""
        self._kept.append((free, what))

    def made(self, name: str, *arguments: Any, free: str, first: bool = False) -> c_void_p:
        """Call a function that hands out a pointer by its last argument, or its first; it is kept."""
        pointer = c_void_p()
        out = ctypes.byref(pointer)
        self.call(name, *((out, *arguments) if first else (*arguments, out)))
        self.keep(free, pointer)
        return pointer

    def text(self, name: str, what: Any, free: str) -> str:
        """Return what a function that makes a string says of ``what``."""
        pointer = c_void_p()
        self.call(name, what, ctypes.byref(pointer))
        try:
            return ctypes.string_at(pointer.value or 0).decode("utf-8", "backslashreplace")
        finally:
            self.plain(free, pointer)

    def name(self, principal: Any) -> str:
        """Return the name of a principal, ``primary/instance@REALM``."""
        return self.text("krb5_unparse_name", principal, "krb5_free_unparsed_name")

    def close(self) -> None:
        """Free everything; may be called again."""
        context, self._context = self._context, None
        if context is None:
            return
        while self._kept:
            free, what = self._kept.pop()
            getattr(self._library, free)(context, what)
        self._library.krb5_free_context(context)

    __del__ = close

    def _message(self, context: c_void_p | None, code: int) -> str:
        pointer = self._library.krb5_get_error_message(context, code)
        if pointer is None:
            return f"error {code}"
        try:
            return ctypes.string_at(pointer).decode("utf-8", "replace")
        finally:
            self._library.krb5_free_error_message(context, pointer)


def data_of(value: bytes) -> Data:
    """Return counted bytes for a call; they live as long as the result."""
    buffer = ctypes.create_string_buffer(value, max(len(value), 1))
    data = Data(0, len(value), ctypes.addressof(buffer))
    data._buffer = buffer
    return data
