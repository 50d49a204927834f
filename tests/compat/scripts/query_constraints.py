"""Query constraints."""

import classad
from _common import MINE, description, outcome, schedd

schedd().submit(description(), count=2)
s = schedd()
print(len(s.query(classad.ExprTree(MINE))), len(s.query(f"{MINE} && ProcId == 1")), len(s.query("false")))
print(len(s.query(False)), len(s.query(0)))
outcome(s.query, "Owner == (")
outcome(s.query, [1])
