"""Edit mapping."""

from _common import MINE, description, schedd

schedd().submit(description())
print(str(schedd().edit(MINE, {"Foo": "1", "Bar": '"b"'})))
print([(str(ad.lookup("Foo")), str(ad.lookup("Bar"))) for ad in schedd().query(MINE, ["Foo", "Bar"])])
