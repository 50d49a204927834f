"""HTCondor's own bindings ask and command the embedded negotiator, startd and master."""

from __future__ import annotations

import pytest

from htcondor_async.testing import embedded_pool

SCRIPT = """
import sys, htcondor, classad
collector = htcondor.Collector(sys.argv[1])
negotiator = htcondor.Negotiator(collector.locate(htcondor.DaemonTypes.Negotiator))
negotiator.setFactor("bob@embedded.pool", 7.5)
negotiator.setPriority("bob@embedded.pool", 3)
negotiator.setUsage("bob@embedded.pool", 12.25)
negotiator.setLastUsage("bob@embedded.pool", 2000)
for _ in range(100):
    found = {ad["Name"]: ad for ad in negotiator.getPriorities()}
    if found.get("bob@embedded.pool", {}).get("LastUsageTime") == 2000:
        break
bob = found["bob@embedded.pool"]
numbers = [bob[name] for name in ("PriorityFactor", "Priority", "WeightedAccumulatedUsage")]
emit([sorted(found), *(round(number, 6) for number in numbers)])
emit([ad["Name"].split("@")[0] for ad in negotiator.getResourceUsage("eve@embedded.pool")])

startd = htcondor.Startd(collector.locate(htcondor.DaemonTypes.Startd))
request = startd.drainJobs(htcondor.DrainTypes.Fast, 0, "true", "false", "by bindings")
states = {(ad["State"], ad["DrainReason"]) for ad in collector.query(htcondor.AdTypes.Startd)}
try:
    startd.drainJobs()
except htcondor.HTCondorReplyError as error:
    emit(str(error))
startd.cancelDrainJobs(request)
after = {ad["State"] for ad in collector.query(htcondor.AdTypes.Startd)}
emit([request, [list(state) for state in states], sorted(after)])

param = htcondor.RemoteParam(collector.locate(htcondor.DaemonTypes.Negotiator))
emit([param["UID_DOMAIN"], "NO_SUCH_PARAMETER" in param, len(param) > 500])
param["MY_COLOUR"] = "red"
try:
    param["UID_DOMAIN"] = "other"
except htcondor.HTCondorReplyError as error:
    emit(str(error))
ad = collector.query(htcondor.AdTypes.Negotiator)[0]
htcondor.send_command(ad, htcondor.DaemonCommands.Reconfig)
for _ in range(100):
    param.refresh()
    if param.get("MY_COLOUR"):
        break
emit(param["MY_COLOUR"])

master = collector.query(htcondor.AdTypes.Master)[0]
htcondor.send_alive(master, 4711, 600)
htcondor.send_command(master, htcondor.DaemonCommands.DaemonOff, "SCHEDD")
for _ in range(100):
    if not collector.query(htcondor.AdTypes.Schedd):
        break
emit(len(collector.query(htcondor.AdTypes.Schedd)))
"""


@pytest.mark.allow_blocking
def test_v1_bindings(run_bindings, tmp_path):
    slots = [{"State": "Claimed", "RemoteUser": "eve@embedded.pool"}, {}]
    settings = {"ENABLE_RUNTIME_CONFIG": True, "SETTABLE_ATTRS_ADMINISTRATOR": "MY_*"}
    with embedded_pool(config=settings, slots=slots) as running:
        config = tmp_path / "condor_config"
        config.write_text(f"COLLECTOR_HOST = {running.address}\nLOCAL_CONFIG_DIR =\nUID_DOMAIN = embedded.pool\n")
        assert run_bindings("24.0.24", SCRIPT, running.address, config=config) == [
            [["<none>", "bob@embedded.pool"], 7.5, 22.5, 12.25],
            ["slot1"],
            "Startd failed to begin draining jobs.",
            ["1", [["Drained", "by bindings"]], ["Claimed", "Unclaimed"]],
            ["embedded.pool", False, True],
            "Failed to set remote daemon parameter.",
            "red",
            0,
        ]
        assert running.pool.master_daemon.alive[4711][0] == 600
