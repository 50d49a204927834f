"""History since."""

import classad
import htcondor
from _common import MINE, description, outcome, schedd

result = schedd().submit(description(), count=2)
schedd().act(htcondor.JobAction.Remove, MINE)
mine = f"ClusterId == {result.cluster()}"
while len(list(schedd().history(mine, ["ProcId"], 10))) < 2:
    pass
print(list(schedd().history(mine, ["ProcId"], 10, result.cluster())))
outcome(schedd().history, mine, [], 1, 1.5)
for since in (mine, "ClusterId == 0"):
    outcome(lambda: len(list(schedd().history(mine, ["ProcId"], 10, classad.ExprTree(since)))))  # noqa: B023 - called here
# a schedd hangs up on this one
outcome(lambda: len(list(schedd().history(mine, ["ProcId"], 10, classad.ExprTree("true")))))
