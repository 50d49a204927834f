"""Submit text."""

import htcondor

d = htcondor.Submit("executable = /bin/true\narguments = $(X) $(Process)\nX = 3\nqueue 2\n")
print(d.getQArgs(), d["X"], d.expand("arguments"))
print(str(d))
