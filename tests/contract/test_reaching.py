"""Reaching daemons: local ones through the files they leave, several addresses, deadlines, what is closed."""

from __future__ import annotations

import pytest

import htcondor_async
from htcondor_async import Client, Collector, DaemonTimeoutError, DaemonTypes, HTCondorLocateError, Schedd


@pytest.fixture
def written(pool, tmp_path):
    """An address file of the open schedd, as the pool's daemon leaves it, or as it would."""
    if pool.id == "embedded":
        daemon = pool.running.pool.schedd_daemons[pool.schedds["open"]]
        text = f"{daemon.address}\n{daemon.version}\n$CondorPlatform: embedded $\n"
    else:
        text = (pool.run / "log/.schedd_address").read_text()
    path = tmp_path / "address"
    path.write_text(text)
    return path


def test_a_local_schedd_is_found_by_its_address_file(pool, make_client, run, written):
    async def body():
        client = make_client(SCHEDD_HOST="", SCHEDD_DAEMON_AD_FILE="", SCHEDD_ADDRESS_FILE=str(written))
        ad = await Collector(client=client).locate(DaemonTypes.Schedd)
        return ad, await Schedd(client=client).query(limit=1)

    ad, jobs = run(body)
    assert ad["MyAddress"].startswith("<127.0.0.1:")
    assert len(jobs) <= 1


def test_a_local_schedd_is_found_by_its_ad(pool, make_client, run, tmp_path):
    async def body():
        client = make_client()
        ad = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"])
        path = tmp_path / "ad"
        path.write_text(f'Name = "{ad["Name"]}"\nMyAddress = "{ad["MyAddress"]}"\nTotalRunningJobs = 3\n')
        local = make_client(SCHEDD_HOST="", SCHEDD_DAEMON_AD_FILE=str(path), SCHEDD_ADDRESS_FILE="")
        return await Collector(client=local).locate(DaemonTypes.Schedd)

    assert run(body)["Name"] == pool.schedds["open"]


def test_a_local_schedd_is_found_by_its_configured_name(pool, make_client, run):
    async def body():
        client = make_client(SCHEDD_HOST=pool.schedds["tokens"])
        return await Collector(client=client).locate(DaemonTypes.Schedd)

    assert run(body)["Name"] == pool.schedds["tokens"]


@pytest.mark.parametrize("text", ["", "nonsense\n", "<127.0.0.1:99999>\n"])
def test_address_files_that_are_none(make_client, run, tmp_path, text):
    path = tmp_path / "address"
    path.write_text(text)

    async def body():
        client = make_client(SCHEDD_HOST="", SCHEDD_DAEMON_AD_FILE="", SCHEDD_ADDRESS_FILE=str(path))
        await Schedd(client=client).query()

    with pytest.raises(HTCondorLocateError, match="address"):
        run(body)


def test_several_addresses_are_tried(pool, client, run, closed_port):
    async def body():
        ad = await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"])
        sock = ad["MyAddress"].partition("sock=")[2].rstrip(">").partition("&")[0]
        addrs = f"127.0.0.1-{closed_port}+127.0.0.1-{pool.port}"
        address = f"<127.0.0.1:{closed_port}?addrs={addrs}&noUDP&sock={sock}>"
        return await Schedd(address, client=client).query(limit=0)

    assert run(body) == []


def test_nothing_stays_open(pool, client, run, clean):
    async def body():
        collector = Collector(client=client)
        location = await collector.locate(DaemonTypes.Schedd, pool.schedds["open"])
        schedd = Schedd(location, client=client)
        await schedd.query(limit=1)
        stream = await schedd.xquery()
        await stream.aclose()
        with pytest.raises(DaemonTimeoutError):
            await schedd.query(timeout=0)

    run(body)


def test_a_timeout_of_nothing_fails_at_once(pool, client, run):
    async def body():
        await Collector(client=client).query(timeout=0)

    with pytest.raises(DaemonTimeoutError) as caught:
        run(body)
    assert caught.value.command == "QUERY_ANY_ADS"


def test_one_constant_decides_who_this_is(pool, run):
    assert htcondor_async.version().startswith("$CondorVersion: 24.0.24 ")
    assert f"BuildID: htcondor-async-{htcondor_async.__version__} $" in htcondor_async.version()
    assert htcondor_async.platform().startswith("$CondorPlatform: ")

    async def body():
        client = Client(pool.settings(), version="$CondorVersion: 23.0.1 2023-11-01 $", runtime=run.runtime)
        return await Collector(client=client).locate(DaemonTypes.Collector)

    assert run(body)["CondorVersion"] == "$CondorVersion: 23.0.1 2023-11-01 $"
