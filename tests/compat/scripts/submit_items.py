"""Submit items."""

import htcondor

d = htcondor.Submit("executable = /bin/true\nqueue X, Y from (\na, 1\nb, 2\n)\n")
print(list(d.itemdata()))
print(list(htcondor.Submit({"executable": "/bin/true"}).itemdata("in (x, y, z)")))
