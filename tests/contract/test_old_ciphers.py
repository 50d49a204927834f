"""Sessions of old ciphers that encrypt secrets alone: claim ids arrive readable, in the middle of ads in clear."""

from __future__ import annotations

import pytest

from htcondor_async import AdTypes, Collector
from htcondor_async.classad import ClassAd


@pytest.mark.parametrize("method", ["BLOWFISH", "3DES"])
@pytest.mark.parametrize("integrity", ["OPTIONAL", "REQUIRED"])
def test_claim_ids_in_sessions_without_encryption(pool, make_client, run, method, integrity):
    if pool.id == "embedded":
        private = {"MyType": "MachinePrivate", "Name": "slot1@localhost", "ClaimId": "<127.0.0.1:1>#1#1#..."}
        pool.running.call(pool.running.pool.collector_daemon.put, ClassAd(private))
    client = make_client(
        "condor@testpool",
        SEC_CLIENT_AUTHENTICATION="REQUIRED",
        SEC_CLIENT_ENCRYPTION="OPTIONAL",
        SEC_CLIENT_INTEGRITY=integrity,
        SEC_CLIENT_CRYPTO_METHODS=method,
    )

    async def body():
        return await Collector(client=client).query(AdTypes.StartdPrivate, timeout=30)

    ads = run(body)
    assert ads
    for ad in ads:
        assert ad["ClaimId"].startswith("<127.0.0.1:")
        assert isinstance(ad["Name"], str)
