"""Edit by constraint."""

from _common import MINE, description, outcome, schedd

schedd().submit(description(), count=3)
print(str(schedd().edit(MINE, "Foo", "17")), [ad["Foo"] for ad in schedd().query(MINE, ["Foo"])])
outcome(schedd().edit, f"{MINE} && false", "Foo", "1")
outcome(schedd().edit, "(", "Foo", "1")
