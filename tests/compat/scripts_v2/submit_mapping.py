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
other = htcondor2.Submit("executable = a\nqueue x in (1, 2)\n")
print(repr(str(other)), repr(other), bool(other), bool(htcondor2.Submit()), repr(str(htcondor2.Submit())))
print(other == htcondor2.Submit("executable = a\n"), other == {"executable": "a"}, other == {"executable": "b"})
print(other == 5)
print(other.keys(), other.values(), list(other.items()), "Process" in other, other.get("Process"))
other.update([("b", "$(c)")], d="e")
print(other["b"], other["d"], other.setdefault("f", "g"), len(other))
for key in ("nosuch", "b", "Process"):
    outcome(lambda key=key: other.expand(key))
outcome(lambda: other["Process"])
outcome(hash, other)
for arguments in (" queue 3 ", "queue  4 ", "5\n6"):
    other.setQArgs(arguments)
    print(other.getQArgs(), repr(str(other))[-12:])
print([dict(row) for row in htcondor2.Submit("queue in (1, 2)").itemdata()], other.itemdata())
print(isinstance(other, __import__("collections").abc.MutableMapping))
