"""The pool's daemons, by the names and coercions of v1: called, and the effects seen by somebody else.

Each class of `htcondor_sync` and each group of its methods, against every pool; jobs are in test_v1_spelling_jobs.py.
"""

from __future__ import annotations

import itertools
import time
import uuid

import pytest
from harness import observe

from htcondor_sync import classad

_numbers = itertools.count(1)
SECRET = b'{"access_token": "very-secret-indeed"}'


def until(pool, look, wanted, what):
    """Wait until `look()` gives what is wanted: what a command without an answer does may not be done at once."""
    pool.wait_for(lambda: look() == wanted, f"{what} to be {wanted}", 20)


# -- Collector


def test_collector_queries(pool, v1):
    seen = observe.advertised(pool, 'MyType == "Scheduler"')
    for collector in (v1.Collector(), v1.Collector(pool.collector), v1.Collector([pool.collector]), v1.Collector(None)):
        found = collector.query(v1.AdTypes.Schedd, "true", ["Name", "MyAddress"])
        assert {ad["Name"]: ad["MyAddress"] for ad in found} == {name: ad["MyAddress"] for name, ad in seen.items()}
    collector = v1.Collector()
    name = pool.schedds["open"]
    for constraint in (f'Name == "{name}"', classad.ExprTree(f'Name == "{name}"'), classad.Attribute("Name") == name):
        (ad,) = collector.query(constraint=constraint, ad_type=v1.AdTypes.Schedd)
        assert isinstance(ad, classad.ClassAd) and ad["Name"] == name and ad["MyType"] == "Scheduler"
    assert collector.query(v1.AdTypes.Schedd, False) == []
    assert len(collector.query()) >= len(seen)
    assert isinstance(collector.query(v1.AdTypes.Schedd, statistics="All")[0], classad.ClassAd)
    with pytest.raises(TypeError):
        collector.query("Schedd")
    with pytest.raises(v1.HTCondorValueError):
        collector.query(v1.AdTypes.Schedd, "not an expression (")


def test_collector_finds_daemons(pool, v1):
    seen = observe.advertised(pool, 'MyType == "Scheduler"')
    collector = v1.Collector()
    assert {ad["Name"]: ad["MyAddress"] for ad in collector.locateAll(v1.DaemonTypes.Schedd)} == {
        name: ad["MyAddress"] for name, ad in seen.items()
    }
    name = pool.schedds["tokens"]
    located = collector.locate(v1.DaemonTypes.Schedd, name)
    assert located["MyAddress"] == seen[name]["MyAddress"]
    assert collector.locate(v1.DaemonTypes.Collector)["MyAddress"].strip("<>").startswith("127.0.0.1:")
    direct = collector.directQuery(v1.DaemonTypes.Schedd, name, ["Name", "CondorVersion"])
    assert direct["Name"] == name and direct["CondorVersion"] == seen[name]["CondorVersion"]
    with pytest.raises(v1.HTCondorLocateError):
        collector.locate(v1.DaemonTypes.Schedd, "nobody@nowhere")
    with pytest.raises(v1.HTCondorEnumError):
        collector.locate(v1.DaemonTypes(99))


def test_collector_advertises(pool, v1):
    kind = f"V1x{uuid.uuid4().hex[:8]}"
    ad = classad.ClassAd({"MyType": kind, "Name": "one", "Level": 5})
    ad["Rule"] = classad.ExprTree("Level > 3")
    other = classad.ClassAd({"MyType": kind, "Name": "two"})
    collector = v1.Collector()
    collector.advertise([ad, other], "UPDATE_AD_GENERIC", True)
    mine = f'MyType == "{kind}"'
    until(pool, lambda: sorted(observe.advertised(pool, mine)), ["one", "two"], "what was advertised")
    kept = observe.advertised(pool, mine)["one"]
    assert kept["Level"] == 5 and "Level > 3" in str(kept["Rule"])
    gone = classad.ClassAd({"MyType": "Query", "TargetType": kind, "Name": "one"})
    gone["Requirements"] = classad.ExprTree('Name == "one"')
    collector.advertise([gone], "INVALIDATE_ADS_GENERIC")
    until(pool, lambda: sorted(observe.advertised(pool, mine)), ["two"], "what is left")
    if pool.id == "embedded":  # its address tells that it takes no datagrams, where the configuration's does not
        collector = v1.Collector(str(pool.running.pool.collector_daemon.address))
    collector.advertise([classad.ClassAd({"MyType": kind, "Name": "udp"})], use_tcp=False)
    until(pool, lambda: sorted(observe.advertised(pool, mine)), ["two", "udp"], "what came without TCP")
    with pytest.raises(v1.HTCondorEnumError):
        collector.advertise([ad], "NO_SUCH_COMMAND")


# -- Negotiator


def test_negotiator(pool, v1):
    user = f"v1.person{next(_numbers)}.{uuid.uuid4().hex[:6]}@testpool"
    negotiator = v1.Negotiator()

    def seen(*names):
        record = observe.submitters(pool).get(user)
        # priorities and usages shrink while time goes by
        return pytest.approx(
            tuple(-9.0 if record is None else float(record.get(name, 0)) for name in names), rel=1e-3, abs=1e-3
        )

    negotiator.setFactor(user, 8)
    negotiator.setPriority(user, 2.5)
    until(pool, lambda: seen("PriorityFactor", "Priority"), (8.0, 20.0), "factor and priority")
    negotiator.setCeiling(user, 12)
    until(pool, lambda: seen("Ceiling"), (12.0,), "the ceiling")
    negotiator.setUsage(user, 33.5)
    negotiator.setBeginUsage(user, 1000)
    negotiator.setLastUsage(user, 2000)
    usage = ("WeightedAccumulatedUsage", "BeginUsageTime", "LastUsageTime")
    until(pool, lambda: seen(*usage), (33.5, 1000.0, 2000.0), "the usage")
    listed = {ad["Name"]: ad for ad in negotiator.getPriorities()}[user]
    assert (listed["PriorityFactor"], listed["Priority"], listed["Ceiling"]) == pytest.approx((8.0, 20.0, 12), rel=1e-3)
    assert any(ad["IsAccountingGroup"] for ad in negotiator.getPriorities(rollup=True))
    assert negotiator.getResourceUsage(user) == []
    negotiator.resetUsage(user)
    until(pool, lambda: seen("WeightedAccumulatedUsage"), (0.0,), "the usage after its reset")
    negotiator.setUsage(user, 5)
    until(pool, lambda: seen("WeightedAccumulatedUsage"), (5.0,), "the usage")
    negotiator.resetAllUsage()
    until(pool, lambda: seen("WeightedAccumulatedUsage"), (0.0,), "the usage after all were reset")
    negotiator.deleteUser(user)
    until(pool, lambda: user in observe.submitters(pool), False, "the record's presence")


def test_negotiator_arguments(pool, v1):
    ad = v1.Collector().locate(v1.DaemonTypes.Negotiator)
    for where in (ad, v1.Negotiator(ad).location):
        assert v1.Negotiator(where).getPriorities()[0]["Name"] == "<none>"
    negotiator = v1.Negotiator(ad)
    with pytest.raises(TypeError):
        negotiator.setFactor("a@b", "eight")
    with pytest.raises(v1.HTCondorValueError):
        negotiator.setFactor("no domain", 8)
    with pytest.raises(v1.HTCondorValueError):
        v1.Negotiator(classad.ClassAd({"Name": "no address"}))


# -- Startd


def test_startd(pool, v1):
    startd = v1.Startd(v1.Collector().locateAll(v1.DaemonTypes.Startd)[0])
    reason = f"by {uuid.uuid4().hex}"
    request = startd.drainJobs(v1.DrainTypes.Graceful, 0, "true", classad.ExprTree("Cpus > 1000"), reason)
    try:
        drained = observe.slots(pool)
        assert drained and {slot["DrainReason"] for slot in drained} == {reason}
        with pytest.raises(v1.HTCondorReplyError):
            startd.drainJobs()
    finally:
        startd.cancelDrainJobs(request)
    assert all("DrainReason" not in slot for slot in observe.slots(pool))
    startd.drainJobs(drain_type=v1.DrainTypes.Fast, reason=None)
    startd.cancelDrainJobs()
    assert all("DrainReason" not in slot for slot in observe.slots(pool))
    with pytest.raises(v1.HTCondorReplyError):
        startd.cancelDrainJobs("987654321")
    with pytest.raises(v1.HTCondorEnumError):
        startd.drainJobs(77)
    assert list(startd.history("false", [], 5)) == []


# -- Credd


def credd_of(pool, v1):
    found = []
    pool.wait_for(lambda: found or found.extend(v1.Collector().query(v1.AdTypes.Credd)) or found, "a credd's ad", 30)
    return v1.Credd(found[0])


def test_credd(pool, v1):
    credd = credd_of(pool, v1)
    began = int(time.time())
    credd.delete_user_cred(v1.CredTypes.OAuth)
    credd.add_user_service_cred(v1.CredTypes.OAuth, SECRET, "v1box", "mine")
    credd.add_user_service_cred(v1.CredTypes.OAuth, SECRET, service="v1plain")
    assert observe.oauth_tokens(pool, "alice") >= {"v1box_mine", "v1plain"}
    status = str(credd.query_user_service_cred(v1.CredTypes.OAuth, "v1box", "mine"))
    assert "v1box_mine" in status and "very-secret" not in status and began > 0
    services = [classad.ClassAd({"Service": "v1box", "Handle": "mine"}), classad.ClassAd({"Service": "v1other"})]
    check = credd.check_user_service_creds(v1.CredTypes.OAuth, services)
    assert (bool(check), check.present) == (False, False) and "v1other" in check.services
    assert (check.url is None) != (check.error is None)
    credd.delete_user_service_cred(v1.CredTypes.OAuth, "v1box", "mine")
    assert observe.oauth_tokens(pool, "alice") & {"v1box_mine", "v1plain"} == {"v1plain"}
    credd.delete_user_cred(v1.CredTypes.OAuth)
    assert observe.oauth_tokens(pool, "alice") == set()
    with pytest.raises(v1.HTCondorIOError):
        credd.query_user_service_cred(v1.CredTypes.OAuth, "v1box", "mine")


def test_credd_of_passwords_and_of_others(pool, v1):
    credd = credd_of(pool, v1)
    with pytest.raises(v1.HTCondorIOError):
        credd.query_user_cred(v1.CredTypes.Kerberos)
    credd.delete_user_cred(v1.CredTypes.Kerberos)
    with pytest.raises(v1.HTCondorIOError):
        credd.add_password("very-secret", "alice@testpool")
    with pytest.raises(v1.HTCondorIOError):
        credd.add_user_cred(v1.CredTypes.Password, b"very-secret")
    with pytest.raises(v1.HTCondorIOError):
        credd.add_user_service_cred(v1.CredTypes.OAuth, SECRET, "v1box", user="bob@testpool")
    assert observe.oauth_tokens(pool, "bob") == set()
    with pytest.raises(TypeError):
        credd.add_user_service_cred(v1.CredTypes.OAuth, 5, "v1box")


# -- SecMan, tokens


def test_secman(pool, v1):
    security = v1.SecMan()
    schedd = v1.Collector().locate(v1.DaemonTypes.Schedd, pool.schedds["open"])
    for command in ("WRITE", "DC_NOP_WRITE", 60021):
        ad = security.ping(schedd, command)
        assert isinstance(ad, classad.ClassAd) and ad["MyRemoteUserName"] == "alice@testpool"
    assert security.ping(schedd["MyAddress"])["AuthorizationSucceeded"] is True
    assert security.getCommandString(60010) == "DC_AUTHENTICATE"
    security.invalidateAllSessions()
    cluster = pool.submit(1, user="bob")
    with v1.SecMan() as inside:
        inside.setToken(v1.Token(pool.token("bob@testpool")))
        inside.setTag("bob")
        v1.Schedd(schedd).edit([f"{cluster}.0"], "V1Mark", "1")
    assert observe.queue(pool, f"ClusterId == {cluster}")[f"{cluster}.0"]["V1Mark"] == 1
    with pytest.raises(v1.HTCondorIOError):
        v1.Schedd(schedd).edit([f"{cluster}.0"], "V1Mark", "2")
    assert observe.queue(pool, f"ClusterId == {cluster}")[f"{cluster}.0"]["V1Mark"] == 1
    with v1.SecMan() as inside:
        inside.setConfig("SEC_CLIENT_AUTHENTICATION_METHODS", "CLAIMTOBE")
        assert security.ping(schedd, "READ")["AuthMethods"] == "CLAIMTOBE"


def test_tokens(pool, v1, tmp_path):
    request = v1.TokenRequest("alice@testpool", ["READ"], 600)
    with pytest.raises(v1.HTCondorIOError):
        _ = request.request_id
    request.submit()
    assert observe.token_requests(pool)[request.request_id] == "alice@testpool"
    assert request.done() is False
    with pytest.raises(v1.HTCondorIOError, match="Timed out"):
        request.result(1)
    approve(pool, request)
    until(pool, request.done, True, "the request's end")
    token = request.result(10)
    assert isinstance(token, v1.Token) and request.request_id not in observe.token_requests(pool)
    v1.param["SEC_TOKEN_DIRECTORY"] = str(tmp_path / "tokens.d")
    token.write("v1.token")
    assert (tmp_path / "tokens.d/v1.token").stat().st_mode & 0o777 == 0o600
    schedd = v1.Schedd(v1.Collector().locate(v1.DaemonTypes.Schedd, pool.schedds["tokens"]))
    assert schedd.query("false") == []  # by the token that was written
    with pytest.raises(v1.HTCondorIOError):
        v1.TokenRequest().submit(classad.ClassAd({"MyAddress": "<127.0.0.1:1>"}))


def approve(pool, request):
    """Approve a request as the pool's administrator: with HTCondor's own tool where there is one."""
    if pool.id == "embedded":
        from htcondor_async import approve_token_request
        from htcondor_async._runtime.blocking import BlockingRuntime, drive
        from htcondor_async.client import Client

        client = Client(pool.settings("bob@testpool"), runtime=BlockingRuntime())
        drive(approve_token_request(request.request_id, request._core.client_id, client=client))
        return
    pool.tool("condor_token_request_approve", "-reqid", request.request_id, stdin="yes\n")


# -- configuration and commands


def test_remote_param_and_send_command(pool, v1):
    ad = v1.Collector().query(v1.AdTypes.Negotiator)[0]
    remote = v1.RemoteParam(ad)
    name = f"CONTRACT_V1_{uuid.uuid4().hex[:6].upper()}"
    assert remote["UID_DOMAIN"] == "testpool" == remote.get("UID_DOMAIN")
    assert name not in remote and remote.get(name, "none") == "none"
    with pytest.raises(KeyError):
        _ = remote[name]
    remote[name] = "seen"
    v1.send_command(ad, v1.DaemonCommands.Reconfig)
    until(pool, lambda: observe.setting(pool, name), "seen", "the parameter")
    del remote[name]
    v1.send_command(ad, v1.DaemonCommands.Reconfig)
    until(pool, lambda: observe.setting(pool, name), None, "the parameter")
    remote.refresh()
    assert "UID_DOMAIN" in remote and len(remote) == len(remote.keys()) > 500 and remote.setdefault("UID_DOMAIN", "x")
    with pytest.raises(v1.HTCondorReplyError):
        remote["UID_DOMAIN"] = "other"
    with pytest.raises(v1.HTCondorValueError):
        v1.send_command(ad, v1.DaemonCommands.DaemonOff)
    with pytest.raises(TypeError):
        v1.send_command(ad, 60004)


def test_param(pool, v1):
    """What is written to `param` decides where the next call goes."""
    assert v1.param["COLLECTOR_HOST"] == pool.collector and "COLLECTOR_HOST" in v1.param
    schedd = pool.schedds["encryption"]
    v1.param["COLLECTOR_HOST"] = pool.collectors["encryption"]
    names = [ad["Name"] for ad in v1.Collector().locateAll(v1.DaemonTypes.Schedd)]
    assert schedd in names and set(names) <= set(pool.schedds.values())
    v1.param.update({"SCHEDD_HOST": schedd})
    assert v1.Schedd().location.address == v1.Collector().locate(v1.DaemonTypes.Schedd, schedd)["MyAddress"]
    assert v1.param.get("NO_SUCH", "x") == "x" and v1.param.setdefault("NO_SUCH", "y") == "y"
    assert v1.param["QUERY_TIMEOUT"] == 60 and ("SCHEDD_HOST", schedd) in v1.param.items()
    with pytest.raises(KeyError):
        _ = v1.param["NO_SUCH_EITHER"]
