"""Query opts."""

import htcondor
from _common import MINE, description, schedd

schedd().submit(description(), count=2)
ads = schedd().query(MINE, ["Cmd"], opts=htcondor.QueryOpts.SummaryOnly)
print(len(ads), "MyType" in ads[0], ads[0]["MyType"])
groups = schedd().query(MINE, ["Cmd"], opts=htcondor.QueryOpts.GroupBy)
print(len(groups) >= 1)
