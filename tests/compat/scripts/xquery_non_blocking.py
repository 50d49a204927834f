"""Xquery non blocking."""

import select
import warnings

from _common import MINE, description, schedd

warnings.simplefilter("ignore")
schedd().submit(description(), count=5)
query = schedd().xquery(MINE, ["ProcId"])
found = []
while not query.done():
    print(bool(select.select([query.watch()], [], [], 20)[0])) if not found else None
    found += query.nextAdsNonBlocking()
print(sorted(ad["ProcId"] for ad in found))
