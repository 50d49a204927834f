"""Names."""

import htcondor

for name in ("Schedd", "Collector", "Submit", "poll", "param", "JobEventLog", "SecMan", "Token", "RemoteParam", "lock"):
    print(name, hasattr(htcondor, name))
print(htcondor.__version__, htcondor.version().split()[1])
