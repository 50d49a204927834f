"""Submit not a submit."""

import classad
from _common import outcome, schedd

s = schedd()
outcome(s.submit, 5)
outcome(s.submit, {"executable": "/bin/true"})
outcome(s.submit, "executable = /bin/true")
outcome(lambda: s.submit(classad.ClassAd(), itemdata=iter(["a"])))
