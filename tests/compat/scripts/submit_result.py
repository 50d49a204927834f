"""Submit result."""

import classad
from _common import description, schedd

result = schedd().submit(description(), count=2)
print(result.cluster() > 0, int(result) == result.cluster(), result.first_proc(), result.num_procs())
ad = result.clusterad()
print(type(ad) is classad.ClassAd, ad["ClusterId"] == result.cluster(), ad["Cmd"], ad["Args"])
print(str(result).splitlines()[0].replace(str(result.cluster()), "N"))
