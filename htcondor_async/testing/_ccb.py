"""A CCB broker in the embedded pool: its collector, through which daemons can be reached that cannot be connected to.

The daemons behind it are those of the pool itself; what a daemon and its broker say to each other is left out.
"""

from __future__ import annotations

import ipaddress

from htcondor_async._cedar.commands import Command
from htcondor_async._cedar.sinful import Sinful
from htcondor_async._cedar.values import Writer
from htcondor_async._runtime.base import numeric_address
from htcondor_async.classad import ClassAd
from htcondor_async.errors import HTCondorException, HTCondorInternalError
from htcondor_async.testing._server import Connection, Daemon, Handler, SharedPort

__all__ = ["Broker"]

_ID = "1"
_SECONDS = 10.0


class Broker:
    """Takes requests for connections.

    Parameters
    ----------
    daemon
        The collector that is the broker.
    port
        Behind which the daemons are.
    streaming
        Whether it can turn the request's connection into the one to the daemon, as brokers since 25.12.
    """

    def __init__(self, daemon: Daemon, port: SharedPort, *, streaming: bool = True) -> None:
        self._daemon = daemon
        self._port = port
        self.streaming = streaming
        #: What was done: ``"streamed"``, ``"called back"``, ``"refused"``.
        self.done: list[str] = []
        daemon.commands[Command.CCB_REQUEST] = Handler("READ", self._request)

    def hidden(self, address: Sinful, network: str = "hidden.network") -> Sinful:
        """Return the address of a daemon as if it could be reached through this broker only."""
        if self._daemon.address is None:
            raise HTCondorInternalError("the broker has no address")
        nowhere = Sinful("192.0.2.1", 1, address.params)  # an address for documentation: nothing is there
        contact = f"{str(self._daemon.address)[1:-1]}#{_ID}"
        return (
            nowhere.with_param("addrs", "192.0.2.1-1")
            .with_param("CCBID", contact)
            .with_param("PrivNet", network)
            .with_param("PrivAddr", str(address))
        )

    async def _request(self, connection: Connection) -> None:
        reader = await connection.request(connection.runtime.clock() + _SECONDS)
        ad = reader.ad()
        reader.expect_end()
        claim, caller = ad.get("ClaimId"), ad.get("MyAddress")
        if ad.get("CCBID") != _ID or not isinstance(claim, str) or not isinstance(caller, str):
            self.done.append("refused")
            await self._answer(connection, Result=False, ErrorString="CCB server rejecting request for unknown ccbid")
            return
        if self.streaming and ad.get("CCBStreamingRequired") is True:
            await self._stream(connection, claim)
            return
        await self._call_back(connection, claim, caller)

    async def _answer(self, connection: Connection, **attributes: object) -> None:
        await connection.reply(connection.writer().ad(ClassAd(attributes)))

    async def _stream(self, connection: Connection, claim: str) -> None:
        await self._answer(connection, Result=True, ProxyMode=True)
        hello = ClassAd({"ClaimId": claim, "RequestID": "1", "MyAddress": str(self._daemon.address)})
        await connection.reply(connection.writer().int(int(Command.CCB_REVERSE_CONNECT)).ad(hello))
        self.done.append("streamed")
        passed_on = Connection(connection.runtime, connection.limits, connection.stream)
        connection.cedar.reset()
        passed_on.cedar = connection.cedar
        await self._port.serve_connection(passed_on)

    async def _call_back(self, connection: Connection, claim: str, caller: str) -> None:
        runtime = connection.runtime
        try:
            sinful = Sinful.parse(caller)
            host, port = sinful.candidates()[0]
            address = numeric_address(host, port)
            if address is None or not ipaddress.ip_address(host).is_loopback:
                raise HTCondorInternalError(f"{host} is not on this machine")
            stream = await runtime.connect([address], runtime.clock() + _SECONDS)
        except HTCondorException as error:
            self.done.append("refused")
            await self._answer(connection, Result=False, ErrorString=f"failed to connect to {caller}: {error.what}")
            return
        called = Connection(runtime, connection.limits, stream)
        hello = {"ClaimId": f'"{claim}"', "RequestID": '"1"', "MyAddress": f'"{self._daemon.address}"'}
        writer = Writer(False).int(int(Command.CCB_REVERSE_CONNECT))
        try:
            # the marker in front of secrets, as of a daemon that does not know its peer's version
            await called.reply(writer.ad(list(hello.items()), secret=("ClaimId",)), runtime.clock() + _SECONDS)
            called.cedar.reset_transcript()
            self.done.append("called back")
            await self._answer(connection, Result=True, ErrorString="")
        except BaseException:
            called.abort()
            raise
        await self._port.serve_connection(called)
