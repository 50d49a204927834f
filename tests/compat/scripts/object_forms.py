"""Object forms: enumerations, exceptions, descriptions, handles, as objects of Python."""

import copy
import pickle

import classad
import htcondor
from _common import outcome, schedd

for name in sorted(dir(htcondor)):
    found = getattr(htcondor, name)
    if isinstance(found, type) and hasattr(found, "names"):
        print(name, [(str(key), int(value)) for key, value in found.names.items()], list(found.values))
for name in sorted(n for n in dir(htcondor) if n.startswith("HTCondor")):
    error = getattr(htcondor, name)
    print(
        name,
        error().args,
        error("a", "b").args,
        str(error(5, "b")),
        str(error("m")),
        getattr(error(2, "x"), "errno", None),
    )
print(sorted(n for n in dir(htcondor) if not n.startswith("_") and n != "install"))
print(htcondor.htcondor.Schedd is htcondor.Schedd)
for value in (None, 5, b"a = b", {"a": b"x"}, {"a": classad.ClassAd({"b": 1})}):
    outcome(lambda v=value: dict(htcondor.Submit(v).items()))
outcome(lambda: htcondor.Submit({}, {}))
outcome(lambda: dict(htcondor.Submit(input={"a": "b"}).items()))
print(bool(htcondor.Submit()), bool(htcondor.Submit({"a": "b"})))
outcome(lambda: htcondor.Submit({"a": "b"})[5])
outcome(lambda: htcondor.Submit({"a": "b"}).expand(5))
for thing in (schedd(), htcondor.Collector(), schedd().xquery("false")):
    outcome(pickle.dumps, thing)
    outcome(copy.copy, thing)
outcome(lambda: list(htcondor.poll([5])))
collector = htcondor.Collector()
for kind in (htcondor.DaemonTypes.Collector, htcondor.DaemonTypes.Negotiator):
    ad = collector.locate(kind)
    print(sorted(ad.keys()), ad["MyType"], ad["Machine"])
    print(collector.locate(kind, "")["Name"] == ad["Name"])
