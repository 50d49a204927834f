"""Kerberos by the system's own library: tickets out of the default cache, keys out of keytabs, the AP exchange.

The flags of the exchange are mutual authentication, a subkey, sequence numbers and times. HTCondor's own code leaves
out the times, and with them the check that an answer belongs to this very request, and a server's replay cache; both
are seen by this side alone, so they are on here.
"""

from __future__ import annotations

import ctypes
import ipaddress
import math
import socket
from collections.abc import Iterator
from ctypes import POINTER, byref, c_void_p

from htcondor_async._runtime import libkrb5
from htcondor_async._runtime.libkrb5 import Context, data_of
from htcondor_async._secret import Secret
from htcondor_async._security.kerberos import KerberosClient, KerberosExchange, KerberosKeys, KerberosTicket
from htcondor_async._security.keys import KeyWrap
from htcondor_async.errors import HTCondorIOError, ProtocolError

__all__ = ["SystemKerberos"]

_DO_TIME_AND_SEQUENCE = 0x1 | 0x4
_USE_SUBKEY_AND_MUTUAL = 0x20000000 | 0x40000000
_HOST_BASED = 3
_WRAP_USAGE = 1024
"""What the key of a transported session key is used for, a number that both sides must have the same."""
_MAX_CREDENTIALS = 10_000
_ADDRESS_SIZES = {2: 4, 24: 16}
"""Bytes of an address by its type: IPv4 and IPv6."""
_HEADER = 12


class SystemKerberos:
    """See :class:`~htcondor_async._security.kerberos.KerberosLibrary`; calls may block, in any thread."""

    @staticmethod
    def missing() -> str | None:
        """Return why there is no library here, None if there is."""
        return libkrb5.missing()

    def find_ticket(self, keys: KerberosKeys | None, now: float) -> KerberosTicket:
        """Look for a ticket in the default cache, or where none is valid for a key."""
        context = Context()
        try:
            return _find(context, keys, now)
        finally:
            context.close()

    def request(self, address: str, service: str, keys: KerberosKeys | None, now: float) -> KerberosExchange:
        """Get a ticket for a service, and begin an exchange with it."""
        host = _host_name(address)
        context = Context()
        by_key = _find(context, keys, now).ends == math.inf
        server = context.made(
            "krb5_sname_to_principal",
            host.encode("utf-8", "surrogateescape"),
            service.encode("utf-8"),
            _HOST_BASED,
            free="krb5_free_principal",
        )
        credentials = _ticket_by_key(context, server, keys) if by_key and keys else _ticket_by_cache(context, server)
        connection = _connection(context)
        request = libkrb5.Data()
        context.keep("krb5_free_data_contents", byref(request))
        context.call(
            "krb5_mk_req_extended",
            byref(connection),
            _USE_SUBKEY_AND_MUTUAL,
            None,
            byref(credentials),
            byref(request),
        )
        return KerberosExchange(context.name(credentials.server), request.value(), (context, connection))

    def confirm(self, exchange: KerberosExchange, reply: bytes) -> KeyWrap:
        """Check the server's answer."""
        context, connection = exchange.state
        answer = c_void_p()
        context.call("krb5_rd_rep", connection, byref(data_of(reply)), byref(answer))
        context.keep("krb5_free_ap_rep_enc_part", answer)
        return _key(context, connection)

    def find_keytab(self, keytab: str | None) -> str:
        """Return the first principal of a keytab."""
        context = Context()
        try:
            table = _keytab(context, keytab)
            return context.name(_first_principal(context, table))
        finally:
            context.close()

    def accept(self, request: bytes, keytab: str | None) -> KerberosClient:
        """Check what a client sent."""
        context = Context()
        connection = _connection(context)
        flags = ctypes.c_int32()
        pointer = c_void_p()
        context.call(
            "krb5_rd_req",
            byref(connection),
            byref(data_of(request)),
            None,
            _keytab(context, keytab),
            byref(flags),
            byref(pointer),
        )
        context.keep("krb5_free_ticket", pointer)
        reply = libkrb5.Data()
        context.keep("krb5_free_data_contents", byref(reply))
        context.call("krb5_mk_rep", connection, byref(reply))
        inner = ctypes.cast(pointer, POINTER(libkrb5.Ticket)).contents.enc_part2.contents
        name = context.name(inner.client)
        return KerberosClient(name, tuple(_addresses(inner)), reply.value(), _key(context, connection))


class _Key:
    """The session key of a ticket; wraps keys as ``condor_io/condor_auth_kerberos.cpp`` does."""

    def __init__(self, context: Context, pointer: c_void_p) -> None:
        self._context = context
        self._pointer = pointer

    def wrap(self, key: Secret[bytes]) -> bytes:
        """Return an encrypted key: type, version and length of the cipher text, 32 bits each, and the text."""
        plain = data_of(key.reveal())
        enctype = ctypes.cast(self._pointer, POINTER(libkrb5.Keyblock)).contents.enctype
        size = ctypes.c_size_t()
        self._context.call("krb5_c_encrypt_length", enctype, plain.length, byref(size))
        space = data_of(bytes(size.value))
        out = libkrb5.EncData(0, 0, 0, space)
        self._context.call("krb5_c_encrypt", self._pointer, _WRAP_USAGE, None, byref(plain), byref(out))
        text: bytes = out.ciphertext.value()
        head = (out.enctype & 0xFFFFFFFF, out.kvno, len(text))
        return b"".join(number.to_bytes(4, "big") for number in head) + text

    def unwrap(self, wrapped: bytes) -> Secret[bytes]:
        """Return the key that came encrypted."""
        enctype, version, length = (int.from_bytes(wrapped[at : at + 4], "big") for at in (0, 4, 8))
        text = wrapped[_HEADER:]
        if len(wrapped) < _HEADER or length != len(text):
            raise ProtocolError("the session key that Kerberos wrapped has another length than it says")
        cipher, space = data_of(text), data_of(bytes(len(text)))  # both own what the structures point at
        sealed = libkrb5.EncData(0, ctypes.c_int32(enctype).value, version, cipher)
        try:
            self._context.call("krb5_c_decrypt", self._pointer, _WRAP_USAGE, None, byref(sealed), byref(space))
        except HTCondorIOError as error:
            raise ProtocolError(f"the session key that Kerberos wrapped cannot be read: {error.what}") from None
        return Secret(space.value())


def _host_name(address: str) -> str:
    try:
        return socket.getnameinfo((address.partition("%")[0], 0), socket.NI_NAMEREQD)[0]
    except OSError as error:
        raise HTCondorIOError(
            f"the address {address} has no host name, so there is no name to ask a ticket for ({error.strerror})"
        ) from error


def _connection(context: Context) -> c_void_p:
    connection = context.made("krb5_auth_con_init", free="krb5_auth_con_free")
    context.call("krb5_auth_con_setflags", connection, _DO_TIME_AND_SEQUENCE)
    return connection


def _key(context: Context, connection: c_void_p) -> _Key:
    return _Key(context, context.made("krb5_auth_con_getkey", connection, free="krb5_free_keyblock"))


def _keytab(context: Context, name: str | None) -> c_void_p:
    if name is None:
        return context.made("krb5_kt_default", free="krb5_kt_close")
    return context.made("krb5_kt_resolve", name.encode("utf-8"), free="krb5_kt_close")


def _first_principal(context: Context, table: c_void_p) -> c_void_p:
    cursor = c_void_p()
    context.call("krb5_kt_start_seq_get", table, byref(cursor))
    entry = libkrb5.KeytabEntry()
    try:
        context.call("krb5_kt_next_entry", table, byref(entry), byref(cursor))
    finally:
        context.plain("krb5_kt_end_seq_get", table, byref(cursor))
    context.keep("krb5_free_keytab_entry_contents", byref(entry))
    return c_void_p(entry.principal)


def _find(context: Context, keys: KerberosKeys | None, now: float) -> KerberosTicket:
    """Look into the cache, and for the keys where the cache has nothing that is valid."""
    found = None
    why = ""
    try:
        found = _in_cache(context)
    except HTCondorIOError as error:
        if keys is None:
            raise
        why = error.what
    if found is not None and (found.ends > now or keys is None):
        return found
    assert keys is not None
    try:
        name = context.name(_owner(context, _keytab(context, keys.keytab), keys))
    except HTCondorIOError as error:
        if found is not None:
            return found
        raise HTCondorIOError(f"{why}; {error.what}") from error
    return KerberosTicket(name, f"keytab {keys.keytab or 'of the system'}", math.inf)


def _owner(context: Context, table: c_void_p, keys: KerberosKeys) -> c_void_p:
    """Return who logs in with the keys; the keytab has at least one."""
    first = _first_principal(context, table)
    if keys.principal is None:
        return first
    return context.made("krb5_parse_name", keys.principal.encode("utf-8"), free="krb5_free_principal")


def _in_cache(context: Context) -> KerberosTicket:
    cache = context.made("krb5_cc_default", free="krb5_cc_close")
    principal = context.made("krb5_cc_get_principal", cache, free="krb5_free_principal")
    name = context.text("krb5_cc_get_full_name", cache, "krb5_free_string")
    return KerberosTicket(context.name(principal), name, max(_ends(context, cache), default=0.0))


def _ends(context: Context, cache: c_void_p) -> Iterator[float]:
    """Yield when each ticket of a cache ends; its notes to itself, which look like tickets, are left out."""
    cursor = c_void_p()
    context.call("krb5_cc_start_seq_get", cache, byref(cursor))
    try:
        for _ in range(_MAX_CREDENTIALS):
            credentials = libkrb5.Creds()
            try:
                context.call("krb5_cc_next_cred", cache, byref(cursor), byref(credentials))
            except HTCondorIOError:
                return  # there is no other sign of the end
            if not context.plain("krb5_is_config_principal", credentials.server):
                yield float(credentials.times.endtime)
            context.plain("krb5_free_cred_contents", byref(credentials))
    finally:
        context.plain("krb5_cc_end_seq_get", cache, byref(cursor))


def _ticket_by_cache(context: Context, server: c_void_p) -> libkrb5.Creds:
    cache = context.made("krb5_cc_default", free="krb5_cc_close")
    wanted = libkrb5.Creds()
    wanted.client = context.made("krb5_cc_get_principal", cache, free="krb5_free_principal")
    wanted.server = server
    pointer = c_void_p()
    context.call("krb5_get_credentials", 0, cache, byref(wanted), byref(pointer))
    context.keep("krb5_free_creds", pointer)
    found: libkrb5.Creds = ctypes.cast(pointer, POINTER(libkrb5.Creds)).contents
    return found


def _ticket_by_key(context: Context, server: c_void_p, keys: KerberosKeys) -> libkrb5.Creds:
    """Get the ticket in one step, without a ticket for tickets."""
    table = _keytab(context, keys.keytab)
    client = _owner(context, table, keys)
    found = libkrb5.Creds()
    service = context.name(server).removesuffix("@").encode("utf-8")
    context.call("krb5_get_init_creds_keytab", byref(found), client, table, 0, service, None)
    context.keep("krb5_free_cred_contents", byref(found))
    return found


def _addresses(inner: libkrb5.EncTicketPart) -> Iterator[str]:
    index = 0
    while inner.caddrs and inner.caddrs[index]:
        address = inner.caddrs[index].contents
        size = _ADDRESS_SIZES.get(address.addrtype)
        # one of a type without a number stands for itself: it is nobody's
        known = size is not None and size == address.length
        yield str(ipaddress.ip_address(bytes(address.contents[:size]))) if known else f"type {address.addrtype}"
        index += 1
