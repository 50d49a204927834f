"""Query projection."""

from _common import MINE, description, schedd

schedd().submit(description(), count=2)
for ad in schedd().query(MINE, ["ProcId", "Cmd"]):
    print(sorted(name for name in ad.keys() if name != "ServerTime"), ad["ProcId"], ad["Cmd"])  # noqa: SIM118
