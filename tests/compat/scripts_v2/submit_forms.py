"""The ways to submit."""

import htcondor2
from _common import MINE, TAG, description, schedd

s = schedd()


def args(result):
    found = s.query(f"{MINE} && ClusterId == {result.cluster()}", ["ProcId", "Args"])
    return [ad["Args"] for ad in sorted(found, key=lambda ad: ad["ProcId"])]


print(args(s.submit(description(), count=2)))
print(args(s.submit(description(arguments="$(x)"), itemdata=iter([{"x": "a"}, {"x": "b"}]))))
print(args(s.submit(description(arguments="$(Item)"), itemdata=iter(["one", "two"]))))
text = f'executable=/bin/sleep\narguments=$(y)\nhold=true\nMy.ScriptTag="{TAG}"\nqueue y in (5, 6)\n'
submit = htcondor2.Submit(text)
print(submit.getQArgs(), args(s.submit(submit)))
other = description(arguments="$(z)")
other.setQArgs("2 z in (p, q)")
print(other.getQArgs(), args(s.submit(other)))
result = s.submit(description())
print(result.num_procs(), result.first_proc(), result.clusterad()["Cmd"], type(result).__name__)
s.act(htcondor2.JobAction.Remove, MINE)
