"""A description as a mapping."""

import htcondor2
from _common import outcome

submit = htcondor2.Submit({"executable": "/bin/true", "arguments": "$(Process) $(x)"}, x="5")
print(submit["Executable"], submit.get("none"), submit.get("none", "z"), "arguments" in submit, len(submit))
print(sorted(submit), sorted(submit.keys()) == sorted(dict(submit)))
submit["+Foo"] = '"bar"'
submit.update({"request_cpus": "2"})
print(submit["+Foo"], submit["request_cpus"], submit.setdefault("request_cpus", "3"))
print(sorted(name for name in submit if "Foo" not in name), submit.expand("executable"))
outcome(lambda: submit["none"])
print([dict(row) if isinstance(row, dict) else row for row in htcondor2.Submit().itemdata("x, y in (1 2, 3 4)")])
print(htcondor2.Submit("executable = a\nqueue 3").getQArgs())
