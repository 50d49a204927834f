"""Security of connections without I/O: policies, handshakes, keys, sessions, authentication methods.

A handshake is a generator over effects (:mod:`~htcondor_async._security.effects`):
:func:`~htcondor_async._security.handshake.client_handshake` and its counterpart
:func:`~htcondor_async._security.server.server_handshake` follow one table of steps
(:mod:`~htcondor_async._security.negotiation`). What it leaves is a
:class:`~htcondor_async._security.sessions.Session`, with which the next command is opened by
:func:`~htcondor_async._security.resumption.client_resume`.
"""
