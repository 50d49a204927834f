"""Submit mapping."""

import htcondor
from _common import outcome

d = htcondor.Submit({"executable": "/bin/true", "arguments": 5, "+Foo": '"x"'})
print(d["executable"], d["arguments"], d.keys(), d.get("arguments", "y"), d.get("nosuch", "y"), len(d))
d["log"] = "x.log"
d.update({"output": "out"})
print(sorted(d.items()), d.setdefault("error", "err"), d["My.Foo"])
outcome(lambda: d["nosuch"])
print(d.expand("arguments"))
