"""HTCondor's own bindings and tools: tokens, credentials, pings, ads and brokers of the embedded pool."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pytest

from htcondor_async.testing import embedded_pool

SCRIPT = """
import sys, htcondor, classad
collector = htcondor.Collector(sys.argv[1])
ad = collector.query(htcondor.AdTypes.Collector)[0]

request = htcondor.TokenRequest("alice@embedded.pool", ["READ"], 600)
request.submit(ad)
emit(request.done())

security = htcondor.SecMan()
answer = security.ping(ad, "WRITE")
emit([answer["AuthorizationSucceeded"], answer["MyRemoteUserName"]])

generic = [classad.ClassAd({"MyType": "Bound", "Name": f"n{i}"}) for i in range(5)]
collector.advertise(generic, "UPDATE_AD_GENERIC")
for _ in range(200):
    found = collector.query(htcondor.AdTypes.Any, 'MyType == "Bound"')
    if len(found) == 5:
        break
emit(sorted(item["Name"] for item in found))

credd = htcondor.Credd(collector.query(htcondor.AdTypes.Credd)[0])
credd.add_user_service_cred(htcondor.CredTypes.OAuth, b"secret", "box", "mine")
emit("box_mine" in str(credd.query_user_service_cred(htcondor.CredTypes.OAuth, "box", "mine")))
check = credd.check_user_service_creds(htcondor.CredTypes.OAuth, [classad.ClassAd({"Service": "drive"})])
emit([check.present, check.url])
credd.delete_user_service_cred(htcondor.CredTypes.OAuth, "box", "mine")
try:
    credd.query_user_service_cred(htcondor.CredTypes.OAuth, "box", "mine")
except htcondor.HTCondorIOError as error:
    emit(str(error))

location = collector.locate(htcondor.DaemonTypes.Schedd)
location["MyAddress"] = sys.argv[2]
emit(len(htcondor.Schedd(location).query()))
"""


def client_config(folder: Path, address: str, token: str) -> Path:
    tokens = folder / "tokens.d"
    tokens.mkdir(mode=0o700)
    (tokens / "t").touch(mode=0o600)
    (tokens / "t").write_text(token + "\n")
    config = folder / "condor_config"
    config.write_text(
        f"COLLECTOR_HOST = {address}\nLOCAL_CONFIG_DIR =\nUID_DOMAIN = embedded.pool\nTRUST_DOMAIN = embedded.pool\n"
        f"SEC_TOKEN_DIRECTORY = {tokens}\nSEC_CLIENT_AUTHENTICATION = REQUIRED\n"
        "SEC_CLIENT_AUTHENTICATION_METHODS = IDTOKENS\nPRIVATE_NETWORK_NAME = outside\n"
        "NETWORK_INTERFACE = 127.0.0.1\nBIND_ALL_INTERFACES = False\n"
        "USE_SHARED_PORT = False\n"  # there may be a socket folder of another pool on the machine
    )
    return config


@pytest.mark.allow_blocking
def test_v1_bindings(run_bindings, tmp_path):
    with embedded_pool(jobs=[{"Owner": "alice"}]) as running:
        pool = running.pool
        pool.credd_daemon.store.url = "https://pool.test/key/" + "0f" * 32
        pool.broker.streaming = False  # bindings of 24.0 have daemons call back
        schedd = next(iter(pool.schedd_daemons.values()))
        config = client_config(tmp_path, running.address, pool.token("alice@embedded.pool"))
        hidden = str(pool.broker.hidden(schedd.address))
        assert run_bindings("24.0.24", SCRIPT, running.address, hidden, config=config) == [
            False,
            [True, "alice@embedded.pool"],
            [f"n{i}" for i in range(5)],
            True,
            [False, "https://pool.test/key/" + "0f" * 32],
            "No credential is stored",
            1,
        ]
        assert pool.broker.done == ["called back"]


@pytest.mark.allow_blocking
def test_tools(sid_pool):
    """condor_ping, condor_token_request and condor_token_request_approve of 25.14.1."""
    with embedded_pool() as running:
        config = sid_pool.client(
            None,
            owner="alice",
            token=running.pool.token("alice@embedded.pool"),
            COLLECTOR_HOST=running.address,
            CONDOR_HOST=running.address,
            TRUST_DOMAIN="embedded.pool",
            UID_DOMAIN="embedded.pool",
            SEC_CLIENT_AUTHENTICATION="REQUIRED",
        )
        said = sid_pool.tool("condor_ping", "-type", "collector", "-table", "WRITE", user="alice", config=config).stdout
        assert "ALLOW" in said
        assert "alice@embedded.pool" in said
        arguments = ("condor_token_request", "-identity", "alice@embedded.pool", "-lifetime", "60")
        got: list[str] = []
        asking = threading.Thread(
            target=lambda: got.append(sid_pool.tool(*arguments, user="alice", config=config, timeout=60).stdout)
        )
        asking.start()
        desk = running.pool.common["collector"].tokens
        for _ in range(500):
            if desk._requests:
                break
            time.sleep(0.02)
        (number,) = desk._requests
        approved = sid_pool.tool(
            "condor_token_request_approve", "-reqid", number, user="alice", config=config, stdin="yes\n"
        )
        assert "approved" in (approved.stdout + approved.stderr).lower()
        asking.join(60)
        assert re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", got[0])
