"""Sessions that nobody negotiated: from a claim id, and from a parent daemon."""

from __future__ import annotations

import pytest

from htcondor_async import HTCondorValueError, SecMan
from htcondor_async._secret import Secret
from htcondor_async._security.claims import session_from_capability
from htcondor_async.testing import EmbeddedPool

pytestmark = pytest.mark.anyio

CAPABILITY = (
    '<127.0.0.1:9618?sock=startd>#1795330240#20#[Integrity="YES";Encryption="YES";ShortVersion="25.14.1";'
    'CryptoMethods="BLOWFISH";CryptoMethodsList="AES.BLOWFISH.3DES";]' + "e063d50b" * 8
)


def trusting(pool: EmbeddedPool):
    """Let the pool's schedd know the session too; return the daemon."""
    daemon = next(iter(pool.schedd_daemons.values()))
    session = session_from_capability(Secret(CAPABILITY), user="claim-holder@matchsession")
    daemon.sessions.add(session, now=0.0)
    return daemon


async def test_a_claim_id_is_a_session():
    async with EmbeddedPool(jobs=[{"Owner": "alice"}]) as pool:
        daemon, client = trusting(pool), pool.client()
        security = SecMan(client=client)
        sid = security.add_session(str(daemon.address), CAPABILITY)
        assert sid == "<127.0.0.1:9618?sock=startd>#1795330240#20"
        assert len(await pool.schedd(client=client).query()) == 1
        assert daemon.received[-1] == "QUERY_JOB_ADS claim-holder@matchsession"
        assert security.invalidate_sessions(str(daemon.address)) == 0  # it was not negotiated, and stays
        assert "e063d50b" not in repr(client._sessions) + repr(security)


async def test_a_parent_gives_sessions():
    async with EmbeddedPool(jobs=[{"Owner": "alice"}]) as pool:
        daemon, client = trusting(pool), pool.client()
        security = SecMan(client=client)
        assert security.inherit_sessions({}) is False
        environ = {
            "CONDOR_INHERIT": f"4711 {daemon.address} 0 0",
            "CONDOR_PRIVATE_INHERIT": f"SessionKey:{CAPABILITY}",
        }
        assert security.inherit_sessions(environ) is True
        assert len(await pool.schedd(client=client).query()) == 1
        assert daemon.received[-1] == "QUERY_JOB_ADS claim-holder@matchsession"


async def test_what_is_none():
    async with EmbeddedPool() as pool:
        security = SecMan(client=pool.client())
        with pytest.raises(HTCondorValueError) as caught:
            security.add_session(f"<{pool.address}>", "no capability with a secret")
        assert "secret" not in str(caught.value)
