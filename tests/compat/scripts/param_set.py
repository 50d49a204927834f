"""Param set."""

import htcondor
from _common import outcome

p = htcondor.param
p["SCRIPT_NAME"] = "one"
print(p["SCRIPT_NAME"], p["script_name"], p.setdefault("SCRIPT_NAME", "two"), p.setdefault("SCRIPT_OTHER", "three"))
p.update({"SCRIPT_NAME": "four", "SCRIPT_REF": "$(SCRIPT_OTHER) and more"})
print(p["SCRIPT_NAME"], p["SCRIPT_REF"])
outcome(lambda: p.__setitem__("SCRIPT_NAME", 5))
htcondor.reload_config()
print("SCRIPT_NAME" in p)
