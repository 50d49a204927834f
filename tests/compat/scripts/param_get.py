"""Param get."""

import htcondor
from _common import outcome

p = htcondor.param
print(p["QUERY_TIMEOUT"], p.get("NO_SUCH_NAME"), p.get("NO_SUCH_NAME", 5), "NO_SUCH_NAME" in p, "COLLECTOR_HOST" in p)
outcome(lambda: p["NO_SUCH_NAME"])
outcome(lambda: p[5])
print(type(p["ENABLE_IPV6"]).__name__, type(p["COLLECTOR_HOST"]).__name__, type(p["QUERY_TIMEOUT"]).__name__)
print(len(p) > 500, len(p.keys()) == len(p), "QUERY_TIMEOUT" in p.keys())  # noqa: SIM118
