"""Submit itemdata."""

from _common import MINE, description, schedd

d = description(arguments="$(A)")
result = schedd().submit(d, itemdata=iter([{"A": "1"}, {"A": "2"}, {"A": "3"}]))
print(result.num_procs(), sorted(ad["Args"] for ad in schedd().query(MINE, ["Args"])))
d = description(arguments="$(Item)")
print(
    schedd().submit(d, itemdata=iter(["x", "y"])).num_procs(),
    schedd().submit(d, 2, itemdata=iter(["x", "y"])).num_procs(),
)
print(schedd().submit(d, itemdata=["x", "y"]).num_procs())
