"""Query arguments."""

import htcondor
from _common import outcome, schedd

s = schedd()
outcome(s.query, "false", "Owner")
outcome(s.query, "false", None)
outcome(s.query, "false", [1])
outcome(s.query, "false", [], None, "5")
outcome(s.query, "false", [], None, 1.5)
outcome(s.query, "false", [], None, -1, 0)
outcome(s.query, "false", [], None, True, htcondor.QueryOpts.Default)
outcome(s.query, nosuch=1)
