"""Edit by ids."""

import classad
from _common import description, schedd

cluster = schedd().submit(description(), count=2).cluster()
ids = [f"{cluster}.0", f"{cluster}.1"]
print(schedd().edit(ids, "Foo", "1 + 1"), int(schedd().edit(ids, "Bar", classad.ExprTree('"x"'))))
print(str(schedd().edit(ids, "Text", classad.quote("a text"))))
for ad in schedd().query(f"ClusterId == {cluster}", ["Foo", "Bar", "Text"]):
    print(str(ad.lookup("Foo")), ad.eval("Foo"), ad["Bar"], ad["Text"])
