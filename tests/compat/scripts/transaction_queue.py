"""Transaction queue."""

import warnings

from _common import MINE, description, schedd

warnings.simplefilter("ignore")
s = schedd()
with s.transaction() as txn:
    d = description()
    first = d.queue(txn, 2)
    second = d.queue(txn, 1)
    other = description().queue(txn, 1)
print(type(first).__name__, first == second, other != first)
print(sorted((ad["ClusterId"] - first, ad["ProcId"]) for ad in s.query(MINE)))
